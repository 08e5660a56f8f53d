use std::time::{Duration, Instant};

/// Waiting for other processes, in growing steps, until a bound.
///
/// SQLite's own busy handler waits too, on the connection's thread and for a short while, because
/// there are locks for which it does not wait at all.
#[derive(Debug)]
pub(crate) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    /// How long SQLite itself waits for a lock. Its pauses grow, so that a short bound that is
    /// often begun anew polls more often than a long one.
    pub(crate) const SLICE: Duration = Duration::from_millis(8);

    const LONGEST_PAUSE: Duration = Duration::from_millis(5);

    pub(crate) fn new(bound: Duration) -> Self {
        Self {
            deadline: Instant::now() + bound,
            pause: Duration::from_millis(1),
        }
    }

    /// Waits a little. `false`, at once, when the bound is reached.
    pub(crate) async fn wait(&mut self) -> bool {
        if Instant::now() >= self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::LONGEST_PAUSE);
        true
    }
}
