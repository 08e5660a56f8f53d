mod url;

use std::{fmt, time::Duration};

use durable_api::store::StoreResult;
use redis::{ConnectionAddr, ConnectionInfo};

/// Where the server is and how to use it.
#[derive(Clone)]
pub struct RedisOptions {
    nodes: Vec<ConnectionInfo>,
    cluster: bool,
    pub(crate) prefix: String,
    pub(crate) allow_eviction: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
}

impl RedisOptions {
    /// What the keys begin with (in braces) unless the options say otherwise.
    pub const DEFAULT_PREFIX: &str = "durable";
    /// How long connecting may take unless the options say otherwise.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// How long an answer may take unless the options say otherwise.
    pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

    /// What a URL says: `redis://user:password@host:port/database?prefix=orders`.
    ///
    /// The scheme is `redis`; `rediss` for TLS (with the cargo feature `tls`); or `unix`, for a path
    /// (with `db`, `user` and `pass` as parameters). Several hosts, separated by commas, are nodes of a cluster. The parameters are
    /// `prefix`, `cluster=true` and `allow_eviction=true`.
    ///
    /// # Errors
    /// `Invalid`, without repeating the URL, when it says anything else.
    pub fn from_url(url: &str) -> StoreResult<Self> {
        url::parse(url)
    }

    fn new(nodes: Vec<ConnectionInfo>) -> Self {
        Self {
            cluster: nodes.len() > 1,
            nodes,
            prefix: Self::DEFAULT_PREFIX.to_owned(),
            allow_eviction: false,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            response_timeout: Self::DEFAULT_RESPONSE_TIMEOUT,
        }
    }

    /// What the keys of the store begin with, in braces. Stores with different prefixes see nothing
    /// of each other. Neither empty nor with a brace. `durable` by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whether the server is a Redis Cluster. By default, when there are several hosts.
    #[must_use]
    pub fn cluster(mut self, cluster: bool) -> Self {
        self.cluster = cluster;
        self
    }

    /// Whether to accept a server that may evict any key when its memory is full, and thereby lose
    /// workflows. Not by default.
    #[must_use]
    pub fn allow_eviction(mut self, allow: bool) -> Self {
        self.allow_eviction = allow;
        self
    }

    /// How long connecting may take; five seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take, the transfer of payloads included; ten seconds by default.
    /// After it a write is `Indeterminate`, and the connection is replaced. A connection for hints is
    /// tested after a silence of this length.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.cluster
    }

    pub(crate) fn first_node(&self) -> &ConnectionInfo {
        &self.nodes[0]
    }

    pub(crate) fn nodes(&self) -> &[ConnectionInfo] {
        &self.nodes
    }

    /// The address, without credentials.
    pub(crate) fn location(&self) -> String {
        let addresses: Vec<String> = self
            .nodes
            .iter()
            .map(|node| node.addr().to_string())
            .collect();
        let scheme = match self.first_node().addr() {
            ConnectionAddr::Unix(_) => "unix",
            ConnectionAddr::TcpTls { .. } => "rediss",
            _ => "redis",
        };
        let database = match (scheme, self.first_node().redis_settings().db()) {
            ("unix", _) => String::new(),
            (_, database) => format!("/{database}"),
        };
        format!(
            "{scheme}://{}{database}?prefix={}",
            addresses.join(","),
            self.prefix
        )
    }
}

impl Default for RedisOptions {
    /// The server at `redis://127.0.0.1:6379`.
    fn default() -> Self {
        Self::new(vec![url::default_node()])
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("location", &self.location())
            .field("cluster", &self.cluster)
            .field("allow_eviction", &self.allow_eviction)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish()
    }
}
