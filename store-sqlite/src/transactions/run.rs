use std::time::Duration;

use durable_api::{
    Failure as BodyFailure,
    store::{
        BodyOutcome, DynBody, StepRecord, StepRef, StoreError, StoreErrorKind, StoreResult,
        TransactionOutcome,
    },
};
use tokio::time::timeout;

use super::{
    OPERATION,
    guard::lend,
    ledger::{Ledger, Standing},
    open::OpenTransaction,
};
use crate::{
    error::{Failure, Phase, is_busy, is_mistake, is_refusal_of_data},
    writer::Trouble,
};

/// Runs a body in a transaction that was begun, and commits it with its outcome. `bound` is how long the body may take.
pub(super) async fn run(
    mut transaction: OpenTransaction,
    ledger: &impl Ledger,
    step: &StepRef,
    body: &DynBody<'_>,
    bound: Option<Duration>,
) -> StoreResult<TransactionOutcome> {
    match ledger.judge(transaction.connection_mut(), step).await {
        Ok(Standing::Clear) => {}
        judged => {
            transaction.roll_back().await;
            return match judged.map_err(|trouble| report(ledger, trouble))? {
                Standing::Recorded(record) => Ok(TransactionOutcome::AlreadyRecorded(record)),
                Standing::Clear | Standing::NotOwner => Ok(TransactionOutcome::NotOwner),
            };
        }
    }
    let (guard, lent) = lend(transaction);
    let outcome = match bound {
        None => body.run(Box::new(guard)).await,
        Some(bound) => timeout(bound, body.run(Box::new(guard)))
            .await
            .unwrap_or_else(|_| BodyOutcome::RollBack(too_long(step, bound))),
    };
    let Some(transaction) = lent.take_back() else {
        return Err(invalid(
            step,
            "kept its transaction, which is not committed: drop it before the body returns",
        ));
    };
    match outcome {
        BodyOutcome::Commit(record) => commit(transaction, ledger, step, record).await,
        BodyOutcome::RollBack(failure) => {
            transaction.roll_back().await;
            match failure.downcast_ref::<sqlx::Error>() {
                Some(met) if is_busy(met) => {
                    let message = format!("the body of {}: {failure}", name(step));
                    Err(StoreError::new(StoreErrorKind::Contention, OPERATION)
                        .with_message(message))
                }
                _ => Ok(TransactionOutcome::RolledBack(failure)),
            }
        }
    }
}

async fn commit(
    mut transaction: OpenTransaction,
    ledger: &impl Ledger,
    step: &StepRef,
    record: StepRecord,
) -> StoreResult<TransactionOutcome> {
    if let Err(error) = seal(&mut transaction, ledger, step, record).await {
        transaction.roll_back().await;
        return Err(error);
    }
    match transaction.commit().await {
        Ok(()) => Ok(TransactionOutcome::Committed),
        // A constraint of the user's that is judged at the commit.
        Err(error) if is_refusal_of_data(&error) => {
            Ok(TransactionOutcome::RolledBack(BodyFailure::from(error)))
        }
        Err(error) => Err(Failure::new(Phase::Commit, error).report(OPERATION, ledger.path())),
    }
}

async fn seal(
    transaction: &mut OpenTransaction,
    ledger: &impl Ledger,
    step: &StepRef,
    record: StepRecord,
) -> StoreResult<()> {
    if record.step_id != step.step_id {
        let what = format!("returned the outcome of step {}", record.step_id);
        return Err(invalid(step, &what));
    }
    transaction.unmark().await.map_err(|error| {
        if is_mistake(&error) {
            invalid(
                step,
                "ended its transaction itself, or went on after an error by which sqlite had ended it, so that what it \
                 wrote may stay or not: leave COMMIT and ROLLBACK to the store, and return errors",
            )
        } else {
            report(ledger, Trouble::Sqlite(error))
        }
    })?;
    let sealed = ledger.seal(transaction.connection_mut(), step, record);
    match sealed.await.map_err(|trouble| report(ledger, trouble))? {
        true => Ok(()),
        // Nobody else can have.
        false => Err(invalid(step, "changed the store's own tables")),
    }
}

fn too_long(step: &StepRef, bound: Duration) -> BodyFailure {
    BodyFailure::msg(format!(
        "{} was given up after {bound:?}, because all writes to the file wait for its body: make it shorter, \
         or raise the store's transaction timeout",
        name(step)
    ))
}

fn report(ledger: &impl Ledger, trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Unfit(error) => error,
        Trouble::Sqlite(error) => {
            Failure::new(Phase::Statement, error).report(OPERATION, ledger.path())
        }
    }
}

fn invalid(step: &StepRef, what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, OPERATION)
        .with_message(format!("the body of {} {what}", name(step)))
}

fn name(step: &StepRef) -> String {
    format!(
        "step {} `{}` of workflow `{}`",
        step.step_id, step.name, step.workflow_id
    )
}
