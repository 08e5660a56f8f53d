//! Starts workflows of all kinds, in the order and at the times that the seed says.
use std::time::Duration;

use durable::{Error, ForkFrom, OnDuplicate, Schedule};
use durable_testing::simulation::Outside;

use super::book::Book;
use crate::flows::{self, Job, OPEN, Report};

/// The schedule that is due every five seconds.
pub(super) const SCHEDULE: &str = "every-five";

#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Brief,
    Queued,
    Direct,
    PingPong,
    Mail,
    Show,
    Race,
    Cancel,
    Late,
    Resume,
    Fork,
    Deduplicate,
    Debounce,
    Delay,
    Schedule,
}

const KINDS: [Kind; 16] = [
    Kind::Plain,
    Kind::Brief,
    Kind::Queued,
    Kind::Direct,
    Kind::PingPong,
    Kind::Mail,
    Kind::Show,
    Kind::Race,
    Kind::Cancel,
    Kind::Late,
    Kind::Resume,
    Kind::Fork,
    Kind::Deduplicate,
    Kind::Debounce,
    Kind::Delay,
    Kind::Schedule,
];

/// Some kinds of work, side by side, until each has done its part.
pub(super) async fn work(outside: Outside, book: Book) {
    if let Err(error) = queues(&outside).await {
        return outside.broken(format!("queues cannot be registered: {error}"));
    }
    let mut drivers = Vec::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        if outside.random(..3) == 0 {
            continue;
        }
        let driver = Driver {
            kind,
            outside: outside.clone(),
            book: book.clone(),
            number: 100 * number as u64,
        };
        drivers.push(tokio::spawn(driver.run()));
    }
    for driver in drivers {
        if let Err(error) = driver.await {
            outside.broken(format!("a driver failed: {error}"));
        }
    }
}

async fn queues(outside: &Outside) -> Result<(), Error> {
    let client = outside.client();
    let second = Duration::from_secs(1);
    durable::register_queue(client, OPEN).await?;
    durable::register_queue(client, "global")
        .concurrency(2)
        .await?;
    durable::register_queue(client, "each")
        .executor_concurrency(1)
        .await?;
    durable::register_queue(client, "parts")
        .concurrency(3)
        .partition_concurrency(1)
        .await?;
    durable::register_queue(client, "rated")
        .rate(2, second)
        .await?;
    durable::register_queue(client, "rated-parts")
        .partition_rate(1, second)
        .await
}

struct Driver {
    kind: Kind,
    outside: Outside,
    book: Book,
    number: u64,
}

impl Driver {
    async fn run(mut self) {
        let times = match self.kind {
            Kind::Schedule => 1,
            Kind::Queued => self.outside.random(2..8),
            Kind::Brief => self.outside.random(3..12),
            _ => self.outside.random(1..4),
        };
        for _ in 0..times {
            self.pause(0..3_000).await;
            self.number += 1;
            let done = match self.kind {
                Kind::Plain => self.plain().await,
                Kind::Brief => self.enqueue("brief", self.job(1)).await.map(drop),
                Kind::Queued => self.queued().await,
                Kind::Direct => self.direct().await,
                Kind::PingPong => self.ping_pong().await,
                Kind::Mail => self.mail().await,
                Kind::Show => self.show().await,
                Kind::Race => self.race().await,
                Kind::Cancel => self.cancel().await,
                Kind::Late => self.late().await,
                Kind::Resume => self.resume().await,
                Kind::Fork => self.fork().await,
                Kind::Deduplicate => self.deduplicate().await,
                Kind::Debounce => self.debounce().await,
                Kind::Delay => self.delay().await,
                Kind::Schedule => self.schedule().await,
            };
            if let Err(error) = done {
                self.outside
                    .broken(format!("{:?} was refused: {error}", self.kind));
            }
        }
    }

    async fn pause(&self, millis: std::ops::Range<u64>) {
        let millis = self.outside.random(millis);
        self.outside.sleep(Duration::from_millis(millis)).await;
    }

