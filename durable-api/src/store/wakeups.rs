use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::StoreResult;

/// A hint that something changed. It may be missing, late, repeated or wrong: who is woken looks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wakeup {
    /// Something about the workflow with this [key](Wakeup::key) changed: its status, a message, an event, a stream.
    Workflow(u64),
    /// There may be workflows to claim.
    Claimable,
    /// There may be workflows to take from a queue, or the limits of a queue changed.
    Enqueued,
    /// Hints may have been lost: everybody looks again.
    Everything,
}

impl Wakeup {
    /// The hint for a workflow.
    pub fn workflow(workflow_id: &str) -> Self {
        Self::Workflow(Self::key(workflow_id))
    }

    /// A number for a workflow's id, the same in every process and version (FNV-1a, 64 bits). Two ids may share one.
    pub fn key(workflow_id: &str) -> u64 {
        workflow_id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }
}

/// Hints as they come. Ends when the store can give no more.
pub struct Wakeups(BoxStream<'static, Wakeup>);

impl Wakeups {
    /// The hints of a stream.
    pub fn new(stream: impl futures::Stream<Item = Wakeup> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// No hints, ever: who waits polls.
    pub fn none() -> Self {
        Self::new(futures::stream::empty())
    }

    /// The stream.
    pub fn into_stream(self) -> BoxStream<'static, Wakeup> {
        self.0
    }
}

impl fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wakeups")
    }
}

/// Being woken instead of asking again and again.
#[async_trait]
pub trait WakeupStore: fmt::Debug + Send + Sync + 'static {
    /// Hints about changes that any process makes from now on. A store that can tell only of changes made through itself says
    /// so in its documentation; who waits polls as well. A connection that breaks is made anew by the stream, which then says `Everything`.
    ///
    /// After [`finish_workflow`](super::WorkflowStore::finish_workflow), cancellation, deletion,
    /// [`send_message`](super::MessageStore::send_message), [`set_event`](super::EventStore::set_event) and
    /// [`append_stream`](super::StreamStore::append_stream): the workflow concerned (of a message, the destination). After
    /// retirement, resumption, forks and expulsion: `Claimable`. After everything that makes a workflow `ENQUEUED`, and
    /// [`put_queue`](super::QueueStore::put_queue): `Enqueued`. After what makes one `DELAYED` or changes a delay: `Enqueued`, too, since
    /// whoever waits for the next to be due must look again. Never before the change is visible.
    async fn subscribe(&self) -> StoreResult<Wakeups>;
}
