use std::time::Duration;

use durable::{Client, Ctx, Error, Failure, WorkflowStatus, store::WorkflowFilter};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, PATIENCE, config, process, register, row, stop};

async fn client(bench: &Bench<'_, impl Backend>) -> Client {
    let slow = config(bench.open().await).poll_interval(Duration::from_secs(3600));
    durable::new_client(slow).await.unwrap()
}

/// Waits for a message, shows it, and returns it.
fn echo() -> impl Fn(Ctx, ()) -> Flow<String> + Clone + Send + Sync + 'static {
    |ctx, ()| {
        Box::pin(async move {
            let message = durable::recv::<String>(&ctx, "in", PATIENCE).await?;
            let message = message.ok_or_else(|| Failure::msg("no message"))?;
            durable::set_event(&ctx, "seen", message.clone()).await?;
            Ok(message)
        })
    }
}

pub(super) async fn a_client_needs_only_a_store(bench: &Bench<'_, impl Backend>) {
    let flow = echo();
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();

    let client = client(bench).await;
    let handle = durable::retrieve_workflow::<String>(&client, "w")
        .await
        .unwrap();
    assert_eq!(
        handle.get_status().await.unwrap().status,
        WorkflowStatus::Pending
    );
    durable::send(&client, "w", "hello".to_owned())
        .topic("in")
        .await
        .unwrap();
    // Nothing polls: the store's hints reach a client, too.
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    assert_eq!(result.await.expect("is woken").unwrap(), "hello");
    let seen = durable::get_event::<String>(&client, "w", "seen", Duration::ZERO);
    assert_eq!(seen.await.unwrap().as_deref(), Some("hello"));
    let page = durable::list_workflows(&client, WorkflowFilter::new()).await;
    assert_eq!(page.unwrap().workflows.len(), 1);
    let executors = bench.open().await.list_executors("app").await.unwrap();
    assert_eq!(executors.len(), 1, "a client is no executor");
    stop(&ctx).await;
}

pub(super) async fn a_client_runs_no_code(bench: &Bench<'_, impl Backend>) {
    let flow = echo();
    let client = client(bench).await;
    let registered = durable::register_workflow_with(
        &client,
        flow.clone(),
        durable::RegisterOptions::new().named("flow"),
    );
    assert!(matches!(registered, Err(Error::Unsupported(_))));
    let launched = durable::launch(&client).await;
    assert!(matches!(launched, Err(Error::Unsupported(_))));
    let run = durable::run_workflow(&client, flow, ()).name("flow").await;
    assert!(matches!(run, Err(Error::Unsupported(_))));
}

pub(super) async fn a_client_cancels_and_the_execution_elsewhere_stops(
    bench: &Bench<'_, impl Backend>,
) {
    let (begun, over) = (Counter::default(), Counter::default());
    let flow = {
        let (begun, over) = (begun.clone(), over.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (begun, over) = (begun.clone(), over.clone());
            Box::pin(async move {
                begun.up();
                let slept = durable::sleep(&ctx, Duration::from_secs(3600)).await;
                over.up();
                Ok(slept?)
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    for id in ["a", "b"] {
        durable::run_workflow(&ctx, flow.clone(), ())
            .id(id)
            .await
            .unwrap();
    }
    begun.reaches(2).await;
    let client = client(bench).await;
    let cancelled = durable::cancel_all(&client, WorkflowFilter::new()).await;
    assert_eq!(cancelled.unwrap().changed, ["a", "b"]);
    over.reaches(2).await;
    assert_eq!(row(bench, "a").await.status, WorkflowStatus::Cancelled);
    let again = durable::cancel_all(&client, WorkflowFilter::new()).await;
    assert!(again.unwrap().changed.is_empty());
    stop(&ctx).await;
}
