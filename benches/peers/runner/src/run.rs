use std::{env, path::Path, time::Duration};

use driver::{Job, Order};
use tempfile::TempDir;

use crate::{
    Result,
    case::{Bare, Case, Kind},
    environment::Environment,
    growth,
    machine::Machine,
    options::Options,
    place::Place,
    plan,
    postgres::Server,
    redis,
    results::{FOREIGN_LOAD, Figures, Metrics, Results, Sample},
    stores::{Library, Store},
    worker::Programs,
    yardsticks::{self, Pace},
};

/// The name of the database that a case works in, and of the one with finished workflows.
const FRESH: &str = "bench_fresh";
const GROWN: &str = "bench_grown";

/// What takes less than so many seconds is measured so often in a round.
const SHORT: f64 = 1.0;
const REPEATED: u32 = 5;

/// All rounds.
pub(crate) async fn all(options: &Options) -> Result<Results> {
    let mut bench = Bench::open(options).await?;
    let mut results = Results {
        environment: bench.environment().await?,
        ..Results::default()
    };
    for round in 0..options.rounds {
        for case in plan::cases(options, round) {
            let name = format!(
                "{} {} {}",
                case.workload,
                case.store.name(),
                case.library.name()
            );
            for _ in 0..REPEATED {
                let foreign = foreign_load().await;
                let mut metrics = bench
                    .measure(&case)
                    .await
                    .map_err(|error| format!("{name}: {error}"))?;
                metrics.insert(FOREIGN_LOAD.to_owned(), foreign);
                eprintln!("round {} {name}: {}", round + 1, brief(&metrics));
                let is_short = metrics.get("seconds").is_some_and(|it| *it < SHORT);
                let figures = Figures {
                    workload: case.workload.clone(),
                    store: case.store,
                    library: case.library,
                    metrics,
                };
                results.samples.push(Sample { round, figures });
                if !is_short {
                    break;
                }
            }
        }
        // What is measured is kept, whatever happens to the rounds that follow.
        results.save(&options.out)?;
    }
    bench.close().await?;
    Ok(results)
}

/// How busy the machine is with nothing of ours, from 0 to 1.
async fn foreign_load() -> f64 {
    let before = Machine::now();
    tokio::time::sleep(Duration::from_millis(300)).await;
    before.busy_since()
}

/// A line to watch.
fn brief(metrics: &Metrics) -> String {
    let names = [
        "per_second",
        "workflows_per_s",
        "steps_per_s",
        "p50_us",
        "p99_us",
        "begun_p50_us",
        "seconds",
        "statements_per_workflow",
        "client_processors",
        "machine_busy",
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
            true => env::var(name)
                .map(Some)
                .map_err(|_| format!("{name} is not set")),
        };
        let wants_redis = options.wants_store(Store::RedisAlways);
        let postgres = address(
            "DURABLE_TEST_POSTGRES_URL",
            options.wants_store(Store::Postgres),
        )?;
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
            server: self
                .server
                .as_mut()
                .filter(|_| case.store == Store::Postgres),
        };
        match case.kind.clone() {
            Kind::Work(job) => place.work(job).await,
            Kind::Drain {
                workflows,
                processes,
            } => place.drain(workflows, processes).await,
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

    async fn bare(&self, bare: Bare, store: Store, url: &str, folder: &Path) -> Result<Metrics> {
        match bare {
            Bare::Inserts {
                connections,
                seconds,
            } if store == Store::Postgres => {
                yardsticks::postgres(url, connections, Pace::steady(seconds)).await
            }
            Bare::Inserts {
                connections,
                seconds,
            } => yardsticks::sqlite(folder, store, connections, seconds).await,
            Bare::Sync { seconds } => yardsticks::sync(folder, seconds).await,
            Bare::Sets {
                clients,
                pipeline,
                seconds,
            } => yardsticks::redis(url, clients, pipeline, Pace::steady(seconds)).await,
            Bare::Rested { seconds } if store == Store::Postgres => {
                yardsticks::postgres(url, 1, Pace::rested(seconds)).await
            }
            Bare::Rested { seconds } => yardsticks::redis(url, 1, 1, Pace::rested(seconds)).await,
        }
    }
}

fn sqlite_url(folder: &Path, parameters: &str) -> String {
    format!("sqlite://{}{parameters}", folder.join("bench.db").display())
}
