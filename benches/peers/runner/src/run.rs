use std::{env, path::Path, time::{Duration, Instant}};

use driver::{Job, Order, Report};
use sqlx::PgConnection;
use tempfile::TempDir;

use crate::{
    Result,
    case::{Bare, Case, Kind},
    costs::Costs,
    environment::Environment,
    growth,
    options::Options,
    plan,
    postgres::{self, Server},
    redis,
    results::{Figures, Metrics, Results, Sample},
    stores::{Library, Store},
    worker::{Programs, Worker, complete},
    yardsticks,
};

/// How often the database is asked whether everything has ended.
const LOOK: Duration = Duration::from_millis(5);

/// The name of the database that a case works in, and of the one with finished workflows.
const FRESH: &str = "bench_fresh";
const GROWN: &str = "bench_grown";

/// All rounds.
pub(crate) async fn all(options: &Options) -> Result<Results> {
    let mut bench = Bench::open(options).await?;
    let mut results = Results {
        environment: bench.environment().await?,
        ..Results::default()
    };
    for round in 0..options.rounds {
        for case in plan::cases(options, round) {
            let name = format!("{} {} {}", case.workload, case.store.name(), case.library.name());
            let metrics = bench
                .measure(&case)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
            eprintln!("round {} {name}: {}", round + 1, brief(&metrics));
            let figures = Figures {
                workload: case.workload,
                store: case.store,
                library: case.library,
                metrics,
            };
            results.samples.push(Sample { round, figures });
        }
    }
    bench.close().await?;
    Ok(results)
}

/// A line to watch.
fn brief(metrics: &Metrics) -> String {
    let names = [
        "per_second", "workflows_per_s", "steps_per_s", "p50_us", "p99_us", "begun_p50_us",
        "seconds", "statements_per_workflow", "client_processors", "machine_busy",
    ];
    let shown = names.iter().filter_map(|&name| {
        let value = metrics.get(name).filter(|value| **value != 0.0)?;
        Some(format!("{name} {value:.2}"))
    });
    shown.collect::<Vec<_>>().join("  ")
}

/// What the cases need.
struct Bench<'o> {
    options: &'o Options,
    programs: Programs,
    server: Option<Server>,
    redis: Option<String>,
    has_grown: bool,
}

impl<'o> Bench<'o> {
    async fn open(options: &'o Options) -> Result<Self> {
        let address = |name, wanted| match wanted {
            false => Ok(None),
            true => env::var(name).map(Some).map_err(|_| format!("{name} is not set")),
        };
        let wants_redis = options.wants_store(Store::RedisAlways);
        let postgres = address("DURABLE_TEST_POSTGRES_URL", options.wants_store(Store::Postgres))?;
        Ok(Self {
            options,
            programs: Programs::find()?,
            server: match postgres {
                Some(url) => Some(Server::connect(&url).await?),
                None => None,
            },
            redis: address("DURABLE_TEST_REDIS_URL", wants_redis)?,
            has_grown: false,
        })
    }

    async fn environment(&mut self) -> Result<Environment> {
        let settings = match &mut self.server {
            Some(server) => server.settings().await?,
            None => Vec::new(),
        };
        Ok(Environment {
            rounds: self.options.rounds,
            pool: self.options.pool,
            growth: self.options.growth,
            quick: self.options.quick,
            postgres: settings.into_iter().collect(),
            ..Environment::of_this_machine()
        })
    }

    async fn close(self) -> Result<()> {
        let Some(mut server) = self.server else {
            return Ok(());
        };
        server.drop(GROWN).await?;
        server.drop(FRESH).await
    }

    /// One case, on a store that holds nothing else.
    async fn measure(&mut self, case: &Case) -> Result<Metrics> {
        let folder = TempDir::new()?;
        let url = self.place(case, folder.path()).await?;
        if let Kind::Bare(bare) = case.kind {
            return self.bare(bare, case.store, &url, folder.path()).await;
        }
        let place = Place {
            programs: self.programs.clone(),
            library: case.library,
            order: Order {
                url,
                pool: self.options.pool,
                executor: "bench-0".to_owned(),
                job: Job::Prepare,
            },
            database: if case.grown { GROWN } else { FRESH },
            server: self.server.as_mut().filter(|_| case.store == Store::Postgres),
        };
        match case.kind.clone() {
            Kind::Work(job) => place.work(job).await,
            Kind::Drain { workflows, processes } => place.drain(workflows, processes).await,
            Kind::Ask { seconds } => place.ask(seconds).await,
            Kind::Recover { workflows, steps } => place.recover(workflows, steps).await,
            Kind::Bare(_) => unreachable!("was measured above"),
        }
    }

