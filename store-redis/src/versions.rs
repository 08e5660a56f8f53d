use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{RegisterVersion, SetLatestOutcome, StoreResult, VersionRecord, VersionStore},
};

use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, malformed},
    reply,
    script::SET_LATEST_VERSION,
};

#[async_trait]
impl VersionStore for RedisStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        const OPERATION: &str = "register_version";
        check_texts(OPERATION, [&*request.app, &*request.version])?;
        let mut cmd = redis::cmd("HSETNX");
        cmd.arg(self.keys().versions(&request.app))
            .arg(&request.version)
            .arg(request.now.as_millis());
        self.link().write(OPERATION, &cmd).await?;
        Ok(())
    }

    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome> {
        const OPERATION: &str = "set_latest_version";
        let keys = self.keys();
        let call = Call::new(
            &SET_LATEST_VERSION,
            OPERATION,
            [keys.versions(&request.app)],
        )
        .arg(keys.base())
        .arg(&request.version)
        .text(request.now.as_millis());
        let value = self.change(call).await?;
        match reply::answer(value).as_ref().map(|(name, _)| name.as_str()) {
            Some("set") => Ok(SetLatestOutcome::Set),
            Some("unknown_version") => Ok(SetLatestOutcome::UnknownVersion),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        const OPERATION: &str = "list_versions";
        let mut cmd = redis::cmd("HGETALL");
        cmd.arg(self.keys().versions(app));
        let found = self.link().read(OPERATION, &cmd).await?;
        let mut versions = reply::pairs(found)
            .and_then(|pairs| pairs.into_iter().map(version).collect::<Option<Vec<_>>>())
            .ok_or_else(|| malformed(OPERATION, &format!("a version of application `{app}`")))?;
        versions.sort_by(|a, b| (b.registered_at, &b.version).cmp(&(a.registered_at, &a.version)));
        Ok(versions)
    }
}

fn version((name, registered_at): (Vec<u8>, Vec<u8>)) -> Option<VersionRecord> {
    let millis = String::from_utf8(registered_at).ok()?.parse().ok()?;
    Some(VersionRecord::new(
        String::from_utf8(name).ok()?,
        Timestamp::from_millis(millis),
    ))
}
