use std::time::Duration;

use durable::{Ctx, Error};
use durable_testing::{Backend, Bench};
use futures::{StreamExt as _, TryStreamExt as _};

use super::support::{
    Counter, Flow, Gate, PATIENCE, config, launched, life, process, register, stop,
};

/// Writes so many numbers, waits at a gate, writes one more, and closes or just ends.
fn writer(
    arrived: &Counter,
    gate: &Gate,
    close: bool,
) -> impl Fn(Ctx, u32) -> Flow<()> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, count| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            for number in 0..count {
                durable::write_stream(&ctx, "numbers", number).await?;
            }
            arrived.up();
            gate.pass().await;
            durable::write_stream(&ctx, "numbers", count).await?;
            if close {
                durable::close_stream(&ctx, "numbers").await?;
            }
            Ok(())
        })
    }
}

async fn all(ctx: &Ctx, from: u64) -> Vec<u32> {
    let values = durable::read_stream::<u32>(ctx, "w", "numbers", from);
    let values = values.try_collect();
    tokio::time::timeout(PATIENCE, values)
        .await
        .expect("ends")
        .unwrap()
}

pub(super) async fn a_stream_is_read_live_to_its_close(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = writer(&arrived, &gate, true);
    let slow = config(bench.open().await).poll_interval(Duration::from_secs(3600));
    let ctx = launched(slow, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, 3u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let mut values = Box::pin(durable::read_stream::<u32>(&ctx, "w", "numbers", 0));
    for expected in 0..3 {
        assert_eq!(values.next().await.unwrap().unwrap(), expected);
    }
    gate.open();
    let rest: Vec<u32> = tokio::time::timeout(PATIENCE, values.try_collect())
        .await
        .expect("is woken")
        .unwrap();
    assert_eq!(rest, [3]);
    handle.get_result().await.unwrap();
    stop(&ctx).await;
}

pub(super) async fn a_value_written_just_before_the_end_reaches_the_reader(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = writer(&arrived, &gate, false);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let elsewhere = process(bench, |_| {}).await;
    durable::run_workflow(&ctx, flow, 2u32)
        .id("w")
        .await
        .unwrap();
    let (here, there, ()) = tokio::join!(all(&ctx, 0), all(&elsewhere, 1), async { gate.open() });
    assert_eq!(here, [0, 1, 2]);
    assert_eq!(there, [1, 2]);
    stop(&ctx).await;
    stop(&elsewhere).await;
}

pub(super) async fn a_recovered_writer_writes_nothing_twice(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = writer(&arrived, &gate, true);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), 150u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    gate.open();
    let expected: Vec<u32> = (0..=150).collect();
    assert_eq!(all(&second, 0).await, expected);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_closed_stream_takes_nothing_more(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            durable::close_stream(&ctx, "s").await?;
            let written = durable::write_stream(&ctx, "s", 1u8).await;
            Ok(written.unwrap_err().to_string())
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    assert_eq!(
        handle.get_result().await.unwrap(),
        "stream `s` of workflow `w` is closed"
    );
    let mut nothing = Box::pin(durable::read_stream::<u8>(&ctx, "w", "s", 0));
    assert!(nothing.next().await.is_none());
    let mut unknown = Box::pin(durable::read_stream::<u8>(&ctx, "nobody", "s", 0));
    let error = unknown.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(unknown.next().await.is_none());
    stop(&ctx).await;
}

pub(super) async fn a_workflow_that_reads_a_stream_records_it(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    gate.open();
    let flow = writer(&arrived, &gate, true);
    let (read, hold) = (Counter::default(), Gate::closed());
    let reader = {
        let (read, hold) = (read.clone(), hold.clone());
        move |ctx: Ctx, (): ()| -> Flow<Vec<u32>> {
            let (read, hold) = (read.clone(), hold.clone());
            Box::pin(async move {
                let values: Vec<u32> = durable::read_stream::<u32>(&ctx, "w", "numbers", 0)
                    .try_collect()
                    .await?;
                read.up();
                hold.pass().await;
                Ok(values)
            })
        }
    };
    let registered = |ctx: &Ctx| {
        register(ctx, "flow", &flow);
        register(ctx, "reader", &reader);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, flow.clone(), 2u32)
        .id("w")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    durable::run_workflow(&first, reader.clone(), ())
        .id("r")
        .await
        .unwrap();
    read.reaches(1).await;
    durable::delete_workflow(&first, "w").await.unwrap();
    let second = life(bench, registered).await;
    read.reaches(2).await;
    hold.open();
    let handle = durable::retrieve_workflow::<Vec<u32>>(&second, "r")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), [0, 1, 2]);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn more_than_one_payload_may_hold_is_read_in_parts(
    bench: &Bench<'_, impl Backend>,
) {
    /// Writes `count` values and an event that are as long as a payload may be, and ends.
    fn writer(ctx: Ctx, count: u32) -> Flow<()> {
        Box::pin(async move {
            for _ in 0..count {
                durable::write_stream(&ctx, "s", longest()).await?;
            }
            durable::set_event(&ctx, "e", longest()).await?;
            Ok(())
        })
    }
    fn reader(ctx: Ctx, (): ()) -> Flow<(Vec<usize>, usize)> {
        Box::pin(async move {
            let values: Vec<String> = durable::read_stream(&ctx, "w", "s", 0)
                .try_collect()
                .await?;
            let event: Option<String> =
                durable::get_event(&ctx, "w", "e", Duration::from_secs(60)).await?;
            let lengths = values.iter().map(String::len).collect();
            Ok((lengths, event.map_or(0, |event| event.len())))
        })
    }
    /// A string that takes the limit of 200 bytes, with its length.
    fn longest() -> String {
        "x".repeat(199)
    }
    let small = config(bench.open().await).payload_limit(200);
    let ctx = launched(small, |ctx| {
        register(ctx, "writer", &writer);
        register(ctx, "reader", &reader);
    })
    .await;
    let written = durable::run_workflow(&ctx, writer, 3u32).id("w");
    written.await.unwrap().get_result().await.unwrap();
    let read = durable::run_workflow(&ctx, reader, ()).id("r").await;
    let (lengths, event) = read.unwrap().get_result().await.unwrap();
    assert_eq!((lengths, event), (vec![199; 3], 199));
    stop(&ctx).await;
}
