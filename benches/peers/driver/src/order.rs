use serde::{Deserialize, Serialize};

/// The application's name, for every library.
pub const APP: &str = "bench";
/// The name of the one workflow.
pub const WORKFLOW: &str = "bench";
/// The name of the one queue.
pub const QUEUE: &str = "bench";
/// The application's version.
pub const VERSION: &str = "1";
/// What a worker prints when it could begin.
pub const READY: &str = "ready";

/// What a worker is told to do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// The address of the store.
    pub url: String,
    /// How many connections a pool may hold, where that can be chosen.
    pub pool: u32,
    /// The id of the executor.
    pub executor: String,
    /// What to do.
    pub job: Job,
}

/// A workload, or one process's part in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Makes the tables and the queue.
    Prepare,
    /// One workflow at a time, start to result.
    OneAtATime {
        /// Of each workflow.
        steps: u32,
        /// For how long.
        seconds: f64,
    },
    /// A number of workflows at every moment.
    InFlight {
        /// At every moment.
        workflows: u32,
        /// Of each workflow.
        steps: u32,
        /// Of the input and of each step's outcome, in bytes.
        payload: usize,
        /// For how long workflows are started.
        seconds: f64,
    },
    /// A number of workflows started together, and again when the last has ended.
    Batches {
        /// In a batch.
        workflows: u32,
        /// Of each workflow.
        steps: u32,
        /// No batch is begun after that.
        seconds: f64,
    },
    /// Leaves workflows in the queue.
    Enqueue {
        /// How many.
        workflows: u32,
    },
    /// Takes what is in the queue, and what an executor of this id left behind, until told to stop.
    Serve,
    /// Leaves a workflow in the queue and waits for its result, one at a time, from a process without the code.
    Ask {
        /// For how long before that, without measuring.
        warm_up: f64,
        /// For how long.
        seconds: f64,
    },
    /// Starts workflows that never end, and stops when each has recorded its steps.
    Interrupt {
        /// How many.
        workflows: u32,
        /// Of each workflow.
        steps: u32,
    },
    /// Starts workflows that sleep, and does nothing.
    Asleep {
        /// How many.
        workflows: u32,
        /// For how long to do nothing.
        seconds: f64,
    },
}
