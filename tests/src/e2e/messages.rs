use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, WorkflowStatus};
use durable_testing::{Backend, Bench, Fault, FaultPlan, FaultyStore};

use super::support::{
    Counter, Flow, Gate, PATIENCE, config, launched, life, process, register, row, stop,
};

/// Receives so many messages of a topic, or as many as come in time.
fn receiver(
    arrived: &Counter,
) -> impl Fn(Ctx, (String, usize, u64)) -> Flow<Vec<String>> + Clone + Send + Sync + 'static {
    let arrived = arrived.clone();
    move |ctx, (topic, count, millis)| {
        let arrived = arrived.clone();
        Box::pin(async move {
            arrived.up();
            let mut messages = Vec::new();
            while messages.len() < count {
                let timeout = Duration::from_millis(millis);
                match durable::recv(&ctx, &*topic, timeout).await? {
                    Some(message) => messages.push(message),
                    None => break,
                }
            }
            Ok(messages)
        })
    }
}

const LONG: u64 = 3_600_000;

pub(super) async fn messages_come_in_order_and_by_topic(bench: &Bench<'_, impl Backend>) {
    let flow = receiver(&Counter::default());
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let input = ("a".to_owned(), 3usize, LONG);
    let handle = durable::run_workflow(&ctx, flow, input)
        .id("w")
        .await
        .unwrap();
    for (topic, text) in [
        ("a", "1"),
        ("b", "other"),
        ("a", "2"),
        ("", "none"),
        ("a", "3"),
    ] {
        durable::send(&ctx, "w", text.to_owned())
            .topic(topic)
            .await
            .unwrap();
    }
    assert_eq!(handle.get_result().await.unwrap(), ["1", "2", "3"]);
    stop(&ctx).await;
}

pub(super) async fn a_message_wakes_its_receiver(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = receiver(&arrived);
    let slow = config(bench.open().await).poll_interval(Duration::from_secs(3600));
    let ctx = launched(slow, |ctx| register(ctx, "flow", &flow)).await;
    let input = (String::new(), 1usize, LONG);
    let handle = durable::run_workflow(&ctx, flow, input)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    // The receiver has recorded when its wait ends, and waits.
    let waits = async {
        while bench.open().await.list_steps("w").await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.unwrap();
    durable::send(&ctx, "w", "hello".to_owned()).await.unwrap();
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    assert_eq!(result.await.expect("is woken").unwrap(), ["hello"]);
    stop(&ctx).await;
}

pub(super) async fn a_receive_ends_at_its_timeout(bench: &Bench<'_, impl Backend>) {
    let flow = receiver(&Counter::default());
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let input = (String::new(), 1usize, 40u64);
    let handle = durable::run_workflow(&ctx, flow, input).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), Vec::<String>::new());
    stop(&ctx).await;
}

pub(super) async fn a_recovered_receive_keeps_what_it_had(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = receiver(&arrived);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let input = (String::new(), 2usize, LONG);
    durable::run_workflow(&first, flow.clone(), input)
        .id("w")
        .await
        .unwrap();
    durable::send(&first, "w", "one".to_owned()).await.unwrap();
    let received = async {
        while !bench
            .open()
            .await
            .list_steps("w")
            .await
            .unwrap()
            .iter()
            .any(|step| step.step_id == 0)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, received).await.unwrap();
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    durable::send(&second, "w", "two".to_owned()).await.unwrap();
    let handle = durable::retrieve_workflow::<Vec<String>>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), ["one", "two"]);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn an_idempotency_key_leaves_one_message(bench: &Bench<'_, impl Backend>) {
    let flow = receiver(&Counter::default());
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let input = (String::new(), 2usize, LONG);
    let handle = durable::run_workflow(&ctx, flow, input)
        .id("w")
        .await
        .unwrap();
    for _ in 0..3 {
        durable::send(&ctx, "w", "once".to_owned())
            .idempotency_key("k")
            .await
            .unwrap();
    }
    durable::send(&ctx, "w", "last".to_owned()).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), ["once", "last"]);
    stop(&ctx).await;
}

pub(super) async fn an_unknown_destination_is_an_error_also_at_replay(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let sent = durable::send(&ctx, "nobody", 1u8).await;
            Ok(sent.unwrap_err().to_string())
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let error = durable::send(&ctx, "nobody", 1u8).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    assert_eq!(
        handle.get_result().await.unwrap(),
        "workflow `nobody` does not exist"
    );
    assert_eq!(bench.open().await.list_steps("w").await.unwrap().len(), 1);
    stop(&ctx).await;
}

