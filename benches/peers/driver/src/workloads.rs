use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};

use crate::{
    After, Failure, Input, Library, Process, Report, Samples, bench, monotonic_nanos, payload,
    worker::ready,
};

/// How many calls a client has under way when it fills a queue.
const ENQUEUED_AT_ONCE: usize = 50;

/// Workflows before the measured ones, so that connections are open, statements prepared and caches warm.
const WARM_UP: u32 = 100;

/// Measures what comes between its start and its end.
pub(crate) struct Meter {
    began: Instant,
    before: Process,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            before: Process::now(),
            began: Instant::now(),
        }
    }

    pub(crate) fn stop(self) -> Report {
        let seconds = self.began.elapsed().as_secs_f64();
        let after = Process::now();
        Report {
            seconds,
            processor: (after.processor - self.before.processor).as_secs_f64(),
            resident_before: self.before.resident,
            resident_after: after.resident,
            resident_peak: after.resident_peak,
            ..Report::default()
        }
    }
}

/// a and b, asked for as a server would, by a task of the runtime.
pub(crate) async fn one_at_a_time<L: Library>(
    library: L,
    steps: u32,
    seconds: f64,
) -> Result<Report, Failure> {
    for _ in 0..(WARM_UP / steps).max(2) {
        library.run(Input::steps(steps)).await?;
    }
    ready().await?;
    let meter = Meter::start();
    let latencies = tokio::spawn(async move {
        let mut latencies = Samples::default();
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            let began = Instant::now();
            library.run(Input::steps(steps)).await?;
            latencies.add(began.elapsed());
        }
        Ok::<_, Failure>(latencies)
    });
    let latency = latencies.await??.spread();
    let workflows = latency.as_ref().map_or(0, |spread| spread.count);
    Ok(Report {
        workflows,
        steps: workflows * u64::from(steps),
        latency,
        ..meter.stop()
    })
}

/// c: each of so many lanes runs one workflow after the other.
pub(crate) async fn in_flight<L: Library>(
    library: L,
    lanes: u32,
    steps: u32,
    bytes: usize,
    seconds: f64,
) -> Result<Report, Failure> {
    let library = Arc::new(library);
    let input = Input {
        payload: payload(bytes),
        ..Input::steps(steps)
    };
    batch(&library, lanes, &input).await?;
    ready().await?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let workflows = AtomicU64::new(0);
    let meter = Meter::start();
    let lanes = (0..lanes).map(|_| {
        let (library, input) = (Arc::clone(&library), input.clone());
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let began = Instant::now();
                library.run(input.clone()).await?;
                latencies.push(began.elapsed());
            }
            Ok::<_, Failure>(latencies)
        })
    });
    let mut latencies = Samples::default();
    for lane in try_join_all(lanes).await? {
        let lane = lane?;
        workflows.fetch_add(lane.len() as u64, Ordering::Relaxed);
        latencies.extend(lane);
    }
    let workflows = workflows.into_inner();
    Ok(Report {
        workflows,
        steps: workflows * u64::from(steps),
        latency: latencies.spread(),
        ..meter.stop()
    })
}

/// d.
pub(crate) async fn batches<L: Library>(
    library: L,
    workflows: u32,
    steps: u32,
    seconds: f64,
) -> Result<Report, Failure> {
    let library = Arc::new(library);
    let input = Input::steps(steps);
    batch(&library, WARM_UP, &Input::steps(steps.min(10))).await?;
    ready().await?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut ended = 0;
    let meter = Meter::start();
    while Instant::now() < end {
        batch(&library, workflows, &input).await?;
        ended += u64::from(workflows);
    }
    Ok(Report {
        workflows: ended,
        steps: ended * u64::from(steps),
        ..meter.stop()
    })
}

/// So many workflows side by side, each awaited by a task of its own.
async fn batch<L: Library>(library: &Arc<L>, workflows: u32, input: &Input) -> Result<(), Failure> {
    let tasks = (0..workflows).map(|_| {
        let (library, input) = (Arc::clone(library), input.clone());
        tokio::spawn(async move { library.run(input).await })
    });
    for outcome in try_join_all(tasks).await? {
        outcome?;
    }
    Ok(())
}

/// Fills the queue, for e.
pub(crate) async fn enqueue<L: Library>(
    client: L::Client,
    workflows: u32,
) -> Result<Report, Failure> {
    let meter = Meter::start();
    stream::iter((0..workflows).map(|_| Ok(Input::steps(0))))
        .try_for_each_concurrent(ENQUEUED_AT_ONCE, |input| L::enqueue(&client, input))
        .await?;
    Ok(Report {
        workflows: workflows.into(),
        ..meter.stop()
    })
}

/// f, from the side that waits, in a task of the runtime.
pub(crate) async fn ask<L: Library>(
    client: L::Client,
    warm_up: f64,
    seconds: f64,
) -> Result<Report, Failure> {
    let input = |sent| Input {
        after: After::Pause,
        sent,
        ..Input::steps(0)
    };
    let warm = Instant::now() + Duration::from_secs_f64(warm_up);
    while Instant::now() < warm {
        L::ask(&client, input(0)).await?;
    }
    ready().await?;
    let meter = Meter::start();
    let latencies = tokio::spawn(async move {
        let mut latencies = Samples::default();
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            let ended = L::ask(&client, input(monotonic_nanos())).await?;
            latencies.add(Duration::from_nanos(monotonic_nanos() - ended));
        }
        Ok::<_, Failure>(latencies)
    });
    let latency = latencies.await??.spread();
    Ok(Report {
        workflows: latency.as_ref().map_or(0, |spread| spread.count),
        latency,
        ..meter.stop()
    })
}

/// The first half of g: returns when every workflow has recorded its steps and hangs.
pub(crate) async fn interrupt<L: Library>(
    library: L,
    workflows: u32,
    steps: u32,
) -> Result<(), Failure> {
    let input = Input {
        after: After::Hang,
        ..Input::steps(steps)
    };
    start_all(&library, workflows, &input).await?;
    bench::all_waiting(workflows.into()).await;
    // It lives on, holding its workflows, until it is killed.
    std::mem::forget(library);
    Ok(())
}

/// h.
pub(crate) async fn asleep<L: Library>(
    library: L,
    workflows: u32,
    seconds: f64,
) -> Result<Report, Failure> {
    let awake = Process::now().resident;
    let input = Input {
        after: After::Sleep,
        ..Input::steps(0)
    };
    start_all(&library, workflows, &input).await?;
    bench::all_waiting(workflows.into()).await;
    // Their sleeps are recorded by the time that the store has nothing more to do.
    tokio::time::sleep(Duration::from_secs(3)).await;
    ready().await?;
    let meter = Meter::start();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    Ok(Report {
        workflows: workflows.into(),
        resident_before: awake,
        ..meter.stop()
    })
}

async fn start_all<L: Library>(library: &L, workflows: u32, input: &Input) -> Result<(), Failure> {
    stream::iter(0..workflows)
        .map(|_| library.start(input.clone()))
        .buffer_unordered(ENQUEUED_AT_ONCE)
        .try_collect()
        .await
}
