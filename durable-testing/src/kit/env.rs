use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use durable_api::{
    Clock as _, Ctx, Durable, Error, IntoInput, RegisterOptions, Registration, SystemStore,
    Timestamp, Values, Workflow,
};
use durable_engine::Config;

use super::{
    MockStep, StartRun, TestEnvBuilder,
    clock::SkippingClock,
    history::History,
    ids::SeededIds,
    life::{Life, Lives},
    stand_ins::StandIns,
    steps::Steps,
    world::World,
};
use crate::faults::Activity;

/// The real engine, over a store, with time that skips. A clone is another handle on the same environment.
///
/// **Time** moves only while the test waits for something that takes time ([`advance`](Self::advance), [`TestRun::result`](super::TestRun::result),
/// [`TestRun::until_waiting_for`](super::TestRun::until_waiting_for), [`until`](Self::until)), and then only when nothing else can run: no task is ready, no call of the store
/// is under way, no body of a step runs. It goes from one instant at which something is due to the next. So a sleep of 30 days, a timeout, a
/// pause between attempts, a schedule or a lease passes at once, and over a memory of its own each run of a test is the same.
///
/// Everything runs on one thread that belongs to the environment. Steps may do real work, also on other threads; time waits for them.
///
/// ```
/// use std::time::Duration;
/// use durable_api::{Ctx, Result, recv, sleep};
/// use durable_testing::TestEnv;
///
/// async fn remind(ctx: Ctx, who: String) -> Result<String> {
///     sleep(&ctx, Duration::from_secs(30 * 86_400)).await?;
///     let answer: Option<String> = recv(&ctx, "answer", Duration::from_secs(86_400)).await?;
///     Ok(format!("{who}: {}", answer.unwrap_or("no answer".into())))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let env = TestEnv::new().await?;
/// env.register(remind)?;
/// let run = env.start(remind, "ada").await?;
/// run.until_waiting_for("answer").await;
/// env.send(run.id(), "answer", "yes".to_owned()).await?;
/// assert_eq!(run.result().await?, "ada: yes");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TestEnv {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) parts: Parts,
    pub(super) world: World,
    pub(super) clock: SkippingClock,
    pub(super) activity: Arc<Activity>,
    pub(super) ids: Arc<SeededIds>,
    pub(super) steps: Arc<Steps>,
    pub(super) stand_ins: StandIns,
    pub(super) lives: Lives,
    setups: Mutex<Vec<Setup>>,
}

/// What an environment is made of.
pub(super) struct Parts {
    pub(super) store: Arc<dyn SystemStore>,
    pub(super) seed: u64,
    pub(super) start: Timestamp,
    pub(super) lease: Duration,
    pub(super) configure: Arc<dyn Fn(Config) -> Config + Send + Sync>,
}

/// What is done to each context before it is launched.
type Setup = Arc<dyn Fn(&Ctx) -> Result<(), Error> + Send + Sync>;

