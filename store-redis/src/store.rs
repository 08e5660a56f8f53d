use std::{fmt, sync::Arc};

use durable_api::store::{Fence, StoreResult};
use redis::Value;

use crate::{
    RedisDurability, RedisOptions, call::Call, error::at, keys::Keys, link::Link, server::Server,
    wakeups::Subscriber,
};

/// The store on a Redis server or cluster. A clone is another handle on the same connection.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
    /// The execution on whose behalf this handle changes what is not its own.
    fence: Option<Arc<Fence>>,
}

struct Inner {
    link: Link,
    subscriber: Subscriber,
    keys: Keys,
    durability: RedisDurability,
    allow_eviction: bool,
    location: String,
}

impl RedisStore {
    /// The store at a URL; see [`RedisOptions::from_url`].
    ///
    /// # Errors
    /// As [`connect_with`](Self::connect_with), and `Invalid` when the URL means nothing.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_with(RedisOptions::from_url(url)?).await
    }

    /// The store that the options describe. Reaches the server, and judges its version and its
    /// configuration; writes nothing.
    ///
    /// # Errors
    /// `Unavailable` or `Denied` when the server cannot be reached, `Incompatible` when it is older
    /// than Redis 6.2, `Misconfigured` when it may evict workflows, `Invalid` when the options
    /// contradict the server or themselves.
    pub async fn connect_with(options: RedisOptions) -> StoreResult<Self> {
        let keys = Keys::new(&options.prefix)?;
        let location = options.location();
        let link = Link::open(&options, &keys)
            .await
            .map_err(|error| at(error, &location))?;
        let subscriber = Subscriber::new(&options, &keys)?;
        let server = Server::ask("connect", &link)
            .await
            .map_err(|error| at(error, &location))?;
        server.check_version("connect")?;
        server.check_mode("connect", &link)?;
        server.durability.check("connect", options.allow_eviction)?;
        server.durability.log(&location);
        Ok(Self {
            fence: None,
            inner: Arc::new(Inner {
                link,
                subscriber,
                keys,
                durability: server.durability,
                allow_eviction: options.allow_eviction,
                location,
            }),
        })
    }

    /// Options with their defaults, for [`connect_with`](Self::connect_with).
    pub fn builder() -> RedisOptions {
        RedisOptions::default()
    }

    /// What the server's configuration makes of an acknowledged write.
    pub fn durability(&self) -> &RedisDurability {
        &self.inner.durability
    }

    /// A handle that changes things on behalf of an execution.
    pub(crate) fn acting_for(&self, fence: Fence) -> Self {
        Self {
            fence: Some(Arc::new(fence)),
            ..self.clone()
        }
    }

    /// Runs a script that may write, on behalf of whoever this handle acts for.
    ///
    /// # Errors
    /// [`NotOwner`](durable_api::store::NotOwner), if that is an execution that may not write any more.
    pub(crate) async fn change(&self, call: Call<'_>) -> StoreResult<Value> {
        let call = match &self.fence {
            Some(fence) => {
                let key = self.keys().workflow(&fence.workflow_id);
                call.fenced(key, fence)
            }
            None => call,
        };
        call.write(self.link()).await
    }

    pub(crate) fn link(&self) -> &Link {
        &self.inner.link
    }

    pub(crate) fn subscriber(&self) -> &Subscriber {
        &self.inner.subscriber
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn allows_eviction(&self) -> bool {
        self.inner.allow_eviction
    }

    pub(crate) fn location(&self) -> &str {
        &self.inner.location
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("location", &self.inner.location)
            .field("durability", &self.inner.durability)
            .finish()
    }
}
