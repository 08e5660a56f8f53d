//! What an observer sees: spans of workflows and steps as one trace, and metrics, both printed by OpenTelemetry's exporters for stdout.
//!
//! ```text
//! cargo run -p examples --features opentelemetry --bin observe
//! ```
use std::time::Duration;

use durable::{Config, Ctx, Failure, OpenTelemetry, Result, RetryPolicy, StepContext};
use metrics_opentelemetry::{OpenTelemetryMetrics, OpenTelemetryRecorder};
use opentelemetry::{metrics::MeterProvider as _, trace::TracerProvider as _};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

/// Charges in a child, whose bank is busy at first.
async fn checkout(ctx: Ctx, cents: u64) -> Result<String> {
    let payment = durable::run_workflow(&ctx, pay, cents).await?;
    Ok(payment.get_result().await?)
}

async fn pay(ctx: Ctx, cents: u64) -> Result<String> {
    durable::run_as_step(&ctx, |step: StepContext| async move {
        match step.attempt() {
            1 => Err(Failure::msg("the bank is busy")),
            _ => Ok(format!("charged {cents}")),
        }
    })
    .named("charge")
    .retry(RetryPolicy::new(3).base(Duration::from_millis(10)))
    .await
}

/// Where the classes of a store call's time end, in seconds: OpenTelemetry's own begin at 5.
const SECONDS: [f64; 7] = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

#[tokio::main]
async fn main() -> Result<()> {
    let service = Resource::builder().with_service_name("shop").build();
    let traces = SdkTracerProvider::builder()
        .with_resource(service.clone())
        .with_simple_exporter(opentelemetry_stdout::SpanExporter::default())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("shop"));
    tracing_subscriber::registry().with(layer).init();
    let meters = SdkMeterProvider::builder()
        .with_resource(service)
        .with_periodic_exporter(opentelemetry_stdout::MetricExporter::default())
        .build();
    let recorder = OpenTelemetryRecorder::new(OpenTelemetryMetrics::new(meters.meter("shop")));
    recorder.set_histogram_bounds(["durable_store_call_seconds"].into_iter(), &SECONDS);
    metrics::set_global_recorder(recorder)?;

    let store = durable::connect("memory:").await?;
    let config = Config::new("shop", store).trace_propagation(OpenTelemetry);
    let ctx = durable::new_context(config).await?;
    durable::register_workflow(&ctx, checkout)?;
    durable::register_workflow(&ctx, pay)?;
    durable::launch(&ctx).await?;

    // Both workflows and the step are part of the trace of this request.
    let request = async {
        let handle = durable::run_workflow(&ctx, checkout, 4200_u64).await?;
        handle.get_result().await
    };
    let paid = request.instrument(tracing::info_span!("request")).await?;
    println!("{paid}");

    durable::shutdown(&ctx, Duration::from_secs(10)).await?;
    traces.shutdown()?;
    meters.shutdown()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use durable_testing::{crash_points, zombies};

    use super::*;

    #[tokio::test]
    async fn a_payment_survives_a_crash_at_every_call() {
        let trial = crash_points(checkout, 4200u64).set_up(|env| env.register(pay));
        trial.await.expect("survives");
    }

    #[tokio::test]
    async fn its_zombie_writes_nothing() {
        let trial = zombies(checkout, 4200u64).set_up(|env| env.register(pay));
        trial.await.expect("writes nothing");
    }
}
