//! The contracts of durable: what a workflow may ask of its runtime, and what the runtime may ask
//! of a database ([`SystemStore`]).
mod payload;
mod status;
pub mod store;
mod timestamp;

pub use payload::Payload;
pub use status::{UnknownStatus, WorkflowStatus};
#[cfg(feature = "mock")]
pub use store::MockSystemStore;
pub use store::SystemStore;
pub use timestamp::Timestamp;
