use driver::{Job, Order};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{
    Result,
    options::Options,
    postgres,
    stores::Library,
    worker::{Programs, Worker, complete},
};

/// How many rows a statement makes.
const CHUNK: u64 = 500_000;

/// Copies one finished workflow of one step, and its step, with other ids and earlier times; every other copy was in the queue.
const COPY: &str = "
DO $$
DECLARE
    columns text;
    copies text;
BEGIN
    SELECT string_agg(quote_ident(name), ', '), string_agg(
        CASE
            WHEN name = 'id' THEN 'md5(n::text)::uuid::text'
            WHEN name LIKE '%\\_at' THEN format('w.%I - n * 10', name)
            WHEN name = 'queue' THEN 'CASE n % 2 WHEN 0 THEN ''bench'' END'
            WHEN name = 'priority' THEN 'CASE n % 2 WHEN 0 THEN 0 END'
            WHEN name = 'place' THEN 'CASE n % 2 WHEN 0 THEN -n END'
            ELSE format('w.%I', name)
        END, ', ')
    INTO columns, copies
    FROM (SELECT attname::text AS name FROM pg_attribute
        WHERE attrelid = 'durable.workflows'::regclass AND attnum > 0 AND NOT attisdropped) AS all_columns;
    EXECUTE format(
        'INSERT INTO durable.workflows (%s) SELECT %s FROM generate_series({from}, {to}) AS n,
            (SELECT * FROM durable.workflows WHERE status = ''SUCCESS'' AND id IN (SELECT workflow_id FROM durable.steps)
             ORDER BY created_at DESC LIMIT 1) AS w',
        columns, copies);
    INSERT INTO durable.steps
        SELECT md5(n::text)::uuid::text, s.step_id, s.name, s.failed, s.child_id, s.started_at - n * 10,
            s.completed_at - n * 10, s.outcome_encoding, s.outcome
        FROM generate_series({from}, {to}) AS n,
            (SELECT * FROM durable.steps ORDER BY completed_at DESC LIMIT 1) AS s;
END $$";

/// Makes the tables, and fills them with finished workflows.
pub(crate) async fn grow(programs: &Programs, url: &str, options: &Options) -> Result<()> {
    let order = |job| Order {
        url: url.to_owned(),
        pool: options.pool,
        executor: "bench-0".to_owned(),
        job,
    };
    complete(
        programs,
        Library::Durable,
        order(Job::Prepare),
        Job::Prepare,
    )
    .await?;
    let job = Job::Batches {
        workflows: 1,
        steps: 1,
        seconds: 0.0,
    };
    let mut worker = Worker::start(programs, Library::Durable, &order(job))?;
    worker.ready().await?;
    worker.go().await?;
    worker.report().await?;
    let mut connection = postgres::connect(url).await?;
    for from in (1..=options.growth).step_by(CHUNK as usize) {
        let to = (from + CHUNK - 1).min(options.growth);
        copy(&mut connection, from, to).await?;
        eprintln!("{to} finished workflows");
    }
    connection.execute("VACUUM ANALYZE").await?;
    Ok(())
}

async fn copy(connection: &mut PgConnection, from: u64, to: u64) -> Result<()> {
    let copy = COPY
        .replace("{from}", &from.to_string())
        .replace("{to}", &to.to_string());
    // Nobody needs them after a crash of the server.
    connection.execute("SET synchronous_commit = off").await?;
    sqlx::raw_sql(AssertSqlSafe(copy))
        .execute(connection)
        .await?;
    Ok(())
}
