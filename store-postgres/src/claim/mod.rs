//! Takeover: one transaction that locks orphans, reads them whole, and gives them a new owner.
mod candidates;
mod load;
mod patience;
mod take;

use std::collections::HashSet;

use durable_api::store::{
    ClaimWorkflows, ClaimedWorkflow, ClaimedWorkflows, DamagedWorkflow, Owner,
};
use uuid::Uuid;

pub(crate) use patience::Patience;

use crate::{
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    writes::execution,
};
use candidates::Held;

/// Of rows that are always held, so many are waited for in one claim,
const WAITED_FOR: usize = 10;

/// each for so long.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";

/// The SQLSTATE of a lock that was waited for in vain.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Claims, in one transaction.
///
/// Why the history is complete: the rows are locked `FOR NO KEY UPDATE`, which waits for nobody (`SKIP
/// LOCKED`) but excludes every write of an owner from then on (not a message from elsewhere, which is no part of the
/// history); what such a write committed before is seen by the statements that follow the lock,
/// because each takes a snapshot of its own.
pub(crate) async fn claim(
    database: &Database,
    patience: &Patience,
    request: &ClaimWorkflows,
) -> Result<ClaimedWorkflows, Failure> {
    if request.limit == 0 {
        return Ok(ClaimedWorkflows::new());
    }
    let mut work = database.planned(Access::Write).await?;
    // Whoever is not registered would be robbed of its claim at once.
    let Some(is_settled) = is_settled(database, &mut work, request.owner).await? else {
        return Ok(ClaimedWorkflows::new());
    };
    let mut claim = Claim {
        database,
        patience,
        request,
        is_settled,
        work,
    };
    match claim.run().await {
        // Nothing was locked before, so nothing is lost with the transaction.
        Err(failure) if failure.sqlstate() == Some(LOCK_NOT_AVAILABLE) => {
            Ok(ClaimedWorkflows::new())
        }
        Err(failure) => Err(failure),
        Ok(Some(answer)) => {
            claim.work.commit().await?;
            Ok(answer)
        }
        Ok(None) => {
            claim.work.roll_back().await;
            Ok(ClaimedWorkflows::new())
        }
    }
}

struct Claim<'a> {
    database: &'a Database,
    patience: &'a Patience,
    request: &'a ClaimWorkflows,
    /// Whether it takes nothing more, and is answered with what its owner has.
    is_settled: bool,
    work: Work,
}

impl Claim<'_> {
    /// Nothing, if the request was settled meanwhile.
    async fn run(&mut self) -> Result<Option<ClaimedWorkflows>, Failure> {
        let mut answer = ClaimedWorkflows::new();
        let mut found: Vec<ClaimedWorkflow> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let limit = self.request.limit as usize;
        // Damaged rows take no place from sound ones, so there may be more rounds than one.
        while found.len() < limit {
            let left = limit - found.len();
            let orphaners = self.orphaners().await?;
            let mut locked = self
                .candidates(&orphaners, &seen, left, Held::PassOver)
                .await?;
            let last_round = locked.len() < left;
            if locked.is_empty() && found.is_empty() {
                locked = self.passed_over(&orphaners, &seen, left).await?;
            }
            if locked.is_empty() {
                break;
            }
            seen.extend(locked.iter().cloned());
            let confirmed = self.confirm(locked).await?;
            let (sound, damaged) = self.load(confirmed).await?;
            found.extend(sound);
            answer.damaged.extend(damaged);
            if last_round && !found.is_empty() {
                break;
            }
        }
        if !found.is_empty() {
            self.patience.regain();
        }
        answer.more = found.len() == limit;
        match self.take(found, &mut answer).await? {
            true => Ok(Some(answer)),
            false => Ok(None),
        }
    }

    /// Nothing could be locked. What somebody held at every look of late is waited for.
    async fn passed_over(
        &mut self,
        orphaners: &[Uuid],
        seen: &HashSet<String>,
        left: usize,
    ) -> Result<Vec<String>, Failure> {
        let limit = left.min(WAITED_FOR);
        let held = self.candidates(orphaners, seen, limit, Held::Look).await?;
        if held.is_empty() {
            self.patience.regain();
            return Ok(held);
        }
        if !self.patience.is_exhausted() {
            self.patience.lose();
            return Ok(Vec::new());
        }
        self.work.run_script(LOCK_TIMEOUT.to_owned()).await?;
        self.candidates(orphaners, seen, limit, Held::Wait).await
    }
}

/// Whether a request of this execution comes too late to take anything; nothing, if its executor is not registered.
async fn is_settled(
    database: &Database,
    work: &mut Work,
    owner: Owner,
) -> Result<Option<bool>, Failure> {
    let query = database
        .query(
            "SELECT settled >= $2 AS is_settled FROM {schema}.executors
             WHERE incarnation = $1 FOR KEY SHARE",
        )
        .bind(owner.incarnation.0)
        .bind(execution(owner));
    let rows = work.fetch(query).await?;
    let row = rows.first();
    row.map(|row| column(row, "is_settled")).transpose()
}

/// What a load found: workflows in order of their age, and those that cannot be read.
type Loaded = (Vec<ClaimedWorkflow>, Vec<DamagedWorkflow>);
