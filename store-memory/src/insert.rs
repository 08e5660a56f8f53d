use durable_api::{
    WorkflowStatus,
    store::{
        Enqueue, InsertOutcome, InsertWorkflow, ParentStep, StepRecord, StoreResult, WorkflowRecord,
    },
};

use crate::{
    belongings::Push,
    error::{check_json, check_texts},
    tables::Tables,
};

/// Refuses a request whose texts not every backend can hold.
pub(crate) fn check_insertion(
    operation: &'static str,
    request: &InsertWorkflow,
) -> StoreResult<()> {
    check_texts(
        operation,
        [
            &request.id,
            &request.app,
            &request.name,
            &request.executor_id,
        ]
        .into_iter()
        .chain(&request.version)
        .chain(&request.schedule)
        .chain(request.parent.as_ref().map(|parent| &parent.step_name))
        .chain(
            request
                .parent
                .as_ref()
                .and_then(|parent| parent.completions.as_ref()),
        )
        .chain(&request.caller.user)
        .chain(&request.caller.assumed_role)
        .chain(&request.caller.roles)
        .chain(&request.trace_context)
        .chain(request.enqueue.iter().flat_map(texts))
        .map(String::as_str),
    )?;
    check_json(operation, &request.attributes)
}

fn texts(enqueue: &Enqueue) -> impl Iterator<Item = &String> {
    [&enqueue.queue]
        .into_iter()
        .chain(&enqueue.deduplication_id)
        .chain(&enqueue.partition_key)
        .chain(enqueue.debounce.as_ref().map(|debounce| &debounce.key))
}

/// Accepts a workflow, or finds the one that stands in its place.
pub(crate) fn insert(tables: &mut Tables, request: InsertWorkflow) -> InsertOutcome {
    if request.enqueue.is_none() && !tables.is_registered(request.owner.incarnation) {
        return InsertOutcome::UnknownExecutor;
    }
    if let Some(parent) = &request.parent {
        if !tables.may_write(&parent.workflow_id, parent.owner) {
            return InsertOutcome::ParentNotOwner;
        }
        if let Some(step) = tables.step(&parent.workflow_id, parent.step_id)
            && step.child_id.as_ref() != Some(&request.id)
        {
            let earlier = answered_before(tables, &request, &step);
            return earlier.unwrap_or(InsertOutcome::StepTaken(step));
        }
    }
    let outcome = judge(tables, &request);
    let child = match &outcome {
        InsertOutcome::Conflict(_) => return outcome,
        InsertOutcome::Debounced(id) | InsertOutcome::Deduplicated(id) => id,
        _ => &request.id,
    };
    if let Some(parent) = &request.parent
        && tables.step(&parent.workflow_id, parent.step_id).is_none()
    {
        let mut step = StepRecord::child(parent.step_id, &parent.step_name, child, request.now);
        step.completions.clone_from(&parent.completions);
        tables.put_step(&parent.workflow_id, step);
    }
    match &outcome {
        InsertOutcome::Debounced(id) => push_back(tables, &id.clone(), request),
        InsertOutcome::Inserted if !tables.workflows.contains_key(&request.id) => {
            tables.accept(new_row(request));
        }
        _ => {}
    }
    outcome
}

/// What a request of a step that named another workflow than the request's was answered: an answer that was lost is given again.
fn answered_before(
    tables: &Tables,
    request: &InsertWorkflow,
    step: &StepRecord,
) -> Option<InsertOutcome> {
    let enqueue = request.enqueue.as_ref()?;
    let row = tables.workflows.get(step.child_id.as_ref()?)?;
    if has_debounce_key(row, request, enqueue) && tables.was_pushed_by(&row.id, request) {
        Some(InsertOutcome::Debounced(row.id.clone()))
    } else if has_deduplication_id(row, request, enqueue) {
        Some(InsertOutcome::Deduplicated(row.id.clone()))
    } else {
        None
    }
}

