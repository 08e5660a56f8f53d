//! Operations made from a seed, so that they meet: few ids, topics, queues and keys, and owners that are mostly the right ones.
//!
//! What a workflow of the reference store has come to decides what is likely to be done to it next, so that the deep states are
//! reached: claimed, requeued, debounced, resumed, forked, taken over.
mod changes;
mod effects;
mod executors;
mod management;
mod queues;
mod reads;
mod schedules;
mod starts;
mod values;
mod weights;

use std::collections::VecDeque;

use durable_api::{
    SystemStore,
    store::{Incarnation, Owner, Payloads, WorkflowArchive, WorkflowRecord},
};
use fastrand::Rng;

use super::{
    operation::Operation,
    program::Step,
    side::{HANDLES, Side},
};
use crate::Fault;
use weights::Kind;

/// The applications.
pub(super) const APPS: [&str; 2] = ["shop", "depot"];

/// What becomes of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Faults {
    /// Nothing goes wrong.
    None,
    /// Calls fail, and are repeated before anything else happens.
    RepeatedAtOnce,
    /// Calls fail, and are repeated some time later.
    RepeatedLate,
}

/// What a sequence puts to the test of queues. The order in which workflows of a queue are due is open where clocks differ, and that of
/// partitions where one had nothing for a while; which of them a limit lets through depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Limits, on queues into which everything goes in the order of its time.
    Orderly,
    /// Everything that comes to a queue by other ways, and no limits.
    Wild,
}

/// Makes one operation after the other.
pub(super) struct Generator {
    rng: Rng,
    faults: Faults,
    manner: Manner,
    /// Milliseconds since the beginning.
    clock: i64,
    counter: u64,
    lives: Vec<Life>,
    /// Those that are registered.
    living: Vec<Incarnation>,
    /// Owners of late, current and former ones.
    owners: VecDeque<Owner>,
    archives: VecDeque<WorkflowArchive>,
    /// What is to be repeated, and after how many other operations.
    owed: Vec<(usize, Step)>,
}

/// One life of an executor, past or present.
#[derive(Clone, Debug)]
struct Life {
    app: &'static str,
    executor_id: &'static str,
    version: &'static str,
    incarnation: Incarnation,
}

