//! Effects of a step, each one statement for a whole batch: what is written, and the step's checkpoint with it.
mod append;
mod fence;
mod receive;
mod send;
mod set_event;

pub(crate) use append::{Append, Appended};
pub(crate) use fence::Fenced;
pub(crate) use receive::{Receive, Received};
pub(crate) use send::Deliver;
pub(crate) use set_event::Set;

use durable_api::store::{StepRef, StoreErrorKind};

use crate::{
    batch::{Batch, Batcher},
    error::Failure,
    writes,
};

/// How often the answer may change under our eyes before the caller is asked to try again.
const ATTEMPTS: usize = 10;

/// Commits an effect. If what it is judged by changes at the same time, as by an earlier call whose answer was lost,
/// nothing is applied, and the next attempt sees what is there.
pub(crate) async fn submit<B, T>(batcher: &Batcher<B>, item: B::Item) -> Result<Fenced<T>, Failure>
where
    B: Batch<Item: Clone, Answer = Option<Fenced<T>>>,
{
    for _ in 0..ATTEMPTS {
        match batcher.submit(item.clone()).await {
            Ok(Some(answer)) => return Ok(answer),
            // The same step or write, recorded by somebody else.
            Err(failure) if failure.sqlstate() == Some("23505") => {}
            Err(failure) => return Err(failure),
            Ok(None) => {}
        }
    }
    Err(Failure::new(
        StoreErrorKind::Contention,
        "the same is done by many at once",
    ))
}

/// Refuses what Postgres cannot store, before it reaches a batch of others.
pub(crate) fn check<'a>(
    step: Option<&'a StepRef>,
    texts: impl IntoIterator<Item = &'a str>,
    payload: Option<&durable_api::Payload>,
) -> Result<(), Failure> {
    let of_step = step
        .into_iter()
        .flat_map(|step| [step.workflow_id.as_str(), step.name.as_str()]);
    let owners = step.map(|step| step.owner);
    writes::check(texts.into_iter().chain(of_step), payload, owners)
}
