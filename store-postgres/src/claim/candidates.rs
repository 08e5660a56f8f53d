use std::collections::HashSet;

use uuid::Uuid;

use super::Claim;
use crate::{error::Failure, record::column, writes::execution};

/// The owners of unfinished workflows that are not registered. Hops from owner to owner along the index, whatever the
/// number of their workflows.
const ORPHANERS: &str = "
WITH RECURSIVE owner (incarnation) AS (
    (SELECT w.owner_incarnation FROM {schema}.workflows w
     WHERE w.status = 'PENDING' AND w.owner_incarnation IS NOT NULL
     ORDER BY w.owner_incarnation LIMIT 1)
    UNION ALL
    SELECT (SELECT w.owner_incarnation FROM {schema}.workflows w
            WHERE w.status = 'PENDING' AND w.owner_incarnation > owner.incarnation
            ORDER BY w.owner_incarnation LIMIT 1)
    FROM owner
    WHERE owner.incarnation IS NOT NULL
)
SELECT owner.incarnation
FROM owner
WHERE owner.incarnation IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM {schema}.executors e WHERE e.incarnation = owner.incarnation)";

/// Those that this owner took before come first. The sum keeps the planner from walking all
/// workflows in the order of the index on `created_at`, finished ones too. Planned for the owners at
/// hand, and not kept.
const CANDIDATES: &str = "
SELECT w.id
FROM {schema}.workflows w
WHERE w.status = 'PENDING'
  AND ((w.owner_incarnation IS NULL AND NOT $10)
       OR w.owner_incarnation = ANY ($1::uuid[])
       OR (w.owner_incarnation = $2 AND w.owner_execution = $3))
  AND w.app = $4
  AND (w.version = $5 OR ($6 AND w.version IS NULL))
  AND w.name = ANY ($7::text[])
  AND w.id <> ALL ($8::text[])
ORDER BY (w.owner_incarnation = $2 AND w.owner_execution = $3) IS NOT TRUE, w.created_at + 0, w.id
LIMIT $9";

/// What to do about rows that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Pass over them.
    PassOver,
    /// Wait for them, for a short time.
    Wait,
    /// Look at them, without a lock.
    Look,
}

impl Held {
    fn clause(self) -> &'static str {
        match self {
            Self::PassOver => " FOR NO KEY UPDATE SKIP LOCKED",
            Self::Wait => " FOR NO KEY UPDATE",
            Self::Look => "",
        }
    }
}

/// Judges ownership once more, now that it cannot change: the first statement may have locked a version of
/// the row whose owner registered after its snapshot was taken.
const CONFIRM: &str = "
SELECT w.id
FROM {schema}.workflows w
WHERE w.id = ANY ($1::text[])
  AND (w.owner_incarnation IS NULL
       OR (w.owner_incarnation = $2 AND w.owner_execution = $3)
       OR NOT EXISTS (SELECT 1 FROM {schema}.executors e
                      WHERE e.incarnation = w.owner_incarnation))";

impl Claim<'_> {
    pub(super) async fn orphaners(&mut self) -> Result<Vec<Uuid>, Failure> {
        if self.is_settled {
            return Ok(Vec::new());
        }
        let rows = self.work.fetch(self.database.query(ORPHANERS)).await?;
        rows.iter().map(|row| column(row, "incarnation")).collect()
    }

    /// What may be claimed, and locked, unless it is only looked at.
    pub(super) async fn candidates(
        &mut self,
        orphaners: &[Uuid],
        seen: &HashSet<String>,
        limit: usize,
        held: Held,
    ) -> Result<Vec<String>, Failure> {
        let request = self.request;
        let names: Vec<&str> = request
            .workflows
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let query = self
            .database
            .query(&format!("{CANDIDATES}{}", held.clause()))
            .persistent(false)
            .bind(orphaners)
            .bind(request.owner.incarnation.0)
            .bind(execution(request.owner))
            .bind(&request.app)
            .bind(&request.version)
            .bind(request.unversioned)
            .bind(names)
            .bind(seen)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(self.is_settled);
        let rows = self.work.fetch(query).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }

    pub(super) async fn confirm(&mut self, ids: Vec<String>) -> Result<Vec<String>, Failure> {
        let query = self
            .database
            .query(CONFIRM)
            .bind(ids)
            .bind(self.request.owner.incarnation.0)
            .bind(execution(self.request.owner));
        let rows = self.work.fetch(query).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }
}
