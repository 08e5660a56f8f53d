use driver::Job;

use crate::stores::{Library, Store};

/// One measurement that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) workload: String,
    pub(crate) store: Store,
    pub(crate) library: Library,
    pub(crate) kind: Kind,
    /// Whether it runs in the database with the finished workflows.
    pub(crate) grown: bool,
}

/// How it is made.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// By one process.
    Work(Job),
    /// A queue is filled, and then drained by so many processes.
    Drain { workflows: u32, processes: u32 },
    /// One process asks and another answers.
    Ask { seconds: f64 },
    /// One process is killed, and another recovers.
    Recover { workflows: u32, steps: u32 },
    /// Without a library.
    Bare(Bare),
}

/// The bare operations of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bare {
    /// Commits of one row each, over so many connections.
    Inserts { connections: usize, seconds: f64 },
    /// A block appended to a file and synced.
    Sync { seconds: f64 },
    /// SET from so many clients, each with so many under way.
    Sets {
        clients: usize,
        pipeline: usize,
        seconds: f64,
    },
    /// The same with one connection or client, after a rest each, as what waits in an idle queue finds the machine.
    Rested { seconds: f64 },
}
