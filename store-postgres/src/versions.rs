use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{RegisterVersion, SetLatestOutcome, StoreResult, VersionRecord, VersionStore},
};

use crate::{
    PostgresStore,
    database::{Access, Database},
    error::Failure,
    record::column,
    writes::check,
};

#[async_trait]
impl VersionStore for PostgresStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        register(&self.database, &request)
            .await
            .map_err(|failure| failure.into_store_error("register_version"))
    }

    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome> {
        set_latest(&self.database, &request)
            .await
            .map_err(|failure| failure.into_store_error("set_latest_version"))
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        list(&self.database, app)
            .await
            .map_err(|failure| failure.into_store_error("list_versions"))
    }
}

async fn register(database: &Database, request: &RegisterVersion) -> Result<(), Failure> {
    check([&*request.app, &request.version], None, [])?;
    let query = database
        .query(
            "INSERT INTO {schema}.versions (app, version, registered_at) VALUES ($1, $2, $3)
             ON CONFLICT (app, version) DO NOTHING",
        )
        .bind(&request.app)
        .bind(&request.version)
        .bind(request.now.as_millis());
    database.write(query).await?;
    Ok(())
}

async fn set_latest(
    database: &Database,
    request: &RegisterVersion,
) -> Result<SetLatestOutcome, Failure> {
    check([&*request.app, &request.version], None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    // Of two that are made the latest at once, the second must see the first.
    let lock = database
        .query(
            "SELECT version FROM {schema}.versions WHERE app = $1 ORDER BY version
             FOR NO KEY UPDATE",
        )
        .bind(&request.app);
    work.fetch(lock).await?;
    // Measured by the others alone, so that a repetition changes nothing.
    let update = database
        .query(
            "UPDATE {schema}.versions v
             SET registered_at = greatest($3, (SELECT max(o.registered_at) + 1
                                               FROM {schema}.versions o
                                               WHERE o.app = $1 AND o.version <> $2))
             WHERE v.app = $1 AND v.version = $2
             RETURNING 1",
        )
        .bind(&request.app)
        .bind(&request.version)
        .bind(request.now.as_millis());
    let known = !work.fetch(update).await?.is_empty();
    work.commit().await?;
    Ok(match known {
        true => SetLatestOutcome::Set,
        false => SetLatestOutcome::UnknownVersion,
    })
}

async fn list(database: &Database, app: &str) -> Result<Vec<VersionRecord>, Failure> {
    check([app], None, [])?;
    let query = database
        .query(
            "SELECT version, registered_at FROM {schema}.versions WHERE app = $1
             ORDER BY registered_at DESC, version DESC",
        )
        .bind(app);
    let rows = database.read(query).await?;
    rows.iter()
        .map(|row| {
            let registered_at = Timestamp::from_millis(column(row, "registered_at")?);
            Ok(VersionRecord::new(
                column::<String>(row, "version")?,
                registered_at,
            ))
        })
        .collect()
}
