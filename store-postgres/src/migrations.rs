use durable_api::store::StoreErrorKind;
use sqlx::Row as _;

use crate::{
    database::{Access, Database, Work},
    error::{Failure, Stage},
};

/// The steps from nothing to the present schema: the first one makes version 1, and so on.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    concat!(
        include_str!("../migrations/0002_queues.sql"),
        include_str!("../migrations/0002_queue_functions.sql"),
        include_str!("../migrations/0002_dequeue.sql")
    ),
];

/// The version that this program works with.
const PRESENT: i64 = MIGRATIONS.len().cast_signed() as i64;

/// How often a schema may be created by others, under our eyes, before we give up.
const ATTEMPTS: usize = 5;

/// Applies what is missing, one transaction for each migration.
pub(crate) async fn migrate(database: &Database) -> Result<(), Failure> {
    // Most calls find nothing to do, and need no lock and no privilege.
    while version(database).await? < PRESENT {
        apply_next(database).await?;
    }
    Ok(())
}

/// Checks the version and the privileges, without writing.
pub(crate) async fn verify(database: &Database) -> Result<(), Failure> {
    let found = version(database).await?;
    let schema = database.schema().name();
    if found == 0 {
        let message = format!("there is no store in schema `{schema}`: run migrate");
        return Err(Failure::new(StoreErrorKind::Incompatible, message));
    }
    if found < PRESENT {
        let message = format!(
            "schema `{schema}` has version {found}, and this program needs {PRESENT}: run migrate"
        );
        return Err(Failure::new(StoreErrorKind::Incompatible, message));
    }
    verify_privileges(database).await
}

/// The version of the schema, 0 if there is none.
async fn version(database: &Database) -> Result<i64, Failure> {
    let mut work = database.transaction(Access::Read).await?;
    let version = read_version(database, &mut work).await?;
    work.commit().await?;
    Ok(version)
}

/// The version of the schema, unless it is newer than this program.
async fn read_version(database: &Database, work: &mut Work) -> Result<i64, Failure> {
    let schema = database.schema().name();
    let exists = database
        .query(
            "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = $1 AND c.relname = 'migrations')",
        )
        .bind(schema.to_owned());
    if !scalar::<bool>(work, exists).await? {
        return Ok(0);
    }
    let latest = database.query("SELECT coalesce(max(version), 0) FROM {schema}.migrations");
    let found: i64 = scalar(work, latest).await.map_err(|failure| {
        explain_denial(failure, || {
            format!("this needs USAGE on schema `{schema}` and SELECT on its tables")
        })
    })?;
    if found > PRESENT {
        return Err(Failure::new(
            StoreErrorKind::Incompatible,
            format!(
                "schema `{schema}` has version {found}, and this program knows versions up to \
                 {PRESENT}: use a newer program"
            ),
        ));
    }
    Ok(found)
}

/// Applies one migration, unless another process has done it meanwhile.
async fn apply_next(database: &Database) -> Result<(), Failure> {
    for _ in 1..ATTEMPTS {
        match try_apply_next(database).await {
            // Somebody who does not take our lock has created the schema meanwhile.
            Err(failure) if is_duplicate(&failure) => {}
            done => return done,
        }
    }
    try_apply_next(database).await
}

async fn try_apply_next(database: &Database) -> Result<(), Failure> {
    let mut work = database.transaction(Access::Write).await?;
    // Ends with the transaction, so that it holds behind a transaction-pooling proxy, too.
    let key = format!("durable migration {:?}", database.schema().name());
    let lock = database.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
    work.fetch(lock.bind(key)).await?;

    let found = read_version(database, &mut work).await?;
    let next = usize::try_from(found)
        .ok()
        .and_then(|found| MIGRATIONS.get(found));
    let Some(migration) = next else {
        return Ok(());
    };
    create_schema(database, &mut work).await?;
    let schema = database.schema().name();
    let denied = |failure| {
        explain_denial(failure, || {
            format!("migrating needs CREATE on schema `{schema}` and to own its tables")
        })
    };
    let table = "CREATE TABLE IF NOT EXISTS {schema}.migrations (
                     version bigint NOT NULL PRIMARY KEY,
                     applied_at timestamptz NOT NULL DEFAULT now()
                 )";
    work.run_script(database.sql(table)).await.map_err(denied)?;
    work.run_script(database.sql(migration))
        .await
        .map_err(denied)?;
    let note = database.query("INSERT INTO {schema}.migrations (version) VALUES ($1)");
    work.fetch(note.bind(found + 1)).await.map_err(denied)?;
    work.commit().await
}

/// Creates the schema if it is absent: `IF NOT EXISTS` alone would ask for the privilege even if it is not.
async fn create_schema(database: &Database, work: &mut Work) -> Result<(), Failure> {
    let name = database.schema().name();
    let exists = database
        .query("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)")
        .bind(name.to_owned());
    if scalar::<bool>(work, exists).await? {
        return Ok(());
    }
    let create = database.sql("CREATE SCHEMA IF NOT EXISTS {schema}");
    work.run_script(create).await.map_err(|failure| {
        explain_denial(failure, || {
            format!(
                "creating schema `{name}` needs CREATE on the database at {}",
                database.location()
            )
        })
    })
}

async fn verify_privileges(database: &Database) -> Result<(), Failure> {
    let query = database
        .query(
            "SELECT p.privilege || ' on table ' || c.relname AS missing
             FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (privilege)
             WHERE n.nspname = $1
               AND c.relname IN ('workflows', 'steps', 'messages', 'events', 'streams',
                                 'stream_values', 'executors', 'versions', 'debounced', 'queues',
                                 'queue_partitions', 'queue_starts', 'schedules')
               AND NOT has_table_privilege(c.oid, p.privilege)
             ORDER BY 1",
        )
        .bind(database.schema().name().to_owned());
    let rows = database.read(query).await?;
    let missing: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("missing")).collect();
    let missing = missing.map_err(|error| Failure::from_driver(error, Stage::Uncommitted))?;
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "in schema `{}`, the user lacks {}",
        database.schema().name(),
        missing.join(", ")
    );
    Err(Failure::new(StoreErrorKind::Denied, message))
}

fn explain_denial(failure: Failure, needs: impl FnOnce() -> String) -> Failure {
    match failure.kind {
        StoreErrorKind::Denied => failure.with_message(needs()),
        _ => failure,
    }
}

fn is_duplicate(failure: &Failure) -> bool {
    // duplicate_schema, duplicate_table, unique_violation (in a catalog)
    matches!(failure.sqlstate(), Some("42P06" | "42P07" | "23505"))
}

async fn scalar<T>(
    work: &mut Work,
    query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
) -> Result<T, Failure>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let rows = work.fetch(query).await?;
    let value = rows.first().ok_or(sqlx::Error::RowNotFound);
    value
        .and_then(|row| row.try_get(0))
        .map_err(|error| Failure::from_driver(error, Stage::Uncommitted))
}
