use durable_api::store::{
    BodyOutcome, DynBody, Outcome, StepRecord, StepRef, StoreErrorKind, TransactionOutcome,
};

use super::{
    guard::lend,
    ledger::{Ledger, Sealed, Standing},
    open::OpenTransaction,
};
use crate::{
    database::Connections,
    error::{Failure, Stage, is_connection_lost, sqlstate},
    writes,
};

/// Runs a body in a transaction, and commits it with its outcome.
pub(super) async fn run(
    connections: &Connections,
    ledger: &impl Ledger,
    step: &StepRef,
    body: &DynBody<'_>,
) -> Result<TransactionOutcome, Failure> {
    let texts = [step.workflow_id.as_str(), &step.name];
    writes::check(texts, None, [step.owner])?;
    match ledger.judge(step).await? {
        Standing::Clear => {}
        Standing::Recorded(record) => return Ok(TransactionOutcome::AlreadyRecorded(record)),
        Standing::NotOwner => return Ok(TransactionOutcome::NotOwner),
    }
    let transaction = OpenTransaction::begin(connections).await.map_err(|error| {
        let failure = Failure::from_driver(error, Stage::Uncommitted);
        failure.with_message(format!("no transaction could be begun for {}", name(step)))
    })?;
    let (guard, lent) = lend(transaction);
    let moves = connections.moves();
    let running = async { Ok(body.run(Box::new(guard)).await) };
    let outcome = connections.watch(moves, running).await.map_err(|error| {
        let failure = Failure::from_driver(error, Stage::Uncommitted);
        failure.with_message(format!("the body of {} lost its connection", name(step)))
    })?;
    let Some(transaction) = lent.take_back() else {
        return Err(invalid(
            step,
            "kept its transaction, which is not committed: drop it before the body returns",
        ));
    };
    match outcome {
        BodyOutcome::Commit(record) => {
            let committing = async { Ok(commit(transaction, ledger, step, &record).await) };
            match connections.watch(moves, committing).await {
                Ok(committed) => committed,
                Err(error) => Err(Failure::from_driver(error, Stage::Committing)),
            }
        }
        BodyOutcome::RollBack(failure) => roll_back(transaction, step, failure).await,
    }
}

async fn commit(
    mut transaction: OpenTransaction,
    ledger: &impl Ledger,
    step: &StepRef,
    record: &StepRecord,
) -> Result<TransactionOutcome, Failure> {
    check(step, record)?;
    let marker = transaction.marker().to_owned();
    let sealed = ledger
        .seal(transaction.connection_mut(), &marker, step, record)
        .await
        .map_err(|failure| explain(step, failure))?;
    match sealed {
        Sealed::Written => {}
        Sealed::Taken => {
            // So that what is there can be seen, also by one connection.
            let _ = transaction.roll_back().await;
            return match ledger.judge(step).await? {
                Standing::Recorded(record) => Ok(TransactionOutcome::AlreadyRecorded(record)),
                Standing::NotOwner => Ok(TransactionOutcome::NotOwner),
                Standing::Clear => Err(Failure::new(
                    StoreErrorKind::Contention,
                    format!("the outcome of {} comes and goes", name(step)),
                )),
            };
        }
        Sealed::NotOwner => {
            let _ = transaction.roll_back().await;
            return Ok(TransactionOutcome::NotOwner);
        }
        Sealed::Gone => {
            return Err(invalid(
                step,
                "ended its transaction itself, so that what it wrote may stay or not: leave COMMIT and ROLLBACK to the store",
            ));
        }
    }
    match transaction.commit().await {
        Ok(()) => Ok(TransactionOutcome::Committed),
        // A constraint of the user's that is judged at the commit.
        Err(error) if is_refusal_of_data(&error) => {
            let failure = durable_api::Failure::from(error);
            Ok(TransactionOutcome::RolledBack(failure))
        }
        Err(error) => Err(Failure::from_driver(error, Stage::Committing)),
    }
}

async fn roll_back(
    transaction: OpenTransaction,
    step: &StepRef,
    failure: durable_api::Failure,
) -> Result<TransactionOutcome, Failure> {
    let rolled_back = transaction.roll_back().await;
    let met = failure.downcast_ref::<sqlx::Error>();
    if met.and_then(sqlstate).is_some_and(asks_to_repeat) {
        let message = format!("the body of {}: {failure}", name(step));
        return Err(Failure::new(StoreErrorKind::Contention, message));
    }
    match rolled_back {
        Ok(()) => Ok(TransactionOutcome::RolledBack(failure)),
        // The body failed because this connection did, which is no fault of the body's.
        Err(_) if met.is_some_and(is_connection_lost) => {
            let message = format!("the body of {} lost its connection: {failure}", name(step));
            Err(Failure::new(StoreErrorKind::Unavailable, message))
        }
        Err(error) if sqlstate(&error) == Some(NO_TRANSACTION) => Err(invalid(
            step,
            "failed after it had ended its transaction itself: leave COMMIT and ROLLBACK to the store",
        )),
        // Whatever became of the connection, it has not committed.
        Err(_) => Ok(TransactionOutcome::RolledBack(failure)),
    }
}

/// Refuses what cannot be recorded as the outcome of this step.
fn check(step: &StepRef, record: &StepRecord) -> Result<(), Failure> {
    let texts = [&record.name].into_iter().chain(&record.child_id);
    let payload = record.outcome.as_ref().map(Outcome::payload);
    writes::check(texts.map(String::as_str), payload, [])?;
    if record.step_id != step.step_id {
        let what = format!("returned the outcome of step {}", record.step_id);
        return Err(invalid(step, &what));
    }
    Ok(())
}

const NO_TRANSACTION: &str = "25P01";
const FAILED_TRANSACTION: &str = "25P02";
const READ_ONLY_TRANSACTION: &str = "25006";

/// Whether the server asks to run the whole transaction again: a serialization failure or a deadlock.
fn asks_to_repeat(sqlstate: &str) -> bool {
    matches!(sqlstate, "40001" | "40P01")
}

/// Whether the server refused the user's data: a violated constraint, an error of a trigger.
fn is_refusal_of_data(error: &sqlx::Error) -> bool {
    let classes = ["22", "23", "44", "P0"];
    sqlstate(error).is_some_and(|state| classes.iter().any(|class| state.starts_with(class)))
}

fn explain(step: &StepRef, failure: Failure) -> Failure {
    match failure.sqlstate() {
        Some(FAILED_TRANSACTION) => invalid(
            step,
            "went on after a statement had failed, and so cannot be committed: return the error, or put a savepoint before",
        ),
        Some(READ_ONLY_TRANSACTION) => failure.with_message(format!(
            "the transaction of {} is read-only: the server is a standby, or the body made it so",
            name(step)
        )),
        _ => failure,
    }
}

fn invalid(step: &StepRef, what: &str) -> Failure {
    let message = format!("the body of {} {what}", name(step));
    Failure::new(StoreErrorKind::Invalid, message)
}

fn name(step: &StepRef) -> String {
    format!(
        "step {} `{}` of workflow `{}`",
        step.step_id, step.name, step.workflow_id
    )
}
