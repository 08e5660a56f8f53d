use std::fmt::{self, Write as _};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

use super::Journal;

/// What the engine logs on this thread, from `INFO` up.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Journal<String>,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to keep the log.
    pub(crate) fn keep() -> Self {
        let lines = Journal::new();
        let guard = tracing::subscriber::set_default(Keeper(lines.clone()));
        Self {
            lines,
            _guard: guard,
        }
    }

    /// The lines that hold `text`, each as `LEVEL message field=value`.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let mut lines = self.lines.entries();
        lines.retain(|line| line.contains(text));
        lines
    }
}

struct Keeper(Journal<String>);

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.add(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("writes to a string");
    }
}
