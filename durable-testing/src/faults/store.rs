use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[cfg(feature = "kit")]
use std::sync::atomic::{AtomicU64, Ordering};

use durable_api::{
    SystemStore,
    store::{StoreError, StoreErrorKind, StoreResult, Wakeup, Wakeups},
};
use futures::{StreamExt as _, channel::mpsc, stream};
use tokio::sync::Notify;

use super::{
    Call, Fault, FaultPlan,
    activity::{Activity, Busy},
    line::{Effect, Line, Straggler},
    site::Site,
};

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
    phase: Arc<Mutex<Phase>>,
    /// Wakes those who wait for another phase, in the order in which they came.
    phases: Arc<Notify>,
    pub(super) line: Option<Arc<dyn Line>>,
    activity: Arc<Activity>,
    /// What else the process does, as long as it runs.
    held: Arc<Mutex<HashMap<u64, Busy>>>,
}

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan,
    calls: Vec<Logged>,
    /// How many calls there were of each operation.
    counts: HashMap<&'static str, usize>,
    /// How many calls there were about the same.
    counts_here: HashMap<(&'static str, Option<String>, Option<u32>), usize>,
    /// Counts the plans, so that a call's end is not noted on another call.
    plans: u64,
    /// Who is told of each change through this store, at once.
    echoes: Option<Vec<mpsc::UnboundedSender<Wakeup>>>,
}

#[derive(Debug)]
struct Logged {
    call: Call,
    changed: bool,
}

/// Whether the process that uses the store runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Paused,
    Dead,
}

impl FaultyStore {
    /// A store without faults, which only keeps the log.
    pub fn new(inner: Arc<dyn SystemStore>) -> Self {
        Self::with_plan(inner, FaultPlan::none())
    }

    /// A store that fails by `plan`.
    pub fn with_plan(inner: Arc<dyn SystemStore>, plan: FaultPlan) -> Self {
        Self {
            inner,
            state: Arc::new(Mutex::new(State {
                plan,
                ..State::default()
            })),
            phase: Arc::new(Mutex::new(Phase::Running)),
            phases: Arc::default(),
            line: None,
            activity: Arc::default(),
            held: Arc::default(),
        }
    }

    /// A store whose calls count as something that is under way.
    #[cfg(feature = "kit")]
    pub(crate) fn counted(inner: Arc<dyn SystemStore>, activity: &Arc<Activity>) -> Self {
        let mut store = Self::new(inner);
        store.activity = Arc::clone(activity);
        // Hints that come from a server come when they like.
        if store.inner.describe().backend != "memory" {
            store.state().echoes = Some(Vec::new());
        }
        store
    }

    /// A store at the other end of a line.
    #[cfg(feature = "kit")]
    pub(crate) fn on_line(inner: Arc<dyn SystemStore>, line: Arc<dyn Line>) -> Self {
        let mut store = Self::new(inner);
        store.line = Some(line);
        store
    }

    /// Replaces the plan, and forgets the calls so far: the new plan counts from 0.
    pub fn set_plan(&self, plan: FaultPlan) {
        let mut state = self.state();
        state.plan = plan;
        state.calls.clear();
        state.counts.clear();
        state.counts_here.clear();
        state.plans += 1;
    }

