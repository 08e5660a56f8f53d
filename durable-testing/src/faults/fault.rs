use std::fmt;

/// A call that reached a [`FaultyStore`](super::FaultyStore).
///
/// ```
/// use durable_testing::{Fault, FaultPlan};
///
/// // The third checkpoint of workflow `order-7` is refused once.
/// let plan = FaultPlan::new(|call| {
///     let third = call.operation == "record_step" && call.step_id == Some(2);
///     match third && call.nth_here == 0 && call.workflow_id.as_deref() == Some("order-7") {
///         true => Fault::Refuse,
///         false => Fault::PassThrough,
///     }
/// });
/// # drop(plan);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// The name of the trait's method, such as `record_step`.
    pub operation: &'static str,
    /// The workflow that it is about, if it is about one.
    pub workflow_id: Option<String>,
    /// The step of that workflow, if it is about one.
    pub step_id: Option<u32>,
    /// How many calls of any operation came before.
    pub number: usize,
    /// How many calls of this operation came before.
    pub nth: usize,
    /// How many calls of this operation about the same workflow and step came before.
    pub nth_here: usize,
}

impl Call {
    /// Whether this is the same call of the same program as another, made in another run: about the same, and as often before.
    ///
    /// ```
    /// # async fn example(one: durable_testing::FaultyStore, other: durable_testing::FaultyStore) {
    /// let again = one.log().iter().all(|call| other.log().iter().any(|there| call.corresponds_to(there)));
    /// # let _ = again;
    /// # }
    /// ```
    pub fn corresponds_to(&self, other: &Self) -> bool {
        self.operation == other.operation
            && self.workflow_id == other.workflow_id
            && self.step_id == other.step_id
            && self.nth_here == other.nth_here
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} ({}", self.number, self.operation)?;
        if let Some(workflow_id) = &self.workflow_id {
            write!(f, ", workflow `{workflow_id}`")?;
        }
        if let Some(step_id) = self.step_id {
            write!(f, ", step {step_id}")?;
        }
        f.write_str(")")
    }
}

/// What becomes of a call.
///
/// ```
/// use durable_testing::{Fault, FaultPlan};
///
/// let plan = FaultPlan::nth("record_step", 0, Fault::LoseAnswer);
/// # drop(plan);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is carried out, and the caller learns the answer.
    #[default]
    PassThrough,
    /// It is not carried out, and the caller knows: `Unavailable`.
    Refuse,
    /// It is not carried out, and the caller does not know: `Indeterminate`.
    LoseRequest,
    /// It is carried out, and the caller does not know: `Indeterminate`. An error of the inner store
    /// is passed on as it is.
    LoseAnswer,
    /// The process dies before it: neither this call nor any later one is carried out or ever answered.
    CrashBefore,
    /// The process dies after it: this call is carried out, no later one is, and none is ever answered.
    CrashAfter,
    /// The process stands still: neither this call nor any later one is carried out or answered before
    /// [`FaultyStore::resume`](super::FaultyStore::resume).
    Pause,
}
