use durable_api::WorkflowStatus;

use super::{Change, Memory};

/// A workflow has one owner at a time, no owner comes back, and none loses it to another while its executor is registered.
pub(super) fn check(change: &Change<'_>, memory: &mut Memory) -> Vec<String> {
    let mut broken = Vec::new();
    // A token that was handed out and not heard of may be handed out again.
    if let (Some(owner), Some(id)) = (change.owner, &change.call.workflow_id) {
        let used = memory.owners.entry(id.clone()).or_default();
        if !used.contains(&owner) {
            used.push(owner);
        }
    }
    for (id, row) in &change.after.workflows {
        let before = change.before.workflows.get(id);
        let (Some(owner), earlier) = (row.owner, before.and_then(|before| before.owner)) else {
            continue;
        };
        if Some(owner) == earlier {
            continue;
        }
        let used = memory.owners.get(id).map_or(&[][..], Vec::as_slice);
        let comes_back = used
            .iter()
            .any(|one| one.incarnation == owner.incarnation && one.execution >= owner.execution);
        if comes_back {
            broken.push(format!(
                "workflow `{id}` got an owner token {owner:?} that is not fresh: {used:?} have written"
            ));
        }
        let was_pending = before.is_some_and(|row| row.status == WorkflowStatus::Pending);
        if let Some(earlier) = earlier
            && was_pending
            && change.after.is_registered(earlier.incarnation)
        {
            broken.push(format!(
                "workflow `{id}` was taken from {earlier:?}, whose executor is registered, by {owner:?}"
            ));
        }
    }
    broken
}
