use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    sync::Once,
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::Journal;

thread_local! {
    /// Where the log of this thread goes.
    static LINES: RefCell<Option<Journal<String>>> = const { RefCell::new(None) };
}

/// What the engine logs on this thread, from `INFO` up.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Journal<String>,
}

impl Log {
    /// Makes it possible to keep the log. To be called before anything is logged: `tracing` remembers for the whole
    /// process whether anybody listened to a line when it was met first.
    pub(crate) fn install() {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            tracing::subscriber::set_global_default(Keeper).expect("there is no other");
        });
    }

    /// Begins to keep the log.
    pub(crate) fn keep() -> Self {
        Self::install();
        let lines = Journal::new();
        LINES.set(Some(lines.clone()));
        Self { lines }
    }

    /// The lines that hold `text`, each as `LEVEL message field=value`.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let mut lines = self.lines.entries();
        lines.retain(|line| line.contains(text));
        lines
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct Keeper;

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
        let Some(lines) = LINES.with_borrow(Clone::clone) else {
            return;
        };
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        lines.add(line.0);
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
