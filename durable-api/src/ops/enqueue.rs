use std::{
    any::Any,
    future::{Future, IntoFuture},
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, IntoInput, Value, Workflow,
    ops::{
        RunWorkflow, WorkflowHandle,
        durable_call::{Effect, durable_call},
        run_workflow,
    },
    requests::{DebounceOptions, OnDuplicate, QueueOptions, StartWorkflow},
    store::{Caller, DynConnection},
};

/// Leaves a workflow in a queue, from which an executor takes it that has registered it; inside a workflow, as a child of it. Await the returned builder,
/// or set options first.
///
/// When it returns, the workflow is recorded. `run_workflow(…).queue(…)` is the same.
///
/// # Errors
/// [`Error::UnknownQueue`] when no queue of that name is registered; [`Error::Duplicate`] when the queue holds a workflow of the same deduplication
/// id; [`Error::Conflict`] when the id belongs to another kind of workflow or another queue; [`Error::InvalidName`], [`Error::PayloadTooLarge`] and
/// [`Error::Codec`] for what cannot be stored; [`Error::InsideStep`] inside a step.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, enqueue, register_queue};
/// # use std::time::Duration;
/// # async fn send_email(_: Ctx, to: String) -> Result<()> { Ok(()) }
/// # async fn example(ctx: &Ctx) -> Result<()> {
/// register_queue(ctx, "emails").concurrency(10).rate(100, Duration::from_secs(60)).await?;
/// let sent = enqueue(ctx, "emails", send_email, "ada@example.com").priority(5).await?;
/// sent.get_result().await?;
/// # Ok(())
/// # }
/// ```
pub fn enqueue<W, I>(
    ctx: &Ctx,
    queue: impl Into<String>,
    workflow: W,
    input: impl IntoInput<I>,
) -> EnqueueWorkflow<'_, W::Output>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    run_workflow(ctx, workflow, input).queue(queue)
}

/// As [`enqueue`], for a program that has not the code: `name` is the one under which executors have registered the workflow, whose output is an `O`.
///
/// # Errors
/// As [`enqueue`]. A name that nobody has registered is no error: the workflow waits until somebody does.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, enqueue_named};
/// # async fn example(client: &Ctx) -> Result<()> {
/// let receipt = enqueue_named::<String>(client, "checkouts", "checkout", 4200_u64).await?;
/// println!("{}", receipt.get_result().await?);
/// # Ok(())
/// # }
/// ```
pub fn enqueue_named<O: Durable>(
    ctx: &Ctx,
    queue: impl Into<String>,
    name: impl Into<String>,
    input: impl Durable,
) -> EnqueueWorkflow<'_, O> {
    let request = StartWorkflow::named(name, Value::new(input));
    RunWorkflow::with(ctx, request, |value| value.decode()).queue(queue)
}

/// Leaves many workflows in a queue, thousands in one call; the handles are in the order of the inputs.
///
/// They are accepted one by one, side by side: after an error, some may be there and others not.
///
/// # Errors
/// As [`enqueue`], the first of them.
pub fn enqueue_many<'c, W, I, T>(
    ctx: &'c Ctx,
    queue: impl Into<String>,
    workflow: W,
    inputs: impl IntoIterator<Item = T>,
) -> impl Future<Output = Result<Vec<WorkflowHandle<W::Output>>, Error>> + Send + 'c
where
    W: Workflow<I, Output: Durable> + Clone,
    I: Durable,
    T: IntoInput<I>,
    W::Output: 'c,
{
    let queue = queue.into();
    // The numbers are taken here, in the order of the inputs.
    let starts: Vec<_> = inputs
        .into_iter()
        .map(|input| enqueue(ctx, &*queue, workflow.clone(), input).into_future())
        .collect();
    async move {
        let answers = futures::future::join_all(starts).await;
        answers.into_iter().collect()
    }
}

/// Starts a workflow `delay` from now, unless the call is repeated with the same key: each repetition pushes the start back and replaces the
/// input, until the workflow has started; the next call then begins anew. Calls belong together that are for the same workflow and key, from any process.
/// Await the returned builder, or set options first; the handle is on the workflow that will run.
///
/// # Errors
/// As [`enqueue`].
///
/// ```no_run
/// # use durable_api::{Ctx, Result, debounce};
/// # use std::time::Duration;
/// # async fn reindex(_: Ctx, document: String) -> Result<()> { Ok(()) }
/// # async fn example(ctx: &Ctx) -> Result<()> {
/// // Five seconds after the last edit, but at most a minute after the first.
/// debounce(ctx, "document-7", Duration::from_secs(5), reindex, "the text")
///     .cap(Duration::from_secs(60))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub fn debounce<W, I>(
    ctx: &Ctx,
    key: impl Into<String>,
    delay: Duration,
    workflow: W,
    input: impl IntoInput<I>,
) -> EnqueueWorkflow<'_, W::Output>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    let mut start = enqueue(ctx, INTERNAL_QUEUE, workflow, input).delay(delay);
    start.options.debounce = Some(DebounceOptions {
        key: key.into(),
        cap: None,
    });
    start
}

