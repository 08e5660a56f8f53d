//! The cases, one file per concern.
pub(crate) mod children;
pub(crate) mod finish;
pub(crate) mod lifecycle;
pub(crate) mod steps;
pub(crate) mod workflows;
