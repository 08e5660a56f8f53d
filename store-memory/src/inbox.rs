use std::collections::{BTreeMap, BTreeSet, VecDeque};

use durable_api::Payload;

/// A workflow's messages.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Those that nobody consumed, by topic, in the order of their acceptance.
    topics: BTreeMap<String, VecDeque<Payload>>,
    /// The ids of all messages that ever came.
    known: BTreeSet<String>,
}

impl Inbox {
    /// Accepts a message, unless its id is known.
    pub(crate) fn put(&mut self, topic: String, message_id: String, payload: Payload) {
        if self.known.insert(message_id) {
            self.topics.entry(topic).or_default().push_back(payload);
        }
    }

    /// Takes the oldest message of a topic.
    pub(crate) fn take(&mut self, topic: &str) -> Option<Payload> {
        self.topics.get_mut(topic)?.pop_front()
    }
}
