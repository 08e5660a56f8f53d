use std::any::Any;

use async_trait::async_trait;
use durable_api::WorkflowStatus;
use durable_api::{
    Failure, SystemStore,
    store::{
        BodyOutcome, Payloads, RecordOutcome, RecordStep, StepRecord, StepRef, StoreErrorKind,
        StoreResult, TransactionBody, TransactionOutcome,
    },
};

/// A transactional step whose body writes nothing of its own.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) step: StepRef,
    /// The checkpoint to commit; `None` rolls back.
    pub(super) checkpoint: Option<StepRecord>,
}

/// What it came to, in a form that can be compared.
#[derive(Debug, PartialEq)]
pub(super) enum Transacted {
    Committed,
    AlreadyRecorded(StepRecord),
    NotOwner,
    RolledBack,
}

#[async_trait]
impl TransactionBody for Transaction {
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome {
        drop(transaction);
        match &self.checkpoint {
            Some(checkpoint) => BodyOutcome::Commit(checkpoint.clone()),
            None => BodyOutcome::RollBack(Failure::msg("the body asked for it")),
        }
    }
}

impl Transaction {
    /// Whether a store has transactions of the user's.
    pub(super) async fn are_supported(store: &dyn SystemStore, unknown: StepRef) -> bool {
        let probe = Self {
            step: unknown,
            checkpoint: None,
        };
        let answer = store.run_transaction(probe.step.clone(), &probe).await;
        !answer.is_err_and(|error| error.kind() == StoreErrorKind::Unsupported)
    }

    /// Runs it.
    pub(super) async fn run_on(&self, store: &dyn SystemStore) -> StoreResult<Transacted> {
        let outcome = store.run_transaction(self.step.clone(), self).await?;
        Ok(match outcome {
            TransactionOutcome::Committed => Transacted::Committed,
            TransactionOutcome::AlreadyRecorded(step) => Transacted::AlreadyRecorded(step),
            TransactionOutcome::NotOwner => Transacted::NotOwner,
            TransactionOutcome::RolledBack(_) => Transacted::RolledBack,
        })
    }

    /// Does what it would do on a store that has no transactions of the user's: only the checkpoint is written.
    pub(super) async fn emulate_on(&self, store: &dyn SystemStore) -> StoreResult<Transacted> {
        let step = &self.step;
        if let Some(checkpoint) = &self.checkpoint {
            let request = RecordStep::new(&step.workflow_id, step.owner, checkpoint.clone());
            return Ok(match store.record_step(request).await? {
                RecordOutcome::Recorded => Transacted::Committed,
                RecordOutcome::AlreadyRecorded(step) => Transacted::AlreadyRecorded(step),
                RecordOutcome::NotOwner => Transacted::NotOwner,
            });
        }
        let found = store
            .get_workflow(&step.workflow_id, Payloads::Omit)
            .await?;
        let is_owner = |row: &durable_api::store::WorkflowRecord| {
            row.status == WorkflowStatus::Pending && row.owner == Some(step.owner)
        };
        if !found.as_ref().is_some_and(is_owner) {
            return Ok(Transacted::NotOwner);
        }
        let history = store.list_steps(&step.workflow_id).await?;
        let recorded = history.into_iter().find(|one| one.step_id == step.step_id);
        Ok(recorded.map_or(Transacted::RolledBack, Transacted::AlreadyRecorded))
    }
}
