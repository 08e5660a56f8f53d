use std::{
    any::Any,
    future::{Future, IntoFuture},
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, Value,
    ops::durable_call::{Effect, durable_call},
    requests::{Recv, SendTo},
    store::DynConnection,
};

/// Leaves a message for a workflow. Await the returned builder, or set topic and idempotency key first.
///
/// From a workflow, the message is left exactly once: it and the step that sends it are one commit. From outside,
/// give an idempotency key to make a repeated call harmless.
///
/// # Errors
/// [`Error::NotFound`] when no workflow has that id; [`Error::InsideStep`] inside a step.
pub fn send<T: Durable>(ctx: &Ctx, workflow_id: impl Into<String>, message: T) -> SendMessage<'_> {
    SendMessage {
        ctx,
        effect: Effect::outside_steps(ctx, "send"),
        destination: workflow_id.into(),
        topic: String::new(),
        idempotency_key: None,
        message: Value::new(message),
        connection: None,
    }
}

/// A message about to be left.
#[must_use = "a message is left when this is awaited"]
pub struct SendMessage<'c> {
    ctx: &'c Ctx,
    effect: Result<Effect, Error>,
    destination: String,
    topic: String,
    idempotency_key: Option<String>,
    message: Value,
    connection: Option<&'c mut DynConnection>,
}

impl<'c> SendMessage<'c> {
    /// The topic. A receiver takes the messages of one topic only. Default: the empty one.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Identifies the message among all that are sent to this workflow: a second one of the same key is not left.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Leaves the message in a transaction of the caller's, on the database that the context stores to: it is there once the caller commits, together
    /// with what else the caller wrote, and not at all if the caller rolls back. `connection` is what that database's transactions
    /// dereference to: `.within(&mut *transaction)` of an `sqlx::Transaction`.
    ///
    /// For programs outside workflows, and for the bodies of transactional steps. The workflow itself needs none: its message and its step are one commit.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the store has no transactions, or others than this.
    pub fn within(mut self, connection: &'c mut (impl Any + Send)) -> Self {
        self.connection = Some(connection);
        self
    }
}

impl<'c> IntoFuture for SendMessage<'c> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let ctx = self.ctx;
        if let Some(connection) = self.connection {
            let effect = self.effect;
            let request = SendTo::new(
                self.destination,
                self.topic,
                self.idempotency_key,
                self.message,
                None,
                None,
            );
            return Box::pin(async move {
                Effect::check_within(effect, "send")?;
                ctx.as_dyn().send_within(request, connection).await
            });
        }
        Effect::run(self.effect, ctx, move |effect| {
            ctx.as_dyn().send(SendTo::new(
                self.destination,
                self.topic,
                self.idempotency_key,
                self.message,
                effect.step_id,
                effect.inside,
            ))
        })
    }
}

/// Takes the oldest message of a topic, waiting for one up to `timeout`; `None` if none came. The message is consumed and recorded in one
/// commit; the end of the wait is recorded too, so that a recovered workflow waits only for what is left.
///
/// One receiver at a time may wait on a topic.
///
/// # Errors
/// [`Error::OutsideWorkflow`], [`Error::InsideStep`]; [`Error::TopicTaken`] when another receive waits on the topic; [`Error::Cancelled`]
/// when the workflow is cancelled meanwhile; [`Error::Codec`] when the message is no `T`.
pub fn recv<'c, T: Durable>(
    ctx: &'c Ctx,
    topic: impl Into<String>,
    timeout: Duration,
) -> impl Future<Output = Result<Option<T>, Error>> + Send + 'c {
    let topic = topic.into();
    let step_id = ctx.workflow_position("recv");
    let wait_step_id = ctx.second_number(&step_id);
    durable_call(ctx, step_id, move |step_id| async move {
        let what = format!("a message of topic `{topic}`");
        let request = Recv::new(topic, timeout, step_id, wait_step_id);
        let value = ctx.as_dyn().recv(request).await?;
        ctx.decode(value, what)
    })
}
