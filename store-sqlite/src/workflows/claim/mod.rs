mod orphans;

use durable_api::{
    WorkflowStatus,
    store::{ClaimWorkflows, ClaimedWorkflow, ClaimedWorkflows},
};
use sqlx::SqliteConnection;

use crate::{
    executors::is_settled,
    sql::{json_numbers, query, values},
    steps::execution,
    workflows::candidates::{Candidate, load},
    writer::{Hints, Quick, Trouble, Write},
};
use orphans::{lost, repeated};

impl Write for ClaimWorkflows {
    type Answer = ClaimedWorkflows;

    const OPERATION: &'static str = "claim_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ClaimedWorkflows>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ClaimedWorkflows, Trouble> {
        let mut answer = ClaimedWorkflows::new();
        // Whoever is not registered would be robbed of its claim at once.
        let Some(is_settled) = is_settled(connection, self.owner).await? else {
            return Ok(answer);
        };
        let limit = self.limit as usize;
        // First what an earlier call with the same owner took, then the oldest.
        let taken_before = repeated(connection, self).await?;
        let (mut taken, _) = load(connection, &taken_before, |_| true).await?;
        let wanted = match is_settled {
            true => 0,
            false => limit.saturating_sub(taken.len()),
        };
        // Damaged ones do not count, or they would keep back all that come after them.
        let mut room = 0;
        let found = loop {
            let oldest = lost(connection, self, wanted + room).await?;
            let (found, damaged) = load(connection, &oldest, |_| true).await?;
            let enough = damaged.len() <= room || oldest.len() < wanted + room;
            room = damaged.len();
            answer.damaged = damaged.into_iter().map(|one| one.reason).collect();
            if enough {
                break found;
            }
        };
        answer.more = taken.len() + found.len() >= limit;

        let (dead, alive): (Vec<_>, Vec<_>) = found
            .into_iter()
            .take(wanted)
            .partition(|candidate| is_lost_too_often(self, candidate));
        let (queued, mut won): (Vec<_>, Vec<_>) = alive
            .into_iter()
            .partition(|candidate| candidate.record.queue.is_some());
        bury(connection, self, &dead).await?;
        requeue(connection, self, &queued).await?;
        take(connection, self, &mut won).await?;
        answer.dead_lettered = dead.into_iter().map(|dead| dead.record.id).collect();
        answer.requeued = queued.into_iter().map(|one| one.record.id).collect();
        taken.append(&mut won);
        taken.sort_by(|a, b| {
            (a.record.created_at, &a.record.id).cmp(&(b.record.created_at, &b.record.id))
        });
        answer.claimed = taken
            .into_iter()
            .map(|taken| ClaimedWorkflow::new(taken.record, taken.history))
            .collect();
        Ok(answer)
    }

    fn wake(&self, answer: &ClaimedWorkflows, hints: &mut Hints) {
        hints.workflows(&answer.dead_lettered);
        if !answer.requeued.is_empty() {
            hints.enqueued();
        }
    }
}

/// One without an owner was handed back, which is no attempt.
fn is_lost_too_often(request: &ClaimWorkflows, candidate: &Candidate) -> bool {
    let record = &candidate.record;
    let claimable = request.workflows.iter().find(|one| one.name == record.name);
    record.owner.is_some()
        && claimable.is_some_and(|one| record.recovery_attempts >= one.max_recovery_attempts)
}

/// Makes dead letters.
async fn bury(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    dead: &[Candidate],
) -> Result<(), sqlx::Error> {
    if dead.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET status = ?, updated_at = ?, completed_at = ? \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![
            WorkflowStatus::MaxRecoveryAttemptsExceeded.as_str(),
            request.now,
            request.now,
            json_numbers(dead.iter().map(|dead| dead.seq)),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets them wait in their queues again, where their limits and their turns are judged.
async fn requeue(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    queued: &[Candidate],
) -> Result<(), sqlx::Error> {
    if queued.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET status = 'ENQUEUED', \
             recovery_attempts = recovery_attempts + (owner_incarnation IS NOT NULL), \
             owner_incarnation = NULL, owner_execution = NULL, updated_at = ? \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![
            request.now,
            json_numbers(queued.iter().map(|queued| queued.seq)),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the request's owner the owner, in the rows and in the records.
async fn take(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    won: &mut [Candidate],
) -> Result<(), sqlx::Error> {
    if won.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET \
             recovery_attempts = recovery_attempts + (owner_incarnation IS NOT NULL), \
             owner_incarnation = ?, owner_execution = ?, executor_id = ?, updated_at = ?, \
             started_at = ifnull(started_at, ?) \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![
            request.owner.incarnation,
            execution(request.owner),
            request.executor_id.as_str(),
            request.now,
            request.now,
            json_numbers(won.iter().map(|won| won.seq)),
        ],
    )
    .execute(connection)
    .await?;
    for Candidate { record, .. } in won {
        record.recovery_attempts += u32::from(record.owner.is_some());
        record.owner = Some(request.owner);
        record.executor_id = Some(request.executor_id.clone());
        record.updated_at = request.now;
        record.started_at.get_or_insert(request.now);
    }
    Ok(())
}
