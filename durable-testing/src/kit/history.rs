use std::ops::Deref;

use durable_api::{
    CodecError, Durable, Failure,
    store::{Outcome, StepRecord},
};

/// What a workflow has recorded, step by step.
///
/// ```
/// use durable_api::{Ctx, Result, run_as_step};
/// use durable_testing::TestEnv;
///
/// async fn price(ctx: Ctx, item: String) -> Result<u64> {
///     run_as_step(&ctx, || async { Ok(item.len() as u64) }).named("look up").await
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let env = TestEnv::new().await?;
/// env.register(price)?;
/// let run = env.start(price, "tea").await?;
/// run.result().await?;
/// let history = run.history().await?;
/// assert_eq!(history.names(), ["look up"]);
/// assert_eq!(history.output::<u64>("look up"), Some(3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History(Vec<HistoryStep>);

impl History {
    pub(super) fn new(steps: Vec<StepRecord>) -> Self {
        Self(steps.into_iter().map(HistoryStep).collect())
    }

    /// The names of the steps, in order; those of the library's own begin with `durable.`.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
    /// assert_eq!(run.history().await?.names(), ["charge", "durable.sleep", "ship"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(HistoryStep::name).collect()
    }

    /// The first step of a name.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
    /// let history = run.history().await?;
    /// let charge = history.step("charge").expect("was recorded");
    /// # Ok(())
    /// # }
    /// ```
    pub fn step(&self, name: &str) -> Option<&HistoryStep> {
        self.0.iter().find(|step| step.name() == name)
    }

    /// What the first step of a name returned; `None` if there is none, or it failed.
    ///
    /// # Panics
    /// When what it returned is no `T`.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
    /// assert_eq!(run.history().await?.output::<u64>("price"), Some(499));
    /// # Ok(())
    /// # }
    /// ```
    pub fn output<T: Durable>(&self, name: &str) -> Option<T> {
        let output = self.step(name)?.output()?;
        Some(output.unwrap_or_else(|error| panic!("the output of step `{name}`: {error}")))
    }
}

impl Deref for History {
    type Target = [HistoryStep];

    fn deref(&self) -> &[HistoryStep] {
        &self.0
    }
}

/// A step that was recorded.
///
/// ```
/// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
/// for step in run.history().await?.iter() {
///     println!("{} {} failed: {}", step.id(), step.name(), step.failure().is_some());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryStep(StepRecord);

impl HistoryStep {
    /// Its number.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// assert_eq!(step.id(), 0);
    /// # }
    /// ```
    pub fn id(&self) -> u32 {
        self.0.step_id
    }

    /// Its name.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// assert_eq!(step.name(), "charge");
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it returned, if it did not fail.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// assert!(matches!(step.output::<u64>(), Some(Ok(499))));
    /// # }
    /// ```
    pub fn output<T: Durable>(&self) -> Option<Result<T, CodecError>> {
        match &self.0.outcome {
            Some(Outcome::Success(payload)) => Some(payload.decode()),
            _ => None,
        }
    }

    /// What it failed with, if it did.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// let failure = step.failure().expect("failed");
    /// assert_eq!(failure.code(), Some("declined"));
    /// # }
    /// ```
    pub fn failure(&self) -> Option<Failure> {
        match &self.0.outcome {
            Some(Outcome::Failure(payload)) => Failure::from_payload(payload).ok(),
            _ => None,
        }
    }

    /// The workflow that it started or asked about.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// assert_eq!(step.child_id(), Some("order-7-2"));
    /// # }
    /// ```
    pub fn child_id(&self) -> Option<&str> {
        self.0.child_id.as_deref()
    }

    /// The record itself, with its times and bytes.
    ///
    /// ```
    /// # fn example(step: &durable_testing::HistoryStep) {
    /// assert!(step.record().started_at <= step.record().completed_at);
    /// # }
    /// ```
    pub fn record(&self) -> &StepRecord {
        &self.0
    }
}
