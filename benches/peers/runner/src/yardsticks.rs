use std::{
    error::Error,
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use driver::Samples;
use futures::future::try_join_all;
use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    Result,
    redis::{self, command},
    results::Metrics,
    stores::Store,
};

/// The payload of a bare write, about that of a checkpoint.
const PAYLOAD: &[u8] = &[b'x'; 100];

/// What one task did: an operation and its latency each.
type Latencies = Vec<Duration>;

/// What is done again and again, over a connection of its own.
trait Operation: Send + 'static {
    fn perform(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// How often an operation is repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    rest: Option<Duration>,
    seconds: f64,
}

impl Pace {
    /// At once.
    pub(crate) fn steady(seconds: f64) -> Self {
        Self {
            rest: None,
            seconds,
        }
    }

    /// After a rest each, as long as those of workload f.
    pub(crate) fn rested(seconds: f64) -> Self {
        Self {
            rest: Some(driver::PAUSE),
            seconds,
        }
    }
}

/// Commits of single rows into Postgres.
pub(crate) async fn postgres(url: &str, connections: usize, pace: Pace) -> Result<Metrics> {
    let create =
        "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea)";
    PgConnection::connect(url).await?.execute(create).await?;
    let connections = (0..connections).map(|_| PgConnection::connect(url));
    repeat(try_join_all(connections).await?, 1, pace).await
}

impl Operation for PgConnection {
    async fn perform(&mut self) -> Result<()> {
        let insert = sqlx::query("INSERT INTO bare (payload) VALUES ($1)");
        insert.bind(PAYLOAD).execute(self).await?;
        Ok(())
    }
}

/// Commits of single rows into a file of SQLite.
pub(crate) async fn sqlite(
    folder: &Path,
    store: Store,
    connections: usize,
    seconds: f64,
) -> Result<Metrics> {
    let synchronous = match store {
        Store::SqliteNormal => SqliteSynchronous::Normal,
        _ => SqliteSynchronous::Full,
    };
    let options = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(60));
    let create = "CREATE TABLE bare (id integer PRIMARY KEY, payload blob)";
    options.connect().await?.execute(create).await?;
    let connections = (0..connections).map(|_| options.connect());
    let connections = try_join_all(connections).await?;
    repeat(connections, 1, Pace::steady(seconds)).await
}

impl Operation for SqliteConnection {
    async fn perform(&mut self) -> Result<()> {
        let insert = sqlx::query("INSERT INTO bare (payload) VALUES (?)");
        insert.bind(PAYLOAD).execute(self).await?;
        Ok(())
    }
}

/// SET from so many clients of Redis, each with so many under way.
pub(crate) async fn redis(
    url: &str,
    clients: usize,
    pipeline: usize,
    pace: Pace,
) -> Result<Metrics> {
    let payload = String::from_utf8_lossy(PAYLOAD);
    let clients = (0..clients).map(async |client| {
        let sets = (0..pipeline)
            .flat_map(|key| command(&["SET", &format!("bare:{client}:{key}"), &payload]));
        let sets = Sets {
            commands: sets.collect(),
            answers: pipeline,
            connection: redis::Connection::open(url).await?,
        };
        Ok::<_, Box<dyn Error + Send + Sync>>(sets)
    });
    repeat(try_join_all(clients).await?, pipeline, pace).await
}

struct Sets {
    connection: redis::Connection,
    commands: Vec<u8>,
    answers: usize,
}

impl Operation for Sets {
    async fn perform(&mut self) -> Result<()> {
        self.connection.send(&self.commands, self.answers).await
    }
}

/// A block appended to a file and synced, one after the other.
pub(crate) async fn sync(folder: &Path, seconds: f64) -> Result<Metrics> {
    let file = File::create(folder.join("synced"))?;
    repeat(vec![file], 1, Pace::steady(seconds)).await
}

impl Operation for File {
    async fn perform(&mut self) -> Result<()> {
        self.write_all(&[b'x'; 4096])?;
        Ok(self.sync_data()?)
    }
}

/// Each operation again and again in a task of its own; each counts as so many.
async fn repeat<O: Operation>(operations: Vec<O>, each: usize, pace: Pace) -> Result<Metrics> {
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(pace.seconds);
    let tasks = operations.into_iter().map(|mut operation| {
        tokio::spawn(async move {
            let mut latencies = Latencies::new();
            while Instant::now() < end {
                if let Some(rest) = pace.rest {
                    tokio::time::sleep(rest).await;
                }
                let began = Instant::now();
                operation.perform().await?;
                latencies.push(began.elapsed());
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(latencies)
        })
    });
    let mut samples = Samples::default();
    for task in try_join_all(tasks).await? {
        samples.extend(task?);
    }
    let seconds = began.elapsed().as_secs_f64();
    let spread = samples.spread().ok_or("nothing was measured")?;
    let count = spread.count * each as u64;
    Ok(Metrics::from([
        ("per_second".to_owned(), count as f64 / seconds),
        ("p50_us".to_owned(), spread.p50),
        ("p99_us".to_owned(), spread.p99),
    ]))
}
