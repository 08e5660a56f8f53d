//! What every store says to a transaction that it has not. What those do that have some is a suite of its own.
use durable::{Ctx, Error, RetryPolicy, WorkflowStatus};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, process, register, row, stop};

/// The transaction of no store.
struct Foreign;

pub(super) async fn a_transaction_that_the_store_has_not_is_refused(
    bench: &Bench<'_, impl Backend>,
) {
    let runs = Counter::default();
    let flow = {
        let runs = runs.clone();
        move |ctx: Ctx, (): ()| -> Flow<(bool, String)> {
            let runs = runs.clone();
            Box::pin(async move {
                let runs = &runs;
                let refused = durable::run_as_transaction(&ctx, |_: Foreign| async move {
                    runs.up();
                    Ok(())
                })
                .named("debit")
                .await;
                let failure = refused.unwrap_err();
                let unsupported = matches!(failure.as_error(), Some(Error::Unsupported(_)));
                Ok((unsupported, failure.to_string()))
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let (unsupported, text) = handle.get_result().await.unwrap();
    stop(&ctx).await;
    assert_eq!(runs.get(), 0);
    for part in ["step 0", "`debit`", "`w`"] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert!(unsupported, "an `Error::Unsupported` is in it: {text}");
}

pub(super) async fn a_send_in_a_transaction_that_the_store_has_not_is_refused(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<Option<u32>> {
        Box::pin(async move { Ok(durable::recv(&ctx, "", super::support::PATIENCE).await?) })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let sent = durable::send(&ctx, "w", 1_u32).within(&mut Foreign).await;
    let error = sent.unwrap_err();
    // Nothing was left, and other sends go on.
    durable::send(&ctx, "w", 2_u32).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), Some(2));
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Success);
    stop(&ctx).await;
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

pub(super) async fn a_transaction_outside_a_workflow_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let refused = durable::run_as_transaction(&ctx, |_: Foreign| async { Ok(()) })
        .retry(RetryPolicy::new(2))
        .await;
    let failure = refused.unwrap_err();
    let error = failure.as_error();
    assert!(
        matches!(
            error,
            Some(Error::OutsideWorkflow {
                operation: "run_as_transaction"
            })
        ),
        "{failure}"
    );
    stop(&ctx).await;
}
