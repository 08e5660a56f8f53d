use std::collections::VecDeque;

use sqlx::SqliteConnection;

use super::{
    backlog::Wanted,
    queue::{Next, Queue},
};

/// What is to be taken.
pub(super) struct Chosen {
    /// The rows, in the order in which they were due.
    pub(super) seqs: Vec<i64>,
    /// Whether nothing but the request's limit was in the way of more.
    pub(super) more: bool,
}

/// Chooses workflows, from one queue after the other, one at a time, so that none starves.
pub(super) async fn select(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    queues: &mut [Queue],
) -> Result<Chosen, sqlx::Error> {
    let mut seqs = Vec::new();
    let mut open: VecDeque<&mut Queue> = queues.iter_mut().collect();
    if !open.is_empty() {
        let first = first_queue(wanted.execution, open.len());
        open.rotate_left(first);
    }
    while seqs.len() < wanted.limit
        && let Some(queue) = open.pop_front()
    {
        if queue.next(connection, wanted).await? == Next::Workflow {
            seqs.extend(queue.take());
            open.push_back(queue);
        }
    }
    let mut more = false;
    for queue in open {
        more |= queue.next(connection, wanted).await? == Next::Workflow;
    }
    Ok(Chosen { seqs, more })
}

/// Where to begin, if there are more queues than are served at once: elsewhere for each call, whatever the steps in which the
/// caller counts its executions.
fn first_queue(execution: u64, queues: usize) -> usize {
    let mixed = execution.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed).unwrap_or(0) % queues
}
