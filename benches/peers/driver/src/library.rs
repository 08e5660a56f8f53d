use std::{error::Error, future::Future};

use crate::{Input, Order, Output};

/// Whatever a library reports.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A library for durable workflows, used as its documentation says.
///
/// Its one workflow, called [`WORKFLOW`](crate::WORKFLOW), calls [`started`](crate::started), runs
/// [`Input::steps`] steps that each return a copy of [`Input::payload`], awaits [`finished`](crate::finished), sleeps for an hour by the
/// library's durable sleep if that is what comes [`after`](Input::after), and returns what `finished` returned.
pub trait Library: Sized + Send + Sync + 'static {
    /// A process without the code, that leaves work in queues and reads results.
    type Client: Send + Sync + 'static;

    /// Connects, and registers the workflow. Takes no work yet, as far as the library tells the two apart.
    fn open(order: &Order) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Begins to take work: from the queue if `serve`, and what an executor of this id left behind.
    fn launch(&mut self, serve: bool) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Starts a workflow in this process and waits for its result.
    fn run(&self, input: Input) -> impl Future<Output = Result<Output, Failure>> + Send;

    /// Starts a workflow in this process.
    fn start(&self, input: Input) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Connects a client.
    fn client(order: &Order) -> impl Future<Output = Result<Self::Client, Failure>> + Send;

    /// Leaves a workflow in the queue.
    fn enqueue(
        client: &Self::Client,
        input: Input,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Leaves a workflow in the queue and waits for its result.
    fn ask(
        client: &Self::Client,
        input: Input,
    ) -> impl Future<Output = Result<Output, Failure>> + Send;
}
