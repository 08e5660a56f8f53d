//! A run without effects: what it met of the record, and where it went beyond.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use durable_api::{CancellationToken, Clock, Timestamp, store::StepRecord};
use futures::future::BoxFuture;

use crate::run::DROPPED;

/// What a rehearsal of a workflow came to so far. The run notes it; whoever watches reads it.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    /// Records of when a wait ends, each with the call that waits. It is met only if the call has to wait again.
    ends: BTreeMap<u32, WaitEnd>,
    state: Mutex<State>,
    /// Fires at the end: what waits goes away.
    over: CancellationToken,
}

#[derive(Debug)]
struct WaitEnd {
    call: u32,
    call_name: String,
}

#[derive(Debug, Default)]
struct State {
    /// The recorded calls that were met, and the last of them.
    met: BTreeSet<u32>,
    last: Option<u32>,
    /// The calls of which nothing is recorded.
    beyond: BTreeMap<u32, String>,
    /// Calls that the code dropped.
    dropped: BTreeSet<u32>,
    /// The streams that a recorded call closed. A write to one is refused without a record.
    closed: BTreeSet<String>,
    /// Whether the code waits for what only an effect or time could bring.
    waits: bool,
}

/// What follows the name of a call in the name of the record of when its wait ends.
const END: &str = "_until";

impl Rehearsal {
    /// The rehearsal of what this history is of.
    pub(crate) fn of(history: &[StepRecord]) -> Self {
        let own = history.iter().filter(|step| step.name == DROPPED);
        let own: BTreeSet<_> = own.map(|step| step.step_id).collect();
        let ends = history.iter().filter_map(|step| {
            let call_name = step.name.strip_suffix(END)?;
            if !call_name.starts_with("durable.") {
                return None;
            }
            // The two numbers were taken together.
            let call = (0..step.step_id)
                .rev()
                .find(|number| !own.contains(number))?;
            let call_name = call_name.to_owned();
            Some((step.step_id, WaitEnd { call, call_name }))
        });
        Self {
            ends: ends.collect(),
            state: Mutex::default(),
            over: CancellationToken::new(),
        }
    }

    /// A recorded call was met.
    pub(crate) fn met(&self, step_id: u32) {
        let mut state = self.lock();
        state.met.insert(step_id);
        state.last = Some(step_id);
    }

    /// A call was made of which nothing is recorded, but perhaps when its wait ends.
    pub(crate) fn beyond(&self, step_id: u32, name: &str) {
        let mut state = self.lock();
        state.beyond.insert(step_id, name.to_owned());
        let mut ends = self.ends.iter();
        if let Some((end, _)) = ends.find(|(_, end)| end.call == step_id && end.call_name == name) {
            state.met.insert(*end);
        }
    }

    /// Takes the place of every effect: waits for the end.
    pub(crate) async fn end(&self) {
        self.lock().waits = true;
        self.over.cancelled().await;
    }

    /// Lets go of what waits.
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    /// A recorded call closed this stream.
    pub(crate) fn stream_closed(&self, key: &str) {
        self.lock().closed.insert(key.to_owned());
    }

    /// Whether a recorded call closed this stream.
    pub(crate) fn closed_stream(&self, key: &str) -> bool {
        self.lock().closed.contains(key)
    }

    /// The code dropped these calls before they completed.
    pub(crate) fn dropped(&self, step_ids: Vec<u32>) {
        self.lock().dropped.extend(step_ids);
    }

    /// Whether code that fits the history makes the recorded call that it has not made yet. `abandoned` says which calls were dropped when they were recorded.
    pub(crate) fn expects(&self, step_id: u32, abandoned: impl Fn(u32) -> bool) -> bool {
        let state = self.lock();
        let dropped = |step_id: u32| abandoned(step_id) || state.dropped.contains(&step_id);
        let over = |call: u32| dropped(call) || state.met.contains(&call);
        let end = self.ends.get(&step_id);
        !over(step_id) && !end.is_some_and(|end| over(end.call))
    }

    /// How many recorded calls were met so far.
    pub(crate) fn progress(&self) -> usize {
        self.lock().met.len()
    }

    /// The recorded call that was met last.
    pub(crate) fn last(&self) -> Option<u32> {
        self.lock().last
    }

    /// The first call that waits and of which nothing is recorded.
    pub(crate) fn first_beyond(&self) -> Option<(u32, String)> {
        let state = self.lock();
        let mut waiting = state
            .beyond
            .iter()
            .filter(|(step_id, _)| !state.dropped.contains(step_id));
        let (step_id, name) = waiting.next()?;
        Some((*step_id, name.clone()))
    }

    /// Whether the code waits for what a rehearsal does not bring.
    pub(crate) fn waits(&self) -> bool {
        let state = self.lock();
        state.waits || !state.beyond.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of a rehearsal: never before what is recorded, and nothing sleeps to its end.
#[derive(Debug)]
pub(crate) struct RehearsalClock {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorded: Timestamp,
    pub(crate) rehearsal: Arc<Rehearsal>,
}

impl Clock for RehearsalClock {
    fn now(&self) -> Timestamp {
        self.clock.now().max(self.recorded)
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        let rehearsal = Arc::clone(&self.rehearsal);
        Box::pin(async move {
            rehearsal.end().await;
            std::future::pending().await
        })
    }
}
