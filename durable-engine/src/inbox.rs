//! Which topics a workflow receives on, and the messages that were taken for a receive that was dropped meanwhile: the next receive gets them.
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::{CancellationToken, Error, Payload};

/// What one execution knows of its receives.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Who has the turn on a topic.
    turns: HashMap<String, Holder>,
    /// The topics of receives that have begun and not completed, by step.
    begun: HashMap<u32, String>,
    /// Messages that were taken for a receive that was dropped: the receive's step, and the message.
    unclaimed: HashMap<String, VecDeque<(u32, Payload)>>,
}

#[derive(Debug)]
struct Holder {
    /// Whether the receive was dropped, and only its last question to the store is still under way.
    dropped: bool,
    /// Fires when the turn is over.
    over: CancellationToken,
}

/// Whether a topic is free.
pub(crate) enum Topic {
    /// It is the caller's now.
    Mine,
    /// Another receive waits on it.
    Taken,
    /// A receive that was dropped is about to leave it: this fires when it has.
    Leaving(CancellationToken),
}

impl Inbox {
    /// Takes the turn on a topic, for the receive that is this step.
    pub(crate) fn enter(&self, topic: &str, step_id: u32) -> Topic {
        let mut state = self.lock();
        match state.turns.get(topic) {
            Some(holder) if holder.dropped => return Topic::Leaving(holder.over.clone()),
            Some(_) => return Topic::Taken,
            None => {}
        }
        let holder = Holder {
            dropped: false,
            over: CancellationToken::new(),
        };
        state.turns.insert(topic.to_owned(), holder);
        state.begun.insert(step_id, topic.to_owned());
        Topic::Mine
    }

    /// The receive that has the turn was dropped; what it asked of the store may still be under way.
    pub(crate) fn leaving(&self, topic: &str) {
        if let Some(holder) = self.lock().turns.get_mut(topic) {
            holder.dropped = true;
        }
    }

    /// Ends the turn on a topic.
    pub(crate) fn leave(&self, topic: &str) {
        if let Some(holder) = self.lock().turns.remove(topic) {
            holder.over.cancel();
        }
    }

    /// The receive that is this step completed.
    pub(crate) fn complete(&self, step_id: u32) {
        self.lock().begun.remove(&step_id);
    }

    /// The topic on which the receive that is this step began, if it did and has not completed.
    pub(crate) fn topic_of(&self, step_id: u32) -> Option<String> {
        self.lock().begun.get(&step_id).cloned()
    }

    /// Keeps a message that was taken for a receive that was dropped. A message that an earlier dropped receive left, and that this one
    /// had taken over, is kept once.
    pub(crate) fn keep(&self, topic: &str, step_id: u32, message: Payload) {
        let mut state = self.lock();
        let kept = state.unclaimed.entry(topic.to_owned()).or_default();
        kept.pop_front_if(|(earlier, _)| *earlier < step_id);
        kept.push_back((step_id, message));
    }

    /// The message that the receive that is this step must have: one that an earlier one left.
    pub(crate) fn unclaimed(&self, topic: &str, step_id: u32) -> Option<Payload> {
        let state = self.lock();
        let (earlier, message) = state.unclaimed.get(topic)?.front()?;
        (*earlier < step_id).then(|| message.clone())
    }

    /// The receive that is this step has a message: if an earlier one left one, it was that.
    pub(crate) fn claim(&self, topic: &str, step_id: u32) {
        if let Some(kept) = self.lock().unclaimed.get_mut(topic) {
            kept.pop_front_if(|(earlier, _)| *earlier < step_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of a receive on a topic. It is over when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Turn(#[allow(dead_code, reason = "held to be dropped")] Arc<Held>);

#[derive(Debug)]
struct Held {
    inbox: Arc<Inbox>,
    topic: String,
}

impl Turn {
    /// Waits for a receive that is about to leave, and takes the turn.
    pub(crate) async fn take(
        inbox: &Arc<Inbox>,
        workflow_id: &str,
        topic: &str,
        step_id: u32,
    ) -> Result<Self, Error> {
        loop {
            match inbox.enter(topic, step_id) {
                Topic::Mine => {
                    return Ok(Self(Arc::new(Held {
                        inbox: Arc::clone(inbox),
                        topic: topic.to_owned(),
                    })));
                }
                Topic::Leaving(over) => over.cancelled().await,
                Topic::Taken => {
                    return Err(Error::TopicTaken {
                        workflow_id: workflow_id.to_owned(),
                        topic: topic.to_owned(),
                    });
                }
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.inbox.leave(&self.topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Payload {
        Payload::new("json", text.to_owned())
    }

    #[test]
    fn what_a_dropped_receive_took_is_the_next_ones() {
        let inbox = Inbox::default();
        inbox.keep("t", 1, message("a"));
        assert_eq!(inbox.unclaimed("t", 3), Some(message("a")));
        assert_eq!(inbox.unclaimed("u", 3), None);
        inbox.claim("t", 3);
        assert_eq!(inbox.unclaimed("t", 4), None);
    }

    #[test]
    fn a_receive_before_the_dropped_one_does_not_get_it() {
        let inbox = Inbox::default();
        inbox.keep("t", 5, message("a"));
        inbox.claim("t", 3);
        assert_eq!(inbox.unclaimed("t", 4), None);
        assert_eq!(inbox.unclaimed("t", 6), Some(message("a")));
    }

    #[test]
    fn a_message_that_two_dropped_receives_had_in_turn_is_kept_once() {
        let inbox = Inbox::default();
        inbox.keep("t", 1, message("a"));
        inbox.keep("t", 2, message("a"));
        inbox.claim("t", 3);
        assert_eq!(inbox.unclaimed("t", 4), None);
    }
}
