use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// What happened in a simulation, in order. The same seed gives the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Vec<Event>);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When, in microseconds of virtual time since the start.
    pub at: u64,
    /// To whom: an executor's life, a client, or the simulation itself.
    pub who: String,
    /// What: a call of the store and what became of it, what was done to an executor, or what was noted.
    pub what: String,
}

impl Trace {
    /// Everything that happened.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// The last of it, so many events at most.
    pub fn tail(&self, events: usize) -> &[Event] {
        &self.0[self.0.len().saturating_sub(events)..]
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.at / 1_000_000, self.at % 1_000_000);
        write!(f, "{seconds:>4}.{micros:06} {:<10} {}", self.who, self.what)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

/// A trace that is being written.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    pub(super) fn note(&self, at: u64, who: &str, what: String) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = who.to_owned();
        events.push(Event { at, who, what });
    }

    pub(super) fn take(&self) -> Trace {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Trace(std::mem::take(&mut *events))
    }
}
