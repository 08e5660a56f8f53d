//! Changing what is not an execution's own: from outside as it is, from a workflow under the fence of its execution.
use durable_api::{
    Error,
    store::{Change, ChangeStore, Changed, Fence, Fenced, StoreError, StoreErrorKind},
};

use crate::{engine::Engine, outage::Patience, run::Run};

impl Engine {
    /// Has the store make a change, on behalf of the execution `by` if there is one. An execution that lost its workflow changes nothing, and
    /// ends.
    pub(crate) async fn change<T>(&self, by: Option<&Run>, change: Change) -> Result<T, Error>
    where
        T: TryFrom<Changed>,
    {
        let operation = change.operation();
        let store = self.store();
        let Some(run) = by else {
            let changed = self
                .persist(operation, Patience::Transient, || {
                    change.clone().apply(store)
                })
                .await?;
            return answer(operation, changed);
        };
        let fence = Fence::new(run.workflow_id(), run.owner);
        let store: &dyn ChangeStore = store;
        let fenced = self
            .persist(operation, Patience::Transient, || {
                store.change(fence.clone(), change.clone())
            })
            .await?;
        match fenced {
            Fenced::Done(changed) => answer(operation, changed),
            Fenced::NotOwner => Err(run.not_owner().await),
        }
    }
}

fn answer<T: TryFrom<Changed>>(operation: &'static str, changed: Changed) -> Result<T, Error> {
    T::try_from(changed).map_err(|_| {
        Error::Store(
            StoreError::new(StoreErrorKind::Failed, operation)
                .with_message("the store answered another question"),
        )
    })
}
