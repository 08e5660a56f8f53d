use std::time::Duration;

use async_trait::async_trait;
use durable_api::store::{
    RegisterVersion, SetLatestOutcome, StoreResult, VersionRecord, VersionStore,
};

use crate::{MemoryStore, error::check_texts};

#[async_trait]
impl VersionStore for MemoryStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        check_texts(
            "register_version",
            [request.app.as_str(), request.version.as_str()],
        )?;
        self.tables()
            .versions
            .entry(request.app)
            .or_default()
            .entry(request.version)
            .or_insert(request.now);
        Ok(())
    }

    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome> {
        let mut tables = self.tables_for("set_latest_version")?;
        let Some(versions) = tables
            .versions
            .get_mut(&request.app)
            .filter(|versions| versions.contains_key(&request.version))
        else {
            return Ok(SetLatestOutcome::UnknownVersion);
        };
        // Measured by the others alone, so that a repetition changes nothing.
        let after_others = versions
            .iter()
            .filter(|(version, _)| **version != request.version)
            .map(|(_, registered_at)| registered_at.saturating_add(Duration::from_millis(1)))
            .max();
        let time = after_others.unwrap_or(request.now).max(request.now);
        versions.insert(request.version, time);
        Ok(SetLatestOutcome::Set)
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        let mut versions: Vec<VersionRecord> = self
            .tables()
            .versions
            .get(app)
            .into_iter()
            .flatten()
            .map(|(version, registered_at)| VersionRecord::new(version, *registered_at))
            .collect();
        versions.sort_by(|a, b| (b.registered_at, &b.version).cmp(&(a.registered_at, &a.version)));
        Ok(versions)
    }
}
