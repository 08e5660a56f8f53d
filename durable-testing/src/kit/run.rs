use std::{
    fmt,
    future::IntoFuture,
    sync::{Arc, Weak},
    time::Duration,
};

use durable_api::{
    Ctx, Durable, Error, Workflow, WorkflowHandle, WorkflowStatus, retrieve_workflow, run_workflow,
};
use futures::future::BoxFuture;

use super::{TestEnv, WaitFor, history::History, life::Life};

/// A workflow of a test about to start. Made by [`TestEnv::start`].
///
/// ```
/// # use durable_api::{Ctx, Result};
/// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
/// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
/// # use std::time::Duration;
/// let run = env.start(checkout, "tea").id("order-7").timeout(Duration::from_secs(60)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a workflow starts when this is awaited"]
pub struct StartRun<O> {
    env: TestEnv,
    options: Options,
    start: Start<O>,
}

#[derive(Default)]
struct Options {
    id: Option<String>,
    queue: Option<String>,
    timeout: Option<Duration>,
}

type Start<O> = Box<dyn FnOnce(Ctx, Options) -> Started<O> + Send>;

type Started<O> = BoxFuture<'static, Result<WorkflowHandle<O>, Error>>;

impl<O> StartRun<O> {
    pub(super) fn new<W, I>(env: TestEnv, workflow: W, input: I) -> Self
    where
        W: Workflow<I, Output = O>,
        O: Durable,
        I: Durable,
    {
        Self {
            env,
            options: Options::default(),
            start: Box::new(move |ctx, options| {
                Box::pin(async move {
                    let ctx = match options.timeout {
                        Some(timeout) => ctx.with_timeout(timeout),
                        None => ctx,
                    };
                    let mut run = run_workflow(&ctx, workflow, input);
                    if let Some(id) = options.id {
                        run = run.id(id);
                    }
                    match options.queue {
                        Some(queue) => run.queue(queue).await,
                        None => run.await,
                    }
                })
            }),
        }
    }

    /// Sets the id. A script that is run again after a crash needs it.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let run = env.start(checkout, "tea").id("order-7").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.options.id = Some(id.into());
        self
    }

    /// Lets it wait in a queue.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// let run = env.start(checkout, "tea").queue("orders").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.options.queue = Some(queue.into());
        self
    }

    /// Gives it a deadline.
    ///
    /// ```
    /// # use durable_api::{Ctx, Result};
    /// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
    /// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
    /// # use std::time::Duration;
    /// let run = env.start(checkout, "tea").timeout(Duration::from_secs(60)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }
}

impl<O: Durable> IntoFuture for StartRun<O> {
    type Output = Result<TestRun<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (options, start) = (self.options, self.start);
            let env = self.env.clone();
            let work = async move {
                let life = env.life().await?;
                let handle = start(life.ctx.clone(), options).await?;
                Ok::<_, Error>((life, handle))
            };
            let (life, handle) = self.env.inner.world.run(work).await?;
            Ok(TestRun {
                env: self.env,
                id: handle.workflow_id().into(),
                life: Arc::downgrade(&life),
                handle,
            })
        })
    }
}

impl<O> fmt::Debug for StartRun<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartRun")
            .field("id", &self.options.id)
            .finish_non_exhaustive()
    }
}

/// A workflow of a test. It outlives the engine that it was started with.
///
/// ```
/// # use durable_api::{Ctx, Result};
/// # async fn checkout(_: Ctx, item: String) -> Result<String> { Ok(item) }
/// # async fn example(env: durable_testing::TestEnv) -> Result<()> {
/// let run = env.start(checkout, "tea").await?;
/// env.crash().await;
/// assert_eq!(run.result().await?, "tea");
/// # Ok(())
/// # }
/// ```
pub struct TestRun<O> {
    env: TestEnv,
    id: Arc<str>,
    /// The engine that it was started with, and the handle that this gave.
    life: Weak<Life>,
    handle: WorkflowHandle<O>,
}

