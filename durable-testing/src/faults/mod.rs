//! A store that fails when it is told to, around any store.
//!
//! A fault is two coins: did it happen, and was it reported. [`Fault`] names the four results; a
//! [`FaultPlan`] says which call meets which.
mod delegate;
mod fault;
mod plan;
mod store;

pub use fault::{Call, Fault};
pub use plan::FaultPlan;
pub use store::FaultyStore;
