//! What an observer sees of a workflow: its counters and its spans. One test, because recorder and subscriber are the process's.
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use durable::{Config, Ctx, Failure, Result, RetryPolicy, StepContext};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

async fn pay(ctx: Ctx, cents: u64) -> Result<u64> {
    durable::run_as_step(&ctx, |step: StepContext| async move {
        match step.attempt() {
            1 => Err(Failure::msg("busy")),
            _ => Ok(cents),
        }
    })
    .named("charge")
    .retry(RetryPolicy::new(2).base(Duration::ZERO))
    .await
}

#[tokio::test]
async fn a_workflow_is_counted_and_has_spans() {
    let recorder = DebuggingRecorder::new();
    let counters = recorder.snapshotter();
    recorder.install().unwrap();
    let spans = Spans::default();
    tracing_subscriber::registry().with(spans.clone()).init();

    let store = durable::connect("memory:").await.unwrap();
    let ctx = durable::new_context(Config::new("shop", store))
        .await
        .unwrap();
    let named = durable::RegisterOptions::new().named("pay");
    durable::register_workflow_with(&ctx, pay, named).unwrap();
    durable::launch(&ctx).await.unwrap();
    let handle = durable::run_workflow(&ctx, pay, 5u64)
        .id("order-7")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 5);
    durable::shutdown(&ctx, Duration::from_secs(10))
        .await
        .unwrap();

    let mut counted = BTreeMap::new();
    for (key, _, _, value) in counters.snapshot().into_vec() {
        let labels: Vec<_> = key
            .key()
            .labels()
            .map(|label| label.value().to_owned())
            .collect();
        if let DebugValue::Counter(count) = value {
            counted.insert(format!("{}{labels:?}", key.key().name()), count);
        }
    }
    let expected = [
        (
            r#"durable_executions_ended_total["pay", "success"]"#.to_owned(),
            1,
        ),
        ("durable_step_retries_total[]".to_owned(), 1),
        (r#"durable_steps_recorded_total["success"]"#.to_owned(), 1),
        (r#"durable_workflows_started_total["pay"]"#.to_owned(), 1),
    ];
    assert_eq!(counted, BTreeMap::from(expected));

    assert_eq!(
        spans.seen(),
        [
            "workflow workflow_id=order-7 name=pay recovered=false",
            "workflow > step step_id=0 name=charge",
        ]
    );
}

/// Notes the spans of the engine, each with the span that it is in.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl Spans {
    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, context: Context<'_, S>) {
        if !attributes.metadata().target().starts_with("durable_engine") {
            return;
        }
        let mut line = String::new();
        if let Some(outer) = context.lookup_current() {
            line = format!("{} > ", outer.name());
        }
        line.push_str(attributes.metadata().name());
        attributes.record(&mut Fields(&mut line));
        self.0.lock().unwrap().push(line);
    }
}

struct Fields<'l>(&'l mut String);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!(" {field}={value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}
