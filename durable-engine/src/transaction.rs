//! A transactional step: replayed, or run until its transaction commits with the checkpoint, or its policy gives up.
use std::{
    any::Any,
    fmt::Display,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use durable_api::{
    DynTransaction, Error, Failure, Result, TransactionOptions, Value,
    store::{
        BodyOutcome, Outcome, StepRecord, StepRef, StoreErrorKind, StoreResult, TransactionBody,
        TransactionOutcome, TransactionStore,
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
    let attempts = attempts(run, &options.step, |number| {
        Box::pin(transaction.attempt(number))
    });
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
    async fn attempt(&self, number: u32) -> Attempted {
        let run = self.run;
        let step = run.step_ref(Some(self.step_id), None, &self.options.step.name);
        let store: &dyn TransactionStore = match &self.options.source {
            Some(source) => &**source,
            None => run.engine.store(),
        };
        let answer = run
            .engine
            .persist("run_transaction", Patience::Mendable, || {
                self.in_transaction(store, step.clone(), number)
            })
            .await;
        match answer {
            Ok(TransactionOutcome::Committed) => {
                // Of a step on another database, the checkpoint follows.
                if self.options.source.is_none() {
                    run.stored(&step);
                }
                self.committed().await
            }
            Ok(TransactionOutcome::AlreadyRecorded(record)) => self.found(record).await,
            Ok(TransactionOutcome::RolledBack(failure)) => match failure.as_error() {
                Some(Error::Unsupported(text)) => Attempted::refused(self.unsupported(text)),
                _ => Attempted::Returned(Err(failure)),
            },
            Ok(TransactionOutcome::NotOwner) => Attempted::refused(run.not_owner().await),
            Err(Error::Store(error)) if error.kind() == StoreErrorKind::Unsupported => {
                Attempted::refused(self.unsupported(&error))
            }
            Err(error) => Attempted::refused(run.execution.interrupt(error)),
        }
    }

    /// Runs the body once. One that met a malfunction of the store which may pass by itself, as a write within its transaction does, is
    /// run again as if the transaction had met it.
    async fn in_transaction(
        &self,
        store: &dyn TransactionStore,
        step: StepRef,
        number: u32,
    ) -> StoreResult<TransactionOutcome> {
        let body = Body {
            transaction: self,
            number,
        };
        match store.run_transaction(step, &body).await {
            Ok(TransactionOutcome::RolledBack(failure)) => match failure.as_error() {
                Some(Error::Store(error)) if error.kind().is_transient() => Err(error.clone()),
                _ => Ok(TransactionOutcome::RolledBack(failure)),
            },
            answer => answer,
        }
    }

    fn unsupported(&self, why: &dyn Display) -> Error {
        Error::Unsupported(format!(
            "step {} `{}` of workflow `{}`: {why}",
            self.step_id,
            self.options.step.name,
            self.run.workflow_id()
        ))
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

/// The body of one attempt.
struct Body<'t, 'r> {
    transaction: &'t Transaction<'r>,
    number: u32,
}

#[async_trait]
impl TransactionBody for Body<'_, '_> {
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome {
        let step = self.transaction;
        let (run, options) = (step.run, &step.options.step);
        let body = Box::pin(async move { step.body.call(transaction).await });
        let call = run
            .engine
            .attempt(run.workflow_id(), options, self.number, body);
        let call = AssertUnwindSafe(call).catch_unwind();
        let returned = within_time(run, options, async {
            call.await
                .unwrap_or_else(|panic| Err(panic_failure("transactional step", &*panic)))
        });
        let returned = returned.await;
        // A body that met the end of its execution has no outcome of its own.
        if let Err(error) = run.check_alive() {
            return BodyOutcome::RollBack(error.into());
        }
        match returned.and_then(|value| seal(run, options, step.step_id, value)) {
            Ok((payload, value)) => {
                let mut record = StepRecord::completed(
                    step.step_id,
                    &options.name,
                    Outcome::Success(payload),
                    step.started_at,
                    run.engine.now(),
                );
                record.completions = run.execution.completions();
                *step
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
