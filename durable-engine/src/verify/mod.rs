//! Replaying recorded histories against the code of this build, without effects.
mod compare;
mod fenced_store;
mod histories;
mod replay;

use std::{collections::BTreeMap, sync::Arc};

use durable_api::{Error, ReplayDivergence, ReplayReport, requests::VerifyReplay};
use tokio::task::JoinSet;

use crate::{engine::Engine, registry::Registry};
use histories::{Histories, Source};

const OPERATION: &str = "verify_replay";

/// What all replays of a verification have in common.
struct Verification {
    engine: Arc<Engine>,
    registry: Registry,
    request: VerifyReplay,
}

/// What came of a workflow: nothing, if it was deleted meanwhile.
type Verified = Result<Option<Verdict>, Error>;

/// Whether the code goes on with a workflow, or why not.
type Verdict = Option<ReplayDivergence>;

pub(crate) async fn verify_replay(
    engine: &Arc<Engine>,
    request: VerifyReplay,
) -> Result<ReplayReport, Error> {
    engine.check_runs_code(OPERATION)?;
    let mut histories = Histories::of(engine, &request)?;
    let concurrency = request.concurrency.max(1);
    let verification = Arc::new(Verification {
        engine: Arc::clone(engine),
        registry: engine.registry(OPERATION)?,
        request,
    });
    let mut replays = JoinSet::new();
    let mut findings = Findings::default();
    let mut place = 0_u64;
    while let Some(source) = histories.next().await? {
        if replays.len() >= concurrency {
            findings.take(replays.join_next().await)?;
        }
        let verification = Arc::clone(&verification);
        replays.spawn(async move { (place, verification.verify(source).await) });
        place += 1;
    }
    while let Some(found) = replays.join_next().await {
        findings.take(Some(found))?;
    }
    Ok(findings.report())
}

/// What was found so far, by place among the workflows.
#[derive(Default)]
struct Findings {
    workflows: u64,
    divergences: BTreeMap<u64, ReplayDivergence>,
}

impl Findings {
    fn take(
        &mut self,
        found: Option<Result<(u64, Verified), tokio::task::JoinError>>,
    ) -> Result<(), Error> {
        let Some(found) = found else { return Ok(()) };
        // Code that panics is caught where it runs: a panic that comes here is the engine's own.
        let (place, verified) = found.map_err(|panic| {
            Error::Unsupported(format!("`{OPERATION}`: a replay was cut off: {panic}"))
        })?;
        if let Some(verdict) = verified? {
            self.workflows += 1;
            if let Some(divergence) = verdict {
                self.divergences.insert(place, divergence);
            }
        }
        Ok(())
    }

    fn report(self) -> ReplayReport {
        ReplayReport::new(self.workflows, self.divergences.into_values().collect())
    }
}

impl Verification {
    async fn verify(&self, source: Source) -> Verified {
        match source {
            Source::Unreadable(divergence) => Ok(Some(Some(divergence))),
            Source::Exported(history) => Ok(Some(self.replay(*history).await)),
            Source::Stored(record) => match histories::load(&self.engine, &record.id).await {
                Ok(Some(history)) => Ok(Some(self.replay(history).await)),
                Ok(None) => Ok(None),
                Err(error) => Ok(Some(Some(histories::unreadable(&record, error)?))),
            },
        }
    }
}
