use durable_api::store::{ForkOutcome, ForkWorkflow, StoreResult};

use super::bulk::{answered, texts};
use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, invalid, malformed},
    reply,
    script::FORK_WORKFLOWS,
};

const OPERATION: &str = "fork_workflows";

/// What one call copies at most: it is one transaction, and the server does nothing else meanwhile.
pub(crate) mod bounds {
    /// Checkpoints, what steps set as events, and values of streams.
    pub(crate) const ENTRIES: u32 = 100_000;
    /// Bytes of these, and of inputs.
    pub(crate) const BYTES: u32 = 256 << 20;
}

/// Makes new workflows out of the first steps of others.
pub(super) async fn fork(
    store: &RedisStore,
    requests: Vec<ForkWorkflow>,
) -> StoreResult<Vec<ForkOutcome>> {
    check_texts(
        OPERATION,
        requests
            .iter()
            .flat_map(|request| {
                [&request.id]
                    .into_iter()
                    .chain(&request.version)
                    .chain(&request.queue)
            })
            .map(String::as_str),
    )?;
    let keys = store.keys();
    let mut call = Call::new(&FORK_WORKFLOWS, OPERATION, [keys.workflows()])
        .arg(keys.base())
        .text(bounds::ENTRIES)
        .text(bounds::BYTES);
    for request in &requests {
        call = call
            .arg(&request.source)
            .arg(&request.id)
            .text(request.from_step)
            .optional(request.version.as_deref())
            .optional(request.queue.as_deref())
            .text(request.now.as_millis());
    }

    let unreadable = || malformed(OPERATION, "the answer");
    let (answer, mut values) = answered(OPERATION, store.change(call).await?)?;
    let value = values.next().ok_or_else(unreadable)?;
    match answer.as_str() {
        "done" => texts(value)
            .ok_or_else(unreadable)?
            .iter()
            .map(|text| outcome(text).ok_or_else(unreadable))
            .collect(),
        "too_large" => {
            let source = reply::text(value).ok_or_else(unreadable)?;
            Err(invalid(
                OPERATION,
                format!(
                    "the steps of workflow `{source}` and of those before it in this call are more than can be copied at once ({} entries, \
                     {} MiB); fork fewer in one call, or from an earlier step",
                    bounds::ENTRIES,
                    bounds::BYTES >> 20
                ),
            ))
        }
        _ => Err(unreadable()),
    }
}

fn outcome(text: &str) -> Option<ForkOutcome> {
    match text {
        "forked" => Some(ForkOutcome::Forked),
        "unknown_source" => Some(ForkOutcome::UnknownSource),
        "conflict" => Some(ForkOutcome::Conflict),
        _ => None,
    }
}
