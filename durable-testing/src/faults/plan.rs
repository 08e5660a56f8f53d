use std::{cmp::Ordering, fmt, sync::Arc};

use super::{Call, Fault};

/// Decides, call by call, what becomes of it.
#[derive(Clone)]
pub struct FaultPlan(Arc<dyn Fn(Call) -> Fault + Send + Sync>);

impl FaultPlan {
    /// Decides by a function, which may keep state of its own.
    pub fn new(decide: impl Fn(Call) -> Fault + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// No faults.
    pub fn none() -> Self {
        Self::always(Fault::PassThrough)
    }

    /// The same for every call.
    pub fn always(fault: Fault) -> Self {
        Self::new(move |_| fault)
    }

    /// One fault, for the call of `operation` that `nth` calls of it came before.
    pub fn nth(operation: &'static str, nth: usize, fault: Fault) -> Self {
        Self::new(move |call| {
            if call.operation == operation && call.nth == nth {
                fault
            } else {
                Fault::PassThrough
            }
        })
    }

    /// The connection breaks for good before call `number` (from 0) is carried out.
    pub fn crash_before(number: usize) -> Self {
        Self::crash(number, Fault::LoseRequest)
    }

    /// The connection breaks for good after call `number` (from 0) was carried out, before it was answered.
    pub fn crash_after(number: usize) -> Self {
        Self::crash(number, Fault::LoseAnswer)
    }

    /// What becomes of `call`.
    pub fn decide(&self, call: Call) -> Fault {
        (self.0)(call)
    }

    fn crash(number: usize, last: Fault) -> Self {
        Self::new(move |call| match call.number.cmp(&number) {
            Ordering::Less => Fault::PassThrough,
            Ordering::Equal => last,
            Ordering::Greater => Fault::Refuse,
        })
    }
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultPlan").finish_non_exhaustive()
    }
}
