use std::sync::Arc;

use durable_api::{
    SystemStore, Timestamp,
    store::{Incarnation, Owner, ScheduleRecord, StepRef, StoreResult},
};
use uuid::Uuid;

use super::{
    answer::Answer, apply::apply, generator::APPS, operation::Operation, program::Step,
    snapshot::Snapshot, transaction::Transaction,
};
use crate::{Backend, Bench, Fault, FaultPlan, FaultyStore};

/// How many handles a side has.
pub(super) const HANDLES: usize = 2;

/// One of the stores that are compared.
pub(super) struct Side {
    handles: Vec<Arc<dyn SystemStore>>,
    has_transactions: bool,
    transactions: Transactions,
    revisions: Revisions,
}

/// How transactional steps are run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transactions {
    Native,
    /// As the checkpoint alone: the other side has them, this one has none.
    Emulated,
}

impl Side {
    pub(super) async fn open(bench: &Bench<'_, impl Backend>) -> Self {
        let mut handles = Vec::new();
        for _ in 0..HANDLES {
            handles.push(bench.open().await);
        }
        let nobody = Owner::new(Incarnation(Uuid::nil()), 0);
        let unknown = StepRef::recorded("unknown", nobody, 0, "", Timestamp::from_millis(0));
        let has_transactions = Transaction::are_supported(&*handles[0], unknown).await;
        Self {
            handles,
            has_transactions,
            transactions: Transactions::Native,
            revisions: Revisions::default(),
        }
    }

    /// Agrees with another side on whether there are transactional steps.
    pub(super) fn adapt_to(&mut self, other: &Self) {
        if other.has_transactions && !self.has_transactions {
            self.transactions = Transactions::Emulated;
        }
    }

    /// A handle to look at what is stored.
    pub(super) fn store(&self) -> &dyn SystemStore {
        &*self.handles[0]
    }

    /// The schedules of an application, their revisions told by the order in which they were seen.
    pub(super) async fn schedules(&mut self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        self.revisions.list(&*self.handles[0], app).await
    }

    /// Calls the store as a step says; answers each attempt.
    pub(super) async fn take(&mut self, step: &Step) -> Vec<Answer> {
        let mut answers = Vec::new();
        if step.fault != Fault::PassThrough {
            let plan = FaultPlan::always(step.fault);
            let faulty = FaultyStore::with_plan(Arc::clone(&self.handles[step.handle]), plan);
            answers.push(self.call(&faulty, &step.operation).await);
        }
        if step.fault == Fault::PassThrough || step.repeated {
            let store = Arc::clone(&self.handles[step.handle]);
            answers.push(self.call(&*store, &step.operation).await);
        }
        if step.operation.changes_schedules() {
            self.see_schedules().await;
        }
        answers
    }

    async fn call(&mut self, store: &dyn SystemStore, operation: &Operation) -> Answer {
        let operation = operation.clone();
        apply(store, self.transactions, &mut self.revisions, operation).await
    }

    async fn see_schedules(&mut self) {
        for app in APPS {
            // Whoever cannot list schedules fails when that is asked.
            let _ = self.schedules(app).await;
        }
    }

    pub(super) async fn snapshot(&mut self) -> StoreResult<Snapshot> {
        Snapshot::of(&*self.handles[0], &mut self.revisions).await
    }
}

/// The revisions of schedules, in the order in which they were seen.
#[derive(Debug, Default)]
pub(super) struct Revisions(Vec<u64>);

impl Revisions {
    /// The place of a revision in the order.
    pub(super) fn rank(&mut self, revision: u64) -> u64 {
        let place = self.0.iter().position(|seen| *seen == revision);
        let place = place.unwrap_or_else(|| {
            self.0.push(revision);
            self.0.len() - 1
        });
        place as u64
    }

    /// The revision at a place; one that no schedule has, if there is none.
    pub(super) fn actual(&self, rank: u64) -> u64 {
        let seen = usize::try_from(rank).ok().and_then(|rank| self.0.get(rank));
        seen.copied().unwrap_or(1_000_000_000)
    }

    /// The schedules of an application.
    pub(super) async fn list(
        &mut self,
        store: &dyn SystemStore,
        app: &str,
    ) -> StoreResult<Vec<ScheduleRecord>> {
        let mut schedules = store.list_schedules(app).await?;
        for schedule in &mut schedules {
            schedule.revision = self.rank(schedule.revision);
        }
        Ok(schedules)
    }
}
