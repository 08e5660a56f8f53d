use std::{
    io,
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
};

use durable_api::CancellationToken;
use tokio::{
    runtime::{Builder, Handle},
    task::{JoinError, JoinHandle},
};

use super::clock::SkippingClock;
use crate::faults::Activity;

/// One thread that everything of a test environment runs on, so that it is known when nothing can run: the thread is about to park, and nothing is
/// under way elsewhere.
#[derive(Debug)]
pub(super) struct World {
    runtime: Handle,
    stop: CancellationToken,
}

impl World {
    pub(super) fn start(clock: SkippingClock, activity: Arc<Activity>) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("durable-testing".to_owned())
            .spawn(move || {
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .on_thread_park(move || clock.on_idle())
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        return;
                    }
                };
                let _ = sender.send(Ok(runtime.handle().clone()));
                runtime.block_on(async {
                    // What ends on another thread must let this one park anew.
                    let parks = async {
                        loop {
                            activity.over().await;
                        }
                    };
                    tokio::select! {
                        () = parks => {}
                        () = stopped.cancelled() => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        let runtime = receiver
            .recv()
            .unwrap_or_else(|error| Err(io::Error::other(error)))?;
        Ok(Self { runtime, stop })
    }

    /// Runs something here. Dropped, it is dropped here, too. A panic is passed on.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.try_run(work).await {
            Ok(output) => output,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => panic!("the test environment was dropped while it was in use"),
        }
    }

    /// As [`run`](Self::run), with a panic as an error.
    pub(super) async fn try_run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let mut task = Task(self.runtime.spawn(work));
        (&mut task.0).await
    }

    /// Runs something here that nobody waits for.
    pub(super) fn leave(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A task that goes with whoever waits for it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