    /// The operations called so far, in the order of their calls, also those that failed.
    pub fn calls(&self) -> Vec<&'static str> {
        let state = self.state();
        state.calls.iter().map(|one| one.call.operation).collect()
    }

    /// The calls so far, with what they were about.
    pub fn log(&self) -> Vec<Call> {
        let state = self.state();
        state.calls.iter().map(|one| one.call.clone()).collect()
    }

    /// How many calls there were so far.
    pub fn call_count(&self) -> usize {
        self.state().calls.len()
    }

    /// How many calls of `operation` there were so far.
    pub fn count_of(&self, operation: &str) -> usize {
        self.state().counts.get(operation).copied().unwrap_or(0)
    }

    /// The process that uses this store dies: no call is carried out from now on, and none is ever answered, also of those under way.
    pub fn kill(&self) {
        self.stop(Phase::Dead);
    }

    /// The process that uses this store stands still, if it runs: no call is carried out or answered before [`resume`](Self::resume).
    pub fn pause(&self) {
        if *lock(&self.phase) == Phase::Running {
            self.stop(Phase::Paused);
        }
    }

    /// The process that uses this store goes on after [`pause`](Self::pause) or [`Fault::Pause`].
    pub fn resume(&self) {
        let mut phase = lock(&self.phase);
        if *phase == Phase::Paused {
            *phase = Phase::Running;
            self.phases.notify_waiters();
        }
    }

    /// Completes when a fault has stopped the process that uses this store, for good or for a while.
    pub async fn stopped(&self) {
        self.comes_to(|phase| phase != Phase::Running).await;
    }

    /// The calls so far, each with whether it changed anything in the store.
    #[cfg(feature = "kit")]
    pub(crate) fn changes(&self) -> Vec<(Call, bool)> {
        let state = self.state();
        let calls = state.calls.iter();
        calls.map(|one| (one.call.clone(), one.changed)).collect()
    }

    /// Meets the fault that the plan has for this call, which changes something.
    pub(super) async fn call<T: 'static>(
        &self,
        site: impl Into<Site>,
        inner: impl Future<Output = StoreResult<T>> + Send + 'static,
    ) -> StoreResult<T> {
        self.judged(site, inner, |_| true).await
    }

    /// Meets the fault that the plan has for this call, which changes something, with what is lent to it.
    pub(super) async fn lend<T>(
        &self,
        site: impl Into<Site>,
        inner: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        self.meet(site, inner, |_| true, None).await
    }

    /// Meets the fault that the plan has for this call, which changes nothing.
    pub(super) async fn look<T>(
        &self,
        site: impl Into<Site>,
        inner: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        self.meet(site, inner, |_| false, None).await
    }

    /// Meets the fault that the plan has for this call; `changed` knows by the answer whether it changed something.
    pub(super) async fn judged<T: 'static, F, C>(
        &self,
        site: impl Into<Site>,
        inner: F,
        changed: C,
    ) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>> + Send + 'static,
        C: Fn(&T) -> bool + Send + 'static,
    {
        self.meet(site, inner, changed, Some(Straggler::arrive))
            .await
    }

    async fn meet<T, F, C>(
        &self,
        site: impl Into<Site>,
        inner: F,
        changed: C,
        straggle: Option<fn(Straggler, F, C)>,
    ) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>> + Send,
        C: Fn(&T) -> bool + Send,
    {
        let site = site.into();
        let operation = site.operation;
        let failure = |kind| {
            Err(StoreError::new(kind, operation).with_message("a fault was planned for this call"))
        };
        self.runs().await;
        let owner = site.owner;
        let (place, fault, call) = self.next_fault(site);
        let stops = match fault {
            Fault::CrashBefore => Some(Phase::Dead),
            Fault::Pause => Some(Phase::Paused),
            _ => None,
        };
        if let Some(phase) = stops {
            self.stop(phase);
            self.runs().await;
        }
        if let Some(line) = &self.line {
            // What is on its way arrives, whatever becomes of its sender meanwhile.
            line.request(&call, fault).await;
        }
        let refused = match fault {
            Fault::Refuse => Some(StoreErrorKind::Unavailable),
            Fault::LoseRequest => Some(StoreErrorKind::Indeterminate),
            _ => None,
        };
        if let Some(kind) = refused {
            if let Some(line) = &self.line {
                let delay = (fault == Fault::LoseRequest).then(|| line.straggle(&call));
                if let (Some(Some(delay)), Some(straggle)) = (delay, straggle) {
                    let line = Arc::clone(line);
                    let call = call.clone();
                    straggle(
                        Straggler {
                            line,
                            call,
                            owner,
                            delay,
                        },
                        inner,
                        changed,
                    );
                }
                line.answer(&call, fault).await;
                self.runs().await;
            }
            return failure(kind);
        }
        let busy = self.activity.begin();
        let answer = inner.await;
        let effect = Effect::of(&answer, &changed);
        if effect == Effect::Changed {
            self.note_change(place, operation);
        }
        if let Some(line) = &self.line {
            line.done(&call, owner, effect);
        }
        if fault == Fault::CrashAfter {
            self.stop(Phase::Dead);
        }
        drop(busy);
        if let Some(line) = &self.line {
            line.answer(&call, fault).await;
        }
        self.runs().await;
        match fault {
            Fault::LoseAnswer => {
                answer?;
                failure(StoreErrorKind::Indeterminate)
            }
            _ => answer,
        }
    }

    /// The hints of the inner store, and one for each change that is made through this one.
    pub(super) fn with_echoes(&self, hints: Wakeups) -> Wakeups {
        match &mut self.state().echoes {
            None => hints,
            Some(echoes) => {
                let (sender, receiver) = mpsc::unbounded();
                echoes.push(sender);
                // The stream ends when the inner one does.
                let ends = hints.into_stream().map(Some).chain(stream::iter([None]));
                let both = stream::select(ends, receiver.map(Some));
                Wakeups::new(
                    both.take_while(|hint| futures::future::ready(hint.is_some()))
                        .filter_map(futures::future::ready),
                )
            }
        }
    }

    /// The process is busy with something else until the answer is dropped, or a fault stops the process.
    #[cfg(feature = "kit")]
    pub(crate) fn hold(&self) -> Held {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        if *lock(&self.phase) == Phase::Running {
            lock(&self.held).insert(number, self.activity.begin());
        }
        Held {
            held: Arc::clone(&self.held),
            number,
        }
    }

    fn stop(&self, phase: Phase) {
        *lock(&self.phase) = phase;
        self.phases.notify_waiters();
        self.activity.executors_changed();
        let held = std::mem::take(&mut *lock(&self.held));
        drop(held);
    }

    /// Waits until the process runs.
    async fn runs(&self) {
        self.comes_to(|phase| phase == Phase::Running).await;
    }

    async fn comes_to(&self, wanted: impl Fn(Phase) -> bool) {
        loop {
            let change = self.phases.notified();
            if wanted(*lock(&self.phase)) {
                return;
            }
            change.await;
        }
    }

    fn next_fault(&self, site: Site) -> ((u64, usize), Fault, Call) {
        let mut state = self.state();
        let here = (site.operation, site.workflow_id.clone(), site.step_id);
        let call = Call {
            operation: site.operation,
            workflow_id: site.workflow_id,
            step_id: site.step_id,
            number: state.calls.len(),
            nth: count(&mut state.counts, site.operation),
            nth_here: count(&mut state.counts_here, here),
        };
        let place = (state.plans, call.number);
        state.calls.push(Logged {
            call: call.clone(),
            changed: false,
        });
        let plan = state.plan.clone();
        // The plan is foreign code: it may look at this store.
        drop(state);
        (place, plan.decide(call.clone()), call)
    }

    /// Notes that a call changed something, and tells those who wait.
    fn note_change(&self, (plans, number): (u64, usize), operation: &str) {
        match operation {
            "register_executor" | "expel_executor" | "retire_executor" => {
                self.activity.executors_changed()
            }
            _ => self.activity.changed(),
        }
        let mut state = self.state();
        if state.plans == plans
            && let Some(logged) = state.calls.get_mut(number)
        {
            logged.changed = true;
        }
        // What only its own execution waits for is no news.
        let own = ["record_step", "dequeue_workflows", "claim_workflows"];
        if let Some(echoes) = &mut state.echoes
            && !own.contains(&operation)
        {
            echoes.retain(|echo| echo.unbounded_send(Wakeup::Everything).is_ok());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Something that a process does besides calling its store.
#[cfg(feature = "kit")]
#[derive(Debug)]
pub(crate) struct Held {
    held: Arc<Mutex<HashMap<u64, Busy>>>,
    number: u64,
}

#[cfg(feature = "kit")]
impl Drop for Held {
    fn drop(&mut self) {
        let busy = lock(&self.held).remove(&self.number);
        drop(busy);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one, and returns how many there were before.
fn count<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) -> usize {
    let count = counts.entry(key).or_default();
    *count += 1;
    *count - 1
}
