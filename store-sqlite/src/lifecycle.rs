use async_trait::async_trait;
use durable_api::store::{
    LifecycleStore, StoreDescription, StoreError, StoreErrorKind, StoreResult,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    SqliteStore,
    error::{Failure, Phase},
    migrations::{self, Schema},
    sql::values,
};

#[async_trait]
impl LifecycleStore for SqliteStore {
    async fn ping(&self) -> StoreResult<()> {
        self.schema("ping").await.map(drop)
    }

    async fn migrate(&self) -> StoreResult<()> {
        let (schema, journal) = self.schema("migrate").await?;
        if journal == WAL && schema == Schema::Ours(migrations::VERSION) {
            return Ok(());
        }
        self.usable("migrate", schema)?;
        let mut patience = self.database.patience();
        let result = loop {
            match self.attempt_migration().await {
                Err(failure) if failure.is_busy() && patience.wait().await => {}
                result => break result,
            }
        };
        match result {
            Ok(Migration::Done) => {
                self.readers.close_idle();
                Ok(())
            }
            Ok(Migration::Refused(schema)) => self.usable("migrate", schema).map(drop),
            Ok(Migration::NoLog(journal)) => Err(self.refuse(
                StoreErrorKind::Misconfigured,
                "migrate",
                &format!(
                    "cannot have a write-ahead log (its journal mode stays `{journal}`); keep it on a local disk"
                ),
            )),
            Err(failure) => Err(failure.report("migrate", self.database.path())),
        }
    }

    async fn verify(&self) -> StoreResult<()> {
        let (schema, journal) = self.schema("verify").await?;
        match self.usable("verify", schema)? {
            migrations::VERSION if journal == WAL => Ok(()),
            migrations::VERSION => Err(self.refuse(
                StoreErrorKind::Incompatible,
                "verify",
                &format!("is in journal mode `{journal}`; call `migrate` to set it right"),
            )),
            0 => Err(self.refuse(
                StoreErrorKind::Incompatible,
                "verify",
                "was never migrated; call `migrate` first",
            )),
            version => Err(self.refuse(
                StoreErrorKind::Incompatible,
                "verify",
                &format!(
                    "has schema version {version}, older than version {} of this program; call `migrate` first",
                    migrations::VERSION
                ),
            )),
        }
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription::new(
            "sqlite",
            self.database.path().display().to_string(),
            self.database.durability().describe(),
        )
    }
}

const WAL: &str = "wal";

/// What a try to migrate came to.
enum Migration {
    Done,
    /// It turned out, under the lock, that the file is not ours to change.
    Refused(Schema),
    /// The journal mode did not change.
    NoLog(String),
}

impl SqliteStore {
    /// What the file is, and its journal mode.
    async fn schema(&self, operation: &'static str) -> StoreResult<(Schema, String)> {
        let rows = self
            .readers
            .fetch_all(operation, Schema::QUERY, values![])
            .await?;
        let schema = rows.first().map_or(Ok(Schema::Empty), decode);
        let mode = self
            .readers
            .fetch_all(operation, "PRAGMA journal_mode", values![])
            .await?;
        let journal = mode.first().map_or(Ok(String::new()), |row| row.try_get(0));
        schema
            .and_then(|schema| Ok((schema, journal?)))
            .map_err(|error| {
                Failure::new(Phase::Statement, error).report(operation, self.database.path())
            })
    }

    /// The version of a schema that is ours and not newer than this program; 0 of an empty one.
    fn usable(&self, operation: &'static str, schema: Schema) -> StoreResult<i64> {
        let message = match schema {
            Schema::Empty => return Ok(0),
            Schema::Ours(version) if version <= migrations::VERSION => return Ok(version),
            Schema::Ours(version) => format!(
                "has schema version {version}, newer than version {} of this program; upgrade the program",
                migrations::VERSION
            ),
            Schema::Foreign => {
                "is the database of another program; give this one a file of its own".to_owned()
            }
        };
        Err(self.refuse(StoreErrorKind::Incompatible, operation, &message))
    }

    async fn attempt_migration(&self) -> Result<Migration, Failure> {
        let mut connection = self.database.open_for_writing().await?;
        let result = migrate(&mut connection).await;
        // Closed, also with a transaction that failed: that rolls it back.
        drop(connection);
        result.map_err(|error| Failure::new(Phase::Statement, error))
    }

    fn refuse(&self, kind: StoreErrorKind, operation: &'static str, what: &str) -> StoreError {
        StoreError::new(kind, operation)
            .with_message(format!("file `{}` {what}", self.database.path().display()))
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<Migration, sqlx::Error> {
    // Only now: `Schema` was judged before, and a foreign file must stay as it is.
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await?;
    if journal != WAL {
        return Ok(Migration::NoLog(journal));
    }
    // A table that is made anew is dropped first, which must not take with it what refers to its rows.
    sqlx::query("PRAGMA foreign_keys = OFF")
        .execute(&mut *connection)
        .await?;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query(Schema::QUERY)
        .fetch_one(&mut *connection)
        .await?;
    let version = match decode(&row)? {
        Schema::Empty => 0,
        Schema::Ours(version) if version <= migrations::VERSION => version,
        other => return Ok(Migration::Refused(other)),
    };
    if version < migrations::VERSION {
        migrations::run(connection, version).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(Migration::Done)
}

fn decode(row: &SqliteRow) -> Result<Schema, sqlx::Error> {
    Ok(Schema::new(
        row.try_get("application_id")?,
        row.try_get("user_version")?,
        row.try_get("objects")?,
    ))
}
