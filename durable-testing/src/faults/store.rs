use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::{
    SystemStore,
    store::{StoreError, StoreErrorKind, StoreResult},
};

use super::{Call, Fault, FaultPlan};

/// A store that fails by plan, and keeps a log of what was asked of it. A clone is another handle on
/// the same one.
///
/// `describe`, which cannot fail, is neither planned nor logged.
///
/// ```
/// # use std::sync::Arc;
/// use durable_api::SystemStore;
/// use durable_testing::{Fault, FaultPlan, FaultyStore};
///
/// # fn example(store: Arc<dyn SystemStore>) {
/// let faulty = FaultyStore::with_plan(store, FaultPlan::nth("record_step", 2, Fault::LoseAnswer));
/// let store: Arc<dyn SystemStore> = Arc::new(faulty.clone());
/// // ... run a program on `store` ...
/// assert_eq!(faulty.count_of("list_steps"), 0, "a fresh execution reads nothing");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStore {
    pub(super) inner: Arc<dyn SystemStore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan,
    calls: Vec<&'static str>,
}

impl FaultyStore {
    /// A store without faults, which only keeps the log.
    pub fn new(inner: Arc<dyn SystemStore>) -> Self {
        Self::with_plan(inner, FaultPlan::none())
    }

    /// A store that fails by `plan`.
    pub fn with_plan(inner: Arc<dyn SystemStore>, plan: FaultPlan) -> Self {
        let calls = Vec::new();
        Self {
            inner,
            state: Arc::new(Mutex::new(State { plan, calls })),
        }
    }

    /// Replaces the plan, and forgets the calls so far: the new plan counts from 0.
    pub fn set_plan(&self, plan: FaultPlan) {
        let calls = Vec::new();
        *self.state() = State { plan, calls };
    }

    /// The operations called so far, in the order of their calls, also those that failed.
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// How many calls there were so far.
    pub fn call_count(&self) -> usize {
        self.state().calls.len()
    }

    /// How many calls of `operation` there were so far.
    pub fn count_of(&self, operation: &str) -> usize {
        count(&self.state().calls, operation)
    }

    /// Meets the fault that the plan has for this call.
    pub(super) async fn call<T>(
        &self,
        operation: &'static str,
        inner: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let failure = |kind| {
            Err(StoreError::new(kind, operation).with_message("a fault was planned for this call"))
        };
        match self.next_fault(operation) {
            Fault::PassThrough => inner.await,
            Fault::Refuse => failure(StoreErrorKind::Unavailable),
            Fault::LoseRequest => failure(StoreErrorKind::Indeterminate),
            Fault::LoseAnswer => {
                inner.await?;
                failure(StoreErrorKind::Indeterminate)
            }
        }
    }

    fn next_fault(&self, operation: &'static str) -> Fault {
        let mut state = self.state();
        let call = Call {
            operation,
            number: state.calls.len(),
            nth: count(&state.calls, operation),
        };
        state.calls.push(operation);
        let plan = state.plan.clone();
        // The plan is foreign code: it may look at this store.
        drop(state);
        plan.decide(call)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(calls: &[&str], operation: &str) -> usize {
    calls.iter().filter(|call| **call == operation).count()
}
