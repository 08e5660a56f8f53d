use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use durable_api::store::{StoreResult, Wakeup, WakeupStore, Wakeups};
use futures::stream;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};

use crate::{
    SqliteStore,
    writer::{Announcement, Observer},
};

#[async_trait]
impl WakeupStore for SqliteStore {
    async fn subscribe(&self) -> StoreResult<Wakeups> {
        let (observer, announcements) = self.writer.observe().await?;
        let subscription = Subscription {
            announcements,
            observer,
            waiting: VecDeque::new(),
            polling: self.polling.map(Polling::new),
        };
        Ok(Wakeups::new(stream::unfold(
            subscription,
            async |mut subscription| Some((subscription.next().await?, subscription)),
        )))
    }
}

struct Subscription {
    announcements: Receiver<Announcement>,
    observer: Observer,
    waiting: VecDeque<Wakeup>,
    polling: Option<Polling>,
}

impl Subscription {
    async fn next(&mut self) -> Option<Wakeup> {
        loop {
            if let Some(hint) = self.waiting.pop_front() {
                return Some(hint);
            }
            match self.announcement().await {
                None => self.observer.look()?,
                Some(Ok(hints)) => {
                    self.waiting.extend(hints.iter().copied());
                    if let Some(polling) = &mut self.polling {
                        polling.heard |= hints.contains(&Wakeup::Everything);
                    }
                }
                Some(Err(RecvError::Lagged(_))) => return Some(Wakeup::Everything),
                Some(Err(RecvError::Closed)) => return None,
            }
        }
    }

    /// The next announcement; `None` when it is time to look.
    async fn announcement(&mut self) -> Option<Result<Announcement, RecvError>> {
        let Some(polling) = &mut self.polling else {
            return Some(self.announcements.recv().await);
        };
        // Judged first: announcements that never cease must not keep it from looking.
        if !polling.is_due()
            && let Ok(received) = timeout_at(polling.next, self.announcements.recv()).await
        {
            return Some(received);
        }
        polling.advance();
        None
    }
}

/// When to look whether others have committed.
struct Polling {
    interval: Duration,
    pause: Duration,
    next: Instant,
    /// Whether others have committed since the last look.
    heard: bool,
}

impl Polling {
    /// How much longer than the interval a pause gets.
    const SLOWEST: u32 = 8;

    fn new(interval: Duration) -> Self {
        Self {
            interval,
            pause: interval,
            next: Instant::now() + interval,
            heard: false,
        }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    fn advance(&mut self) {
        self.pause = match std::mem::take(&mut self.heard) {
            true => (self.pause * 2).min(self.interval * Self::SLOWEST),
            false => self.interval,
        };
        self.next = Instant::now() + self.pause;
    }
}
