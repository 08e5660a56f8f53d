//! Which workflow, and which step of it, the code that runs now belongs to.
use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as TaskContext, Poll, Waker},
};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::{
    Caller, CodecError, Error, Timestamp,
    order::{Next, Order},
};

/// One run of a workflow's code: its step counter, its cancellation, and why it must stop, if it must.
pub struct Execution {
    workflow_id: String,
    deadline: Option<Timestamp>,
    caller: Caller,
    /// Whether durable calls are accepted from the workflow's own task only.
    strict: bool,
    numbers: Mutex<Numbers>,
    order: Mutex<Order>,
    cancellation: CancellationToken,
    /// Whether the workflow's code was told of the cancellation, and may have cut its work short.
    cancellation_seen: AtomicBool,
    interruption: Mutex<Option<Error>>,
}

/// What a run of a workflow's code begins with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExecutionStart {
    /// The workflow.
    pub workflow_id: String,
    /// When the workflow is cancelled, if it has not ended.
    pub deadline: Option<Timestamp>,
    /// On whose behalf it runs.
    pub caller: Caller,
    /// Fires when the run should stop.
    pub cancellation: CancellationToken,
}

impl ExecutionStart {
    /// A run of workflow `workflow_id` without deadline, on nobody's behalf.
    pub fn new(workflow_id: impl Into<String>, cancellation: CancellationToken) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            deadline: None,
            caller: Caller::new(),
            cancellation,
        }
    }
}

impl Execution {
    /// The run that `start` describes.
    pub fn new(start: ExecutionStart) -> Arc<Self> {
        Self::with(start, true)
    }

    /// A run without an engine: durable calls are accepted from anywhere.
    pub(crate) fn mocked() -> Arc<Self> {
        Self::with(
            ExecutionStart::new("mocked", CancellationToken::new()),
            false,
        )
    }

    fn with(start: ExecutionStart, strict: bool) -> Arc<Self> {
        Arc::new(Self {
            workflow_id: start.workflow_id,
            deadline: start.deadline,
            caller: start.caller,
            strict,
            numbers: Mutex::default(),
            order: Mutex::default(),
            cancellation: start.cancellation,
            cancellation_seen: AtomicBool::new(false),
            interruption: Mutex::new(None),
        })
    }

    /// On whose behalf the workflow runs.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The workflow.
    pub fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    /// When the workflow is cancelled, if it has not ended.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Fires when the execution should stop.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Whether the workflow's code was told that it should stop. What it came to after that is not
    /// what it would have come to.
    pub fn saw_cancellation(&self) -> bool {
        self.cancellation_seen.load(Ordering::Acquire)
    }

    /// As the workflow's code asks: an answer of `true` is remembered.
    pub(crate) fn look_cancelled(&self) -> bool {
        let cancelled = self.cancellation.is_cancelled();
        if cancelled {
            self.cancellation_seen.store(true, Ordering::Release);
        }
        cancelled
    }

    /// As the workflow's code waits for it: the answer is remembered.
    pub(crate) async fn wait_cancelled(&self) {
        self.cancellation.cancelled().await;
        self.cancellation_seen.store(true, Ordering::Release);
    }

    /// Notes that this execution must end without an outcome, whatever its code makes of the error.
    /// The first reason stays. Returns `error`.
    pub fn interrupt(&self, error: Error) -> Error {
        let mut interruption = self.lock_interruption();
        if interruption.is_none() {
            *interruption = Some(error.clone());
        }
        error
    }

    /// What an earlier run noted: the numbers that the engine itself took, which are left out from
    /// now on, and those of durable calls that were dropped, which never complete again.
    pub fn replay_numbers(
        &self,
        taken: impl IntoIterator<Item = u32>,
        abandoned: impl IntoIterator<Item = u32>,
    ) {
        let mut numbers = self.lock_numbers();
        numbers.skipped.extend(taken);
        numbers.lost.extend(abandoned);
    }

    /// Whether an earlier run dropped the durable call of this number, so that it must not complete.
    pub fn is_abandoned(&self, step_id: u32) -> bool {
        self.lock_numbers().lost.contains(&step_id)
    }

    /// Takes the next step number for the engine's own use.
    pub fn take_own_number(&self) -> u32 {
        let step_id = self.lock_numbers().take();
        self.lock_order().number(step_id);
        step_id
    }