    /// The address of an empty store, or of the grown one.
    async fn place(&mut self, case: &Case, folder: &Path) -> Result<String> {
        match case.store {
            Store::Postgres => {
                let server = self.server.as_mut().expect("is there for Postgres");
                if !case.grown {
                    return server.create(FRESH).await;
                }
                if !self.has_grown {
                    let url = server.create(GROWN).await?;
                    growth::grow(&self.programs, &url, self.options).await?;
                    self.has_grown = true;
                }
                server.address(GROWN)
            }
            Store::SqliteFull => Ok(sqlite_url(folder, "")),
            Store::SqliteNormal if case.library == Library::Durable => {
                Ok(sqlite_url(folder, "?synchronous=normal"))
            }
            Store::SqliteNormal => Ok(sqlite_url(folder, "")),
            Store::RedisEverysec | Store::RedisAlways => {
                let url = self.redis.clone().expect("is there for Redis");
                redis::reset(&url, case.store).await?;
                Ok(url)
            }
            Store::Memory => Ok("memory:".to_owned()),
        }
    }

    async fn bare(
        &self,
        bare: Bare,
        store: Store,
        url: &str,
        folder: &Path,
    ) -> Result<Metrics> {
        match bare {
            Bare::Inserts { connections, seconds } if store == Store::Postgres => {
                yardsticks::postgres(url, connections, seconds).await
            }
            Bare::Inserts { connections, seconds } => {
                yardsticks::sqlite(folder, store, connections, seconds).await
            }
            Bare::Sync { seconds } => yardsticks::sync(folder, seconds).await,
            Bare::Sets { clients, pipeline, seconds } => {
                yardsticks::redis(url, clients, pipeline, seconds).await
            }
        }
    }
}

fn sqlite_url(folder: &Path, parameters: &str) -> String {
    format!("sqlite://{}{parameters}", folder.join("bench.db").display())
}

/// A store, and a library to work on it.
struct Place<'b> {
    programs: Programs,
    library: Library,
    order: Order,
    database: &'static str,
    server: Option<&'b mut Server>,
}

impl Place<'_> {
    async fn work(mut self, job: Job) -> Result<Metrics> {
        let mut worker = self.start(0, job)?;
        worker.ready().await?;
        let costs = self.costs().await?;
        worker.go().await?;
        let report = worker.report().await?;
        self.stop(costs, &report).await
    }

    async fn drain(self, workflows: u32, processes: u32) -> Result<Metrics> {
        self.complete(Job::Prepare).await?;
        self.complete(Job::Enqueue { workflows }).await?;
        let executors = (0..processes).map(|number| self.start(number, Job::Serve));
        let executors = executors.collect::<Result<Vec<_>>>()?;
        self.until_finished(executors, workflows).await
    }

    async fn recover(self, workflows: u32, steps: u32) -> Result<Metrics> {
        let mut victim = self.start(0, Job::Interrupt { workflows, steps })?;
        victim.ready().await?;
        victim.kill().await?;
        let executor = self.start(0, Job::Serve)?;
        self.until_finished(vec![executor], workflows).await
    }

    /// From the word to launch until the database holds nothing unfinished.
    async fn until_finished(mut self, mut executors: Vec<Worker>, workflows: u32) -> Result<Metrics> {
        for executor in &mut executors {
            executor.ready().await?;
        }
        let mut observer = postgres::connect(&self.order.url).await?;
        let costs = self.costs().await?;
        let began = Instant::now();
        for executor in &mut executors {
            executor.go().await?;
        }
        for executor in &mut executors {
            executor.ready().await?;
        }
        while self.unfinished(&mut observer).await? {
            tokio::time::sleep(LOOK).await;
        }
        let seconds = began.elapsed().as_secs_f64();
        let mut sum = Report::default();
        for mut executor in executors {
            executor.go().await?;
            let report = executor.report().await?;
            sum.processor += report.processor;
            sum.resident_peak = sum.resident_peak.max(report.resident_peak);
        }
        let report = Report {
            seconds,
            workflows: workflows.into(),
            ..sum
        };
        self.stop(costs, &report).await
    }

    async fn unfinished(&self, observer: &mut PgConnection) -> Result<bool> {
        let query = sqlx::query_scalar(self.library.unfinished());
        Ok(query.fetch_one(observer).await?)
    }

    async fn ask(mut self, seconds: f64) -> Result<Metrics> {
        let mut executor = self.start(0, Job::Serve)?;
        executor.ready().await?;
        executor.go().await?;
        executor.ready().await?;
        let mut client = self.start(1, Job::Ask { seconds })?;
        client.ready().await?;
        let costs = self.costs().await?;
        client.go().await?;
        let asked = client.report().await?;
        executor.go().await?;
        let served = executor.report().await?;
        let report = Report {
            begun: served.begun,
            resident_peak: served.resident_peak,
            ..asked
        };
        self.stop(costs, &report).await
    }

    fn start(&self, number: u32, job: Job) -> Result<Worker> {
        let order = Order {
            executor: format!("bench-{number}"),
            job,
            ..self.order.clone()
        };
        Worker::start(&self.programs, self.library, &order)
    }

    async fn complete(&self, job: Job) -> Result<Report> {
        complete(&self.programs, self.library, self.order.clone(), job).await
    }

    async fn costs(&mut self) -> Result<Costs> {
        Costs::start(self.server.as_deref_mut(), self.database).await
    }

    async fn stop(&mut self, costs: Costs, report: &Report) -> Result<Metrics> {
        costs.stop(self.server.as_deref_mut(), self.database, report).await
    }
}
