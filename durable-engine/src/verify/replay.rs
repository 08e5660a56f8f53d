//! One history, replayed by the code and the engine of a real recovery, behind a fence.
use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use durable_api::{
    CancellationToken, DivergenceReason, Error, Execution, ExecutionStart, Failure, Registration,
    ReplayDivergence, Value, WorkflowStatus,
    store::{Incarnation, Owner, StepRecord, WorkflowRecord},
};
use uuid::Uuid;

use super::{
    OPERATION, Verification, compare,
    fenced_store::FencedStore,
    histories::{History, divergence},
};
use crate::{
    engine::{Engine, Launched},
    execution::run_code,
    rehearsal::{Rehearsal, RehearsalClock},
    run::Run,
    running::Ended,
};

/// How often to look whether code that waits has come any further.
const LOOK: Duration = Duration::from_millis(100);

/// What the code came to.
enum Reached {
    /// The end of its function.
    End(Result<Result<Value, Failure>, Ended>),
    /// A call that does not fit, after which nothing counts.
    Misfit(Error),
    /// The end of what is recorded.
    EndOfRecord,
    /// Nothing: it stands still.
    Still,
}

/// Where and why code and record part.
type Parted = (Option<u32>, DivergenceReason);

impl Verification {
    /// Replays a history. The answer says why the code does not fit it, if it does not.
    pub(crate) async fn replay(&self, history: History) -> Option<ReplayDivergence> {
        let Some(registration) = self.registry.get(&history.record.name) else {
            return Some(divergence(&history.record, DivergenceReason::NotRegistered));
        };
        let mut record = history.record.clone();
        let (step_id, reason) = self.rehearse(registration, history).await?;
        record.input = None;
        let mut found = divergence(&record, reason);
        found.step_id = step_id;
        Some(found)
    }

    async fn rehearse(&self, registration: &Registration, history: History) -> Option<Parted> {
        let History { mut record, steps } = history;
        let Some(input) = record.input.take() else {
            let error = "its input is missing".to_owned();
            return Some((None, DivergenceReason::Unreadable { error }));
        };
        let rehearsal = Arc::new(Rehearsal::of(&steps));
        let engine = self.fenced_engine(&record, &steps, &rehearsal);
        let mut start = ExecutionStart::new(&record.id, CancellationToken::new());
        start.deadline = record.deadline;
        start.caller = record.caller.clone();
        let run = Run::new(
            Arc::clone(&engine),
            Execution::new(start),
            Owner::new(Incarnation(Uuid::nil()), 0),
            engine.encoding(registration),
            steps.clone(),
            Some(Arc::clone(&rehearsal)),
        );
        let has_outcome = matches!(
            record.status,
            WorkflowStatus::Success | WorkflowStatus::Error
        );
        let reached = {
            let code = run_code(Arc::clone(&run), registration, input);
            let reached = self.drive(&run, &rehearsal, has_outcome, code).await;
            rehearsal.close();
            reached
        };
        let unmet = run.unmet();
        match (reached, unmet.first_key_value()) {
            (Reached::Misfit(error) | Reached::End(Err(Ended::Interrupted(error))), _) => {
                Some(self.misfit(&rehearsal, &steps, error))
            }
            (Reached::End(Ok(returned)), Some((step_id, recorded))) => {
                let reason = DivergenceReason::FewerSteps {
                    recorded: recorded.clone(),
                    left: unmet.len(),
                    failure: returned.err().map(|failure| failure.to_string()),
                };
                Some((Some(*step_id), reason))
            }
            (_, Some((step_id, recorded))) => {
                let beyond = rehearsal.first_beyond().filter(|(at, _)| at < step_id);
                let at = beyond.as_ref().map_or(*step_id, |(at, _)| *at);
                let reason = DivergenceReason::StandsStill {
                    recorded: recorded.clone(),
                    waits_in: beyond.map(|(_, name)| name),
                };
                Some((Some(at), reason))
            }
            (Reached::End(Ok(returned)), None) if has_outcome && self.request.outcomes => {
                compare::outcomes(&engine, &record, run.encoding, returned)
                    .map(|reason| (None, reason))
            }
            (Reached::EndOfRecord | Reached::Still, None) if has_outcome => {
                let (step_id, called) = rehearsal.first_beyond()?;
                Some((Some(step_id), DivergenceReason::MoreSteps { called }))
            }
            _ => None,
        }
    }

    /// Polls the code until there is nothing more to see. `to_the_end` says that it is to end.
    async fn drive(
        &self,
        run: &Run,
        rehearsal: &Rehearsal,
        to_the_end: bool,
        code: impl Future<Output = Result<Result<Value, Failure>, Ended>>,
    ) -> Reached {
        let clock = self.engine.clock();
        let look = LOOK.min(self.request.patience);
        let mut code = pin!(code);
        let (mut progress, mut idle) = (rehearsal.progress(), Duration::ZERO);
        loop {
            let reached = poll_fn(|context| {
                if let Poll::Ready(ended) = code.as_mut().poll(context) {
                    return Poll::Ready(Reached::End(ended));
                }
                rehearsal.dropped(run.execution.take_abandoned());
                if let Some(error) = run.execution.interruption() {
                    return Poll::Ready(Reached::Misfit(error));
                }
                match !to_the_end && rehearsal.waits() && run.unmet().is_empty() {
                    true => Poll::Ready(Reached::EndOfRecord),
                    false => Poll::Pending,
                }
            });
            tokio::select! {
                biased;
                reached = reached => return reached,
                () = clock.sleep(look) => {}
            }
            if rehearsal.progress() != progress {
                (progress, idle) = (rehearsal.progress(), Duration::ZERO);
                continue;
            }
            idle += look;
            let all_met = !to_the_end && run.unmet().is_empty();
            if all_met || idle >= self.request.patience {
                return Reached::Still;
            }
        }
    }

    /// An engine that has the registered code and no store.
    fn fenced_engine(
        &self,
        record: &WorkflowRecord,
        steps: &[StepRecord],
        rehearsal: &Arc<Rehearsal>,
    ) -> Arc<Engine> {
        let mut config = self.engine.config.clone();
        let times = steps.iter().map(|step| step.completed_at);
        config.clock = Arc::new(RehearsalClock {
            clock: Arc::clone(&self.engine.config.clock),
            recorded: times.max().unwrap_or(record.created_at),
            rehearsal: Arc::clone(rehearsal),
        });
        config.store = Arc::new(FencedStore);
        let engine = Engine::new(config);
        let version = record.version.clone().unwrap_or_default();
        let nobody = Incarnation(Uuid::nil());
        engine.launched.get_or_init(|| {
            Launched::new(self.registry.clone(), version, OPERATION.to_owned(), nobody)
        });
        engine
    }

    /// What an error that ends an execution says of the code.
    fn misfit(&self, rehearsal: &Rehearsal, steps: &[StepRecord], error: Error) -> Parted {
        match error {
            Error::UnexpectedStep {
                step_id,
                recorded,
                called,
                ..
            } => {
                let step = steps.iter().find(|step| step.step_id == step_id);
                let same =
                    step.is_some_and(|step| compare::same_kind(&self.registry, step, &called));
                let reason = match same {
                    true => DivergenceReason::OtherName { recorded, called },
                    false => DivergenceReason::OtherKind { recorded, called },
                };
                (Some(step_id), reason)
            }
            Error::Codec { .. } => {
                let error = error.to_string();
                (rehearsal.last(), DivergenceReason::Undecodable { error })
            }
            other => {
                let error = other.to_string();
                (rehearsal.last(), DivergenceReason::Interrupted { error })
            }
        }
    }
}