    /// The number that the next durable call will take.
    pub fn next_number(&self) -> u32 {
        self.lock_numbers().peek()
    }

    /// Notes that a durable call was dropped before it completed.
    pub(crate) fn abandon(&self, step_id: u32) {
        self.lock_order().leave(step_id);
        let mut numbers = self.lock_numbers();
        if !numbers.lost.contains(&step_id) {
            numbers.abandoned.push(step_id);
        }
    }

    /// What earlier runs left: the numbers of the recorded calls, and what their checkpoints say of the order in which calls completed
    /// ([`completions`](crate::store::StepRecord::completions)), the oldest first. To be told after [`replay_numbers`](Self::replay_numbers).
    ///
    /// # Errors
    /// A text that is not the engine's.
    pub fn replay_order<'n>(
        &self,
        recorded: impl IntoIterator<Item = u32>,
        completions: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), CodecError> {
        let lost = self.lock_numbers().lost.clone();
        let recorded = recorded
            .into_iter()
            .filter(|step_id| !lost.contains(step_id));
        self.lock_order().replay(recorded, completions)
    }

    /// What a checkpoint that is written now must say of the order in which calls completed.
    pub fn completions(&self) -> Option<String> {
        self.lock_order().note()
    }

    /// A checkpoint that says so is stored.
    pub fn stored_completions(&self, completions: Option<&str>) {
        if let Some(completions) = completions {
            self.lock_order().stored(completions);
        }
    }

    /// A durable call begins.
    pub(crate) fn begin(&self, step_id: u32) {
        if self.strict {
            self.lock_order().begin(step_id);
        }
    }

    /// A call that is not awaited by the workflow's code as others are, and has its result, completes in its turn.
    pub async fn take_turn(self: &Arc<Self>, step_id: u32) {
        self.begin(step_id);
        poll_fn(|context| match self.complete(step_id, context.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Whether a durable call that has its result completes now. Otherwise it is woken when it does.
    pub(crate) fn complete(self: &Arc<Self>, step_id: u32, waker: &Waker) -> bool {
        let is_over = self.is_over();
        let mut order = self.lock_order();
        if is_over || !self.strict || !self.is_current() {
            order.leave(step_id);
            return true;
        }
        order.complete(step_id, waker)
    }

    /// Whether what comes of this run is of no consequence.
    fn is_over(&self) -> bool {
        self.cancellation.is_cancelled() || self.lock_interruption().is_some()
    }

    fn lock_order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether durable calls were dropped before they completed, since [`take_abandoned`](Self::take_abandoned) was last asked.
    pub fn has_abandoned(&self) -> bool {
        !self.lock_numbers().abandoned.is_empty()
    }

    /// The durable calls that were dropped before they completed, since this was last asked.
    pub fn take_abandoned(&self) -> Vec<u32> {
        std::mem::take(&mut self.lock_numbers().abandoned)
    }

    /// Whether the code that runs now is this execution's.
    pub(crate) fn is_current(self: &Arc<Self>) -> bool {
        CURRENT.with_borrow(|current| {
            current
                .as_ref()
                .is_some_and(|frame| Arc::ptr_eq(&frame.execution, self))
        })
    }

    fn lock_numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why this execution must end without an outcome.
    pub fn interruption(&self) -> Option<Error> {
        self.lock_interruption().clone()
    }

    fn lock_interruption(&self) -> MutexGuard<'_, Option<Error>> {
        self.interruption
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// `future` as the code of this execution: what it calls while it is polled is the workflow's own.
    pub fn enter<'a, T>(self: &Arc<Self>, future: BoxFuture<'a, T>) -> Scoped<'a, T> {
        self.scoped(Place::Workflow, future)
    }

    /// `future` as the body of a step of this execution.
    pub(crate) fn enter_step<'a, T>(
        self: &Arc<Self>,
        step_id: u32,
        future: BoxFuture<'a, T>,
    ) -> Scoped<'a, T> {
        self.scoped(Place::Step(step_id), future)
    }

    fn scoped<'a, T>(self: &Arc<Self>, place: Place, future: BoxFuture<'a, T>) -> Scoped<'a, T> {
        Scoped {
            frame: Frame {
                execution: Arc::clone(self),
                place,
            },
            future,
        }
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("workflow_id", &self.workflow_id)
            .finish_non_exhaustive()
    }
}

