//! `send(…).within(…)`: messages in a transaction of the caller's.
use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, RetryPolicy};
use durable_testing::{Fault, FaultPlan, FaultyStore};
use sqlx::Connection as _;

use super::{Database, Desk};
use crate::e2e::support::{Counter, Flow, PATIENCE, config, launched, process, register, stop};

/// Waits for a message; then takes what else is there.
fn receiver() -> impl Fn(Ctx, ()) -> Flow<Vec<String>> + Clone + Send + Sync + 'static {
    |ctx, ()| {
        Box::pin(async move {
            let mut messages = Vec::from_iter(durable::recv(&ctx, "in", PATIENCE).await?);
            while let Some(message) = durable::recv(&ctx, "in", Duration::ZERO).await? {
                messages.push(message);
            }
            Ok(messages)
        })
    }
}

/// A process in which nobody polls, with a receiver `w`.
async fn receiving<D: Database>(desk: &Desk<'_, D>) -> (Ctx, durable::WorkflowHandle<Vec<String>>) {
    let flow = receiver();
    let rare = config(desk.bench.open().await).poll_interval(Duration::from_secs(3600));
    let ctx = launched(rare, |ctx| register(ctx, "receiver", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await;
    while desk.steps("w").await != WAITING {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (ctx, handle.unwrap())
}

/// The checkpoints of a receiver that waits.
const WAITING: [&str; 1] = ["durable.recv_until"];

/// What the receiver has when it is woken.
async fn received(handle: durable::WorkflowHandle<Vec<String>>) -> Vec<String> {
    let result = tokio::time::timeout(PATIENCE / 2, handle.get_result().into_future());
    result.await.expect("is woken").unwrap()
}

pub(super) async fn a_commit_delivers_and_wakes<D: Database>(desk: &Desk<'_, D>) {
    let (ctx, handle) = receiving(desk).await;
    let mut connection = desk.book.connect().await;
    let mut transaction = connection.begin_with(D::BEGIN).await.unwrap();
    desk.book.enter(&mut transaction, "order").await.unwrap();
    for text in ["one", "two", "two"] {
        durable::send(&ctx, "w", text.to_owned())
            .topic("in")
            .idempotency_key(text)
            .within(&mut *transaction)
            .await
            .unwrap();
    }
    assert_eq!(desk.steps("w").await, WAITING);
    transaction.commit().await.unwrap();
    assert_eq!(received(handle).await, ["one", "two"]);
    assert_eq!(desk.book.entries().await, ["order"]);
    stop(&ctx).await;
}

pub(super) async fn a_rollback_leaves_nothing<D: Database>(desk: &Desk<'_, D>) {
    let (ctx, handle) = receiving(desk).await;
    let mut connection = desk.book.connect().await;
    for text in ["taken back", "kept"] {
        let mut transaction = connection.begin_with(D::BEGIN).await.unwrap();
        desk.book.enter(&mut transaction, text).await.unwrap();
        durable::send(&ctx, "w", text.to_owned())
            .topic("in")
            .within(&mut *transaction)
            .await
            .unwrap();
        match text {
            "kept" => transaction.commit().await.unwrap(),
            _ => transaction.rollback().await.unwrap(),
        }
    }
    assert_eq!(received(handle).await, ["kept"]);
    assert_eq!(desk.book.entries().await, ["kept"]);
    stop(&ctx).await;
}

async fn shout(_: Ctx, text: String) -> durable::Result<String> {
    Ok(text.to_uppercase())
}

pub(super) async fn a_commit_enqueues_and_a_rollback_does_not<D: Database>(desk: &Desk<'_, D>) {
    let ctx = process(desk.bench, |ctx| register(ctx, "shout", &shout)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let mut connection = desk.book.connect().await;
    let mut handles = Vec::new();
    for text in ["taken-back", "kept"] {
        let mut transaction = connection.begin_with(D::BEGIN).await.unwrap();
        desk.book.enter(&mut transaction, text).await.unwrap();
        let start = durable::enqueue(&ctx, "q", shout, text).id(text);
        handles.push(start.within(&mut *transaction).await.unwrap());
        match text {
            "kept" => transaction.commit().await.unwrap(),
            _ => transaction.rollback().await.unwrap(),
        }
    }
    assert_eq!(handles[1].get_result().await.unwrap(), "KEPT");
    let gone = durable::retrieve_workflow::<String>(&ctx, "taken-back").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    assert_eq!(desk.book.entries().await, ["kept"]);
    stop(&ctx).await;
}

pub(super) async fn a_body_enqueues_with_its_commit<D: Database>(desk: &Desk<'_, D>) {
    let runs = Counter::default();
    let flow = {
        let (book, runs) = (desk.book.clone(), runs.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (book, runs) = (book.clone(), runs.clone());
            Box::pin(async move {
                let (ctx, book, runs) = (&ctx, &book, &runs);
                durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                    let run = runs.up();
                    book.enter(&mut tx, "order").await?;
                    durable::enqueue(ctx, "q", shout, "order")
                        .id(format!("run-{run}"))
                        .within(&mut *tx)
                        .await?;
                    match run {
                        0 => Err(Failure::msg("not yet")),
                        _ => Ok(()),
                    }
                })
                .retry(RetryPolicy::new(2).base(Duration::ZERO))
                .await
            })
        }
    };
    let ctx = process(desk.bench, |ctx| {
        register(ctx, "shout", &shout);
        register(ctx, "flow", &flow);
    })
    .await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let handle = durable::run_workflow(&ctx, flow.clone(), ()).name("flow");
    handle.await.unwrap().get_result().await.unwrap();
    let gone = durable::retrieve_workflow::<String>(&ctx, "run-0").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    let kept = durable::retrieve_workflow::<String>(&ctx, "run-1").await;
    assert_eq!(kept.unwrap().get_result().await.unwrap(), "ORDER");
    assert_eq!(desk.book.entries().await, ["order"]);
    stop(&ctx).await;
}

pub(super) async fn a_body_sends_with_its_commit<D: Database>(desk: &Desk<'_, D>) {
    let (receiver, handle) = receiving(desk).await;
    let runs = Counter::default();
    let flow = {
        let (book, runs) = (desk.book.clone(), runs.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (book, runs) = (book.clone(), runs.clone());
            Box::pin(async move {
                let (ctx, book, runs) = (&ctx, &book, &runs);
                durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                    let run = runs.up();
                    book.enter(&mut tx, "order").await?;
                    durable::send(ctx, "w", format!("run {run}"))
                        .topic("in")
                        .within(&mut *tx)
                        .await?;
                    match run {
                        0 => Err(Failure::msg("not yet")),
                        _ => Ok(()),
                    }
                })
                .retry(RetryPolicy::new(2).base(Duration::ZERO))
                .await
            })
        }
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "sender", &flow)).await;
    let sender = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    sender.get_result().await.unwrap();
    assert_eq!(received(handle).await, ["run 1"]);
    assert_eq!(desk.book.entries().await, ["order"]);
    stop(&ctx).await;
    stop(&receiver).await;
}

