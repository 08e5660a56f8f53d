//! Steps whose bodies take their time, and can be told from each other.
use std::{sync::Arc, time::Duration};

use durable::{Ctx, Failure, Result, StepContext};
use futures::future::BoxFuture;

use super::Effect;

/// The name of a step whose body returns an [`Effect`].
pub(super) const EFFECT: &str = "effect";

/// Where the workflows run.
pub(crate) trait Place: Send + Sync {
    /// Lets time pass.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;

    /// A body begins. What is returned is called at its end, and returns a number that no other run of a body has; it is dropped uncalled by a body that
    /// does not come to its end.
    fn begin(&self, step: &StepContext) -> Box<dyn FnOnce() -> u64 + Send + '_>;
}

/// The place that the workflows of a context are registered for.
pub(super) fn place(ctx: &Ctx) -> Arc<dyn Place> {
    let place = ctx.value::<Arc<dyn Place>>();
    Arc::clone(&place.expect("is registered for a place"))
}

pub(super) async fn effect(ctx: &Ctx, value: u64, millis: u64) -> Result<Effect> {
    let body = body(ctx, value, millis, 1);
    durable::run_as_step(ctx, body).named(EFFECT).await
}

/// A body that succeeds at its `succeeds`th attempt.
pub(super) fn body(
    ctx: &Ctx,
    value: u64,
    millis: u64,
    succeeds: u32,
) -> impl Fn(StepContext) -> BoxFuture<'static, Result<Effect>> + Send + Sync {
    let place = place(ctx);
    move |step: StepContext| {
        let place = Arc::clone(&place);
        Box::pin(async move {
            let end = place.begin(&step);
            place.sleep(Duration::from_millis(millis)).await;
            if step.attempt() < succeeds {
                return Err(Failure::msg("not yet"));
            }
            let nonce = end();
            let step = step.step_id();
            Ok(Effect { step, nonce, value })
        })
    }
}
