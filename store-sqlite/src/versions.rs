use async_trait::async_trait;
use durable_api::store::{
    RegisterVersion, StoreError, StoreErrorKind, StoreResult, VersionRecord, VersionStore,
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
