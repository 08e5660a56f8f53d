use std::fmt::Debug;

use tracing::Span;

/// Binds the spans of this library to traces that cross processes.
pub trait TracePropagation: Debug + Send + Sync + 'static {
    /// The trace that the running code belongs to, as a W3C `traceparent`; `None` outside any.
    fn current(&self) -> Option<String>;

    /// Makes `span`, which is new, a part of the trace of this `traceparent`.
    fn adopt(&self, span: &Span, traceparent: &str);
}
