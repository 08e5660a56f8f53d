//! Takeover: one transaction that locks orphans, reads them whole, and gives them a new owner.
mod candidates;
mod load;
mod take;

use std::collections::HashSet;

use durable_api::store::{ClaimWorkflows, ClaimedWorkflow, ClaimedWorkflows, DamagedWorkflow};

use crate::{
    database::{Access, Database, Work},
    error::Failure,
};

/// Claims, in one transaction.
///
/// Why the history is complete: the rows are locked `FOR UPDATE`, which waits for nobody (`SKIP
/// LOCKED`) but excludes every write of an owner from then on; what such a write committed before is
/// seen by the statements that follow the lock, because each takes a snapshot of its own.
pub(crate) async fn claim(
    database: &Database,
    request: &ClaimWorkflows,
) -> Result<ClaimedWorkflows, Failure> {
    let mut claim = Claim {
        database,
        request,
        work: database.transaction(Access::Write).await?,
    };
    // Whoever is not registered would be robbed of its claim at once.
    if request.limit == 0 || !claim.is_registered().await? {
        return Ok(ClaimedWorkflows::new());
    }
    let answer = claim.run().await?;
    claim.work.commit().await?;
    Ok(answer)
}

struct Claim<'a> {
    database: &'a Database,
    request: &'a ClaimWorkflows,
    work: Work,
}

impl Claim<'_> {
    async fn run(&mut self) -> Result<ClaimedWorkflows, Failure> {
        let mut answer = ClaimedWorkflows::new();
        let mut found: Vec<ClaimedWorkflow> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut left = self.request.limit as usize;
        // Damaged rows take no place from sound ones, so there may be more rounds than one.
        while left > 0 {
            let orphaners = self.orphaners().await?;
            let locked = self.lock_candidates(&orphaners, &seen, left).await?;
            let last_round = locked.len() < left;
            seen.extend(locked.iter().cloned());
            let confirmed = self.confirm(locked).await?;
            let (sound, damaged) = self.load(confirmed).await?;
            left -= sound.len();
            found.extend(sound);
            answer.damaged.extend(damaged);
            if last_round {
                break;
            }
        }
        answer.more = left == 0;
        self.take(found, &mut answer).await?;
        Ok(answer)
    }

    async fn is_registered(&mut self) -> Result<bool, Failure> {
        let query = self
            .database
            .query("SELECT 1 FROM {schema}.executors WHERE incarnation = $1 FOR KEY SHARE")
            .bind(self.request.owner.incarnation.0);
        Ok(!self.work.fetch(query).await?.is_empty())
    }
}

/// What a load found: workflows in order of their age, and those that cannot be read.
type Loaded = (Vec<ClaimedWorkflow>, Vec<DamagedWorkflow>);
