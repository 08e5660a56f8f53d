use std::{
    any::{Any, type_name},
    future::Future,
    marker::PhantomData,
    sync::Arc,
};

use futures::future::BoxFuture;

use crate::{
    Durable, Error, Result, StepOptions, Value, scope::Execution, store::TransactionStore,
};

/// The body of a transactional step. Implemented for every `Fn(Tx) -> impl Future<Output = Result<T>>`, where `Tx` is the transaction type of the
/// database (`PgTransaction`, `SqliteTransaction`); never implement it yourself.
///
/// It is called once for each attempt, each time in a fresh transaction, and may borrow from the workflow.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the body of a transactional step",
    label = "expected a closure like `|mut tx: PgTransaction| async move {{ Ok(value) }}`",
    note = "its argument is the transaction, by value, with its type written out: `PgTransaction` of the Postgres store, `SqliteTransaction` of the SQLite store",
    note = "it returns a `durable::Result<T>`; errors of other types become a `durable::Failure` by `?`",
    note = "its future is `Send`: nothing like an `Rc` or a lock guard is held across an `.await`"
)]
pub trait TransactionFn<Tx>: Send + Sync {
    /// What the body returns.
    type Output;

    /// Runs the body once.
    fn call(&self, transaction: Tx) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl<F, Tx, Fut, T> TransactionFn<Tx> for F
where
    F: Fn(Tx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T>> + Send,
{
    type Output = T;

    fn call(&self, transaction: Tx) -> impl Future<Output = Result<T>> + Send {
        self(transaction)
    }
}

/// The body of a transactional step, type-erased.
pub trait TransactionStep: Send + Sync {
    /// Runs the body once, in this transaction.
    fn call(&self, transaction: Box<dyn Any + Send>) -> BoxFuture<'_, Result<Value>>;
}

/// A borrowed body of a transactional step.
//
// An alias, because mockall's expansion of `&'a (dyn TransactionStep + 'a)` trips `unused_parens`.
pub type DynTransaction<'a> = dyn TransactionStep + 'a;

/// How to run a transactional step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransactionOptions {
    /// What holds for every step.
    pub step: StepOptions,
    /// The database, if it is not the one that the context stores to.
    pub source: Option<Arc<dyn TransactionStore>>,
}

impl TransactionOptions {
    /// A step in the context's own database.
    pub fn new(step: StepOptions) -> Self {
        Self { step, source: None }
    }
}

/// A typed body on its way to becoming a [`TransactionStep`].
pub(crate) struct TransactionBody<S, Tx> {
    pub(crate) body: S,
    pub(crate) execution: Arc<Execution>,
    pub(crate) step_id: u32,
    pub(crate) transaction: PhantomData<fn(Tx)>,
}

impl<S, Tx> TransactionStep for TransactionBody<S, Tx>
where
    S: TransactionFn<Tx, Output: Durable>,
    Tx: Any + Send,
{
    fn call(&self, transaction: Box<dyn Any + Send>) -> BoxFuture<'_, Result<Value>> {
        let body = async move {
            let transaction = transaction.downcast::<Tx>().map_err(|_| {
                Error::Unsupported(format!(
                    "its body takes a `{}`, which is not the transaction of this database",
                    type_name::<Tx>()
                ))
            })?;
            Ok(Value::new(self.body.call(*transaction).await?))
        };
        Box::pin(self.execution.enter_step(self.step_id, Box::pin(body)))
    }
}
