//! One program, run again and again: with a crash, or a pause, at each call of the store.
mod attempt;
mod broken;
mod checks;
mod ending;
mod points;
mod report;
mod snapshot;

use std::{fmt, future::Future, future::IntoFuture, sync::Arc};

use durable_api::{Durable, Error, Failure, IntoInput, Result as Returned, SystemStore, Workflow};
use futures::{StreamExt as _, future::BoxFuture, stream};
use store_memory::MemoryStore;

use super::TestEnv;
use attempt::{Attempt, attempt};
pub use broken::Broken;
use checks::check;
pub use ending::Ending;
use points::{Point, crash_points_in, pause_points_in};
pub use report::Report;

/// Runs a workflow with a crash at each call of the store, and checks that it comes to the same: see [`Trial`].
///
/// A process dies before the call takes effect, or after it and before the answer; the next one recovers on the same store. Then the same with a
/// second crash, at a call of the recovery. Calls that change nothing are crashed at once after each change, since all of them find the same store.
///
/// ```
/// use durable_api::{Ctx, Result, run_as_step};
/// use durable_testing::crash_points;
///
/// async fn checkout(ctx: Ctx, item: String) -> Result<String> {
///     let cents: u64 = run_as_step(&ctx, || async { Ok(499) }).named("price").await?;
///     run_as_step(&ctx, || async { Ok(format!("{item} for {cents}")) }).named("charge").await
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let report = crash_points(checkout, "tea").await?;
/// assert!(report.runs() > 20);
/// # Ok(())
/// # }
/// ```
pub fn crash_points<W, I>(workflow: W, input: impl IntoInput<I>) -> Trial<'static, W::Output>
where
    W: Workflow<I, Output: Durable> + Clone,
    I: Durable + Clone,
{
    Trial::of_workflow(Kind::Crashes, workflow, input.into_input())
}

/// Runs a script with a crash at each call of the store that is made in it. After a crash, the script is run again from its beginning, against the
/// next process: give ids to the workflows that it starts, and keys to the messages that it sends ([`TestEnv::send_once`]).
///
/// ```
/// use std::time::Duration;
/// use durable_api::{Ctx, Result, recv};
/// use durable_testing::{TestEnv, crash_points_of};
///
/// async fn order(ctx: Ctx, item: String) -> Result<Option<u64>> {
///     Ok(recv(&ctx, "payment", Duration::from_secs(86_400)).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// crash_points_of(async |env: TestEnv| {
///     let run = env.start(order, "tea").id("order-7").await?;
///     env.send_once("payment", "order-7", "payment", 499u64).await?;
///     Ok(run.result().await?)
/// })
/// .set_up(|env| env.register(order))
/// .await?;
/// # Ok(())
/// # }
/// ```
pub fn crash_points_of<T, F>(
    script: impl Fn(TestEnv) -> F + Send + Sync + 'static,
) -> Trial<'static, T>
where
    F: Future<Output = Returned<T>> + Send + 'static,
    T: Send + 'static,
{
    Trial::new(Kind::Crashes, script)
}

/// Runs a workflow with a zombie: the first execution stands still at a call of the store, another executor takes over and finishes, and then the first
/// goes on. It must write nothing: workflows, steps, messages, events and streams are the same before and after. See [`Trial`].
///
/// ```
/// use durable_api::{Ctx, Result, run_as_step};
/// use durable_testing::zombies;
///
/// async fn checkout(ctx: Ctx, item: String) -> Result<String> {
///     run_as_step(&ctx, || async { Ok(format!("{item} sold")) }).named("charge").await
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// zombies(checkout, "tea").await?;
/// # Ok(())
/// # }
/// ```
pub fn zombies<W, I>(workflow: W, input: impl IntoInput<I>) -> Trial<'static, W::Output>
where
    W: Workflow<I, Output: Durable> + Clone,
    I: Durable + Clone,
{
    Trial::of_workflow(Kind::Zombies, workflow, input.into_input())
}

/// Runs a script with a zombie, as [`zombies`] does a workflow and [`crash_points_of`] a script.
///
/// ```
/// # use durable_api::{Ctx, Result};
/// # async fn order(_: Ctx, item: String) -> Result<String> { Ok(item) }
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// use durable_testing::{TestEnv, zombies_of};
///
/// zombies_of(async |env: TestEnv| Ok(env.start(order, "tea").id("order-7").await?.result().await?))
///     .set_up(|env| env.register(order))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub fn zombies_of<T, F>(script: impl Fn(TestEnv) -> F + Send + Sync + 'static) -> Trial<'static, T>
where
    F: Future<Output = Returned<T>> + Send + 'static,
    T: Send + 'static,
{
    Trial::new(Kind::Zombies, script)
}

