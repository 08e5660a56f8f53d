use durable_api::store::{DeleteQueueOutcome, Limits, QueueRecord, RateLimit, StoreErrorKind};
use sqlx::postgres::PgRow;

use crate::{
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    writes::check,
};

/// Stores a configuration, once the dequeues that are under way have committed.
pub(super) async fn put(database: &Database, queue: &QueueRecord) -> Result<(), Failure> {
    let texts = [&queue.app, &queue.name].into_iter();
    check(
        texts.chain(queue.weights.keys()).map(String::as_str),
        None,
        [],
    )?;
    let mut work = database.transaction(Access::Write).await?;
    lock(database, &mut work, &queue.app, &queue.name).await?;
    let mut query = database
        .query(
            "INSERT INTO {schema}.queues
                (app, name, weights, concurrency, executor_concurrency, rate_starts, rate_millis,
                 partition_concurrency, partition_executor_concurrency,
                 partition_rate_starts, partition_rate_millis)
             VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7::numeric, $8, $9, $10, $11::numeric)
             ON CONFLICT (app, name) DO UPDATE
             SET (weights, concurrency, executor_concurrency, rate_starts, rate_millis,
                  partition_concurrency, partition_executor_concurrency,
                  partition_rate_starts, partition_rate_millis)
                 = (EXCLUDED.weights, EXCLUDED.concurrency, EXCLUDED.executor_concurrency,
                    EXCLUDED.rate_starts, EXCLUDED.rate_millis,
                    EXCLUDED.partition_concurrency, EXCLUDED.partition_executor_concurrency,
                    EXCLUDED.partition_rate_starts, EXCLUDED.partition_rate_millis)",
        )
        .bind(&queue.app)
        .bind(&queue.name)
        .bind(serde_json::json!(queue.weights).to_string());
    for limits in [&queue.limits, &queue.partition_limits] {
        query = query
            .bind(limits.concurrency.map(i64::from))
            .bind(limits.executor_concurrency.map(i64::from))
            .bind(limits.rate.map(|rate| i64::from(rate.starts)))
            .bind(limits.rate.map(|rate| rate.period_millis.to_string()));
    }
    work.fetch(query).await?;
    if queue.limits.rate.is_none() && queue.partition_limits.rate.is_none() {
        forget(database, &mut work, "queue_starts", &queue.app, &queue.name).await?;
    }
    work.commit().await
}

/// Removes a configuration that no unfinished workflow needs.
pub(super) async fn delete(
    database: &Database,
    app: &str,
    name: &str,
) -> Result<DeleteQueueOutcome, Failure> {
    check([app, name], None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    lock(database, &mut work, app, name).await?;
    let used = database
        .query(
            "SELECT EXISTS (SELECT 1 FROM {schema}.workflows w
                            WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = $1 AND w.queue = $2)
                 OR EXISTS (SELECT 1 FROM {schema}.workflows w
                            WHERE w.status = 'PENDING' AND w.queue IS NOT NULL AND w.app = $1 AND w.queue = $2)
                 OR EXISTS (SELECT 1 FROM {schema}.workflows w
                            WHERE w.status = 'DELAYED' AND w.app = $1 AND w.queue = $2) AS used",
        )
        .bind(app.to_owned())
        .bind(name.to_owned());
    let rows = work.fetch(used).await?;
    if rows.first().map_or(Ok(false), |row| column(row, "used"))? {
        return Ok(DeleteQueueOutcome::InUse);
    }
    for table in ["queue_starts", "queue_partitions"] {
        forget(database, &mut work, table, app, name).await?;
    }
    let query = database
        .query("DELETE FROM {schema}.queues WHERE app = $1 AND name = $2")
        .bind(app.to_owned())
        .bind(name.to_owned());
    work.fetch(query).await?;
    work.commit().await?;
    Ok(DeleteQueueOutcome::Deleted)
}

/// Waits for the dequeues that are under way; those that follow see what this transaction writes.
async fn lock(database: &Database, work: &mut Work, app: &str, name: &str) -> Result<(), Failure> {
    let query = database
        .query("SELECT pg_advisory_xact_lock({schema}.queue_key($1, $2))")
        .bind(app.to_owned())
        .bind(name.to_owned());
    work.fetch(query).await?;
    Ok(())
}

async fn forget(
    database: &Database,
    work: &mut Work,
    table: &str,
    app: &str,
    queue: &str,
) -> Result<(), Failure> {
    let sql = format!("DELETE FROM {{schema}}.{table} WHERE app = $1 AND queue = $2");
    let query = database.query(&sql);
    let query = query.bind(app.to_owned()).bind(queue.to_owned());
    work.fetch(query).await?;
    Ok(())
}

/// The configurations, by name.
pub(super) async fn list(database: &Database, app: &str) -> Result<Vec<QueueRecord>, Failure> {
    check([app], None, [])?;
    let query = database
        .query(
            "SELECT name, weights::text AS weights, concurrency, executor_concurrency, rate_starts,
                    rate_millis::text AS rate_millis,
                    partition_concurrency, partition_executor_concurrency, partition_rate_starts,
                    partition_rate_millis::text AS partition_rate_millis
             FROM {schema}.queues WHERE app = $1 ORDER BY name",
        )
        .bind(app.to_owned());
    let rows = database.read(query).await?;
    rows.iter().map(|row| queue(app, row)).collect()
}

fn queue(app: &str, row: &PgRow) -> Result<QueueRecord, Failure> {
    let mut queue = QueueRecord::new(app, column::<String>(row, "name")?);
    let damaged = |what: String| {
        let message = format!("queue `{}` is damaged: {what}", queue.name);
        Failure::new(StoreErrorKind::Corrupt, message)
    };
    let number = |name: String| -> Result<Option<u32>, Failure> {
        let value: Option<i64> = column(row, &name)?;
        let number = value.map(u32::try_from).transpose();
        number.map_err(|_| damaged(format!("{name} is {value:?}")))
    };
    let limits = |prefix: &str| -> Result<Limits, Failure> {
        let mut limits = Limits::default();
        limits.concurrency = number(format!("{prefix}concurrency"))?;
        limits.executor_concurrency = number(format!("{prefix}executor_concurrency"))?;
        let period: Option<String> = column(row, &format!("{prefix}rate_millis"))?;
        if let (Some(starts), Some(period)) = (number(format!("{prefix}rate_starts"))?, period) {
            let period_millis = period
                .parse()
                .map_err(|_| damaged(format!("the period of a rate is {period}")))?;
            limits.rate = Some(RateLimit {
                starts,
                period_millis,
            });
        }
        Ok(limits)
    };
    let (whole, each) = (limits("")?, limits("partition_")?);
    let weights: String = column(row, "weights")?;
    let weights = serde_json::from_str(&weights);
    let weights = weights.map_err(|error| damaged(format!("weights cannot be read: {error}")))?;
    queue.limits = whole;
    queue.partition_limits = each;
    queue.weights = weights;
    Ok(queue)
}
