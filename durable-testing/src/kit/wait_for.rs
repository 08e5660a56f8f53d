use durable_engine::Wait;

/// What a test waits for a workflow to wait for.
///
/// ```
/// use durable_testing::WaitFor;
///
/// assert_eq!(WaitFor::from("payment"), WaitFor::message("payment"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitFor(What);

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Message(String),
    Event(String),
    Stream(String),
    Result,
    Retry(String),
    Sleep,
}

impl WaitFor {
    /// A message on a topic.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::message("payment")).await;
    /// # }
    /// ```
    pub fn message(topic: impl Into<String>) -> Self {
        Self(What::Message(topic.into()))
    }

    /// An event under a key, of whichever workflow.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::event("stock")).await;
    /// # }
    /// ```
    pub fn event(key: impl Into<String>) -> Self {
        Self(What::Event(key.into()))
    }

    /// The next values of a stream under a key, of whichever workflow.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::stream("progress")).await;
    /// # }
    /// ```
    pub fn stream(key: impl Into<String>) -> Self {
        Self(What::Stream(key.into()))
    }

    /// The result of another workflow.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::result()).await;
    /// # }
    /// ```
    pub fn result() -> Self {
        Self(What::Result)
    }

    /// The next attempt at a step of this name.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::retry("charge")).await;
    /// # }
    /// ```
    pub fn retry(step: impl Into<String>) -> Self {
        Self(What::Retry(step.into()))
    }

    /// The end of a durable sleep.
    ///
    /// ```
    /// # async fn example(run: durable_testing::TestRun<()>) {
    /// run.until_waiting_for(durable_testing::WaitFor::sleep()).await;
    /// # }
    /// ```
    pub fn sleep() -> Self {
        Self(What::Sleep)
    }

    pub(super) fn is(&self, wait: &Wait) -> bool {
        match (&self.0, wait) {
            (What::Message(topic), Wait::Message { topic: other }) => topic == other,
            (What::Event(key), Wait::Event { key: other, .. }) => key == other,
            (What::Stream(key), Wait::Stream { key: other, .. }) => key == other,
            (What::Retry(step), Wait::Retry { step: other }) => step == other,
            (What::Result, Wait::Outcome { .. }) | (What::Sleep, Wait::Sleep { .. }) => true,
            _ => false,
        }
    }
}

impl From<&str> for WaitFor {
    fn from(topic: &str) -> Self {
        Self::message(topic)
    }
}
