use async_trait::async_trait;
use durable_api::store::{
    LifecycleStore, StoreDescription, StoreError, StoreErrorKind, StoreResult,
};
use redis::Value;

use crate::{RedisStore, call::Call, error::at, reply, script::MIGRATE, server::Server};

/// The version of the layout that this program works with.
const SCHEMA: u32 = 2;

#[async_trait]
impl LifecycleStore for RedisStore {
    async fn ping(&self) -> StoreResult<()> {
        self.check("ping").await
    }

    async fn migrate(&self) -> StoreResult<()> {
        Call::new(&MIGRATE, "migrate", [self.keys().schema()])
            .text(SCHEMA)
            .write(self.link())
            .await
            .map_err(|error| at(error, self.location()))?;
        self.check_schema("migrate").await
    }

    async fn verify(&self) -> StoreResult<()> {
        self.check_schema("verify").await?;
        self.check("verify").await
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription::new("redis", self.location(), self.durability().to_string())
    }
}

impl RedisStore {
    /// Judges the server as it is now: its configuration may have changed since the store connected.
    async fn check(&self, operation: &'static str) -> StoreResult<()> {
        let server = Server::ask(operation, self.link())
            .await
            .map_err(|error| at(error, self.location()))?;
        server.check_version(operation)?;
        server.durability.check(operation, self.allows_eviction())
    }

    async fn check_schema(&self, operation: &'static str) -> StoreResult<()> {
        let mut cmd = redis::cmd("GET");
        cmd.arg(self.keys().schema());
        let found = self
            .link()
            .read(operation, &cmd)
            .await
            .map_err(|error| at(error, self.location()))?;
        let incompatible = |message: String| {
            Err(StoreError::new(StoreErrorKind::Incompatible, operation).with_message(message))
        };
        if found == Value::Nil {
            return incompatible(
                "there is no store under this prefix; call `migrate` first".into(),
            );
        }
        match reply::text(found).and_then(|text| text.parse::<u32>().ok()) {
            Some(SCHEMA) => Ok(()),
            Some(newer) if newer > SCHEMA => incompatible(format!(
                "the store has schema {newer}, this program knows {SCHEMA}; run a newer program"
            )),
            Some(older) => incompatible(format!(
                "the store has schema {older}, this program needs {SCHEMA}; call `migrate` first"
            )),
            None => incompatible("what is under this prefix is not a store of ours".into()),
        }
    }
}
