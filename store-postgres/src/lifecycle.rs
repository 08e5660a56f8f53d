use async_trait::async_trait;
use durable_api::store::{LifecycleStore, StoreDescription, StoreResult};

use crate::{PostgresStore, database::Server, migrations};

#[async_trait]
impl LifecycleStore for PostgresStore {
    async fn ping(&self) -> StoreResult<()> {
        match Server::probe(&self.database).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_store_error("ping")),
        }
    }

    async fn migrate(&self) -> StoreResult<()> {
        migrations::migrate(&self.database)
            .await
            .map_err(|failure| failure.into_store_error("migrate"))
    }

    async fn verify(&self) -> StoreResult<()> {
        migrations::verify(&self.database)
            .await
            .map_err(|failure| failure.into_store_error("verify"))
    }

    fn describe(&self) -> StoreDescription {
        let location = format!(
            "{} schema {}",
            self.database.location(),
            self.database.schema().name()
        );
        StoreDescription::new("postgres", location, self.server.durability())
    }
}
