//! The cases, one file per concern.
pub(crate) mod children;
pub(crate) mod claims;
pub(crate) mod dead_letters;
pub(crate) mod executors;
pub(crate) mod finish;
pub(crate) mod ids;
pub(crate) mod late_writers;
pub(crate) mod lifecycle;
pub(crate) mod listing;
pub(crate) mod lost_answers;
pub(crate) mod paging;
pub(crate) mod payloads;
pub(crate) mod races;
pub(crate) mod steps;
pub(crate) mod versions;
pub(crate) mod workflows;