/// A program that is about to be run with a crash or a pause at each call of the store. Await it, or set options first.
///
/// Each run has a fresh store and an environment of its own, and is compared with a run without crashes:
///
/// - it comes to the same outcome;
/// - the same workflows end in the same status, with the same steps of the program's own;
/// - each checkpoint is written once: none that was there at the crash is changed or gone, and their numbers have no gaps but those of calls that left none;
/// - the invariants that were given hold.
///
/// ```
/// # use durable_api::{Ctx, Result, run_as_step};
/// # async fn ship(_: Ctx, item: String) -> Result<String> { Ok(item) }
/// # async fn checkout(ctx: Ctx, item: String) -> Result<String> {
/// #     run_as_step(&ctx, || async { Ok(1u64) }).named("charge").await?;
/// #     Ok(durable_api::run_workflow(&ctx, ship, item).await?.get_result().await?)
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// durable_testing::crash_points(checkout, "tea")
///     .set_up(|env| {
///         env.mock_step("charge").returns(499u64);
///         env.register(ship)
///     })
///     .invariant("a body runs at most once more for each crash", |end| {
///         let most = 1 + u32::try_from(end.stops().len()).unwrap_or(0);
///         match end.attempts("charge") {
///             attempts if attempts <= most => Ok(()),
///             attempts => Err(format!("it ran {attempts} times")),
///         }
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a trial runs when it is awaited"]
pub struct Trial<'a, T> {
    kind: Kind,
    script: Script<T>,
    setups: Vec<Setup>,
    invariants: Vec<(String, Invariant<T>)>,
    stores: Stores<'a>,
    looks: bool,
    numbers: bool,
    pairs: usize,
    parallel: usize,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Crashes,
    Zombies,
}

type Script<T> = Arc<dyn Fn(TestEnv) -> BoxFuture<'static, Returned<T>> + Send + Sync>;
type Setup = Box<dyn Fn(&TestEnv) -> Result<(), Error> + Send + Sync>;
type Invariant<T> = Box<dyn Fn(&Ending<'_, T>) -> Result<(), String> + Send + Sync>;
type Stores<'a> = Box<dyn Fn() -> BoxFuture<'a, Arc<dyn SystemStore>> + Send + Sync + 'a>;

/// How many runs have two crashes, unless it is said.
const PAIRS: usize = 300;

impl<T: Durable> Trial<'static, T> {
    fn of_workflow<W, I>(kind: Kind, workflow: W, input: I) -> Self
    where
        W: Workflow<I, Output = T> + Clone,
        I: Durable + Clone,
    {
        let registered = workflow.clone();
        let script = move |env: TestEnv| {
            let (workflow, input) = (workflow.clone(), input.clone());
            async move {
                Ok(env
                    .start(workflow, input)
                    .id("the-workflow")
                    .await?
                    .result()
                    .await?)
            }
        };
        Self::new(kind, script).set_up(move |env| env.register(registered.clone()))
    }
}

