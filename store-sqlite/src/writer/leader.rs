use std::{future::Future, sync::Arc};

use durable_api::store::{StoreError, StoreErrorKind};
use sqlx::SqliteConnection;
use tokio::runtime::Handle;

use super::{
    batch::{self, Verdict},
    queue::{Next, Shared},
    turn::Turn,
    watch::Hints,
    write::Job,
};
use crate::error::Failure;

/// Commits what waits, batch by batch, until nothing does.
pub(super) fn lead(shared: Arc<Shared>) -> impl Future<Output = ()> + Send {
    // Made before the task runs: on a runtime that has ended it never does.
    let leadership = Leadership { shared, held: true };
    run(leadership)
}

async fn run(mut leadership: Leadership) {
    let shared = Arc::clone(&leadership.shared);
    let here = Handle::current().id();
    loop {
        let mut connection = shared.take_connection();
        let settled = match shared.take_next() {
            Next::Writes(jobs) if jobs.is_empty() => Vec::new(),
            Next::Writes(jobs) => settle(&shared, &mut connection, jobs).await,
            Next::Turn(give) => {
                // Who asked may be gone by now. In that case the turn ends here, and has somebody else lead.
                leadership.held = false;
                drop(give.send(Turn::new(&shared, connection)));
                return;
            }
        };
        // The connection is laid down before callers are told, because with their answer their
        // runtime may come to rest.
        let next = shared.rest(connection);
        leadership.held = next.is_some();
        announce(&shared, &settled);
        for (job, failure) in settled {
            tell(&shared, job, failure);
        }
        let Some(runtime) = next else {
            return;
        };
        if runtime.id() != here {
            leadership.held = false;
            runtime.spawn(lead(shared));
            return;
        }
    }
}

type Settled = (Box<dyn Job>, Option<Failure>);

/// Commits a batch; where it fails, each write by itself, so that none fails for another's sake.
async fn settle(
    shared: &Shared,
    connection: &mut Option<SqliteConnection>,
    mut jobs: Vec<Box<dyn Job>>,
) -> Vec<Settled> {
    match batch::commit(shared, connection, &mut jobs).await {
        Verdict::Committed => {
            shared.count(jobs.len());
            jobs.into_iter().map(|job| (job, None)).collect()
        }
        Verdict::Failed(failure) => jobs
            .into_iter()
            .map(|job| (job, Some(failure.clone())))
            .collect(),
        Verdict::RolledBack(failure) if jobs.len() == 1 => jobs
            .into_iter()
            .map(|job| (job, Some(failure.clone())))
            .collect(),
        Verdict::RolledBack(_) => {
            let mut settled = Vec::with_capacity(jobs.len());
            for job in jobs {
                let mut alone = vec![job];
                let failure = match batch::commit(shared, connection, &mut alone).await {
                    Verdict::Committed => {
                        shared.count(1);
                        None
                    }
                    Verdict::Failed(failure) | Verdict::RolledBack(failure) => Some(failure),
                };
                settled.extend(alone.into_iter().map(|job| (job, failure.clone())));
            }
            settled
        }
    }
}

/// Wakes whoever waits for what was committed.
fn announce(shared: &Shared, settled: &[Settled]) {
    if !shared.watch.is_watched() {
        return;
    }
    let mut hints = Hints::default();
    for (job, failure) in settled {
        if failure.is_none() {
            job.wake(&mut hints);
        }
    }
    shared.watch.announce(hints);
}

fn tell(shared: &Shared, job: Box<dyn Job>, failure: Option<Failure>) {
    match failure {
        None => job.answer(),
        Some(failure) => {
            let error = failure.report(job.operation(), shared.database.path());
            job.fail(error);
        }
    }
}

/// Being the leader, which ends in order or with the runtime.
struct Leadership {
    shared: Arc<Shared>,
    held: bool,
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        for job in self.shared.abdicate() {
            let error = StoreError::new(StoreErrorKind::Unavailable, job.operation())
                .with_message("the runtime that commits writes ended; another one takes over");
            job.fail(error);
        }
    }
}
