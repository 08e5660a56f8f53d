use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, io::tcp::TcpSettings};
use url::Url;

use super::RedisOptions;
use crate::error::invalid;

const SCHEMES: [&str; 4] = ["redis", "rediss", "unix", "redis+unix"];

/// The server that is meant when nothing is said.
pub(super) fn default_node() -> ConnectionInfo {
    let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), 6379);
    match address.into_connection_info() {
        Ok(node) => prepared(node),
        Err(_) => unreachable!("an address is connection information"),
    }
}

pub(super) fn parse(url: &str) -> StoreResult<RedisOptions> {
    let mut settings = Settings::default();
    let nodes = split_hosts(url)
        .iter()
        .map(|url| {
            let (url, found) = Settings::take_from(url)?;
            settings = found;
            url.into_connection_info().map(prepared).map_err(|error| {
                StoreError::new(StoreErrorKind::Invalid, "connect")
                    .with_message("the URL is not one of a redis server (`rediss` needs the cargo feature `tls` of store-redis)")
                    .with_source(error)
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;

    let mut options = RedisOptions::new(nodes);
    if let Some(prefix) = settings.prefix {
        options = options.prefix(prefix);
    }
    if let Some(cluster) = settings.cluster {
        options = options.cluster(cluster);
    }
    if let Some(allow) = settings.allow_eviction {
        options = options.allow_eviction(allow);
    }
    Ok(options)
}

/// One URL for every host: `redis://a,b/` is `redis://a/` and `redis://b/`.
fn split_hosts(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (credentials, hosts) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{credentials}{host}{tail}"))
        .collect()
}

fn prepared(node: ConnectionInfo) -> ConnectionInfo {
    // Small commands must not wait for each other's acknowledgement.
    node.set_tcp_settings(TcpSettings::default().set_nodelay(true))
}

/// The parameters that are ours.
#[derive(Default)]
struct Settings {
    prefix: Option<String>,
    cluster: Option<bool>,
    allow_eviction: Option<bool>,
}

impl Settings {
    /// The settings in a URL, and the URL without them.
    fn take_from(text: &str) -> StoreResult<(Url, Self)> {
        // Neither the URL nor the parser's error is repeated: both may hold a password.
        let mut url = Url::parse(text).map_err(|_| not_a_url())?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(not_a_url());
        }
        let is_unix = url.scheme().ends_with("unix");
        let mut settings = Self::default();
        let mut kept = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                "prefix" => settings.prefix = Some(value.into_owned()),
                "cluster" => settings.cluster = Some(flag("cluster", &value)?),
                "allow_eviction" => settings.allow_eviction = Some(flag("allow_eviction", &value)?),
                "db" | "user" | "pass" if is_unix => {
                    kept.push((name.into_owned(), value.into_owned()));
                }
                _ => {
                    return Err(invalid(
                        "connect",
                        "the URL has a parameter that is none of `prefix`, `cluster` and `allow_eviction`",
                    ));
                }
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        Ok((url, settings))
    }
}

fn flag(name: &str, value: &str) -> StoreResult<bool> {
    value.parse().map_err(|_| {
        invalid(
            "connect",
            format!("the URL's parameter `{name}` must be `true` or `false`"),
        )
    })
}

fn not_a_url() -> StoreError {
    invalid(
        "connect",
        "a redis server is `redis://host:port/database`, a cluster `redis://host,host,host`",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn location(url: &str) -> String {
        parse(url).expect("parses").location()
    }

    #[test]
    fn a_location_has_no_credentials() {
        for (url, expected) in [
            (
                "redis://localhost",
                "redis://localhost:6379/0?prefix=durable",
            ),
            ("redis://me:secret@h:1/2?prefix=o", "redis://h:1/2?prefix=o"),
            (
                "redis://:s%40cret@a:1,b,c:3",
                "redis://a:1,b:6379,c:3/0?prefix=durable",
            ),
            (
                "unix:///run/r.sock?pass=secret",
                "unix:///run/r.sock?prefix=durable",
            ),
        ] {
            assert_eq!(location(url), expected, "{url}");
        }
        let options = parse("redis://me:secret@h").expect("parses");
        assert!(!format!("{options:?}").contains("secret"), "{options:?}");
    }

    #[test]
    fn several_hosts_are_a_cluster_unless_said_otherwise() {
        assert!(!parse("redis://a").expect("parses").is_cluster());
        assert!(parse("redis://a,b").expect("parses").is_cluster());
        assert!(
            parse("redis://a?cluster=true")
                .expect("parses")
                .is_cluster()
        );
        assert!(
            !parse("redis://a,b?cluster=false")
                .expect("parses")
                .is_cluster()
        );
    }

    #[test]
    fn a_parameter_that_means_nothing_is_refused_without_repeating_the_url() {
        for url in [
            "redis://me:secret@host?prefx=orders",
            "redis://me:secret@host?cluster=maybe",
            "redis://me:secret@host:99999",
            "redis://me:secret@host/not-a-number",
            "postgres://me:secret@host",
            "secret",
        ] {
            let error = parse(url).expect_err("is refused");
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_a_url_that_says_nothing() {
        let (default, parsed) = (
            RedisOptions::default(),
            parse("redis://127.0.0.1").expect("parses"),
        );
        assert_eq!(default.location(), parsed.location());
        assert_eq!(default.response_timeout, Duration::from_secs(10));
    }
}