/// The step numbers of one execution.
#[derive(Default)]
struct Numbers {
    next: u32,
    /// Taken by the engine in an earlier run.
    skipped: BTreeSet<u32>,
    /// Dropped in an earlier run.
    lost: BTreeSet<u32>,
    /// Dropped in this run, and not recorded yet.
    abandoned: Vec<u32>,
}

impl Numbers {
    fn peek(&mut self) -> u32 {
        while self.skipped.remove(&self.next) {
            self.next += 1;
        }
        self.next
    }

    fn take(&mut self) -> u32 {
        let number = self.peek();
        self.next += 1;
        number
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Workflow,
    Step(u32),
}

#[derive(Clone)]
struct Frame {
    execution: Arc<Execution>,
    place: Place,
}

thread_local! {
    static CURRENT: RefCell<Option<Frame>> = const { RefCell::new(None) };
}

/// A future that runs as part of an [`Execution`].
pub struct Scoped<'a, T> {
    frame: Frame,
    future: BoxFuture<'a, T>,
}

impl<T> Future for Scoped<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<T> {
        let _restore = Restore(CURRENT.replace(Some(self.frame.clone())));
        let Self { frame, future } = &mut *self;
        if frame.place != Place::Workflow {
            return future.as_mut().poll(context);
        }
        let execution = &frame.execution;
        loop {
            execution.lock_order().begin_pass();
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            let is_over = execution.is_over();
            let next = execution.lock_order().end_pass(is_over);
            match next {
                // Whoever shares the task's waker is polled with the task; a future between may poll only what it was woken for.
                Next::Pass(waker) if waker.will_wake(context.waker()) => {}
                Next::Pass(waker) => waker.wake(),
                Next::Later => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Nothing => return Poll::Pending,
            }
        }
    }
}

/// Puts the outer frame back, also when a poll panics.
struct Restore(Option<Frame>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(mem::take(&mut self.0));
    }
}

/// Where a durable call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Outside every workflow.
    Outside,
    /// In a workflow, as its step of this number.
    Step(u32),
    /// In the body of the step of this number.
    Inline(u32),
}

/// The position of a call outside every workflow, on a context that is no workflow's.
pub(crate) fn outside(operation: &'static str) -> Result<Position, Error> {
    CURRENT.with_borrow(|current| match current {
        None => Ok(Position::Outside),
        Some(frame) => Err(Error::ForeignContext {
            operation,
            workflow_id: frame.execution.workflow_id.clone(),
        }),
    })
}

impl Execution {
    /// The position of a call on this execution's context. Takes a step number, if the call is the workflow's own.
    pub(crate) fn position(self: &Arc<Self>, operation: &'static str) -> Result<Position, Error> {
        Ok(match self.peek_position(operation)? {
            Position::Step(_) => Position::Step(self.take_own_number()),
            other => other,
        })
    }

    /// As [`position`](Self::position), without taking a number.
    pub(crate) fn peek_position(
        self: &Arc<Self>,
        operation: &'static str,
    ) -> Result<Position, Error> {
        CURRENT.with_borrow(|current| match current {
            Some(frame) if Arc::ptr_eq(&frame.execution, self) => Ok(match frame.place {
                Place::Workflow => Position::Step(self.next_number()),
                Place::Step(step_id) => Position::Inline(step_id),
            }),
            Some(frame) if self.strict => Err(Error::ForeignContext {
                operation,
                workflow_id: frame.execution.workflow_id.clone(),
            }),
            None if self.strict => Err(Error::ForeignTask {
                operation,
                workflow_id: self.workflow_id.clone(),
            }),
            _ => Ok(Position::Step(self.next_number())),
        })
    }

    /// The step of this execution whose body is running now.
    pub(crate) fn current_step(self: &Arc<Self>) -> Option<u32> {
        CURRENT.with_borrow(|current| match current {
            Some(Frame {
                execution,
                place: Place::Step(step_id),
            }) if Arc::ptr_eq(execution, self) => Some(*step_id),
            _ => None,
        })
    }
}
