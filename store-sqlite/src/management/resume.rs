use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, ResumeWorkflows},
};
use sqlx::{Row as _, SqliteConnection};

use super::family::Family;
use crate::{
    sql::{json_numbers, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

/// What a resumption did.
pub(crate) struct Resumed {
    pub(super) outcome: BulkOutcome,
    enqueued: bool,
}

impl Write for ResumeWorkflows {
    type Answer = Resumed;

    const OPERATION: &'static str = "resume_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<Resumed>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Resumed, Trouble> {
        let family = Family::find(connection, &self.ids, false).await?;
        let (seqs, outcome) = family.those(Self::OPERATION, |status| {
            matches!(
                status,
                WorkflowStatus::Cancelled | WorkflowStatus::MaxRecoveryAttemptsExceeded
            )
        })?;
        let queue = self.queue.as_deref();
        let seqs = json_numbers(seqs);
        query(GIVE_UP_DEDUPLICATION, values![seqs.clone(), queue])
            .execute(&mut *connection)
            .await?;
        let resumed = query(
            "UPDATE workflows SET status = iif(ifnull(?1, queue) IS NULL, 'PENDING', 'ENQUEUED'), \
                 queue = ifnull(?1, queue), owner_incarnation = NULL, owner_execution = NULL, \
                 recovery_attempts = 0, deadline = NULL, timeout = NULL, outcome_encoding = NULL, outcome = NULL, \
                 completed_at = NULL, updated_at = ?2 \
             WHERE seq IN (SELECT value FROM json_each(?3)) RETURNING queue IS NOT NULL",
            values![queue, self.now, seqs],
        )
        .fetch_all(connection)
        .await?;
        let enqueued = resumed.iter().map(|row| row.try_get::<bool, _>(0));
        Ok(Resumed {
            outcome,
            enqueued: enqueued.collect::<Result<Vec<_>, _>>()?.contains(&true),
        })
    }

    fn wake(&self, answer: &Resumed, hints: &mut Hints) {
        if !answer.outcome.changed.is_empty() {
            hints.claimable();
        }
        if answer.enqueued {
            hints.enqueued();
        }
    }
}

/// Takes the deduplication id from those whose id another one has by now, be it among those that are resumed.
const GIVE_UP_DEDUPLICATION: &str = "WITH resumed (seq) AS (SELECT value FROM json_each(?1)) \
    UPDATE workflows AS one SET deduplication_id = NULL \
    WHERE seq IN (SELECT seq FROM resumed) AND deduplication_id IS NOT NULL \
    AND (EXISTS (SELECT 1 FROM workflows AS other \
            WHERE other.app = one.app AND other.queue = ifnull(?2, one.queue) \
            AND other.deduplication_id = one.deduplication_id \
            AND other.status IN ('ENQUEUED', 'DELAYED', 'PENDING')) \
        OR EXISTS (SELECT 1 FROM resumed CROSS JOIN workflows AS other ON other.seq = resumed.seq \
            WHERE other.seq < one.seq AND other.app = one.app \
            AND ifnull(?2, other.queue) = ifnull(?2, one.queue) \
            AND other.deduplication_id = one.deduplication_id))";
