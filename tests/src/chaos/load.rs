//! Starts workflows whose results are known, until it is told to end.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable::{Client, Error, OnDuplicate, Schedule};
use tokio::task::JoinSet;

use super::book::{Book, Entry};
use crate::flows::{self, Expected, Job, OPEN, Report};

/// Queues, and how much each lets through.
pub(super) const GLOBAL: (&str, u32) = ("global", 3);
pub(super) const EACH: (&str, u32) = ("each", 2);
pub(super) const PARTS: (&str, u32) = ("parts", 1);
pub(super) const RATED: (&str, u32, Duration) = ("rated", 4, Duration::from_secs(1));

/// How many more each lets through when it is sabotaged.
const CROWD: u32 = 20;

/// The schedule that is due every second.
pub(super) const SCHEDULE: &str = "every-second";

/// What the ids of workflows begin with that are cancelled and resumed.
pub(super) const RESUMED: &str = "resume-";

/// Registers the queues and the schedule. Sabotage lets each queue let more through than it is held to.
pub(super) async fn prepare(client: &Client, sabotage: bool) -> Result<(), Error> {
    let more = if sabotage { CROWD } else { 0 };
    durable::register_queue(client, OPEN).await?;
    durable::register_queue(client, GLOBAL.0)
        .concurrency(GLOBAL.1 + more)
        .await?;
    durable::register_queue(client, EACH.0)
        .executor_concurrency(EACH.1 + more)
        .await?;
    durable::register_queue(client, PARTS.0)
        .partition_concurrency(PARTS.1 + more)
        .await?;
    durable::register_queue(client, RATED.0)
        .rate(RATED.1 + more, RATED.2)
        .await?;
    let job = Job {
        number: 1,
        size: 1,
        millis: 10,
        ..Job::default()
    };
    let schedule = Schedule::named(SCHEDULE, "* * * * * *", "chain", job).backfill();
    durable::apply_schedules(client, [schedule]).await
}

/// The drivers, which start workflows side by side.
#[derive(Debug)]
pub(super) struct Load {
    over: Arc<AtomicBool>,
    drivers: JoinSet<()>,
}

impl Load {
    /// Starts them. Sabotage lets them leave messages more than once.
    pub(super) fn start(client: &Client, book: &Arc<Book>, seed: u64, sabotage: bool) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut drivers = JoinSet::new();
        for kind in [
            Kind::Plain,
            Kind::Queued,
            Kind::Talk,
            Kind::Show,
            Kind::Cancel,
            Kind::Debounce,
            Kind::Resume,
            Kind::Deduplicate,
        ] {
            let driver = Driver {
                kind,
                client: client.clone(),
                book: Arc::clone(book),
                random: fastrand::Rng::with_seed(seed ^ (kind as u64 + 1)),
                number: 0,
                sabotage,
            };
            drivers.spawn(driver.run(Arc::clone(&over)));
        }
        Self { over, drivers }
    }

    /// Ends it, once all that it started is accepted.
    pub(super) async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.drivers.join_all().await;
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Queued,
    Talk,
    Show,
    Cancel,
    Debounce,
    Resume,
    Deduplicate,
}

struct Driver {
    kind: Kind,
    client: Client,
    book: Arc<Book>,
    random: fastrand::Rng,
    number: u64,
    sabotage: bool,
}

impl Driver {
    async fn run(mut self, over: Arc<AtomicBool>) {
        while !over.load(Ordering::Relaxed) {
            self.number += 1;
            let done = match self.kind {
                Kind::Plain => self.plain().await,
                Kind::Queued => self.queued().await,
                Kind::Talk => self.talk().await,
                Kind::Show => self.show().await,
                Kind::Cancel => self.cancel().await,
                Kind::Debounce => self.debounce().await,
                Kind::Resume => self.resume().await,
                Kind::Deduplicate => self.deduplicate().await,
            };
            if let Err(error) = done {
                self.book.refused(&format!("{:?}", self.kind), &error);
            }
            let pause = match self.kind {
                Kind::Plain => 20..150,
                Kind::Queued => 10..100,
                _ => 100..600,
            };
            tokio::time::sleep(Duration::from_millis(self.random.u64(pause))).await;
        }
    }

    /// A job of its own numbers.
    fn job(&mut self, largest: u64) -> Job {
        Job {
            number: self.number,
            size: self.random.u64(1..=largest),
            millis: self.random.u64(1..60),
            peer: String::new(),
        }
    }

    fn id(&self, flow: &str) -> String {
        format!("{:?}-{flow}-{}", self.kind, self.number).to_lowercase()
    }

    fn accepted(&self, id: String, queue: &'static str, expected: Expected) {
        self.book.accepted(
            id,
            Entry {
                expected,
                queue,
                partition: None,
            },
        );
    }

    async fn enqueue(&self, queue: &'static str, flow: &str, job: Job) -> Result<String, Error> {
        let id = self.id(flow);
        let expected = flows::expected(flow, &job);
        let start = durable::enqueue_named::<Report>(&self.client, queue, flow, job);
        start.id(&id).await?;
        self.accepted(id.clone(), queue, expected);
        Ok(id)
    }

    async fn plain(&mut self) -> Result<(), Error> {
        let queue = if self.random.bool() {
            OPEN
        } else {
            durable::INTERNAL_QUEUE
        };
        let job = self.job(6);
        let flow = match self.random.u8(..10) {
            0..4 => "chain",
            4..6 => "family",
            6..8 => "side_by_side",
            8 => "stubborn",
            _ => "failing",
        };
        self.enqueue(queue, flow, job).await.map(drop)
    }

