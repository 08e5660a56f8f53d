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

/// Chooses workflows, from one queue after the other, one at a time.
pub(super) async fn select(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    queues: &mut [Queue],
    first: usize,
) -> Result<Chosen, sqlx::Error> {
    let mut seqs = Vec::new();
    let mut open: VecDeque<&mut Queue> = queues.iter_mut().collect();
    if !open.is_empty() {
        open.rotate_left(first % open.len());
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
