use std::time::Duration;

use durable::{Ctx, Error};
use durable_testing::{Backend, Bench};

use super::support::{
    Counter, Flow, Gate, PATIENCE, config, launched, life, process, register, stop,
};

const LONG: Duration = Duration::from_secs(3600);

/// Sets an event twice, with a gate before and between.
fn setter(
    arrived: &Counter,
    gates: [&Gate; 2],
) -> impl Fn(Ctx, ()) -> Flow<()> + Clone + Send + Sync + 'static {
    let (arrived, one, two) = (arrived.clone(), gates[0].clone(), gates[1].clone());
    move |ctx, ()| {
        let (arrived, one, two) = (arrived.clone(), one.clone(), two.clone());
        Box::pin(async move {
            arrived.up();
            one.pass().await;
            durable::set_event(&ctx, "state", "first".to_owned()).await?;
            two.pass().await;
            durable::set_event(&ctx, "state", "second".to_owned())
                .await
                .map_err(Into::into)
        })
    }
}

pub(super) async fn an_event_wakes_those_who_wait_for_it(bench: &Bench<'_, impl Backend>) {
    let (arrived, one, two) = (Counter::default(), Gate::closed(), Gate::closed());
    let flow = setter(&arrived, [&one, &two]);
    let slow = config(bench.open().await).poll_interval(LONG);
    let ctx = launched(slow, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    let wait = durable::get_event::<String>(&ctx, "w", "state", LONG);
    let (value, ()) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(wait, async { one.open() }) })
            .await
            .expect("is woken");
    assert_eq!(value.unwrap().as_deref(), Some("first"));
    two.open();
    stop(&ctx).await;
}

pub(super) async fn the_last_value_wins_and_outlives_the_workflow(bench: &Bench<'_, impl Backend>) {
    let (arrived, one, two) = (Counter::default(), Gate::closed(), Gate::closed());
    one.open();
    two.open();
    let flow = setter(&arrived, [&one, &two]);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    handle.get_result().await.unwrap();
    let value = durable::get_event::<String>(&ctx, "w", "state", Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(value.as_deref(), Some("second"));
    let absent = durable::get_event::<String>(&ctx, "w", "other", Duration::from_millis(20)).await;
    assert_eq!(absent.unwrap(), None);
    let error = durable::get_event::<String>(&ctx, "nobody", "state", LONG)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn an_event_read_by_a_workflow_is_recorded(bench: &Bench<'_, impl Backend>) {
    let (arrived, one, two) = (Counter::default(), Gate::closed(), Gate::closed());
    let (reading, third) = (Counter::default(), Gate::closed());
    let flow = setter(&arrived, [&one, &two]);
    let reader = {
        let (reading, third) = (reading.clone(), third.clone());
        move |ctx: Ctx, (): ()| -> Flow<Option<String>> {
            let (reading, third) = (reading.clone(), third.clone());
            Box::pin(async move {
                let value = durable::get_event(&ctx, "w", "state", LONG).await?;
                reading.up();
                third.pass().await;
                Ok(value)
            })
        }
    };
    let setting = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let first = life(bench, |ctx| register(ctx, "reader", &reader)).await;
    one.open();
    let handle = durable::run_workflow(&setting, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    durable::run_workflow(&first, reader.clone(), ())
        .id("r")
        .await
        .unwrap();
    reading.reaches(1).await;
    two.open();
    handle.get_result().await.unwrap();
    let second = life(bench, |ctx| register(ctx, "reader", &reader)).await;
    reading.reaches(2).await;
    third.open();
    let handle = durable::retrieve_workflow::<Option<String>>(&second, "r")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap().as_deref(), Some("first"));
    for ctx in [&setting, &first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn an_event_can_be_set_inside_a_step(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async {
                durable::set_event(&ctx, "progress", 50u32).await?;
                Ok(())
            })
            .await
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow, ())
        .id("w")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    let value = durable::get_event::<u32>(&ctx, "w", "progress", Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(value, Some(50));
    assert_eq!(bench.open().await.list_steps("w").await.unwrap().len(), 1);
    stop(&ctx).await;
}
