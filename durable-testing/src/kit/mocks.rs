//! Bodies of steps that are replaced, and what is known of all of them.
use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::{Durable, Failure, Result, Value};
use futures::future::BoxFuture;

use super::steps::Steps;

/// What stands in for the bodies of the steps of one name. Made by [`TestEnv::mock_step`](super::TestEnv::mock_step).
///
/// Reactions come in the order in which they were given. [`fails`](Self::fails) holds for so many attempts; [`returns`](Self::returns) and those like it hold for
/// all that follow. After a last one that is used up, bodies run as they are.
///
/// ```
/// use durable_api::{Ctx, Result, RetryPolicy, run_as_step};
/// use durable_testing::TestEnv;
///
/// async fn pay(ctx: Ctx, cents: u64) -> Result<String> {
///     run_as_step(&ctx, || async { Err::<String, _>(durable_api::Failure::msg("no network in tests")) })
///         .named("charge")
///         .retry(RetryPolicy::new(5))
///         .await
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let env = TestEnv::new().await?;
/// env.register(pay)?;
/// env.mock_step("charge").fails(2).then_returns("receipt".to_owned());
/// assert_eq!(env.start(pay, 499u64).await?.result().await?, "receipt");
/// assert_eq!(env.attempts("charge"), 3);
/// # Ok(())
/// # }
/// ```
#[must_use = "a mock does nothing before it is told what to do"]
pub struct MockStep<'e> {
    pub(super) steps: &'e Steps,
    pub(super) name: String,
}

impl MockStep<'_> {
    /// Each attempt returns this. It must be of the very type that the step returns.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("price").returns(499u64);
    /// # }
    /// ```
    pub fn returns<T: Durable + Clone>(self, value: T) {
        self.react(None, move || {
            let value = value.clone();
            Reaction::RunsInstead(Box::pin(async move { Ok(Value::new(value)) }))
        });
    }

    /// So many attempts fail; then comes what follows.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("charge").fails(2).then_returns("receipt".to_owned());
    /// # }
    /// ```
    pub fn fails(self, attempts: u32) -> Self {
        let failure = Failure::msg(format!("`{}` fails, as it was told to", self.name));
        self.fails_with(attempts, failure)
    }

    /// So many attempts fail with this; then comes what follows.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// let declined = durable_api::Failure::permanent("declined").with_code("declined");
    /// env.mock_step("charge").fails_with(1, declined).then_runs();
    /// # }
    /// ```
    pub fn fails_with(self, attempts: u32, failure: Failure) -> Self {
        self.react(Some(attempts), move || {
            let failure = failure.clone();
            Reaction::RunsInstead(Box::pin(async move { Err(failure) }))
        });
        self
    }

    /// All further attempts return this.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("charge").fails(2).then_returns("receipt".to_owned());
    /// # }
    /// ```
    pub fn then_returns<T: Durable + Clone>(self, value: T) {
        self.returns(value);
    }

    /// All further attempts run the body as it is.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("charge").fails(1).then_runs();
    /// # }
    /// ```
    pub fn then_runs(self) {
        self.react(None, || Reaction::Runs);
    }

    /// Each attempt waits for ever, and time passes meanwhile: what a timeout is tested with.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("charge").hangs();
    /// # }
    /// ```
    pub fn hangs(self) {
        self.react(None, || Reaction::Hangs);
    }

    /// Each attempt runs this instead of the body. Time stands still meanwhile, as it does for bodies.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) {
    /// env.mock_step("price").runs(|| async { Ok(499u64) });
    /// # }
    /// ```
    pub fn runs<F, T>(self, body: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Durable,
    {
        self.react(None, move || {
            let body = body();
            Reaction::RunsInstead(Box::pin(async move { Ok(Value::new(body.await?)) }))
        });
    }

    fn react(&self, times: Option<u32>, make: impl Fn() -> Reaction + Send + Sync + 'static) {
        self.steps.mocks.add(&self.name, times, Arc::new(make));
    }
}

/// What an attempt does.
pub(super) enum Reaction {
    /// It runs the body as it is.
    Runs,
    /// It runs this.
    RunsInstead(BoxFuture<'static, Result<Value>>),
    /// It never ends.
    Hangs,
}

type Make = Arc<dyn Fn() -> Reaction + Send + Sync>;

/// What attempts do in turn, and how many of them, if not all that follow.
type Reactions = VecDeque<(Option<u32>, Make)>;

/// What was said of the steps of each name.
#[derive(Default)]
pub(super) struct Mocks(Mutex<HashMap<String, Reactions>>);

impl Mocks {
    /// What is said anew of a name, unless it goes on, takes the place of what was said.
    pub(super) fn reset(&self, name: &str) {
        self.lock().remove(name);
    }

    fn add(&self, name: &str, times: Option<u32>, make: Make) {
        let mut mocks = self.lock();
        mocks
            .entry(name.to_owned())
            .or_default()
            .push_back((times, make));
    }

    /// The reaction to the next attempt.
    pub(super) fn react(&self, name: &str) -> Reaction {
        let mut mocks = self.lock();
        let Some(reactions) = mocks.get_mut(name) else {
            return Reaction::Runs;
        };
        while let Some((Some(0), _)) = reactions.front() {
            reactions.pop_front();
        }
        let Some((times, make)) = reactions.front_mut() else {
            return Reaction::Runs;
        };
        if let Some(times) = times {
            *times -= 1;
        }
        let make = Arc::clone(make);
        // It is the test's code: it may mock another step.
        drop(mocks);
        make()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Reactions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
