//! The cases, one file per concern.
pub(crate) mod lifecycle;
