use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::tracing_context::TracePropagation;

const TRACEPARENT: &str = "traceparent";

/// Carries traces of `tracing-opentelemetry`: what starts a workflow in one process and what runs it in another are one trace.
///
/// It needs a subscriber with the layer of that crate, which the program installs.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenTelemetry;

impl TracePropagation for OpenTelemetry {
    fn current(&self) -> Option<String> {
        let mut carrier = HashMap::new();
        let context = Span::current().context();
        TraceContextPropagator::new().inject_context(&context, &mut carrier);
        carrier.remove(TRACEPARENT)
    }

    fn adopt(&self, span: &Span, traceparent: &str) {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let parent = TraceContextPropagator::new().extract(&carrier);
        // Refused by a subscriber without the layer, which has no traces.
        let _ = span.set_parent(parent);
    }
}
