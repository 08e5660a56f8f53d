//! What holds in every simulation, after every change of the store.
mod checkpoints;
mod fences;
mod limits;
mod owners;
mod rates;
mod settled;
mod statuses;

use std::collections::BTreeMap;

use durable_api::store::{Incarnation, Owner};

use super::view::View;
use crate::Call;

/// A call that was carried out, and what was stored before and after.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) call: &'a Call,
    /// The execution that writes, if it is one.
    pub(super) owner: Option<Owner>,
    pub(super) before: &'a View,
    pub(super) after: &'a View,
}

/// What is remembered from earlier changes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The executions that have written to a workflow.
    owners: BTreeMap<String, Vec<Owner>>,
    /// When workflows were taken from queues, and of which partitions.
    starts: BTreeMap<String, Vec<(i64, Option<String>)>>,
    /// The last execution of each executor whose requests for work are settled.
    settled: BTreeMap<Incarnation, u64>,
}

impl Change<'_> {
    /// Everything that is broken, in words.
    pub(super) fn check(&self, memory: &mut Memory) -> Vec<String> {
        let mut broken: Vec<String> = fences::check(self).into_iter().collect();
        broken.extend(owners::check(self, memory));
        broken.extend(statuses::check(self));
        broken.extend(checkpoints::check(self));
        broken.extend(limits::check(self));
        broken.extend(rates::check(self, memory));
        broken.extend(settled::check(self, memory));
        broken
    }
}
