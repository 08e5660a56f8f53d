use durable_api::{Result as Returned, store::WorkflowArchive};

use super::attempt::Attempt;
use crate::kit::{History, TestEnv};

/// The end of one run of a [`Trial`](super::Trial), for its invariants to look at.
///
/// ```
/// # fn example(trial: durable_testing::Trial<'static, String>) {
/// let trial = trial.invariant("it is sold", |end| match end.outcome() {
///     Ok(text) if text.ends_with("sold") => Ok(()),
///     other => Err(format!("{other:?}")),
/// });
/// # }
/// ```
#[derive(Debug)]
pub struct Ending<'a, T> {
    outcome: &'a Returned<T>,
    stops: &'a [String],
    env: &'a TestEnv,
    workflows: Vec<&'a WorkflowArchive>,
}

impl<'a, T> Ending<'a, T> {
    pub(super) fn new(made: &'a Attempt<T>) -> Self {
        Self {
            outcome: &made.outcome,
            stops: &made.stops,
            env: &made.env,
            workflows: made.end.values().collect(),
        }
    }

    /// What the program came to.
    ///
    /// ```
    /// # fn example(end: durable_testing::Ending<'_, u32>) {
    /// assert!(end.outcome().is_ok());
    /// # }
    /// ```
    pub fn outcome(&self) -> &'a Returned<T> {
        self.outcome
    }

    /// Where the program was stopped, in words; empty for the run without crashes.
    ///
    /// ```
    /// # fn example(end: durable_testing::Ending<'_, u32>) {
    /// assert!(end.stops().len() <= 2);
    /// # }
    /// ```
    pub fn stops(&self) -> &'a [String] {
        self.stops
    }

    /// All workflows with what belongs to them, by id.
    ///
    /// ```
    /// # fn example(end: durable_testing::Ending<'_, u32>) {
    /// assert!(end.workflows().iter().all(|one| one.messages.is_empty()), "no message is left");
    /// # }
    /// ```
    pub fn workflows(&self) -> &[&'a WorkflowArchive] {
        &self.workflows
    }

    /// What a workflow has recorded, if there is one.
    ///
    /// ```
    /// # fn example(end: durable_testing::Ending<'_, u32>) {
    /// assert_eq!(end.history("order-7").unwrap().names(), ["charge", "ship"]);
    /// # }
    /// ```
    pub fn history(&self, workflow_id: &str) -> Option<History> {
        let found = self
            .workflows
            .iter()
            .find(|one| one.record.id == workflow_id)?;
        Some(History::new(found.steps.clone()))
    }

    /// How often the bodies of steps of a name were attempted, in all lives together.
    ///
    /// ```
    /// # fn example(end: durable_testing::Ending<'_, u32>) {
    /// assert!(end.attempts("charge") >= 1);
    /// # }
    /// ```
    pub fn attempts(&self, step: &str) -> u32 {
        self.env.attempts(step)
    }
}
