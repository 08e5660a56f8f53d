//! Taking workflows from queues.
//!
//! One connection writes at a time, so what a transaction counts stays true until it commits: limits hold whoever asks at the
//! same time.
mod backlog;
mod look;
mod page;
mod partition;
#[cfg(test)]
mod plans;
mod queue;
mod rate;
mod room;
mod select;
mod take;

use durable_api::store::{ClaimedWorkflow, DequeueWorkflows, DequeuedWorkflows, WorkflowRecord};
use sqlx::SqliteConnection;

use crate::{
    executors::is_settled,
    workflows::candidates::load,
    writer::{Quick, Trouble, Write},
};
use backlog::Wanted;
use queue::Queue;
use select::select;

/// A request.
pub(super) struct Dequeue {
    pub(super) request: DequeueWorkflows,
    /// Partitions that seemed to have nothing waiting or running.
    pub(super) idle: Vec<i64>,
    /// With which queue to begin: its number, of whatever size.
    pub(super) first_queue: usize,
}

impl Write for Dequeue {
    type Answer = DequeuedWorkflows;

    const OPERATION: &'static str = "dequeue_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<DequeuedWorkflows>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<DequeuedWorkflows, Trouble> {
        let request = &self.request;
        look::forget(connection, &self.idle).await?;
        let mut answer = DequeuedWorkflows::new();
        let Some(is_settled) = is_settled(connection, request.owner).await? else {
            return Ok(answer);
        };
        let before = take::repeated(connection, request).await?;
        let (mut taken, _) = load(connection, &before, has_history).await?;
        taken.sort_by_cached_key(|one| before.iter().position(|seq| *seq == one.seq));
        let mut wanted = Wanted::new(request);
        if !taken.is_empty() || is_settled {
            // The answer was lost: it is given again, and no more is taken.
            wanted.limit = 0;
        }
        // Damaged ones are passed over, and all is chosen anew without them.
        let (queues, mut found) = loop {
            answer.damaged.clear();
            let mut queues = Queue::waiting(connection, &wanted, &mut answer.damaged).await?;
            let chosen = select(connection, &wanted, &mut queues, self.first_queue).await?;
            answer.more = chosen.more && taken.len() + chosen.seqs.len() >= request.limit as usize;
            let (mut found, damaged) = load(connection, &chosen.seqs, has_history).await?;
            let place = |seq| chosen.seqs.iter().position(|one| *one == seq);
            found.sort_by_cached_key(|one| place(one.seq));
            if damaged.is_empty() {
                break (queues, found);
            }
            for one in damaged {
                wanted.passed_over.insert(one.seq);
                wanted.damaged.push(one.reason);
            }
        };
        answer.damaged.append(&mut wanted.damaged);
        take::take(connection, request, &mut found).await?;
        answer.held = queues.iter().any(|queue| !queue.record.is_unlimited());
        for queue in &queues {
            queue.settle(connection).await?;
            let free_at = queue.free_at(connection).await?;
            answer.retry_at = answer.retry_at.into_iter().chain(free_at).min();
        }
        taken.append(&mut found);
        answer.taken = taken
            .into_iter()
            .map(|one| ClaimedWorkflow::new(one.record, one.history))
            .collect();
        Ok(answer)
    }
}

/// One that was never taken and is no fork has done nothing yet.
fn has_history(record: &WorkflowRecord) -> bool {
    record.started_at.is_some() || record.forked_from.is_some()
}