impl<O: Durable> TestRun<O> {
    /// The workflow's id.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// assert_eq!(run.id(), "order-7");
    /// # }
    /// ```
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the output. Time passes as it must.
    ///
    /// # Errors
    /// As [`WorkflowHandle::get_result`] reports it.
    ///
    /// # Panics
    /// When nothing will ever happen, and when something runs for 30 real seconds.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<String>) -> durable_api::Result<()> {
    /// assert_eq!(run.result().await?, "tea");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn result(&self) -> Result<O, Error> {
        let run = self.clone();
        let work = async move {
            let handle = run.handle().await?;
            run.env.passing(handle.get_result().into_future()).await
        };
        self.env.inner.world.run(work).await
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::NotFound`] once it is deleted.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
    /// assert_eq!(run.status().await?, durable_api::WorkflowStatus::Success);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn status(&self) -> Result<WorkflowStatus, Error> {
        let run = self.clone();
        let work = async move { Ok(run.handle().await?.get_status().await?.status) };
        self.env.inner.world.run(work).await
    }

    /// What it has recorded so far.
    ///
    /// # Errors
    /// [`Error::Store`].
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) -> durable_api::Result<()> {
    /// assert_eq!(run.history().await?.names(), ["charge", "ship"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self) -> Result<History, Error> {
        self.env.history(&*self.id).await
    }

    /// Waits until the workflow waits for something, and nothing can run. Time passes as it must to get there, and no further. A text is the topic of
    /// a message.
    ///
    /// # Panics
    /// When the workflow ends before it comes there.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// use durable_testing::WaitFor;
    /// run.until_waiting_for("payment").await;
    /// run.until_waiting_for(WaitFor::event("stock")).await;
    /// run.until_waiting_for(WaitFor::sleep()).await;
    /// # }
    /// ```
    pub async fn until_waiting_for(&self, what: impl Into<WaitFor>) {
        let what = what.into();
        if !self.comes_to_wait_for(what.clone()).await {
            let status = self.status().await;
            panic!(
                "workflow `{}` does not wait for {what:?}: it ended, as {status:?}",
                self.id
            );
        }
    }

    /// As [`until_waiting_for`](Self::until_waiting_for), for scripts that are run again after a crash: `false` when the workflow has ended before it comes there, or is past
    /// it since an earlier life.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.comes_to_wait_for("payment").await;
    /// # }
    /// ```
    pub async fn comes_to_wait_for(&self, what: impl Into<WaitFor>) -> bool {
        let (run, what) = (self.clone(), what.into());
        let work = async move {
            let (env, id) = (&run.env, &run.id);
            let handle = run.handle().await;
            let handle = handle.unwrap_or_else(|error| panic!("workflow `{id}`: {error}"));
            let steps = &env.inner.steps;
            loop {
                let waits = async {
                    tokio::select! {
                        biased;
                        () = steps.until_waits(id, |wait| what.is(wait)) => true,
                        _ = handle.get_result() => false,
                    }
                };
                if !env.passing(waits).await {
                    return false;
                }
                // What it waits for may be there already.
                env.come_to(env.now()).await;
                if steps.waits(id, |wait| what.is(wait)) {
                    return true;
                }
            }
        };
        self.env.inner.world.run(work).await
    }

    /// A handle by the engine that runs now. One that knows the execution knows also why that ended without an outcome.
    async fn handle(&self) -> Result<WorkflowHandle<O>, Error> {
        let life = self.env.life().await?;
        if Weak::as_ptr(&self.life) == Arc::as_ptr(&life) {
            return Ok(self.handle.clone());
        }
        retrieve_workflow(&life.ctx, &*self.id).await
    }
}

impl<O> Clone for TestRun<O> {
    fn clone(&self) -> Self {
        Self {
            env: self.env.clone(),
            id: Arc::clone(&self.id),
            life: Weak::clone(&self.life),
            handle: self.handle.clone(),
        }
    }
}

impl<O> fmt::Debug for TestRun<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestRun").field(&self.id).finish()
    }
}