    /// As many as a sabotaged queue lets through, slow enough to be there together.
    async fn crowd(&mut self) -> Result<(), Error> {
        for _ in 0..CROWD {
            self.number += 1;
            let mut job = self.job(1);
            job.millis += 2_000;
            self.enqueue(GLOBAL.0, "chain", job).await?;
        }
        Ok(())
    }

    async fn queued(&mut self) -> Result<(), Error> {
        if self.sabotage && self.number == 1 {
            return self.crowd().await;
        }
        let mut job = self.job(2);
        job.millis += 20;
        // In bunches, so that the limits are felt.
        let queue = match self.number / 8 % 4 {
            0 => GLOBAL.0,
            1 => EACH.0,
            2 => PARTS.0,
            _ => RATED.0,
        };
        if queue != PARTS.0 {
            return self.enqueue(queue, "chain", job).await.map(drop);
        }
        let expected = flows::expected("chain", &job);
        let partition = format!("tenant-{}", self.random.u8(..4));
        let id = self.id("chain");
        durable::enqueue_named::<Report>(&self.client, queue, "chain", job)
            .id(&id)
            .partition_key(&partition)
            .await?;
        let entry = Entry {
            expected,
            queue,
            partition: Some(partition),
        };
        self.book.accepted(id, entry);
        Ok(())
    }

    /// A pair that plays ping-pong, or a mailbox and its messages.
    async fn talk(&mut self) -> Result<(), Error> {
        let job = self.job(8);
        if self.random.bool() {
            let to = |peer: String| Job {
                peer,
                ..job.clone()
            };
            self.enqueue(OPEN, "pong", to(self.id("ping"))).await?;
            let ping = self.enqueue(OPEN, "ping", to(self.id("pong")));
            return ping.await.map(drop);
        }
        let answer = job.answer();
        let id = self.enqueue(OPEN, "mailbox", job).await?;
        for message in answer {
            // A second time is one too many, unless the key is recognised.
            for repetition in 0..self.random.u8(1..3) {
                let mut key = format!("mail-{message}");
                if self.sabotage {
                    key.push_str(&repetition.to_string());
                }
                durable::send(&self.client, &id, message)
                    .topic("mail")
                    .idempotency_key(key)
                    .await?;
            }
        }
        Ok(())
    }

    /// One that shows events and writes a stream, and one that watches it.
    async fn show(&mut self) -> Result<(), Error> {
        let job = self.job(6);
        let peer = self.enqueue(OPEN, "teller", job.clone()).await?;
        let watch = Job { peer, ..job };
        self.enqueue(OPEN, "listener", watch).await.map(drop)
    }

    /// One without end that is cancelled, by us or by its deadline.
    async fn cancel(&mut self) -> Result<(), Error> {
        let job = self.job(1);
        let patience = Duration::from_millis(self.random.u64(0..1_500));
        if self.random.bool() {
            let id = self.id("late");
            let limited = self
                .client
                .with_timeout(patience + Duration::from_millis(1));
            let start = durable::enqueue_named::<Report>(&limited, OPEN, "endless", job);
            start.id(&id).await?;
            self.accepted(id, OPEN, Expected::Cancelled);
            return Ok(());
        }
        let id = self.enqueue(OPEN, "endless", job).await?;
        tokio::time::sleep(patience).await;
        durable::cancel_workflow(&self.client, &id).await
    }

    /// One that is cancelled somewhere on its way, and then goes on.
    async fn resume(&mut self) -> Result<(), Error> {
        let job = self.job(8);
        let id = self.enqueue(OPEN, "chain", job).await?;
        let pause = Duration::from_millis(self.random.u64(0..400));
        tokio::time::sleep(pause).await;
        durable::cancel_workflow(&self.client, &id).await?;
        durable::resume_workflow::<Report>(&self.client, &id)
            .await
            .map(drop)
    }

    /// Two with one deduplication id: while the first has not ended, the second is not let in, and its caller is referred to the first.
    async fn deduplicate(&mut self) -> Result<(), Error> {
        let jobs = [self.job(3), self.job(3)];
        let key = self.id("both");
        for (name, job) in ["one", "two"].into_iter().zip(jobs) {
            let id = self.id(name);
            let expected = flows::expected("chain", &job);
            let start = durable::enqueue_named::<Report>(&self.client, OPEN, "chain", job)
                .id(&id)
                .deduplication_id(&key)
                .on_duplicate(OnDuplicate::ReturnExisting);
            let run = start.await?.workflow_id();
            if run == id {
                self.accepted(run, OPEN, expected);
            } else if !self.book.knows(&run) {
                let what = format!("{id} was referred to {run}, which is unknown");
                self.book.broken(what);
            }
        }
        Ok(())
    }

    /// Calls of one key: the last input of those that became one run is its input.
    async fn debounce(&mut self) -> Result<(), Error> {
        let job = self.job(2);
        let delay = Duration::from_millis(self.random.u64(50..900));
        let key = format!("key-{}", self.random.u8(..2));
        let expected = flows::expected("chain", &job);
        let start = durable::debounce(&self.client, &key, delay, flows::chain, job);
        let run = start.name("chain").cap(Duration::from_secs(2)).await?;
        self.accepted(run.workflow_id(), durable::INTERNAL_QUEUE, expected);
        Ok(())
    }
}