impl TestEnv {
    /// An environment over a memory of its own.
    ///
    /// # Errors
    /// When its thread cannot be started.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> durable_api::Result<()> {
    /// let env = durable_testing::TestEnv::new().await?;
    /// assert_eq!(env.now(), env.now(), "time stands still");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn new() -> Result<Self, Error> {
        Self::builder().await
    }

    /// An environment with settings of your own.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> durable_api::Result<()> {
    /// let env = durable_testing::TestEnv::builder().seed(7).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> TestEnvBuilder {
        TestEnvBuilder::new()
    }

    pub(super) fn make(parts: Parts) -> Result<Self, Error> {
        let activity = Arc::<Activity>::default();
        // For as long as a lost executor can go unnoticed, and then some.
        let window = 3 * parts.lease + Duration::from_secs(2);
        let clock = SkippingClock::new(parts.start, window, Arc::clone(&activity));
        let world = World::start(clock.clone(), Arc::clone(&activity));
        let world = world.map_err(|error| {
            Error::InvalidConfig(format!(
                "cannot start the thread of a test environment: {error}"
            ))
        })?;
        let ids = Arc::new(SeededIds::new(parts.seed));
        Ok(Self {
            inner: Arc::new(Inner {
                world,
                clock,
                steps: Arc::default(),
                stand_ins: StandIns::new(ids.as_ref()),
                ids,
                activity,
                lives: Lives::default(),
                setups: Mutex::default(),
                parts,
            }),
        })
    }

    /// Registers a workflow, with each engine that will run. Call it before anything is started.
    ///
    /// # Errors
    /// [`Error::Unnamed`] for a closure; [`Error::AlreadyLaunched`] once something was started.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// env.register(checkout)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register<W, I>(&self, workflow: W) -> Result<(), Error>
    where
        W: Workflow<I, Output: Durable>,
        I: Durable,
    {
        self.register_with(workflow, RegisterOptions::new())
    }

    /// Registers a workflow, with options.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    ///
    /// ```
    /// # use durable_api::{Ctx, RegisterOptions, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// env.register_with(checkout, RegisterOptions::new().named("checkout"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_with<W, I>(&self, workflow: W, options: RegisterOptions) -> Result<(), Error>
    where
        W: Workflow<I, Output: Durable>,
        I: Durable,
    {
        let registration = Registration::new(workflow, options, Values::default())?;
        self.set_up(move |ctx| ctx.as_dyn().register_workflow(registration.clone()))
    }

    /// Does something to the context of each engine before it is launched: what your program does to register its workflows, with the values of its contexts, say.
    ///
    /// # Errors
    /// [`Error::AlreadyLaunched`] once something was started.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// env.set_up(|ctx| durable_api::register_workflow(&ctx.with_value("a pool"), checkout))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_up(
        &self,
        setup: impl Fn(&Ctx) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let operation = "register_workflow";
        if self.inner.lives.any() {
            return Err(Error::AlreadyLaunched { operation });
        }
        self.setups().push(Arc::new(setup));
        Ok(())
    }

    /// Says what stands in for the bodies of all steps of a name, in place of what was said before.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("charge").fails(2).then_returns("receipt".to_owned());
    /// env.mock_step("ship").returns("label".to_owned());
    /// # }
    /// ```
    pub fn mock_step(&self, name: impl Into<String>) -> MockStep<'_> {
        let name = name.into();
        self.inner.steps.mocks.reset(&name);
        MockStep {
            steps: &self.inner.steps,
            name,
        }
    }

    /// How often the bodies of steps of a name were attempted, mocked or not.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// assert_eq!(env.attempts("charge"), 3);
    /// # }
    /// ```
    pub fn attempts(&self, step: &str) -> u32 {
        self.inner.steps.attempts(step)
    }

    /// Starts a workflow. Await the returned builder, or set options first.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let run = env.start(checkout, "tea").id("order-7").await?;
    /// assert_eq!(run.result().await?, "tea");
    /// # Ok(())
    /// # }
    /// ```
    pub fn start<W, I>(&self, workflow: W, input: impl IntoInput<I>) -> StartRun<W::Output>
    where
        W: Workflow<I, Output: Durable>,
        I: Durable,
    {
        StartRun::new(self.clone(), workflow, input.into_input())
    }

    /// The present time.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// # use std::time::Duration;
    /// let before = env.now();
    /// env.advance(Duration::from_secs(5)).await;
    /// assert_eq!(env.now(), before.saturating_add(Duration::from_secs(5)));
    /// # }
    /// ```
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Lets time pass. What is due meanwhile happens in its turn; when it returns, nothing can run.
    ///
    /// # Panics
    /// When something runs for 30 real seconds.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// # use std::time::Duration;
    /// env.advance(Duration::from_secs(30 * 86_400)).await;
    /// # }
    /// ```
    pub async fn advance(&self, duration: Duration) {
        let until = self.now().saturating_add(duration);
        self.go_to(until).await;
    }

    /// Lets everything run that can, without letting time pass.
    ///
    /// # Panics
    /// When something runs for 30 real seconds.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.settle().await;
    /// # }
    /// ```
    pub async fn settle(&self) {
        self.go_to(self.now()).await;
    }

    /// What a workflow has recorded.
    ///
    /// # Errors
    /// [`Error::Store`]. A workflow that does not exist has recorded nothing.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) -> durable_api::Result<()> {
    /// assert_eq!(env.history("order-7").await?.names(), ["charge", "ship"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self, workflow_id: impl Into<String>) -> Result<History, Error> {
        let (store, id) = (self.store(), workflow_id.into());
        let steps = self
            .inner
            .world
            .run(async move { store.list_steps(&id).await });
        Ok(History::new(steps.await?))
    }

    /// Calls any function of the library from outside workflows. Time stands still meanwhile.
    ///
    /// # Errors
    /// What the call returns; [`Error::Startup`] when no engine can be launched.
    ///
    /// ```
    /// # use durable_api::{Result, cancel_workflow};
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// env.with(async |ctx| cancel_workflow(&ctx, "order-7").await).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with<T, E, F>(&self, call: impl FnOnce(Ctx) -> F + Send + 'static) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let env = self.clone();
        let work = async move {
            let ctx = env.life().await?.ctx.clone();
            call(ctx).await
        };
        self.inner.world.run(work).await
    }

    /// Waits for anything that takes time. Time passes as it must.
    ///
    /// # Errors
    /// What the call returns; [`Error::Startup`] when no engine can be launched.
    ///
    /// # Panics
    /// When nothing will ever happen, and when something runs for 30 real seconds.
    ///
    /// ```
    /// # use durable_api::Result;
    /// # use std::time::Duration;
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let stock = env.until(async |ctx| {
    ///     durable_api::get_event::<u32>(&ctx, "inventory-3", "stock", Duration::from_secs(60)).await
    /// });
    /// assert_eq!(stock.await?, Some(12));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn until<T, E, F>(&self, call: impl FnOnce(Ctx) -> F + Send + 'static) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let env = self.clone();
        let work = async move {
            let ctx = env.life().await?.ctx.clone();
            env.passing(call(ctx)).await
        };
        self.inner.world.run(work).await
    }

    /// Kills the engine, wherever it is: nothing that it does from now on reaches the store, and no code of a workflow goes on. The next call that
    /// needs one launches another, which takes the work up at once, as a restarted process does.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let run = env.start(checkout, "tea").await?;
    /// run.until_waiting_for("payment").await;
    /// env.crash().await;
    /// env.send(run.id(), "payment", 499u64).await?;
    /// assert_eq!(run.result().await?, "tea");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn crash(&self) {
        let env = self.clone();
        self.inner.world.run(async move { env.kill().await }).await;
    }

    /// Kills the engine, and launches another that is another executor: it takes the work up when the lease of the first has run out.
    ///
    /// # Errors
    /// [`Error::Startup`].
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let run = env.start(checkout, "tea").await?;
    /// env.fail_over().await?;
    /// assert_eq!(run.result().await?, "tea");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fail_over(&self) -> Result<(), Error> {
        let env = self.clone();
        let work = async move {
            env.kill().await;
            env.inner.lives.change_executor();
            env.life().await.map(drop)
        };
        self.inner.world.run(work).await
    }

    /// The store, without faults, as the engine sees it.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) -> durable_api::Result<()> {
    /// use durable_api::store::Payloads;
    /// let row = env.store().get_workflow("order-7", Payloads::Load).await.map_err(durable_api::Error::from)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn store(&self) -> Arc<dyn SystemStore> {
        Arc::new(self.link())
    }

    pub(super) fn setups(&self) -> MutexGuard<'_, Vec<Setup>> {
        self.inner
            .setups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn go_to(&self, until: Timestamp) {
        let env = self.clone();
        let work = async move {
            let life: Result<Arc<Life>, Error> = env.life().await;
            drop(life);
            env.come_to(until).await;
        };
        self.inner.world.run(work).await;
    }
}

impl fmt::Debug for TestEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEnv")
            .field("store", &self.inner.parts.store)
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}
