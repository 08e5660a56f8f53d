//! A trace goes through the store to wherever the workflow runs next. One test, because the subscriber is the process's.
use std::{sync::Arc, time::Duration};

use durable::{Config, Ctx, OpenTelemetry, RegisterOptions, Result, SystemStore};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::sync::watch;
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

/// Where a life of the process waits.
struct Door(watch::Sender<u32>);

async fn parent(ctx: Ctx, (): ()) -> Result<u32> {
    let child = durable::run_workflow(&ctx, child, 20_u32).await?;
    let doubled = child.get_result().await?;
    if let Some(door) = ctx.value::<Door>() {
        door.0.send_modify(|arrived| *arrived += 1);
        std::future::pending::<()>().await;
    }
    durable::run_as_step(&ctx, || async { Ok(doubled + 1) })
        .named("last")
        .await
}

async fn child(ctx: Ctx, number: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(number * 2) })
        .named("double")
        .await
}

async fn life(store: &Arc<dyn SystemStore>, door: Option<Door>) -> Ctx {
    let config = Config::new("app", Arc::clone(store))
        .executor_id("phoenix")
        .trace_propagation(OpenTelemetry);
    let ctx = durable::new_context(config).await.unwrap();
    let registering = match door {
        Some(door) => ctx.with_value(door),
        None => ctx.clone(),
    };
    let named = |name: &str| RegisterOptions::new().named(name);
    durable::register_workflow_with(&registering, parent, named("parent")).unwrap();
    durable::register_workflow_with(&registering, child, named("child")).unwrap();
    durable::launch(&ctx).await.unwrap();
    ctx
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_through_the_store() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing_subscriber::registry().with(layer).init();

    let store = durable::connect("memory:").await.unwrap();
    let door = Door(watch::Sender::new(0));
    let mut arrived = door.0.subscribe();
    let first = life(&store, Some(door)).await;
    let request = tracing::info_span!("request");
    durable::run_workflow(&first, parent, ())
        .id("w")
        .into_future()
        .instrument(request)
        .await
        .unwrap();
    arrived.wait_for(|count| *count == 1).await.unwrap();

    let second = life(&store, None).await;
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 41);
    for ctx in [&first, &second] {
        durable::shutdown(ctx, Duration::ZERO).await.unwrap();
    }
    provider.force_flush().unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let request = named(&spans, "request");
    let trace = request[0].span_context.trace_id();
    for (name, count) in [("workflow", 3), ("step", 2)] {
        let found = named(&spans, name);
        assert_eq!(found.len(), count, "{name} in {spans:#?}");
        for span in found {
            assert_eq!(span.span_context.trace_id(), trace, "{name}");
        }
    }
}

fn named<'s>(spans: &'s [SpanData], name: &str) -> Vec<&'s SpanData> {
    spans.iter().filter(|span| span.name == name).collect()
}
