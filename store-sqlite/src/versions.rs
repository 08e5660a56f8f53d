use async_trait::async_trait;
use durable_api::store::{
    RegisterVersion, SetLatestOutcome, StoreError, StoreErrorKind, StoreResult, VersionRecord,
    VersionStore,
};
use sqlx::SqliteConnection;

use crate::{
    SqliteStore,
    error::check_texts,
    record::{get, time},
    sql::{query, values},
    writer::{Quick, Trouble, Write},
};

#[async_trait]
impl VersionStore for SqliteStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        check_texts(
            RegisterVersion::OPERATION,
            [request.app.as_str(), &request.version],
        )?;
        self.write(request).await
    }

    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome> {
        check_texts(
            SetLatest::OPERATION,
            [request.app.as_str(), &request.version],
        )?;
        self.change(SetLatest(request)).await
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        let rows = self
            .readers
            .fetch_all(
                "list_versions",
                "SELECT version, registered_at FROM versions WHERE app = ? \
                 ORDER BY registered_at DESC, version DESC",
                values![app],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(VersionRecord::new(
                    get::<String>(row, "version")?,
                    time(row, "registered_at")?,
                ))
            })
            .collect::<Result<_, String>>()
            .map_err(|reason| {
                StoreError::new(StoreErrorKind::Corrupt, "list_versions")
                    .with_message(format!("a version of application `{app}`: {reason}"))
            })
    }
}

impl Write for RegisterVersion {
    type Answer = ();

    const OPERATION: &'static str = "register_version";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<()>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        query(
            "INSERT INTO versions (app, version, registered_at) VALUES (?, ?, ?) \
             ON CONFLICT DO NOTHING",
            values![self.app.as_str(), self.version.as_str(), self.now],
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct SetLatest(RegisterVersion);

impl Write for SetLatest {
    type Answer = SetLatestOutcome;

    const OPERATION: &'static str = "set_latest_version";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<SetLatestOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<SetLatestOutcome, Trouble> {
        let Self(request) = self;
        // Later than all others, but not than itself, so that repeating it changes nothing.
        let set = query(
            "UPDATE versions SET registered_at = max(?1, ifnull( \
                 (SELECT max(registered_at) + 1 FROM versions WHERE app = ?2 AND version <> ?3), ?1)) \
             WHERE app = ?2 AND version = ?3",
            values![request.now, request.app.as_str(), request.version.as_str()],
        )
        .execute(connection)
        .await?;
        Ok(match set.rows_affected() {
            0 => SetLatestOutcome::UnknownVersion,
            _ => SetLatestOutcome::Set,
        })
    }
}