    fn job(&self, largest: u64) -> Job {
        Job {
            number: self.number,
            size: self.outside.random(1..=largest),
            millis: self.outside.random(1..100),
            peer: String::new(),
        }
    }

    fn id(&self, flow: &str) -> String {
        format!("{:?}-{flow}-{}", self.kind, self.number).to_lowercase()
    }

    async fn enqueue(&self, flow: &str, job: Job) -> Result<String, Error> {
        let id = self.id(flow);
        let client = self.outside.client();
        durable::enqueue_named::<Report>(client, OPEN, flow, job)
            .id(&id)
            .await?;
        self.book.accepted(&id);
        Ok(id)
    }

    async fn plain(&self) -> Result<(), Error> {
        let flows = [
            "chain",
            "family",
            "side_by_side",
            "stubborn",
            "failing",
            "lonely",
        ];
        let flow = self.outside.random(..flows.len() as u64) as usize;
        self.enqueue(flows[flow], self.job(4)).await.map(drop)
    }

    /// In bunches, so that the limits are felt.
    async fn queued(&mut self) -> Result<(), Error> {
        let queues = ["global", "each", "parts", "rated", "rated-parts"];
        let queue = queues[self.outside.random(..queues.len() as u64) as usize];
        for _ in 0..self.outside.random(1..5) {
            self.number += 1;
            let id = self.id(queue);
            let client = self.outside.client();
            let mut start = durable::enqueue_named::<Report>(client, queue, "chain", self.job(3))
                .id(&id)
                .priority(self.outside.random(..3) as i32);
            if queue.contains("parts") {
                start = start.partition_key(format!("tenant-{}", self.outside.random(..2)));
            }
            start.await?;
            self.book.accepted(&id);
        }
        Ok(())
    }

    /// By an executor itself, which may die before it has accepted it.
    async fn direct(&self) -> Result<(), Error> {
        let Some(ctx) = self.outside.executor() else {
            return Ok(());
        };
        let id = self.id("chain");
        let start = async {
            durable::run_workflow(&ctx, flows::chain, self.job(5))
                .id(&id)
                .await
        };
        let patience = self.outside.sleep(Duration::from_secs(5));
        let started = tokio::select! {
            biased;
            started = start => started,
            () = patience => return Ok(()),
        };
        // One that ends, or was taken for dead, takes nothing up.
        if started.is_ok() {
            self.book.accepted(&id);
        }
        Ok(())
    }

    async fn ping_pong(&self) -> Result<(), Error> {
        let job = self.job(4);
        let to = |peer: String| Job {
            peer,
            ..job.clone()
        };
        self.enqueue("pong", to(self.id("ping"))).await?;
        self.enqueue("ping", to(self.id("pong"))).await.map(drop)
    }

    /// A mailbox, and messages from outside or from a workflow.
    async fn mail(&self) -> Result<(), Error> {
        let job = self.job(6);
        let id = self.enqueue("mailbox", job.clone()).await?;
        if self.outside.random(..2) == 0 {
            let job = Job { peer: id, ..job };
            return self.enqueue("sender", job).await.map(drop);
        }
        for message in job.answer() {
            // A second time is one too many, unless the key is recognised.
            for _ in 0..self.outside.random(1..3) {
                durable::send(self.outside.client(), &id, message)
                    .topic("mail")
                    .idempotency_key(format!("mail-{message}"))
                    .await?;
            }
        }
        Ok(())
    }

    /// One that shows events and writes a stream, and one that watches it.
    async fn show(&self) -> Result<(), Error> {
        let job = self.job(5);
        let peer = self.id("teller");
        self.enqueue("teller", job.clone()).await?;
        self.enqueue("listener", Job { peer, ..job })
            .await
            .map(drop)
    }

    async fn race(&self) -> Result<(), Error> {
        let id = self.enqueue("race", self.job(1)).await?;
        self.pause(0..2_000).await;
        let client = self.outside.client();
        durable::send(client, &id, self.number).topic("go").await
    }

