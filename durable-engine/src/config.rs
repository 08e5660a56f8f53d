use std::{sync::Arc, time::Duration};

use durable_api::{Clock, Encoding, Error, IdSource, SystemStore};

use crate::{
    clock::{RandomIds, SystemClock},
    interceptor::Interceptor,
    names,
    tracing_context::TracePropagation,
};

/// How to set up a context. Only the application's name and the store are required.
///
/// The environment variables `DURABLE_EXECUTOR_ID` and `DURABLE_APP_VERSION` override what is set here.
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) app: String,
    pub(crate) store: Arc<dyn SystemStore>,
    pub(crate) executor_id: Option<String>,
    pub(crate) app_version: Option<String>,
    pub(crate) encoding: Encoding,
    pub(crate) payload_limit: usize,
    pub(crate) takeover_interval: Duration,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) lease: Duration,
    pub(crate) schedule_interval: Duration,
    pub(crate) queue_interval: Duration,
    pub(crate) queues: Option<Vec<String>>,
    pub(crate) queue_capacity: usize,
    pub(crate) poll_interval: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) traces: Option<Arc<dyn TracePropagation>>,
    /// Whether the store's schema may be created or changed.
    pub(crate) migrate: bool,
    pub(crate) interceptor: Option<Arc<dyn Interceptor>>,
    /// Whether there is no code to run.
    pub(crate) client: bool,
}

impl Config {
    /// The configuration of application `app` over `store`, with defaults for everything else.
    pub fn new(app: impl Into<String>, store: Arc<dyn SystemStore>) -> Self {
        Self {
            app: app.into(),
            store,
            executor_id: None,
            app_version: None,
            encoding: Encoding::default(),
            payload_limit: 64 * 1024 * 1024,
            takeover_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(1),
            lease: Duration::from_secs(3),
            schedule_interval: Duration::from_secs(5),
            queue_interval: Duration::from_secs(1),
            queues: None,
            queue_capacity: 1_000,
            poll_interval: Duration::from_secs(1),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            traces: None,
            migrate: true,
            interceptor: None,
            client: false,
        }
    }

    /// Names this executor. A process launched with the id of an earlier one takes over its work at
    /// once, and fences it out if it still lives. Default: a fresh UUID.
    pub fn executor_id(mut self, id: impl Into<String>) -> Self {
        self.executor_id = Some(id.into());
        self
    }

    /// Sets the application version; executors recover workflows of their own version only. Default: a fingerprint of
    /// the registered workflows' names and of the names of their input and output types.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = Some(version.into());
        self
    }

    /// How values are encoded from now on. Default: [`Encoding::Bincode`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The largest encoded value that is accepted, in bytes. Default: 64 MiB.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.payload_limit = bytes;
        self
    }

    /// How often to look for work that other executors handed back or left behind. Default: 1 s.
    pub fn takeover_interval(mut self, interval: Duration) -> Self {
        self.takeover_interval = interval;
        self
    }

    /// How often to tell the others that this executor lives. Default: 1 s.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// For how long the others must see no heartbeat before they take this application's executors for dead and take over their workflows. One that was
    /// taken for dead wrongly can write nothing more for those, and joins again. Must be at least twice the heartbeat's interval; all executors of an
    /// application should agree. Default: 3 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How often to look for schedules that other processes stored or changed. Their ticks are not lost meanwhile, only late. Default: 5 s.
    pub fn schedule_interval(mut self, interval: Duration) -> Self {
        self.schedule_interval = interval;
        self
    }

    /// How often to look into the queues if no wake-up comes. Default: 1 s.
    pub fn queue_interval(mut self, interval: Duration) -> Self {
        self.queue_interval = interval;
        self
    }

    /// From which queues this process takes work; [`serve_queues`](durable_api::serve_queues) changes it later. Default: from all.
    pub fn queues(mut self, queues: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.queues = Some(queues.into_iter().map(Into::into).collect());
        self
    }

    /// How many workflows from queues this process runs at once, whatever the limits of the queues. Default: 1,000.
    pub fn queue_capacity(mut self, workflows: usize) -> Self {
        self.queue_capacity = workflows;
        self
    }

    /// How often those who wait for something in the store look again, if no wake-up comes. Default: 1 s.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Where all time comes from. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where all ids come from. Default: [`RandomIds`].
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// Carries the trace of whoever starts a workflow through the store to wherever its code runs, now or after a recovery. Default: not at all.
    /// With the feature `opentelemetry`, [`OpenTelemetry`](crate::OpenTelemetry) does it.
    pub fn trace_propagation(mut self, traces: impl TracePropagation) -> Self {
        self.traces = Some(Arc::new(traces));
        self
    }

    /// Whether a store without schema, or with that of an earlier version, is brought up to date. If not, such a store is refused and left as it is: for a look at a
    /// store that a running version works with. Default: it is.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Stands between the engine and the bodies of steps: for tests. Default: nothing does.
    pub fn interceptor(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.interceptor = Some(interceptor);
        self
    }

    /// The configuration with the environment's overrides, checked.
    pub(crate) fn resolved(mut self) -> Result<Self, Error> {
        for (variable, setting) in [
            ("DURABLE_EXECUTOR_ID", &mut self.executor_id),
            ("DURABLE_APP_VERSION", &mut self.app_version),
        ] {
            match std::env::var(variable) {
                Ok(value) if !value.is_empty() => *setting = Some(value),
                Ok(_) | Err(std::env::VarError::NotPresent) => {}
                Err(error) => {
                    return Err(Error::InvalidConfig(format!("{variable}: {error}")));
                }
            }
        }
        names::check("application name", &self.app)?;
        if let Some(id) = &self.executor_id {
            names::check("executor id", id)?;
        }
        if let Some(version) = &self.app_version {
            names::check("application version", version)?;
        }
        if self.lease < 2 * self.heartbeat_interval {
            return Err(Error::InvalidConfig(
                "a lease shorter than two heartbeat intervals would take living executors for dead"
                    .to_owned(),
            ));
        }
        if self.takeover_interval.is_zero()
            || self.poll_interval.is_zero()
            || self.heartbeat_interval.is_zero()
            || self.schedule_interval.is_zero()
            || self.queue_interval.is_zero()
        {
            return Err(Error::InvalidConfig(
                "an interval of zero would never pause".to_owned(),
            ));
        }
        Ok(self)
    }
}
