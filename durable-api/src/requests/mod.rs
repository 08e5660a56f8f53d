//! What the methods of [`Context`](crate::Context) take. A `step_id` is the number that the call has among the steps of the
//! workflow that makes it; `None` outside workflows.
mod communication;
mod management;
mod queues;
mod replay;
mod schedules;
mod time;
mod workflows;

pub use communication::{GetEvent, ReadStream, Recv, SendTo, SetEvent, StreamValues, WriteStream};
pub use management::{
    Aggregate, Fork, ForkFrom, ForkMany, Forks, Import, ListWorkflows, Manage, Retention,
    SetAttributes, Version,
};
pub use queues::{
    Backfill, DebounceOptions, Named, OnDuplicate, QueueOptions, RegisterQueue, SetDelay,
};
pub use replay::VerifyReplay;
pub use schedules::{ScheduleRequest, StoreSchedules};
pub use time::{Draw, Sleep};
pub use workflows::{Lookup, Patch, StartWorkflow};
