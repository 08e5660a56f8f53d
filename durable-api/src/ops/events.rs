use std::{future::Future, time::Duration};

use crate::{
    Ctx, Durable, Error, Value,
    ops::durable_call::{Effect, durable_call},
    requests::{GetEvent, SetEvent},
};

/// Shows a value to others under a key. The value that is set last wins. In the body of a step it may be set again by a
/// repeated attempt.
///
/// # Errors
/// [`Error::OutsideWorkflow`]; [`Error::Codec`] and [`Error::PayloadTooLarge`] for what cannot be stored.
pub fn set_event<'c, T: Durable>(
    ctx: &'c Ctx,
    key: impl Into<String>,
    value: T,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let (key, value) = (key.into(), Value::new(value));
    Effect::run(Effect::anywhere(ctx, "set_event"), ctx, move |effect| {
        let request = SetEvent::new(key, value, effect.step_id, effect.inside);
        ctx.as_dyn().set_event(request)
    })
}

/// The value that a workflow shows under a key, waiting for it up to `timeout`; `None` if it has not been set by then. It can be read as long as
/// the workflow is stored, also after its end. Inside a workflow the answer is recorded.
///
/// # Errors
/// [`Error::NotFound`] when there is no such workflow; [`Error::InsideStep`]; [`Error::Codec`] when the value is no `T`;
/// [`Error::Store`] when the store has not answered two seconds after the timeout (inside a workflow, the wait lasts until it is back).
pub fn get_event<'c, T: Durable>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
    key: impl Into<String>,
    timeout: Duration,
) -> impl Future<Output = Result<Option<T>, Error>> + Send + 'c {
    let (workflow_id, key) = (workflow_id.into(), key.into());
    let step_id = ctx.position_outside_steps("get_event");
    let wait_step_id = ctx.second_number(&step_id);
    durable_call(ctx, step_id, move |step_id| async move {
        let what = format!("event `{key}` of workflow `{workflow_id}`");
        let request = GetEvent::new(workflow_id, key, timeout, step_id, wait_step_id);
        let value = ctx.as_dyn().get_event(request).await?;
        ctx.decode(value, what)
    })
}
