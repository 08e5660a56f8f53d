use std::{collections::HashMap, time::Duration};

use durable::{Ctx, Error, Failure, Result, RetryPolicy};

use super::{Database, Desk, desk::Book};
use crate::e2e::support::{Counter, Flow, Gate, life, process, register, stop};

/// What a body that makes an entry does next.
type Then = fn(u32) -> Result<i64>;

/// A transactional step that makes an entry and then does something, by the number of its run; then a gate. Returns what the step
/// came to.
fn entering<D: Database>(
    book: &Book<D>,
    runs: &Counter,
    arrived: &Counter,
    gate: &Gate,
    then: Then,
) -> impl Fn(Ctx, ()) -> Flow<std::result::Result<i64, Told>> + Clone + Send + Sync + 'static {
    let (book, runs) = (book.clone(), runs.clone());
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (book, runs) = (book.clone(), runs.clone());
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let (book, runs) = (&book, &runs);
            let came_to = durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, "entry").await?;
                then(runs.up())
            })
            .named("enter")
            .retry(RetryPolicy::new(3).base(Duration::ZERO))
            .await;
            arrived.up();
            gate.pass().await;
            Ok(came_to.map_err(|failure| Told {
                message: failure.to_string(),
                code: failure.code().map(str::to_owned),
            }))
        })
    }
}

/// A failure, as a workflow was told it.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Told {
    message: String,
    code: Option<String>,
}

/// Runs the workflow, lets its process die after the step, and returns what the step came to at the replay.
async fn replayed<D: Database>(
    desk: &Desk<'_, D>,
    runs: &Counter,
    then: Then,
) -> std::result::Result<i64, Told> {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = entering(&desk.book, runs, &arrived, &gate, then);
    let first = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = durable::run_workflow(&first, flow.clone(), ()).id("w");
    started.await.unwrap();
    arrived.reaches(1).await;
    let (before, runs_before) = (desk.records("w").await, runs.get());

    gate.open();
    let second = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow(&second, "w").await.unwrap();
    let came_to = handle.get_result().await.unwrap();
    assert_eq!(runs.get(), runs_before, "a replay runs no body");
    assert_eq!(desk.records("w").await, before);
    assert_eq!(desk.steps("w").await, ["enter"]);
    stop(&first).await;
    stop(&second).await;
    came_to
}

pub(super) async fn writes_and_checkpoint_are_one_commit<D: Database>(desk: &Desk<'_, D>) {
    let book = desk.book.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<Vec<String>> {
        let book = book.clone();
        Box::pin(async move {
            let book = &book;
            durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, "one").await?;
                book.enter(&mut tx, "two").await?;
                // By a connection of its own.
                assert_eq!(book.entries().await, Vec::<String>::new());
                Ok(book.seen(&mut tx).await?)
            })
            .await
        })
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), ["one", "two"]);
    assert_eq!(desk.book.entries().await, ["one", "two"]);
    assert_eq!(desk.records("w").await.len(), 1);
    stop(&ctx).await;
}

pub(super) async fn a_recovered_workflow_does_not_run_the_body_again<D: Database>(
    desk: &Desk<'_, D>,
) {
    let runs = Counter::default();
    let value = replayed(desk, &runs, |_| Ok(7)).await;
    assert_eq!(value, Ok(7));
    assert_eq!(runs.get(), 1);
    assert_eq!(desk.book.entries().await, ["entry"]);
}

pub(super) async fn a_failure_takes_its_writes_back_and_is_recorded<D: Database>(
    desk: &Desk<'_, D>,
) {
    let runs = Counter::default();
    let declined = |_| Err(Failure::permanent("no funds").with_code("declined"));
    let told = replayed(desk, &runs, declined).await.unwrap_err();
    assert_eq!(told.message, "no funds");
    assert_eq!(told.code.as_deref(), Some("declined"));
    assert_eq!(runs.get(), 1);
    assert_eq!(desk.book.entries().await, Vec::<String>::new());
}

pub(super) async fn a_panic_takes_its_writes_back<D: Database>(desk: &Desk<'_, D>) {
    let runs = Counter::default();
    let told = replayed(desk, &runs, |_| panic!("out of paper"))
        .await
        .unwrap_err();
    assert!(told.message.contains("out of paper"), "{}", told.message);
    assert_eq!(desk.book.entries().await, Vec::<String>::new());
}

pub(super) async fn an_attempt_that_failed_leaves_nothing<D: Database>(desk: &Desk<'_, D>) {
    let runs = Counter::default();
    let third_time = |run| match run {
        2 => Ok(2),
        _ => Err(Failure::msg("not yet")),
    };
    assert_eq!(replayed(desk, &runs, third_time).await, Ok(2));
    assert_eq!(runs.get(), 3);
    assert_eq!(desk.book.entries().await, ["entry"]);
}

