//! What the one workflow does, besides calling the library.
use std::{
    future::pending,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{Samples, Spread, monotonic_nanos};

/// When the workflow's code ended, by [`monotonic_nanos`].
pub type Output = u64;

/// What the workflow is told.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Input {
    /// How many no-op steps.
    pub steps: u32,
    /// What each step returns.
    pub payload: String,
    /// What comes after the steps.
    pub after: After,
    /// When it was left in the queue, by [`monotonic_nanos`]; 0: nobody wants to know.
    pub sent: u64,
}

impl Input {
    /// Steps, and nothing else.
    pub fn steps(steps: u32) -> Self {
        Self {
            steps,
            payload: String::new(),
            after: After::Return,
            sent: 0,
        }
    }
}

/// What the workflow does after its steps.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum After {
    /// It ends.
    Return,
    /// It waits a moment, outside the library, so that whoever asked is waiting when it ends.
    Pause,
    /// It sleeps durably, for an hour.
    Sleep,
    /// It never ends in the process that started it, and at once in one that recovers it.
    Hang,
}

/// How long [`After::Pause`] is.
pub const PAUSE: Duration = Duration::from_millis(30);

static RECOVERING: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicU64 = AtomicU64::new(0);
static FINISHED: AtomicU64 = AtomicU64::new(0);
static CHANGED: LazyLock<Notify> = LazyLock::new(Notify::new);
static BEGUN: LazyLock<Mutex<Samples>> = LazyLock::new(Mutex::default);

/// A payload of that many bytes, which no store makes smaller by compressing it.
pub fn payload(bytes: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state >> 33) as u8 % 26)
    });
    letters.take(bytes).collect()
}

/// To be called in the first line of the workflow.
pub fn started(input: &Input) {
    if input.sent != 0 {
        let latency = Duration::from_nanos(monotonic_nanos() - input.sent);
        BEGUN.lock().expect("not poisoned").add(latency);
    }
}

/// To be awaited after the steps.
pub async fn finished(input: &Input) -> Output {
    match input.after {
        After::Return => {}
        After::Pause => tokio::time::sleep(PAUSE).await,
        After::Hang if RECOVERING.load(Ordering::Relaxed) => {}
        After::Hang => {
            interrupted();
            pending::<()>().await;
        }
        // The library's own sleep comes after this.
        After::Sleep => interrupted(),
    }
    FINISHED.fetch_add(1, Ordering::Relaxed);
    monotonic_nanos()
}

/// Notes that one more workflow has come as far as it should in this process.
pub fn interrupted() {
    WAITING.fetch_add(1, Ordering::Relaxed);
    CHANGED.notify_one();
}

/// From now on, a workflow that would hang ends.
pub(crate) fn recover() {
    RECOVERING.store(true, Ordering::Relaxed);
}

/// Waits until so many are [`interrupted`].
pub(crate) async fn all_waiting(count: u64) {
    while WAITING.load(Ordering::Relaxed) < count {
        CHANGED.notified().await;
    }
}

/// How many workflows have run their code to its end in this process.
pub(crate) fn ended() -> u64 {
    FINISHED.load(Ordering::Relaxed)
}

/// The latencies that [`started`] noted.
pub(crate) fn begun() -> Option<Spread> {
    std::mem::take(&mut *BEGUN.lock().expect("not poisoned")).spread()
}
