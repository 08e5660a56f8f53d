use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use durable_api::{Error, SystemStore, Timestamp};
use durable_engine::Config;
use futures::future::BoxFuture;
use store_memory::MemoryStore;
use uuid::Uuid;

use super::{TestEnv, env::Parts};

/// The seed over a memory of its own.
const SEED: u64 = 1;

/// 1 January 2026, 00:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A test environment about to be made.
///
/// ```
/// use durable_api::{Result, Timestamp};
/// use durable_testing::TestEnv;
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let env = TestEnv::builder()
///     .seed(7)
///     .starting_at(Timestamp::from_millis(0))
///     .configure(|config| config.app_version("2"))
///     .await?;
/// assert_eq!(env.now().as_millis(), 0);
/// # Ok(())
/// # }
/// ```
#[must_use = "a test environment is made when this is awaited"]
pub struct TestEnvBuilder {
    store: Option<Arc<dyn SystemStore>>,
    seed: Option<u64>,
    start: Timestamp,
    lease: Duration,
    configure: Arc<dyn Fn(Config) -> Config + Send + Sync>,
}

impl TestEnvBuilder {
    pub(super) fn new() -> Self {
        Self {
            store: None,
            seed: None,
            start: START,
            lease: Duration::from_secs(3),
            configure: Arc::new(|config| config),
        }
    }

    /// Over this store, which should be empty. Default: a fresh memory.
    ///
    /// ```
    /// # async fn example() -> Result<(), durable_api::Error> {
    /// use std::sync::Arc;
    /// let store = Arc::new(store_memory::MemoryStore::new());
    /// let env = durable_testing::TestEnv::builder().store(store).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn store(mut self, store: Arc<dyn SystemStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// What all ids and all jitter come from. Default: always the same over a memory of its own, where ids need differ from no others; random over
    /// a store that was given.
    ///
    /// ```
    /// # async fn example() -> Result<(), durable_api::Error> {
    /// let env = durable_testing::TestEnv::builder().seed(7).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The present time at first. Default: 1 January 2026, 00:00 UTC.
    ///
    /// ```
    /// # async fn example() -> Result<(), durable_api::Error> {
    /// use durable_api::Timestamp;
    /// let env = durable_testing::TestEnv::builder().starting_at(Timestamp::from_millis(0)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn starting_at(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// The lease of the executors; see [`Config::lease`]. Default: 3 s.
    ///
    /// ```
    /// # async fn example() -> Result<(), durable_api::Error> {
    /// use std::time::Duration;
    /// let env = durable_testing::TestEnv::builder().lease(Duration::from_secs(60)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Changes the configuration of each engine: version, encoding, limits. Store, clock, ids, lease and executor id are the environment's.
    ///
    /// ```
    /// # async fn example() -> Result<(), durable_api::Error> {
    /// use durable_api::Encoding;
    /// let env = durable_testing::TestEnv::builder().configure(|config| config.encoding(Encoding::Json)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure(
        mut self,
        configure: impl Fn(Config) -> Config + Send + Sync + 'static,
    ) -> Self {
        self.configure = Arc::new(configure);
        self
    }
}

impl IntoFuture for TestEnvBuilder {
    type Output = Result<TestEnv, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let own = self.store.is_none();
            let random = || Uuid::new_v4().as_u64_pair().0;
            let seed = self
                .seed
                .unwrap_or_else(|| if own { SEED } else { random() });
            let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
            store.migrate().await?;
            TestEnv::make(Parts {
                store,
                seed,
                start: self.start,
                lease: self.lease,
                configure: self.configure,
            })
        })
    }
}

impl fmt::Debug for TestEnvBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEnvBuilder")
            .field("store", &self.store)
            .field("seed", &self.seed)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
