use super::Change;

/// A checkpoint that is recorded neither changes nor goes.
pub(super) fn check(change: &Change<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, before) in &change.before.steps {
        let Some(after) = change.after.steps.get(id) else {
            continue;
        };
        if before == after {
            continue;
        }
        for step in before {
            let now = after.iter().find(|one| one.step_id == step.step_id);
            if now != Some(step) {
                broken.push(format!(
                    "the checkpoint of step {} of workflow `{id}` changed after {}: it was {step:?}, it is {now:?}",
                    step.step_id, change.call
                ));
            }
        }
    }
    broken
}