pub(super) async fn a_workflow_sends_exactly_once(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let sender = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let arrived = arrived.clone();
            Box::pin(async move {
                durable::send(&ctx, "r", "hello".to_owned()).await?;
                arrived.up();
                match arrived.get() {
                    1 => std::future::pending().await,
                    _ => Ok(()),
                }
            })
        }
    };
    let flow = receiver(&Counter::default());
    let registered = |ctx: &Ctx| {
        register(ctx, "receiver", &flow);
        register(ctx, "sender", &sender);
    };
    let first = life(bench, registered).await;
    let other = launched(config(bench.open().await).executor_id("other"), registered).await;
    let input = (String::new(), 2usize, 500u64);
    let received = durable::run_workflow(&other, flow.clone(), input)
        .id("r")
        .await
        .unwrap();
    durable::run_workflow(&first, sender.clone(), ())
        .id("s")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, registered).await;
    let handle = durable::retrieve_workflow::<()>(&second, "s")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    assert_eq!(received.get_result().await.unwrap(), ["hello"]);
    for ctx in [&first, &second, &other] {
        stop(ctx).await;
    }
}

pub(super) async fn two_receivers_on_one_topic_are_an_error(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let one = durable::recv::<u8>(&ctx, "t", Duration::from_millis(200));
            let two = durable::recv::<u8>(&ctx, "t", Duration::from_millis(200));
            let (one, two) = tokio::join!(one, two);
            match (one, two) {
                (Ok(None), Err(error)) => Ok(error.to_string()),
                other => Err(Failure::msg(format!("{other:?}"))),
            }
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    let text = handle.get_result().await.unwrap();
    assert!(
        text.contains("waits on topic `t` twice at a time"),
        "{text}"
    );
    stop(&ctx).await;
}

pub(super) async fn cancelling_wakes_a_receive(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = receiver(&arrived);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let input = (String::new(), 1usize, LONG);
    let handle = durable::run_workflow(&ctx, flow, input)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    let report = durable::shutdown(&ctx, Duration::from_secs(30))
        .await
        .unwrap();
    assert!(report.unfinished.is_empty());
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Cancelled);
}

pub(super) async fn a_message_of_another_type_is_told_so(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let received = durable::recv::<(String, u64)>(&ctx, "t", Duration::from_secs(60)).await;
            Ok(received.unwrap_err().to_string())
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    durable::send(&ctx, "w", 7u8).topic("t").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a message of topic `t`"), "{text}");
    assert_eq!(
        row(bench, "w").await.status,
        WorkflowStatus::Pending,
        "it stays recoverable"
    );
    stop(&ctx).await;
}

pub(super) async fn a_message_taken_for_a_dropped_receive_goes_to_the_next_one(
    bench: &Bench<'_, impl Backend>,
) {
    let (go, last) = (Gate::closed(), Gate::closed());
    let arrived = Counter::default();
    let flow = {
        let (go, last, arrived) = (go.clone(), last.clone(), arrived.clone());
        move |ctx: Ctx, (): ()| -> Flow<(bool, Option<String>, Option<String>)> {
            let (go, last, arrived) = (go.clone(), last.clone(), arrived.clone());
            Box::pin(async move {
                let raced = {
                    let message = durable::recv::<String>(&ctx, "t", PATIENCE);
                    let step = durable::run_as_step(&ctx, || async {
                        go.pass().await;
                        Ok(())
                    });
                    tokio::select! {
                        message = message => message?.is_some(),
                        _ = step.into_future() => false,
                    }
                };
                let first = durable::recv::<String>(&ctx, "t", PATIENCE).await?;
                arrived.up();
                last.pass().await;
                let second = durable::recv::<String>(&ctx, "t", PATIENCE).await?;
                Ok((raced, first, second))
            })
        }
    };
    let store = FaultyStore::new(bench.open().await);
    let faulty = config(Arc::new(store.clone()))
        .executor_id("phoenix")
        .poll_interval(Duration::from_secs(3600));
    let first = launched(faulty, |ctx| register(ctx, "flow", &flow)).await;
    // The first receive takes the message, does not learn of it, and is dropped while it asks again.
    let open = go.clone();
    store.set_plan(FaultPlan::new(move |call| {
        match (call.operation, call.nth) {
            ("receive_message", 0) => Fault::PassThrough,
            ("receive_message", 1) => Fault::LoseAnswer,
            ("receive_message", 2..8) => {
                open.open();
                Fault::Refuse
            }
            _ => Fault::PassThrough,
        }
    }));
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    let waits = async {
        // It has looked, has recorded when its wait ends, and waits.
        while bench.open().await.list_steps("w").await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.unwrap();
    durable::send(&first, "w", "one".to_owned())
        .topic("t")
        .await
        .unwrap();
    arrived.reaches(1).await;
    durable::send(&first, "w", "two".to_owned())
        .topic("t")
        .await
        .unwrap();
    last.open();
    // And a replay sees it all alike.
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<(bool, Option<String>, Option<String>)>(&second, "w")
        .await
        .unwrap();
    let expected = (false, Some("one".to_owned()), Some("two".to_owned()));
    assert_eq!(handle.get_result().await.unwrap(), expected);
    stop(&first).await;
    stop(&second).await;
}
