use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use redis::Value;

use crate::{
    EvictionPolicy, FsyncPolicy, RedisDurability,
    error::{invalid, malformed},
    link::Link,
    reply,
};

/// The oldest version that has the commands in use (`ZRANGE … BYLEX`).
const OLDEST: (u32, u32) = (6, 2);

/// What a server says of itself.
pub(crate) struct Server {
    pub(crate) durability: RedisDurability,
    is_cluster: bool,
}

impl Server {
    /// Asks for version, mode and configuration. What the server does not tell remains unknown.
    pub(crate) async fn ask(operation: &'static str, link: &Link) -> StoreResult<Self> {
        let info = Info::ask(operation, link).await?;
        let append_only = match setting(operation, link, "appendonly").await? {
            Some(value) => Some(value == "yes"),
            None => info.get("aof_enabled").map(|value| value == "1"),
        };
        let fsync = match append_only {
            Some(true) => setting(operation, link, "appendfsync")
                .await?
                .map_or(FsyncPolicy::Unknown, |name| FsyncPolicy::named(&name)),
            _ => FsyncPolicy::Unknown,
        };
        let eviction = match setting(operation, link, "maxmemory-policy").await? {
            Some(name) => EvictionPolicy::named(&name),
            None => info
                .get("maxmemory_policy")
                .map_or(EvictionPolicy::Unknown, EvictionPolicy::named),
        };
        Ok(Self {
            durability: RedisDurability {
                append_only,
                fsync,
                eviction,
                server_version: info.get("redis_version").unwrap_or_default().to_owned(),
            },
            is_cluster: info.get("redis_mode") == Some("cluster"),
        })
    }

    /// Refuses a server that is too old.
    pub(crate) fn check_version(&self, operation: &'static str) -> StoreResult<()> {
        let version = &self.durability.server_version;
        let mut numbers = version.split('.').map(str::parse::<u32>);
        let found = match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
            _ => None,
        };
        if found.is_some_and(|found| found >= OLDEST) {
            return Ok(());
        }
        let (major, minor) = OLDEST;
        Err(
            StoreError::new(StoreErrorKind::Incompatible, operation).with_message(format!(
                "the server is redis `{version}`; {major}.{minor} or later is needed"
            )),
        )
    }

    /// Refuses to talk to a node of a cluster as if it were alone.
    pub(crate) fn check_mode(&self, operation: &'static str, link: &Link) -> StoreResult<()> {
        if self.is_cluster && !link.is_cluster() {
            return Err(invalid(
                operation,
                "the server is a node of a cluster; say so by `cluster=true`",
            ));
        }
        Ok(())
    }
}

/// The answer to `INFO`.
struct Info(String);

impl Info {
    async fn ask(operation: &'static str, link: &Link) -> StoreResult<Self> {
        let value = link.read(operation, &redis::cmd("INFO")).await?;
        let text = match value {
            Value::VerbatimString { text, .. } => Some(text),
            value => reply::text(value),
        };
        text.map(Self)
            .ok_or_else(|| malformed(operation, "the answer to INFO"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim_end)
    }
}

/// A setting; `None` where a managed service does not tell.
async fn setting(operation: &'static str, link: &Link, name: &str) -> StoreResult<Option<String>> {
    let mut cmd = redis::cmd("CONFIG");
    cmd.arg("GET").arg(name);
    let Some(value) = link.read_if_allowed(operation, &cmd).await? else {
        return Ok(None);
    };
    Ok(reply::pairs(value)
        .and_then(|mut pairs| pairs.pop())
        .and_then(|(_, value)| String::from_utf8(value).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(version: &str) -> Server {
        Server {
            durability: RedisDurability {
                append_only: None,
                fsync: FsyncPolicy::Unknown,
                eviction: EvictionPolicy::Unknown,
                server_version: version.to_owned(),
            },
            is_cluster: false,
        }
    }

    #[test]
    fn an_old_server_is_incompatible() {
        for version in ["6.0.16", "5.0.7", "", "unknown"] {
            let error = server(version).check_version("connect").expect_err(version);
            assert_eq!(error.kind(), StoreErrorKind::Incompatible);
        }
        for version in ["6.2.0", "7.0.15", "8.4.1", "10.0.0"] {
            server(version).check_version("connect").expect(version);
        }
    }
}
