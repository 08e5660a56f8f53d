//! A transactional step: replayed, or run until its transaction commits with the checkpoint, or its policy gives up.
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use durable_api::{
    DynTransaction, Error, Failure, Result, TransactionOptions, Value,
    store::{
        BodyOutcome, Outcome, StepRecord, StoreErrorKind, TransactionBody, TransactionOutcome,
        TransactionStore,
    },
};
use futures::FutureExt as _;
use tracing::Instrument as _;

use crate::{
    execution::panic_failure,
    names, observe,
    outage::Patience,
    run::Run,
    step::{Attempted, attempts, replay, seal, settle, within_time},
};

pub(crate) async fn run_transaction(
    run: &Run,
    options: TransactionOptions,
    body: &DynTransaction<'_>,
) -> Result<Value> {
    let operation = "run_as_transaction";
    names::check("step name", &options.step.name)?;
    names::check_not_ours("step name", &options.step.name)?;
    let step_id = options
        .step
        .step_id
        .ok_or(Error::OutsideWorkflow { operation })?;
    if let Some(record) = run.replayed(step_id, &options.step.name).await? {
        return replay(run, record);
    }
    run.before_effect().await?;

    let transaction = Transaction {
        run,
        options: &options,
        step_id,
        body,
        started_at: run.engine.now(),
        committed: Mutex::default(),
    };
    let span = observe::step_span(step_id, &options.step.name);
    let attempts = attempts(run, &options.step, |_| Box::pin(transaction.attempt()));
    let returned = match attempts.instrument(span).await {
        Attempted::Settled(returned) => return returned,
        Attempted::Returned(returned) => returned,
    };
    run.check_alive()?;
    let (outcome, returned) = settle(run, &options.step, step_id, returned);
    let record = StepRecord::completed(
        step_id,
        &options.step.name,
        outcome.clone(),
        transaction.started_at,
        run.engine.now(),
    );
    let recorded = run.record(record).await?;
    observe::step_recorded(matches!(outcome, Outcome::Success(_)));
    if recorded.outcome.as_ref() == Some(&outcome) {
        returned
    } else {
        replay(run, recorded)
    }
}

/// One transactional step of one execution.
struct Transaction<'r> {
    run: &'r Run,
    options: &'r TransactionOptions,
    step_id: u32,
    body: &'r DynTransaction<'r>,
    started_at: durable_api::Timestamp,
    /// What the body returned last, and the checkpoint that commits with it.
    committed: Mutex<Option<(StepRecord, Value)>>,
}

impl Transaction<'_> {
    /// Runs the body until the database has nothing against it.
    async fn attempt(&self) -> Attempted {
        let run = self.run;
        let step = run.step_ref(Some(self.step_id), None, &self.options.step.name);
        let store: &dyn TransactionStore = match &self.options.source {
            Some(source) => &**source,
            None => run.engine.store(),
        };
        let answer = run
            .engine
            .persist("run_transaction", Patience::Mendable, || {
                store.run_transaction(step.clone(), self)
            })
            .await;
        match answer {
            Ok(TransactionOutcome::Committed) => self.committed().await,
            Ok(TransactionOutcome::AlreadyRecorded(record)) => self.found(record).await,
            Ok(TransactionOutcome::RolledBack(failure)) => Attempted::Returned(Err(failure)),
            Ok(TransactionOutcome::NotOwner) => Attempted::refused(run.not_owner().await),
            Err(Error::Store(error)) if error.kind() == StoreErrorKind::Unsupported => {
                let text = format!(
                    "step {} `{}` of workflow `{}`: {error}",
                    self.step_id,
                    self.options.step.name,
                    run.workflow_id()
                );
                Attempted::refused(Error::Unsupported(text))
            }
            Err(error) => Attempted::refused(run.execution.interrupt(error)),
        }
    }

    async fn committed(&self) -> Attempted {
        let committed = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((record, value)) = committed else {
            let reason = "a transaction was committed whose body did not return";
            return Attempted::refused(self.run.interrupted(reason));
        };
        if self.options.source.is_some() {
            return self.found(record).await;
        }
        observe::step_recorded(true);
        Attempted::Settled(Ok(value))
    }

    /// What is recorded of this step already: here, or in the other database, of which the checkpoint follows.
    async fn found(&self, record: StepRecord) -> Attempted {
        let run = self.run;
        let record = match run.expect_name(record, &self.options.step.name) {
            Ok(record) if self.options.source.is_some() => run.record(record).await,
            found => found,
        };
        match record {
            Ok(record) => Attempted::Settled(replay(run, record)),
            Err(error) => Attempted::refused(error),
        }
    }
}

#[async_trait]
impl TransactionBody for Transaction<'_> {
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome {
        let (run, options) = (self.run, &self.options.step);
        let call = AssertUnwindSafe(self.body.call(transaction)).catch_unwind();
        let returned = within_time(run, options, async {
            call.await
                .unwrap_or_else(|panic| Err(panic_failure("transactional step", &*panic)))
        });
        let returned = returned.await;
        // A body that met the end of its execution has no outcome of its own.
        if let Err(error) = run.check_alive() {
            return BodyOutcome::RollBack(error.into());
        }
        match returned.and_then(|value| seal(run, options, self.step_id, value)) {
            Ok((payload, value)) => {
                let record = StepRecord::completed(
                    self.step_id,
                    &options.name,
                    Outcome::Success(payload),
                    self.started_at,
                    run.engine.now(),
                );
                *self
                    .committed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some((record.clone(), value));
                BodyOutcome::Commit(record)
            }
            Err(failure) => BodyOutcome::RollBack(failure),
        }
    }
}

impl Attempted {
    /// The library's own word, which is not recorded.
    fn refused(error: Error) -> Self {
        Self::Settled(Err(Failure::from(error)))
    }
}