/// What becomes of a request that nothing but workflows stands against.
fn judge(tables: &Tables, request: &InsertWorkflow) -> InsertOutcome {
    let queue = request.enqueue.as_ref().map(|enqueue| &enqueue.queue);
    if let Some(row) = tables.workflows.get(&request.id) {
        let same =
            (&row.app, &row.name, row.queue.as_ref()) == (&request.app, &request.name, queue);
        return if !same {
            InsertOutcome::Conflict(row.clone().without_payloads())
        } else if row.owner == Some(request.owner) {
            InsertOutcome::Inserted
        } else {
            InsertOutcome::Existing(row.clone().without_payloads())
        };
    }
    let Some(enqueue) = &request.enqueue else {
        return InsertOutcome::Inserted;
    };
    let mut rows = tables.workflows.values();
    // A repetition first: the workflow that it pushed back may have been released since.
    if let Some(row) = rows.find(|row| {
        has_debounce_key(row, request, enqueue) && tables.was_pushed_by(&row.id, request)
    }) {
        return InsertOutcome::Debounced(row.id.clone());
    }
    let mut rows = tables.workflows.values();
    if let Some(row) = rows.find(|row| {
        row.status == WorkflowStatus::Delayed && has_debounce_key(row, request, enqueue)
    }) {
        return InsertOutcome::Debounced(row.id.clone());
    }
    let mut rows = tables.workflows.values();
    match rows.find(|row| !row.status.is_final() && has_deduplication_id(row, request, enqueue)) {
        Some(row) => InsertOutcome::Deduplicated(row.id.clone()),
        None => InsertOutcome::Inserted,
    }
}

impl Tables {
    /// Whether a request pushed a workflow back by an earlier call.
    fn was_pushed_by(&self, id: &str, request: &InsertWorkflow) -> bool {
        let all = self.belongings.get(id);
        all.is_some_and(|all| all.pushes.contains(&push(request)))
    }
}

fn push(request: &InsertWorkflow) -> Push {
    let owner = request.owner;
    (
        request.id.clone(),
        owner.incarnation,
        owner.execution,
        request.now,
    )
}

fn has_debounce_key(row: &WorkflowRecord, request: &InsertWorkflow, enqueue: &Enqueue) -> bool {
    let (Some(theirs), Some(ours)) = (&row.debounce, &enqueue.debounce) else {
        return false;
    };
    (&row.app, &row.name, &theirs.key) == (&request.app, &request.name, &ours.key)
}

fn has_deduplication_id(row: &WorkflowRecord, request: &InsertWorkflow, enqueue: &Enqueue) -> bool {
    enqueue.deduplication_id.is_some()
        && row.deduplication_id == enqueue.deduplication_id
        && row.app == request.app
        && row.queue.as_ref() == Some(&enqueue.queue)
}

fn push_back(tables: &mut Tables, id: &str, request: InsertWorkflow) {
    if !tables.of(id).pushes.insert(push(&request)) {
        return;
    }
    let until = request.enqueue.and_then(|enqueue| enqueue.delayed_until);
    let Some(row) = tables.workflows.get_mut(id) else {
        return;
    };
    let until = until.unwrap_or(request.now);
    let cap = row.debounce.as_ref().map(|debounce| debounce.at_most_until);
    row.delayed_until = Some(cap.map_or(until, |cap| until.min(cap)));
    row.input = Some(request.input);
    row.updated_at = request.now;
}

fn new_row(request: InsertWorkflow) -> WorkflowRecord {
    let mut row = WorkflowRecord::new(
        request.id,
        request.app,
        request.name,
        WorkflowStatus::Pending,
        request.now,
    );
    row.version = request.version;
    row.schedule = request.schedule;
    row.parent = request
        .parent
        .map(|parent| ParentStep::new(parent.workflow_id, parent.step_id));
    row.deadline = request.deadline;
    row.caller = request.caller;
    row.attributes = request.attributes;
    row.trace_context = request.trace_context;
    row.input = Some(request.input);
    let Some(enqueue) = request.enqueue else {
        row.executor_id = Some(request.executor_id);
        row.owner = Some(request.owner);
        row.started_at = Some(request.now);
        return row;
    };
    row.status = match enqueue.delayed_until {
        Some(_) => WorkflowStatus::Delayed,
        None => WorkflowStatus::Enqueued,
    };
    row.queue = Some(enqueue.queue);
    row.priority = enqueue.priority;
    row.deduplication_id = enqueue.deduplication_id;
    row.partition_key = enqueue.partition_key;
    row.delayed_until = enqueue.delayed_until;
    row.debounce = enqueue.debounce;
    row.timeout = enqueue.timeout;
    row
}
