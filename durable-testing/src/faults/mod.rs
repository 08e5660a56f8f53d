//! A store that fails when it is told to, around any store.
//!
//! A fault is two coins: did it happen, and was it reported. [`Fault`] names the four results, and what becomes of a process that dies
//! or stands still at a call; a [`FaultPlan`] says which call meets which.
mod activity;
mod delegate;
mod fault;
mod line;
mod plan;
mod site;
mod store;

#[cfg(feature = "kit")]
pub(crate) use activity::Activity;
pub use fault::{Call, Fault};
#[cfg(feature = "kit")]
pub(crate) use line::{Effect, Line};
pub use plan::FaultPlan;
pub use store::FaultyStore;
