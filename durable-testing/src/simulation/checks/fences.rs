use durable_api::WorkflowStatus;

use super::Change;

/// A write of an execution that does not own its workflow changes nothing of that.
pub(super) fn check(change: &Change<'_>) -> Option<String> {
    let (owner, id) = (change.owner?, change.call.workflow_id.as_ref()?);
    let before = change.before.workflows.get(id);
    let owns =
        before.is_some_and(|row| row.status == WorkflowStatus::Pending && row.owner == Some(owner));
    let same = before == change.after.workflows.get(id)
        && change.before.steps.get(id) == change.after.steps.get(id);
    if owns || same {
        return None;
    }
    let now = before.and_then(|row| row.owner);
    Some(format!(
        "an execution that lost its workflow wrote: {} by {owner:?}, while the owner was {now:?}",
        change.call
    ))
}