/// The queue of what needs one without limits. It need not be registered.
pub const INTERNAL_QUEUE: &str = "durable.internal";

/// A workflow about to enter a queue.
#[must_use = "a workflow enters its queue when this is awaited"]
pub struct EnqueueWorkflow<'c, O> {
    start: RunWorkflow<'c, O>,
    options: QueueOptions,
    connection: Option<&'c mut DynConnection>,
}

impl<'c, O> EnqueueWorkflow<'c, O> {
    pub(crate) fn new(start: RunWorkflow<'c, O>, queue: String) -> Self {
        Self {
            start,
            options: QueueOptions::new(queue),
            connection: None,
        }
    }

    /// Sets the id, as [`RunWorkflow::id`] does.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.start = self.start.id(id);
        self
    }

    /// Says under which of its names the function is meant.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.start = self.start.name(name);
        self
    }

    /// Says on whose behalf it runs, as [`RunWorkflow::caller`] does.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.start = self.start.caller(caller);
        self
    }

    /// Attaches a JSON value, as [`RunWorkflow::attribute`] does.
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.start = self.start.attribute(name, value);
        self
    }

    /// Chooses the queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.options.queue = queue.into();
        self
    }

    /// Sets the priority: those with a lower number are taken first. Default: 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.options.priority = priority;
        self
    }

    /// Keeps a second workflow with this id out of the queue until this one has ended.
    pub fn deduplication_id(mut self, id: impl Into<String>) -> Self {
        self.options.deduplication_id = Some(id.into());
        self
    }

    /// What to do when the queue holds a workflow of the same deduplication id. Default: [`OnDuplicate::Reject`].
    pub fn on_duplicate(mut self, policy: OnDuplicate) -> Self {
        self.options.on_duplicate = policy;
        self
    }

    /// Chooses the partition of the queue. Partitions take turns, and may have limits of their own.
    pub fn partition_key(mut self, key: impl Into<String>) -> Self {
        self.options.partition_key = Some(key.into());
        self
    }

    /// Lets it enter the queue only after a while. Until then it is `DELAYED`.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = Some(delay);
        self
    }

    /// Of a [debounced](debounce) start: it comes at the latest so long after the first call.
    pub fn cap(mut self, cap: Duration) -> Self {
        if let Some(debounce) = &mut self.options.debounce {
            debounce.cap = Some(cap);
        }
        self
    }

    /// Sets the application version whose executors take it. Default: the caller's own version, if the caller has registered the workflow; or else
    /// none, and the executors of the latest version take it.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.options.version = Some(version.into());
        self
    }

    /// Leaves it for another application on the same store. Default: the caller's own.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.options.app = Some(app.into());
        self
    }

    /// Enters the queue in a transaction of the caller's, on the database that the context stores to: the workflow is there once the caller commits, and not
    /// at all if the caller rolls back. `connection` is what that database's transactions dereference to: `.within(&mut *transaction)` of an `sqlx::Transaction`.
    ///
    /// For programs outside workflows, and for the bodies of transactional steps.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the store has no transactions, or others than this.
    pub fn within(mut self, connection: &'c mut (impl Any + Send)) -> Self {
        self.connection = Some(connection);
        self
    }
}

impl<'c, O: Send + 'static> IntoFuture for EnqueueWorkflow<'c, O> {
    type Output = Result<WorkflowHandle<O>, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (ctx, step_id, mut request, decode) = self.start.into_parts();
        request.queue = Some(self.options);
        if let Some(connection) = self.connection {
            let effect = step_id.map(|step_id| Effect {
                step_id,
                inside: None,
            });
            return Box::pin(async move {
                Effect::check_within(effect, "enqueue")?;
                let inner = ctx.as_dyn().enqueue_within(request, connection).await?;
                Ok(WorkflowHandle::with(ctx.clone(), inner, decode))
            });
        }
        durable_call(ctx, step_id, move |step_id| async move {
            request.step_id = step_id;
            let inner = ctx.as_dyn().enqueue(request).await?;
            Ok(WorkflowHandle::with(ctx.clone(), inner, decode))
        })
    }
}
