use std::time::Duration;

use durable::{Ctx, Failure, Result, postgres::PgTransaction};

use crate::{
    backends::Postgres,
    e2e::support::{Counter, Flow, Gate, process, register, stop},
    transactions::{Database as _, Desk},
};

async fn serializable(tx: &mut PgTransaction) -> Result<()> {
    let sql = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
    Ok(Postgres::execute(tx, sql.to_owned()).await?)
}

pub(super) async fn increments_that_conflict_are_made_again(desk: &Desk<'_, Postgres>) {
    const EACH: i64 = 10;
    let runs = Counter::default();
    let flow = {
        let (book, runs) = (desk.book.clone(), runs.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (book, runs) = (book.clone(), runs.clone());
            Box::pin(async move {
                let (book, runs) = (&book, &runs);
                for _ in 0..EACH {
                    durable::run_as_transaction(&ctx, |mut tx: PgTransaction| async move {
                        serializable(&mut tx).await?;
                        let number = book.total(&mut tx).await?;
                        runs.up();
                        // Both have read before either writes, so that there is a conflict.
                        runs.reaches(2).await;
                        Ok(book.set_total(&mut tx, number + 1).await?)
                    })
                    .await?;
                }
                Ok(())
            })
        }
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let one = durable::run_workflow(&ctx, flow.clone(), ()).await.unwrap();
    let other = durable::run_workflow(&ctx, flow.clone(), ()).await.unwrap();
    one.get_result().await.unwrap();
    other.get_result().await.unwrap();
    assert_eq!(desk.book.committed_total().await, 2 * EACH);
    assert!(
        i64::from(runs.get()) > 2 * EACH,
        "a body runs again for each conflict"
    );
    stop(&ctx).await;
}

/// Of two who are on call, each may leave only if another one stays: a conflict that is judged at the commit.
pub(super) async fn a_rule_over_several_rows_holds(desk: &Desk<'_, Postgres>) {
    let mut connection = desk.book.connect().await;
    for name in ["ann", "bob"] {
        desk.book.enter(&mut connection, name).await.unwrap();
    }
    let runs = Counter::default();
    let flow = {
        let (book, runs) = (desk.book.clone(), runs.clone());
        move |ctx: Ctx, name: String| -> Flow<()> {
            let (book, runs) = (book.clone(), runs.clone());
            Box::pin(async move {
                let (book, runs, name) = (&book, &runs, &name);
                durable::run_as_transaction(&ctx, |mut tx: PgTransaction| async move {
                    serializable(&mut tx).await?;
                    let on_call = book.seen(&mut tx).await?;
                    runs.up();
                    runs.reaches(2).await;
                    match on_call.len() {
                        1 => Err(Failure::msg("nobody would stay").with_code("alone")),
                        _ => Ok(book.remove(&mut tx, name).await?),
                    }
                })
                .await
            })
        }
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let start = async |name: &str| {
        let handle = durable::run_workflow(&ctx, flow.clone(), name.to_owned());
        handle.await.unwrap()
    };
    let (ann, bob) = (start("ann").await, start("bob").await);
    let left = [ann.get_result().await, bob.get_result().await];
    assert_eq!(left.iter().filter(|left| left.is_ok()).count(), 1);
    assert_eq!(desk.book.entries().await.len(), 1);
    stop(&ctx).await;
}

/// The message of a body meets one of the same key that its snapshot does not show.
pub(super) async fn a_send_that_conflicts_is_made_again(desk: &Desk<'_, Postgres>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = {
        let (book, arrived, gate) = (desk.book.clone(), arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<Vec<String>> {
            let (book, arrived, gate) = (book.clone(), arrived.clone(), gate.clone());
            Box::pin(async move {
                let (ctx, book, arrived, gate) = (&ctx, &book, &arrived, &gate);
                durable::run_as_transaction(ctx, |mut tx: PgTransaction| async move {
                    serializable(&mut tx).await?;
                    book.enter(&mut tx, "entry").await?;
                    arrived.up();
                    gate.pass().await;
                    durable::send(ctx, "w", "from the body".to_owned())
                        .idempotency_key("key")
                        .within(&mut *tx)
                        .await?;
                    Ok(())
                })
                .await?;
                let mut messages = Vec::new();
                while let Some(message) = durable::recv(ctx, "", Duration::ZERO).await? {
                    messages.push(message);
                }
                Ok(messages)
            })
        }
    };
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    let outside = durable::send(&ctx, "w", "from outside".to_owned()).idempotency_key("key");
    outside.await.unwrap();
    gate.open();
    assert_eq!(handle.get_result().await.unwrap(), ["from outside"]);
    assert_eq!(arrived.get(), 2);
    assert_eq!(desk.book.entries().await, ["entry"]);
    stop(&ctx).await;
}
