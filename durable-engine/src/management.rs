//! Looking at workflows and changing them, for the program and for workflows alike.
use durable_api::{
    Error, WorkflowStatus,
    requests::{
        Fork, ForkFrom, ForkMany, Forks, Manage, Retention, SetAttributes as SetAttributesRequest,
    },
    store::{
        BulkOutcome, CancelWorkflows, Change, DeleteFinished, DeleteWorkflows, ForkOutcome,
        ForkWorkflow, Outcome, Payloads, RegisterVersion, ResumeWorkflows, SetAttributes,
        SetAttributesOutcome, SetLatestOutcome, VersionRecord, VersionStore, WorkflowFilter,
    },
};

use crate::{cancellation, engine::Engine, names, outage::Patience, queries, queues, run::Run};

pub(crate) async fn cancel(
    engine: &Engine,
    by: Option<&Run>,
    request: &Manage,
) -> Result<BulkOutcome, Error> {
    let before = engine.running.all();
    let mut cancel = CancelWorkflows::new(request.ids.clone(), engine.now());
    cancel.children = request.children;
    let outcome: BulkOutcome = engine.change(by, Change::CancelWorkflows(cancel)).await?;
    let changed = outcome.changed.iter().map(String::as_str);
    cancellation::stop(&before, changed, cancellation::cancelled);
    Ok(outcome)
}