impl<'a, T: Send + 'static> Trial<'a, T> {
    fn new<F>(kind: Kind, script: impl Fn(TestEnv) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Returned<T>> + Send + 'static,
    {
        Self {
            kind,
            script: Arc::new(move |env| Box::pin(script(env))),
            setups: Vec::new(),
            invariants: Vec::new(),
            stores: Box::new(|| Box::pin(async { Arc::new(MemoryStore::new()) as _ })),
            looks: true,
            numbers: true,
            pairs: PAIRS,
            parallel: 1,
        }
    }

    /// Done to the environment of each run before anything else: registers workflows, mocks steps, clears what the test counts.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn ship(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.set_up(|env| {
    ///     env.mock_step("charge").returns(499u64);
    ///     env.register(ship)
    /// });
    /// # }
    /// ```
    pub fn set_up(
        mut self,
        setup: impl Fn(&TestEnv) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.setups.push(Box::new(setup));
        self
    }

    /// Holds at the end of each run, the one without crashes included; an error says how it does not.
    ///
    /// ```
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.invariant("the charge is recorded", |end| {
    ///     let history = end.history("the-workflow").ok_or("there is no workflow")?;
    ///     history.step("charge").map(drop).ok_or("it is not".to_owned())
    /// });
    /// # }
    /// ```
    pub fn invariant(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&Ending<'_, T>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.invariants.push((name.into(), Box::new(holds)));
        self
    }

    /// Where each run gets a store of its own, empty and migrated. Default: a fresh memory.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.stores(|| Box::pin(async { Arc::new(store_memory::MemoryStore::new()) as _ }));
    /// # }
    /// ```
    pub fn stores<'b>(
        self,
        open: impl Fn() -> BoxFuture<'b, Arc<dyn SystemStore>> + Send + Sync + 'b,
    ) -> Trial<'b, T> {
        Trial {
            kind: self.kind,
            script: self.script,
            setups: self.setups,
            invariants: self.invariants,
            stores: Box::new(open),
            looks: self.looks,
            numbers: self.numbers,
            pairs: self.pairs,
            parallel: self.parallel,
        }
    }

    /// Leaves out the calls that change nothing, for stores where runs take long: a process that dies at one leaves the same store as one that dies before
    /// the next change.
    ///
    /// ```
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.changes_only();
    /// # }
    /// ```
    pub fn changes_only(mut self) -> Self {
        self.looks = false;
        self
    }

    /// Has the workflows make as many steps of each name as without crashes, by whatever numbers. For those with branches of several calls
    /// side by side, which are numbered as time has it: in the same way in each replay of a run, and not in every run.
    ///
    /// ```
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.numbers_may_differ();
    /// # }
    /// ```
    pub fn numbers_may_differ(mut self) -> Self {
        self.numbers = false;
        self
    }

    /// How many runs at most have two crashes. If there are more pairs, they are spread over all. Default: 300.
    ///
    /// ```
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let all = trial.pairs(usize::MAX);
    /// # }
    /// ```
    pub fn pairs(mut self, pairs: usize) -> Self {
        self.pairs = pairs;
        self
    }

    /// How many runs go on at once, for stores with real latency. What the test counts must not be shared by runs then. Default: 1.
    ///
    /// ```
    /// # fn example(trial: durable_testing::Trial<'static, String>) {
    /// let trial = trial.parallel(4);
    /// # }
    /// ```
    pub fn parallel(mut self, runs: usize) -> Self {
        self.parallel = runs.max(1);
        self
    }
}

impl<T: PartialEq + fmt::Debug + Send + Sync + 'static> Trial<'_, T> {
    async fn run(self) -> Result<Report, Broken> {
        let clean = attempt(&self, &[])
            .await
            .map_err(|why| Broken::new(&[], why))?;
        check(&self, &clean, &clean).map_err(|why| Broken::new(&[], why))?;
        let mut report = Report::default();
        let points = match self.kind {
            Kind::Crashes => crash_points_in(&clean.logs[0], self.looks),
            Kind::Zombies => pause_points_in(&clean.logs[0], self.looks),
        };
        let singles: Vec<_> = points.into_iter().map(|point| vec![point]).collect();
        let recoveries = self.try_all(&clean, singles, &mut report).await?;
        let pairs = match self.kind {
            Kind::Crashes => spread(recoveries, self.pairs),
            Kind::Zombies => Vec::new(),
        };
        self.try_all(&clean, pairs, &mut report).await?;
        Ok(report)
    }

    /// Makes a run for each list of points, and returns each list with one more point of the recovery.
    async fn try_all(
        &self,
        clean: &Attempt<T>,
        lists: Vec<Vec<Point>>,
        report: &mut Report,
    ) -> Result<Vec<Vec<Point>>, Broken> {
        let attempts = stream::iter(lists).map(async |points| {
            let made = attempt(self, &points).await;
            let made = made.and_then(|made| check(self, clean, &made).map(|()| made));
            (points, made)
        });
        let mut attempts = std::pin::pin!(attempts.buffered(self.parallel));
        let mut further = Vec::new();
        while let Some((points, made)) = attempts.next().await {
            let made = made.map_err(|why| Broken::new(&points, why))?;
            report.add(points.len(), made.stops.len());
            if made.stops.len() == points.len()
                && let Some(log) = made.logs.get(points.len())
            {
                let second = crash_points_in(log, self.looks).into_iter();
                further.extend(second.map(|point| [points.clone(), vec![point]].concat()));
            }
        }
        Ok(further)
    }
}

/// So many of a list, spread over it.
fn spread<P: Clone>(list: Vec<P>, most: usize) -> Vec<P> {
    let (all, taken) = (list.len(), list.len().min(most));
    (0..taken)
        .map(|place| list[place * all / taken].clone())
        .collect()
}

impl<'a, T: PartialEq + fmt::Debug + Send + Sync + 'static> IntoFuture for Trial<'a, T> {
    type Output = Result<Report, Broken>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Trial<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial")
            .field("kind", &self.kind)
            .field("pairs", &self.pairs)
            .finish_non_exhaustive()
    }
}

/// An outcome, as it is compared: failures by what they say.
fn told<T>(outcome: &Returned<T>) -> Result<&T, String> {
    outcome.as_ref().map_err(Failure::to_string)
}