impl Generator {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let mut rng = Rng::with_seed(seed);
        let manner = match rng.bool() {
            true => Manner::Orderly,
            false => Manner::Wild,
        };
        Self {
            rng,
            faults,
            manner,
            clock: 0,
            counter: 0,
            lives: Vec::new(),
            living: Vec::new(),
            owners: VecDeque::new(),
            archives: VecDeque::new(),
            owed: Vec::new(),
        }
    }

    /// The next step, in view of what the reference store holds.
    pub(super) async fn next(&mut self, reference: &mut Side) -> Step {
        if let Some(step) = self.repetition() {
            return step;
        }
        self.clock += match self.rng.u32(..60) {
            0 => self.rng.i64(0..10_000),
            _ => self.rng.i64(0..30),
        };
        self.see_the_living(reference.store()).await;
        let (mut id, mut found) = self.look(reference.store()).await;
        let kind = match self.living.len() {
            0..2 => Kind::Register,
            _ if self.chance(55) => weights::of(&mut self.rng, found.as_ref()),
            _ => weights::any(&mut self.rng),
        };
        // Most ids that are given to something new are free.
        while found.is_some() && matches!(kind, Kind::Insert | Kind::Enqueue) && self.chance(80) {
            (id, found) = self.look(reference.store()).await;
        }
        let operation = self.operation(kind, &id, found.as_ref(), reference).await;
        let operation = match self.chance(30) {
            true => {
                let fence = self.fence(reference.store()).await;
                operation.on_behalf_of(fence)
            }
            false => operation,
        };
        self.step(operation)
    }

    /// Some workflow, or an id that is free.
    async fn look(&mut self, reference: &dyn SystemStore) -> (String, Option<WorkflowRecord>) {
        let id = self.id();
        let found = reference.get_workflow(&id, Payloads::Omit).await;
        (id, found.ok().flatten())
    }

    async fn see_the_living(&mut self, reference: &dyn SystemStore) {
        self.living.clear();
        for app in APPS {
            let executors = reference.list_executors(app).await.unwrap_or_default();
            let living = executors.into_iter().map(|executor| executor.incarnation);
            self.living.extend(living);
        }
    }

    fn repetition(&mut self) -> Option<Step> {
        for (left, _) in &mut self.owed {
            *left = left.saturating_sub(1);
        }
        let due = self.owed.iter().position(|(left, _)| *left == 0)?;
        Some(self.owed.remove(due).1)
    }

    /// A call, and what becomes of it.
    fn step(&mut self, operation: Operation) -> Step {
        let handle = self.rng.usize(..HANDLES);
        let mut step = Step {
            handle,
            operation,
            fault: Fault::PassThrough,
            repeated: false,
        };
        if self.faults == Faults::None || self.rng.u32(..100) >= 30 {
            return step;
        }
        step.fault = match self.rng.u32(..10) {
            0 => Fault::Refuse,
            1 => Fault::LoseRequest,
            // A heartbeat that is repeated beats once more.
            _ if matches!(step.operation, Operation::Heartbeat(_)) => Fault::LoseRequest,
            _ => Fault::LoseAnswer,
        };
        if self.faults == Faults::RepeatedAtOnce {
            step.repeated = true;
        } else {
            let mut again = step.clone();
            again.fault = Fault::PassThrough;
            again.handle = self.rng.usize(..HANDLES);
            self.owed.push((1 + self.rng.usize(..4), again));
        }
        step
    }

    async fn operation(
        &mut self,
        kind: Kind,
        id: &str,
        found: Option<&WorkflowRecord>,
        reference: &mut Side,
    ) -> Operation {
        match kind {
            Kind::Aggregate => self.aggregate(),
            Kind::Append => self.append(id, found),
            Kind::ApplySchedules => self.apply_schedules(),
            Kind::Cancel => self.cancel(id),
            Kind::CancelExpired => self.cancel_expired(),
            Kind::Child => self.child(id, found),
            Kind::Claim => self.claim(found),
            Kind::CreateSchedule => self.create_schedule(),
            Kind::Delete => self.delete(id),
            Kind::DeleteFinished => self.delete_finished(),
            Kind::DeleteQueue => self.delete_queue(),
            Kind::DeleteSchedule => self.delete_schedule(),
            Kind::Dequeue => self.dequeue(found),
            Kind::Enqueue => self.enqueue(id),
            Kind::Event => self.set_event(id, found),
            Kind::Expel => self.expel(reference.store()).await,
            Kind::Export => Operation::Export(id.to_owned()),
            Kind::Finish => self.finish(id, found),
            Kind::Fire => self.fire(id, reference).await,
            Kind::Fork => self.fork(id, found.is_some()),
            Kind::Get => Operation::Get(id.to_owned()),
            Kind::GetEvent => Operation::GetEvent(id.to_owned(), self.key()),
            Kind::Heartbeat => self.heartbeat(),
            Kind::Import => self.import(id, reference.store()).await,
            Kind::Insert => self.insert(id),
            Kind::Lifecycle => self.lifecycle(),
            Kind::List => self.list(found),
            Kind::ListEvents => Operation::ListEvents(id.to_owned()),
            Kind::ListExecutors => Operation::ListExecutors(self.app()),
            Kind::ListQueues => Operation::ListQueues(self.app()),
            Kind::ListSchedules => Operation::ListSchedules(self.app()),
            Kind::ListSteps => Operation::ListSteps(id.to_owned()),
            Kind::ListVersions => Operation::ListVersions(self.app()),
            Kind::PauseSchedule => self.pause_schedule(),
            Kind::PutQueue => self.put_queue(),
            Kind::ReadStream => self.read_stream(id),
            Kind::Receive => self.receive(id, found),
            Kind::Register => self.register(),
            Kind::RegisterVersion => self.register_version(),
            Kind::Release => self.release(),
            Kind::Resume => self.resume(id),
            Kind::Retire => self.retire(),
            Kind::Settle => self.settle(),
            Kind::Send => self.send(id, found, reference.store()).await,
            Kind::SetAttributes => self.set_attributes(id),
            Kind::SetDelay => self.set_delay(id),
            Kind::SetLatest => self.set_latest_version(),
            Kind::Step => self.record_step(id, found),
            Kind::Transaction => self.transaction(id, found),
            Kind::Within => self.within(id),
        }
    }
}
