use std::fmt;

use super::operation::Operation;
use crate::Fault;

/// A call from one of two handles, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Which handle.
    pub(super) handle: usize,
    pub(super) operation: Operation,
    /// What becomes of the first attempt.
    pub(super) fault: Fault,
    /// Whether it is repeated at once if its first attempt fails.
    pub(super) repeated: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {:?}", self.handle, self.operation)?;
        match (self.fault, self.repeated) {
            (Fault::PassThrough, _) => Ok(()),
            (fault, true) => write!(f, " ({fault:?}, and again)"),
            (fault, false) => write!(f, " ({fault:?})"),
        }
    }
}
