use std::{
    future::{Future, IntoFuture},
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    Ctx, Error,
    ops::durable_call::durable_call,
    requests::{Draw, Named, RegisterQueue, SetDelay},
    store::{QueueRecord, RateLimit},
};

/// Stores the configuration of a queue, in place of the one it had: it holds at once, in every process. Await the returned builder, or set limits
/// first; a limit that is not set is none. At any time, also before `launch`.
///
/// # Errors
/// [`Error::InvalidName`]; [`Error::InvalidConfig`] for a limit of zero.
pub fn register_queue(ctx: &Ctx, name: impl Into<String>) -> QueueBuilder<'_> {
    QueueBuilder {
        ctx,
        step_id: ctx.position_outside_steps("register_queue"),
        queue: QueueRecord::new("", name),
    }
}

/// A queue about to be registered.
#[must_use = "a queue is registered when this is awaited"]
pub struct QueueBuilder<'c> {
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    queue: QueueRecord,
}

impl QueueBuilder<'_> {
    /// How many of its workflows may run at once, in all processes together.
    pub fn concurrency(mut self, limit: u32) -> Self {
        self.queue.limits.concurrency = Some(limit);
        self
    }

    /// How many of its workflows one process may run at once.
    pub fn executor_concurrency(mut self, limit: u32) -> Self {
        self.queue.limits.executor_concurrency = Some(limit);
        self
    }

    /// How many may start in any stretch of time of this length, in all processes together. The length counts in milliseconds.
    pub fn rate(mut self, starts: u32, period: Duration) -> Self {
        self.queue.limits.rate = Some(RateLimit::new(starts, period));
        self
    }

    /// As [`concurrency`](Self::concurrency), for each partition.
    pub fn partition_concurrency(mut self, limit: u32) -> Self {
        self.queue.partition_limits.concurrency = Some(limit);
        self
    }

    /// As [`executor_concurrency`](Self::executor_concurrency), for each partition.
    pub fn partition_executor_concurrency(mut self, limit: u32) -> Self {
        self.queue.partition_limits.executor_concurrency = Some(limit);
        self
    }

    /// As [`rate`](Self::rate), for each partition.
    pub fn partition_rate(mut self, starts: u32, period: Duration) -> Self {
        self.queue.partition_limits.rate = Some(RateLimit::new(starts, period));
        self
    }

    /// How many workflows of a partition are taken when it is its turn. Default: 1.
    pub fn partition_weight(mut self, partition: impl Into<String>, weight: u32) -> Self {
        self.queue.weights.insert(partition.into(), weight);
        self
    }
}

impl<'c> IntoFuture for QueueBuilder<'c> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (ctx, queue) = (self.ctx, self.queue);
        durable_call(ctx, self.step_id, move |step_id| {
            ctx.as_dyn()
                .register_queue(RegisterQueue::new(queue, step_id))
        })
    }
}

/// The registered queues of this application, by name.
///
/// # Errors
/// [`Error::Store`].
pub fn list_queues(ctx: &Ctx) -> impl Future<Output = Result<Vec<QueueRecord>, Error>> + Send {
    let step_id = ctx.position_outside_steps("list_queues");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().list_queues(Draw::new(step_id))
    })
}

/// Removes the configuration of a queue in which nothing waits and from which nothing runs.
///
/// # Errors
/// [`Error::QueueInUse`] otherwise.
pub fn delete_queue<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let name = name.into();
    let step_id = ctx.position_outside_steps("delete_queue");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().delete_queue(Named::new(name, step_id))
    })
}

/// Chooses the queues from which this process takes work from now on; `None`, which is the default, for all. Work that it has taken goes on.
pub fn serve_queues(ctx: &Ctx, queues: Option<Vec<String>>) {
    ctx.as_dyn().serve_queues(queues);
}

/// Changes when a `DELAYED` workflow enters its queue: so long from now.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotDelayed`] when it is not delayed, or not any more.
pub fn set_delay<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
    delay: Duration,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let workflow_id = workflow_id.into();
    let step_id = ctx.position_outside_steps("set_delay");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .set_delay(SetDelay::new(workflow_id, delay, step_id))
    })
}