pub(super) async fn a_body_runs_again_when_its_send_meets_a_malfunction<D: Database>(
    desk: &Desk<'_, D>,
) {
    let faults = [Fault::Refuse, Fault::LoseRequest, Fault::LoseAnswer];
    let (receiver, handle) = receiving(desk).await;
    for fault in faults {
        let flow = {
            let book = desk.book.clone();
            move |ctx: Ctx, text: String| -> Flow<()> {
                let book = book.clone();
                Box::pin(async move {
                    let (ctx, book, text) = (&ctx, &book, &text);
                    durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                        book.enter(&mut tx, text).await?;
                        durable::send(ctx, "w", text.clone())
                            .topic("in")
                            .within(&mut *tx)
                            .await?;
                        Ok(())
                    })
                    .await
                })
            }
        };
        let plan = FaultPlan::nth("send_message_within", 0, fault);
        let store = FaultyStore::with_plan(desk.bench.open().await, plan);
        let faulty = config(Arc::new(store.clone()));
        let ctx = launched(faulty, |ctx| register(ctx, "sender", &flow)).await;
        let sender = durable::run_workflow(&ctx, flow, format!("{fault:?}")).await;
        let sent = sender.unwrap().get_result().await;
        stop(&ctx).await;
        sent.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
    let expected = faults.map(|fault| format!("{fault:?}"));
    let mut entries = desk.book.entries().await;
    entries.sort_by_key(|entry| expected.iter().position(|one| one == entry));
    assert_eq!(entries, expected);
    assert_eq!(received(handle).await[0], expected[0]);
    stop(&receiver).await;
}

pub(super) async fn a_workflow_itself_is_told_to_send_without<D: Database>(desk: &Desk<'_, D>) {
    let book = desk.book.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<(bool, String)> {
        let book = book.clone();
        Box::pin(async move {
            let mut connection = book.connect().await;
            let sent = durable::send(&ctx, "w", 1)
                .within(&mut connection)
                .await
                .unwrap_err();
            let unsupported = matches!(sent, Error::Unsupported(_));
            Ok((unsupported, sent.to_string()))
        })
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let (unsupported, text) = handle.get_result().await.unwrap();
    assert!(unsupported, "{text}");
    assert!(text.contains("leave `within` out"), "{text}");
    stop(&ctx).await;
}

pub(super) async fn a_foreign_connection_is_refused<D: Database>(desk: &Desk<'_, D>) {
    let (ctx, handle) = receiving(desk).await;
    let mut foreign = "no connection at all".to_owned();
    let sent = durable::send(&ctx, "w", "lost".to_owned())
        .topic("in")
        .within(&mut foreign)
        .await;
    let error = sent.unwrap_err();
    let kept = durable::send(&ctx, "w", "kept".to_owned()).topic("in");
    kept.await.unwrap();
    assert_eq!(received(handle).await, ["kept"]);
    stop(&ctx).await;
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

pub(super) async fn an_unknown_destination_is_an_error<D: Database>(desk: &Desk<'_, D>) {
    let ctx = process(desk.bench, |_| {}).await;
    let mut connection = desk.book.connect().await;
    let mut transaction = connection.begin_with(D::BEGIN).await.unwrap();
    desk.book.enter(&mut transaction, "order").await.unwrap();
    let sent = durable::send(&ctx, "nobody", 1).within(&mut *transaction);
    let error = sent.await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    // What else the caller wrote is the caller's to keep.
    transaction.commit().await.unwrap();
    assert_eq!(desk.book.entries().await, ["order"]);
    stop(&ctx).await;
}