pub(super) async fn an_attempt_that_takes_too_long_is_taken_back<D: Database>(desk: &Desk<'_, D>) {
    let (book, runs) = (desk.book.clone(), Counter::default());
    let flow = {
        let runs = runs.clone();
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (book, runs) = (book.clone(), runs.clone());
            Box::pin(async move {
                let (book, runs) = (&book, &runs);
                durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                    book.enter(&mut tx, "entry").await?;
                    runs.up();
                    std::future::pending::<()>().await;
                    Ok(())
                })
                .retry(RetryPolicy::new(2).base(Duration::ZERO))
                .timeout(Duration::from_millis(200))
                .await
            })
        }
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    let Error::WorkflowFailed { failure, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(failure.code(), Some("timeout"));
    assert_eq!(failure.attempts().len(), 2);
    assert_eq!(desk.records("w").await.len(), 1);
    assert_eq!(desk.book.entries().await, Vec::<String>::new());
    stop(&ctx).await;
}

pub(super) async fn a_value_that_cannot_make_the_round_trip_takes_its_writes_back<D: Database>(
    desk: &Desk<'_, D>,
) {
    let book = desk.book.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<()> {
        let book = book.clone();
        Box::pin(async move {
            let book = &book;
            durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, "entry").await?;
                // JSON has no keys but strings.
                Ok(HashMap::from([((1, 2), 3)]))
            })
            .await?;
            Ok(())
        })
    };
    let ctx = process(desk.bench, |ctx| {
        let json = durable::RegisterOptions::new()
            .named("flow")
            .encoding(durable::Encoding::Json);
        durable::register_workflow_with(ctx, flow.clone(), json).unwrap();
    })
    .await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let error = handle.get_result().await.unwrap_err().to_string();
    assert!(error.contains("the output of step 0"), "{error}");
    assert_eq!(desk.book.entries().await, Vec::<String>::new());
    stop(&ctx).await;
}

/// Runs a workflow whose transactional step must not make its entry, and returns what it came to.
async fn refused<D: Database, O: durable::Durable>(
    desk: &Desk<'_, D>,
    flow: impl Fn(Ctx, Book<D>) -> Flow<O> + Clone + Send + Sync + 'static,
) -> O {
    let book = desk.book.clone();
    let flow = move |ctx: Ctx, (): ()| flow(ctx, book.clone());
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let output = handle.get_result().await.unwrap();
    assert_eq!(desk.book.entries().await, Vec::<String>::new());
    stop(&ctx).await;
    output
}

fn is_inside_step(failure: &Failure) -> bool {
    let operation = "run_as_transaction";
    matches!(failure.as_error(), Some(Error::InsideStep { operation: called, step_id: 0, .. }) if *called == operation)
}

pub(super) async fn a_transaction_inside_a_step_is_an_error<D: Database>(desk: &Desk<'_, D>) {
    let told = refused(desk, |ctx, book| {
        Box::pin(async move {
            let (ctx, book) = (&ctx, &book);
            durable::run_as_step(ctx, || async move {
                let within =
                    durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                        Ok(book.enter(&mut tx, "entry").await?)
                    });
                Ok(is_inside_step(&within.await.unwrap_err()))
            })
            .await
        })
    });
    assert!(told.await);
}

pub(super) async fn a_transaction_inside_a_transaction_is_an_error<D: Database>(
    desk: &Desk<'_, D>,
) {
    let told = refused(desk, |ctx, book| {
        Box::pin(async move {
            let (ctx, book) = (&ctx, &book);
            durable::run_as_transaction(ctx, |_: D::Transaction| async move {
                let within =
                    durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                        Ok(book.enter(&mut tx, "entry").await?)
                    });
                Ok(is_inside_step(&within.await.unwrap_err()))
            })
            .await
        })
    });
    assert!(told.await);
}

pub(super) async fn a_step_inside_a_transaction_runs_inline<D: Database>(desk: &Desk<'_, D>) {
    let number = refused(desk, |ctx, _| {
        Box::pin(async move {
            let ctx = &ctx;
            durable::run_as_transaction(ctx, |_: D::Transaction| async move {
                durable::run_as_step(ctx, || async { Ok(7) }).await
            })
            .named("outer")
            .await
        })
    });
    assert_eq!(number.await, 7);
    assert_eq!(desk.steps("w").await, ["outer"]);
}

pub(super) async fn the_transaction_of_another_database_is_refused<D: Database>(
    desk: &Desk<'_, D>,
) {
    let told = refused(desk, |ctx, _| {
        Box::pin(async move {
            let body = |_: D::Foreign| async { Ok(()) };
            let refused = durable::run_as_transaction(&ctx, body).named("debit").await;
            let failure = refused.unwrap_err();
            let unsupported = matches!(failure.as_error(), Some(Error::Unsupported(_)));
            Ok((unsupported, failure.to_string()))
        })
    });
    let (unsupported, text) = told.await;
    for part in ["step 0", "`w`", "Transaction"] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert!(unsupported, "an `Error::Unsupported` is in it: {text}");
}
