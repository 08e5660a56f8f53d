use durable_api::store::Owner;

use super::{Change, Memory};

/// What takes work for the execution that asks for it.
const TAKES: [&str; 2] = ["claim_workflows", "dequeue_workflows"];

/// A request for work that was settled takes nothing more. What was settled goes with its executor.
pub(super) fn check(change: &Change<'_>, memory: &mut Memory) -> Vec<String> {
    memory
        .settled
        .retain(|incarnation, _| change.after.is_registered(*incarnation));
    let operation = change.call.operation;
    if let ("settle", Some(owner)) = (operation, change.owner)
        && change.after.is_registered(owner.incarnation)
    {
        let settled = memory.settled.entry(owner.incarnation).or_default();
        *settled = owner.execution.max(*settled);
    }
    if !TAKES.contains(&operation) {
        return Vec::new();
    }
    let came_late = |owner: &Owner| {
        let settled = memory.settled.get(&owner.incarnation);
        settled.is_some_and(|settled| owner.execution <= *settled)
    };
    let rows = change.after.workflows.iter();
    rows.filter_map(|(id, row)| {
        let before = change.before.workflows.get(id).and_then(|row| row.owner);
        let owner = row
            .owner
            .filter(|owner| before != Some(*owner) && came_late(owner))?;
        Some(format!(
            "workflow `{id}` was taken by {owner:?}, whose request was settled, by {}",
            change.call
        ))
    })
    .collect()
}
