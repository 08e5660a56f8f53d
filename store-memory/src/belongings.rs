use std::collections::BTreeSet;

use durable_api::{Timestamp, store::Incarnation};

use crate::{
    checkpoints::Checkpoints, inbox::Inbox, shown_events::ShownEvents, shown_streams::ShownStreams,
};

/// What belongs to a workflow and goes with it.
#[derive(Debug, Default)]
pub(crate) struct Belongings {
    pub(crate) steps: Checkpoints,
    pub(crate) inbox: Inbox,
    pub(crate) events: ShownEvents,
    pub(crate) streams: ShownStreams,
    /// The requests that pushed it back: what each and its repetitions have in common.
    pub(crate) pushes: BTreeSet<Push>,
}

/// The workflow id, owner and time of a request that pushed another workflow back.
pub(crate) type Push = (String, Incarnation, u64, Timestamp);

impl Belongings {
    /// What a fork from step `from_step` begins with.
    pub(crate) fn before(&self, from_step: u32) -> Self {
        Self {
            steps: self.steps.before(from_step),
            inbox: Inbox::default(),
            events: self.events.before(from_step),
            streams: self.streams.before(from_step),
            pushes: BTreeSet::new(),
        }
    }
}