    async fn cancel(&self) -> Result<(), Error> {
        let id = self.enqueue("endless", self.job(1)).await?;
        self.pause(0..5_000).await;
        durable::cancel_workflow(self.outside.client(), &id).await
    }

    /// One that is cancelled by its deadline.
    async fn late(&self) -> Result<(), Error> {
        let patience = Duration::from_millis(self.outside.random(1..5_000));
        let limited = self.outside.client().with_timeout(patience);
        let id = self.id("endless");
        durable::enqueue_named::<Report>(&limited, OPEN, "endless", self.job(1))
            .id(&id)
            .await?;
        self.book.accepted(&id);
        Ok(())
    }

    /// One that is cancelled somewhere on its way, and then goes on.
    async fn resume(&self) -> Result<(), Error> {
        let id = self.enqueue("chain", self.job(6)).await?;
        let client = self.outside.client();
        self.pause(0..2_000).await;
        durable::cancel_workflow(client, &id).await?;
        self.pause(0..500).await;
        let resumed = durable::resume_workflow::<Report>(client, &id);
        resumed.await.map(drop)
    }

    /// One that is run again from one of its steps, wherever it is.
    async fn fork(&self) -> Result<(), Error> {
        let job = self.job(5);
        let id = self.enqueue("chain", job.clone()).await?;
        self.pause(0..3_000).await;
        let fork = format!("{id}-again");
        let from = self.outside.random(..job.size) as u32;
        let client = self.outside.client();
        durable::fork_workflow::<Report>(client, &id, ForkFrom::Step(from))
            .id(&fork)
            .await?;
        self.book.accepted(&fork);
        Ok(())
    }

    /// Two with one deduplication id: while the first has not ended, the caller of the second is referred to the first.
    async fn deduplicate(&self) -> Result<(), Error> {
        let key = self.id("both");
        for name in ["one", "two"] {
            let id = self.id(name);
            let client = self.outside.client();
            let start = durable::enqueue_named::<Report>(client, OPEN, "chain", self.job(3))
                .id(&id)
                .deduplication_id(&key)
                .on_duplicate(OnDuplicate::ReturnExisting);
            let run = start.await?.workflow_id();
            if run != id && !self.book.knows(&run) {
                self.outside
                    .broken(format!("{id} was referred to {run}, which is unknown"));
            }
            self.book.accepted(&run);
        }
        Ok(())
    }

    /// Calls of one key: the last input of those that became one run is its input.
    async fn debounce(&mut self) -> Result<(), Error> {
        for _ in 0..self.outside.random(1..4) {
            self.number += 1;
            let delay = Duration::from_millis(self.outside.random(50..900));
            let client = self.outside.client();
            let job = self.job(2);
            let run = durable::debounce(client, "key", delay, flows::chain, job.clone())
                .name("chain")
                .cap(Duration::from_secs(2))
                .await?;
            self.book.accepted_with(&run.workflow_id(), job.number);
            self.pause(0..500).await;
        }
        Ok(())
    }

    async fn delay(&self) -> Result<(), Error> {
        let id = self.id("chain");
        let delay = Duration::from_millis(self.outside.random(1..6_000));
        let client = self.outside.client();
        durable::enqueue_named::<Report>(client, OPEN, "chain", self.job(3))
            .id(&id)
            .delay(delay)
            .await?;
        self.book.accepted(&id);
        Ok(())
    }

    async fn schedule(&self) -> Result<(), Error> {
        let client = self.outside.client();
        let job = Job {
            number: 1,
            size: 1,
            millis: 10,
            ..Job::default()
        };
        let schedule = Schedule::named(SCHEDULE, "*/5 * * * * *", "chain", job).backfill();
        durable::apply_schedules(client, [schedule]).await?;
        self.pause(4_000..20_000).await;
        durable::pause_schedule(client, SCHEDULE).await
    }
}