/// Cancels what meets a filter and has not ended, page by page. What changes no longer meets it, so each page is the first.
pub(crate) async fn cancel_all(
    engine: &Engine,
    by: Option<&Run>,
    mut filter: WorkflowFilter,
) -> Result<BulkOutcome, Error> {
    if filter.statuses.is_empty() {
        filter.statuses = WorkflowStatus::UNFINISHED.to_vec();
    }
    filter.payloads = Payloads::Omit;
    let mut all = BulkOutcome::new();
    loop {
        let page = queries::list_workflows(engine, filter.clone()).await?;
        let ids: Vec<_> = page.workflows.into_iter().map(|one| one.id).collect();
        if !ids.is_empty() {
            let cancelled = cancel(engine, by, &Manage::new(ids, false, None)).await?;
            all.changed.extend(cancelled.changed);
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    all.changed.sort_unstable();
    Ok(all)
}

pub(crate) async fn resume(
    engine: &Engine,
    by: Option<&Run>,
    request: &Manage,
) -> Result<BulkOutcome, Error> {
    let resume = ResumeWorkflows::new(request.ids.clone(), engine.now());
    engine.change(by, Change::ResumeWorkflows(resume)).await
}

pub(crate) async fn delete(
    engine: &Engine,
    by: Option<&Run>,
    request: &Manage,
) -> Result<BulkOutcome, Error> {
    let before = engine.running.all();
    let mut delete = DeleteWorkflows::new(request.ids.clone());
    delete.children = request.children;
    let outcome: BulkOutcome = engine.change(by, Change::DeleteWorkflows(delete)).await?;
    let changed = outcome.changed.iter().map(String::as_str);
    cancellation::stop(&before, changed, cancellation::not_owner);
    Ok(outcome)
}

/// The error for a request about one workflow that does not exist.
pub(crate) fn known(outcome: &BulkOutcome) -> Result<(), Error> {
    match outcome.unknown.first() {
        Some(id) => Err(Error::NotFound {
            workflow_id: id.clone(),
        }),
        None => Ok(()),
    }
}

/// Forks, and returns the new workflow's id.
pub(crate) async fn fork(
    engine: &Engine,
    by: Option<&Run>,
    request: &Fork,
) -> Result<String, Error> {
    let id = match &request.workflow_id {
        Some(id) => {
            names::check_derived("workflow id", id)?;
            id.clone()
        }
        None => engine.new_workflow_id(),
    };
    if let Some(version) = &request.version {
        names::check("application version", version)?;
    }
    if let Some(queue) = &request.queue {
        queues::check_known(engine, &engine.config.app, queue).await?;
    }
    let from = fork_point(engine, &request.source, request.from).await?;
    let mut fork = ForkWorkflow::new(&request.source, &id, from, engine.now());
    fork.version.clone_from(&request.version);
    fork.queue.clone_from(&request.queue);
    let outcomes: Vec<ForkOutcome> = engine.change(by, Change::ForkWorkflows(vec![fork])).await?;
    match outcomes.first() {
        Some(ForkOutcome::Forked) => Ok(id),
        Some(ForkOutcome::Conflict) => {
            let taken = queries::record(engine, &id).await?;
            Err(Error::Conflict {
                workflow_id: taken.id,
                name: taken.name,
                app: taken.app,
            })
        }
        Some(ForkOutcome::UnknownSource) | None => Err(Error::NotFound {
            workflow_id: request.source.clone(),
        }),
    }
}

/// Forks several alike. Those that a workflow makes have ids that its repetition finds again.
pub(crate) async fn fork_many(
    engine: &Engine,
    by: Option<&Run>,
    request: &ForkMany,
) -> Result<Forks, Error> {
    if let Some(version) = &request.version {
        names::check("application version", version)?;
    }
    let mut forks = Vec::new();
    let mut unknown = Vec::new();
    for (number, source) in request.sources.iter().enumerate() {
        let id = match (by, request.step_id) {
            (Some(run), Some(step_id)) => format!("{}-{step_id}-{number}", run.workflow_id()),
            _ => engine.new_workflow_id(),
        };
        names::check_derived("workflow id", &id)?;
        let from = match fork_point(engine, source, request.from).await {
            Err(Error::NotFound { workflow_id }) => {
                unknown.push(workflow_id);
                continue;
            }
            from => from?,
        };
        let mut fork = ForkWorkflow::new(source, id, from, engine.now());
        fork.version.clone_from(&request.version);
        forks.push(fork);
    }
    let outcomes: Vec<ForkOutcome> = engine
        .change(by, Change::ForkWorkflows(forks.clone()))
        .await?;
    let mut answer = Forks::new();
    for (fork, outcome) in forks.into_iter().zip(outcomes) {
        match outcome {
            ForkOutcome::Forked => answer.forked.push((fork.source, fork.id)),
            ForkOutcome::UnknownSource => unknown.push(fork.source),
            ForkOutcome::Conflict => {
                let taken = queries::record(engine, &fork.id).await?;
                return Err(Error::Conflict {
                    workflow_id: taken.id,
                    name: taken.name,
                    app: taken.app,
                });
            }
        }
    }
    answer.unknown = unknown;
    Ok(answer)
}

async fn fork_point(engine: &Engine, source: &str, from: ForkFrom) -> Result<u32, Error> {
    if let ForkFrom::Step(step_id) = from {
        return Ok(step_id);
    }
    let mut steps = queries::list_steps(engine, source).await?;
    // Not the notes that the engine makes beside a step.
    steps.retain(|step| !(step.name.ends_with("_until") || step.name == "durable.dropped"));
    let last = steps.last().map_or(0, |step| step.step_id);
    let failed = steps
        .iter()
        .rev()
        .find(|step| matches!(step.outcome, Some(Outcome::Failure(_))))
        .map_or(last, |step| step.step_id);
    Ok(match from {
        ForkFrom::LastFailure => failed,
        _ => last,
    })
}

pub(crate) async fn set_attributes(
    engine: &Engine,
    by: Option<&Run>,
    request: SetAttributesRequest,
) -> Result<(), Error> {
    let set = SetAttributes::new(&request.workflow_id, request.attributes, engine.now());
    let outcome = engine.change(by, Change::SetAttributes(set)).await?;
    match outcome {
        SetAttributesOutcome::Set => Ok(()),
        SetAttributesOutcome::UnknownWorkflow => Err(Error::NotFound {
            workflow_id: request.workflow_id,
        }),
    }
}

pub(crate) async fn delete_finished(
    engine: &Engine,
    by: Option<&Run>,
    request: &Retention,
) -> Result<u64, Error> {
    let mut delete = DeleteFinished::new(&engine.config.app);
    delete.completed_before = request.completed_before;
    delete.keep_latest = request.keep_latest;
    let mut deleted = 0;
    loop {
        let batch: u64 = engine
            .change(by, Change::DeleteFinished(delete.clone()))
            .await?;
        deleted += batch;
        if batch < u64::from(delete.limit) {
            return Ok(deleted);
        }
    }
}

pub(crate) async fn list_versions(engine: &Engine) -> Result<Vec<VersionRecord>, Error> {
    let store: &dyn VersionStore = engine.store();
    engine
        .persist("list_versions", Patience::Transient, || {
            store.list_versions(&engine.config.app)
        })
        .await
}

pub(crate) async fn set_latest_version(
    engine: &Engine,
    by: Option<&Run>,
    version: &str,
) -> Result<(), Error> {
    let set = RegisterVersion::new(&engine.config.app, version, engine.now());
    let outcome = engine.change(by, Change::SetLatestVersion(set)).await?;
    match outcome {
        SetLatestOutcome::Set => Ok(()),
        SetLatestOutcome::UnknownVersion => Err(Error::UnknownVersion {
            version: version.to_owned(),
        }),
    }
}
