use std::{future::IntoFuture as _, time::Duration};

use durable::{Ctx, Error, WorkflowStatus};

use super::{Database, Desk, desk::Book};
use crate::e2e::support::{Counter, Flow, Gate, life, process, register, row, stop};

pub(super) async fn concurrent_bodies_lose_no_update<D: Database>(desk: &Desk<'_, D>) {
    const EACH: i64 = 10;
    let book = desk.book.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<()> {
        let book = book.clone();
        Box::pin(async move {
            let book = &book;
            for _ in 0..EACH {
                durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                    Ok(book.add_one(&mut tx).await?)
                })
                .await?;
            }
            Ok(())
        })
    };
    let one = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let other = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let run = async |ctx: &Ctx| {
        let handle = durable::run_workflow(ctx, flow.clone(), ()).await.unwrap();
        handle.get_result().await.unwrap();
    };
    futures::join!(run(&one), run(&one), run(&other), run(&other));
    assert_eq!(desk.book.committed_total().await, 4 * EACH);
    stop(&one).await;
    stop(&other).await;
}

/// A transactional step that makes an entry and waits at a gate; then a sleep of `pause`.
pub(super) fn entering<D: Database>(
    book: &Book<D>,
    arrived: &Counter,
    gate: &Gate,
    pause: Duration,
) -> impl Fn(Ctx, ()) -> Flow<()> + Clone + Send + Sync + 'static {
    let (book, arrived, gate) = (book.clone(), arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (book, arrived, gate) = (book.clone(), arrived.clone(), gate.clone());
        Box::pin(async move {
            let (book, arrived, gate) = (&book, &arrived, &gate);
            durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, "entry").await?;
                arrived.up();
                gate.pass().await;
                Ok(())
            })
            .named("enter")
            .await?;
            Ok(durable::sleep(&ctx, pause).await?)
        })
    }
}

pub(super) async fn an_execution_that_lost_its_workflow_commits_nothing<D: Database>(
    desk: &Desk<'_, D>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = entering(&desk.book, &arrived, &gate, Duration::ZERO);
    let first = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = durable::run_workflow(&first, flow.clone(), ()).id("w");
    let lost = started.await.unwrap();
    arrived.reaches(1).await;
    let next_life = life(desk.bench, |ctx| register(ctx, "flow", &flow));
    let second = if D::SIDE_BY_SIDE {
        let second = next_life.await;
        arrived.reaches(2).await;
        gate.open();
        second
    } else {
        // The launch writes, and so comes after the body.
        let (second, ()) = futures::join!(next_life, async { gate.open() });
        second
    };
    let handle = durable::retrieve_workflow::<()>(&second, "w")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    // The loser, too, reports what was recorded.
    lost.get_result().await.unwrap();
    assert_eq!(desk.book.entries().await, ["entry"]);
    assert_eq!(desk.steps("w").await[0], "enter");
    let runs = if D::SIDE_BY_SIDE { 2 } else { 1 };
    assert_eq!(arrived.get(), runs);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_cancelled_workflow_commits_nothing_more<D: Database>(desk: &Desk<'_, D>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = entering(&desk.book, &arrived, &gate, Duration::from_secs(3600));
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let other = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    for (id, canceller) in [("here", &ctx), ("elsewhere", &other)] {
        let (gate, before) = (&gate, arrived.get());
        let started = durable::run_workflow(&ctx, flow.clone(), ()).id(id);
        let handle = started.await.unwrap();
        arrived.reaches(before + 1).await;
        let cancel = durable::cancel_workflow(canceller, id);
        if D::SIDE_BY_SIDE {
            cancel.await.unwrap();
            gate.open();
        } else {
            // It writes, and so comes after the body.
            let (cancelled, ()) = futures::join!(cancel, async { gate.open() });
            cancelled.unwrap();
        }
        let error = handle.get_result().await.unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{error}");
        let status = row(desk.bench, id).await.status;
        assert_eq!(status, WorkflowStatus::Cancelled);
        gate.close();
    }
    stop(&ctx).await;
    stop(&other).await;
    // What is committed has a checkpoint, and what has none is not.
    let committed = if D::SIDE_BY_SIDE { 0 } else { 1 };
    for id in ["here", "elsewhere"] {
        let mut steps = desk.steps(id).await;
        steps.retain(|name| name == "enter");
        assert_eq!(steps.len(), committed, "{id}");
    }
    assert_eq!(desk.book.entries().await.len(), 2 * committed);
}

pub(super) async fn a_transaction_that_loses_a_race_loses_it_again<D: Database>(
    desk: &Desk<'_, D>,
) {
    let (arrived, last) = (Counter::default(), Gate::closed());
    let (entered, book) = (Counter::default(), desk.book.clone());
    let flow = {
        let (arrived, last, entered) = (arrived.clone(), last.clone(), entered.clone());
        move |ctx: Ctx, (): ()| -> Flow<String> {
            let (arrived, last) = (arrived.clone(), last.clone());
            let (entered, book) = (entered.clone(), book.clone());
            Box::pin(async move {
                let (entered, book) = (&entered, &book);
                let slow = durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                    book.enter(&mut tx, "slow").await?;
                    entered.up();
                    std::future::pending::<()>().await;
                    Ok("slow".to_owned())
                });
                let winner = tokio::select! {
                    winner = slow.into_future() => winner?,
                    () = entered.reaches(1) => "fast".to_owned(),
                };
                let fast = durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                    Ok(book.enter(&mut tx, "fast").await?)
                });
                fast.named("after").await?;
                arrived.up();
                last.pass().await;
                Ok(winner)
            })
        }
    };
    let first = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = durable::run_workflow(&first, flow.clone(), ()).id("w");
    started.await.unwrap();
    arrived.reaches(1).await;
    last.open();
    let second = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<String>(&second, "w").await;
    assert_eq!(handle.unwrap().get_result().await.unwrap(), "fast");
    assert_eq!(desk.book.entries().await, ["fast"]);
    assert_eq!(entered.get(), 1);
    stop(&first).await;
    stop(&second).await;
}
