use super::Change;

/// What brings a workflow back that had ended.
const RESUMES: &str = "resume_workflows";

/// What removes workflows.
const DELETES: [&str; 2] = ["delete_workflows", "delete_finished"];

/// A workflow that has ended stays as it is, unless it is resumed, and no workflow is lost.
pub(super) fn check(change: &Change<'_>) -> Vec<String> {
    let operation = change.call.operation;
    let mut broken = Vec::new();
    for (id, before) in &change.before.workflows {
        let Some(after) = change.after.workflows.get(id) else {
            if !DELETES.contains(&operation) {
                broken.push(format!("workflow `{id}` is gone after {operation}"));
            }
            continue;
        };
        let ended = before.status.is_final();
        let same = before.status == after.status && before.outcome == after.outcome;
        if ended && !same && operation != RESUMES {
            broken.push(format!(
                "workflow `{id}` had ended as {}, and is {} after {operation}",
                before.status, after.status
            ));
        }
    }
    broken
}
