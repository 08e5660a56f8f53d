use std::collections::BTreeSet;

use durable_api::{Payload, store::ArchivedMessage};

/// A workflow's messages.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Those that nobody consumed, in the order of their acceptance.
    waiting: Vec<ArchivedMessage>,
    /// The ids of all messages that ever came.
    known: BTreeSet<String>,
}

impl Inbox {
    /// Accepts a message, unless its id is known.
    pub(crate) fn put(&mut self, topic: String, message_id: String, payload: Payload) {
        if self.known.insert(message_id.clone()) {
            self.waiting.push(ArchivedMessage {
                topic,
                message_id,
                payload,
            });
        }
    }

    /// Takes the oldest message of a topic.
    pub(crate) fn take(&mut self, topic: &str) -> Option<Payload> {
        let oldest = self.waiting.iter().position(|one| one.topic == topic)?;
        Some(self.waiting.remove(oldest).payload)
    }

    /// What nobody consumed.
    pub(crate) fn archive(&self) -> Vec<ArchivedMessage> {
        self.waiting.clone()
    }

    /// An inbox in which archived messages wait.
    pub(crate) fn restore(messages: Vec<ArchivedMessage>) -> Self {
        let mut inbox = Self::default();
        for message in messages {
            inbox.put(message.topic, message.message_id, message.payload);
        }
        inbox
    }
}
