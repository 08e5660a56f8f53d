use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use durable_api::store::Wakeup;
use futures::{Stream, stream};

/// So many hints wait for a subscriber; of one who is slower, they become one that says `Everything`.
const CAPACITY: usize = 1_024;

/// Tells every subscriber of every change.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    mailboxes: Mutex<Vec<Weak<Mutex<Mailbox>>>>,
}

/// The hints that one subscriber has not taken yet.
#[derive(Debug, Default)]
struct Mailbox {
    waiting: VecDeque<Wakeup>,
    closed: bool,
    waker: Option<Waker>,
}

impl Hints {
    /// The hints from now on, until the store is gone.
    pub(crate) fn subscribe(&self) -> impl Stream<Item = Wakeup> + Send + use<> {
        let mailbox = Arc::new(Mutex::new(Mailbox::default()));
        lock(&self.mailboxes).push(Arc::downgrade(&mailbox));
        stream::poll_fn(move |context| lock(&mailbox).poll(context))
    }

    pub(crate) fn send(&self, hints: impl IntoIterator<Item = Wakeup>) {
        let mut mailboxes = lock(&self.mailboxes);
        if mailboxes.is_empty() {
            return;
        }
        let hints: Vec<Wakeup> = hints.into_iter().collect();
        mailboxes.retain(|mailbox| {
            let Some(mailbox) = mailbox.upgrade() else {
                return false;
            };
            lock(&mailbox).put(&hints);
            true
        });
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        for mailbox in lock(&self.mailboxes).iter().filter_map(Weak::upgrade) {
            lock(&mailbox).close();
        }
    }
}

impl Mailbox {
    fn put(&mut self, hints: &[Wakeup]) {
        if self.waiting.len() + hints.len() > CAPACITY {
            self.waiting.clear();
            self.waiting.push_back(Wakeup::Everything);
        } else {
            self.waiting.extend(hints);
        }
        self.wake();
    }

    fn close(&mut self) {
        self.closed = true;
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<Wakeup>> {
        match self.waiting.pop_front() {
            Some(hint) => Poll::Ready(Some(hint)),
            None if self.closed => Poll::Ready(None),
            None => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
