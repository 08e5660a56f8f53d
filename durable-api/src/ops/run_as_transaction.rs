use std::{any::Any, future::IntoFuture, marker::PhantomData, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, Failure, Result, RetryPolicy, StepOptions, TransactionFn,
    TransactionOptions, TransactionStep, Value, in_flight::InFlight, step::step_name,
    store::TransactionStore, transaction::TransactionBody,
};

/// Runs `body` in a database transaction and commits what it wrote together with the checkpoint of the step: both happen, exactly once, or
/// neither. Await the returned builder, or set options first.
///
/// The tables are in the same Postgres or SQLite database as the context's own; for another database, see [`on`](RunTransaction::on). The body
/// takes the transaction by value, with its type written out, and need not commit. It is called again, in a fresh transaction, when the
/// database reports a serialization failure or a deadlock.
///
/// ```ignore
/// use durable::postgres::PgTransaction;
///
/// let left: i64 = run_as_transaction(&ctx, |mut tx: PgTransaction| async move {
///     let sql = "UPDATE accounts SET cents = cents - 100 WHERE id = $1 RETURNING cents";
///     Ok(sqlx::query_scalar(sql).bind(7).fetch_one(&mut *tx).await?)
/// })
/// .named("debit")
/// .await?;
/// ```
///
/// # Errors
/// The body's own [`Failure`], after which nothing of what it wrote is there; it is recorded as that of any step. One that holds
/// [`Error::Unsupported`] on a store without transactions (memory, Redis), and when the body takes a transaction of another database;
/// [`Error::InsideStep`] inside a step.
pub fn run_as_transaction<'c, S, Tx>(ctx: &'c Ctx, body: S) -> RunTransaction<'c, S::Output>
where
    S: TransactionFn<Tx, Output: Durable> + 'c,
    Tx: Any + Send,
{
    let prepared = prepare::<S, Tx>(ctx, body);
    let step_id = prepared.as_ref().ok().map(|(step_id, _)| *step_id);
    RunTransaction {
        ctx,
        options: TransactionOptions::new(StepOptions::new(step_id, step_name::<S>())),
        body: prepared.map(|(_, body)| body),
        decode: |value| value.decode(),
    }
}

/// The step's number and erased body, or why it has no place here.
fn prepare<'c, S, Tx>(ctx: &Ctx, body: S) -> Result<(u32, Box<dyn TransactionStep + 'c>), Error>
where
    S: TransactionFn<Tx, Output: Durable> + 'c,
    Tx: Any + Send,
{
    let operation = "run_as_transaction";
    let outside = Error::OutsideWorkflow { operation };
    let step_id = ctx.workflow_position(operation)?.ok_or(outside.clone())?;
    let body = TransactionBody {
        body,
        execution: Arc::clone(ctx.execution().ok_or(outside)?),
        step_id,
        transaction: PhantomData::<fn(Tx)>,
    };
    Ok((step_id, Box::new(body)))
}

/// A transactional step about to run.
#[must_use = "a step runs when this is awaited"]
pub struct RunTransaction<'c, T> {
    ctx: &'c Ctx,
    options: TransactionOptions,
    body: Result<Box<dyn TransactionStep + 'c>, Error>,
    /// A pointer, so that only the constructor asks for `T: Durable`.
    decode: fn(Value) -> Result<T, crate::CodecError>,
}

impl<T> RunTransaction<'_, T> {
    /// Names the step, so that its function can be renamed or moved while workflows with it are stored.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.options.step.name = name.into();
        self
    }

    /// Tries again when the body fails. Serialization failures and deadlocks are tried again without this, and are no attempt.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.step.retry = policy;
        self
    }

    /// Rolls an attempt back that takes longer; it then counts as failed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.step.timeout = Some(timeout);
        self
    }

    /// Runs the transaction on another database than the context's. A row there, committed with the body's writes, says that the step is done; the checkpoint
    /// follows from it. So the writes happen exactly once, too.
    pub fn on(mut self, source: &(impl TransactionStore + Clone)) -> Self {
        self.options.source = Some(Arc::new(source.clone()));
        self
    }
}

impl<'c, T: 'static> IntoFuture for RunTransaction<'c, T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let in_flight = InFlight::new(self.ctx, self.options.step.step_id);
        Box::pin(async move {
            let what = format!(
                "the output of step {} `{}` of workflow `{}`",
                self.options.step.step_id.unwrap_or_default(),
                self.options.step.name,
                self.ctx.execution_id()
            );
            let returned = match self.body {
                Ok(body) => {
                    let context = self.ctx.as_dyn();
                    context.run_as_transaction(self.options, &*body).await
                }
                Err(error) => Err(error.into()),
            };
            in_flight.complete().await;
            (self.decode)(returned?)
                .map_err(|source| Failure::from(self.ctx.interrupt(Error::codec(what, source))))
        })
    }
}
