//! Where the histories come from: the store, page by page, or exported workflows.
use std::{collections::VecDeque, fs, path::Path};

use durable_api::{
    DivergenceReason, Error, ReplayDivergence, WorkflowStatus,
    requests::VerifyReplay,
    store::{
        Payloads, StepRecord, StepStore, StoreErrorKind, WorkflowArchive, WorkflowFilter,
        WorkflowRecord, WorkflowStore,
    },
};
use serde::Deserialize;

use crate::{engine::Engine, outage::Patience, queries};

/// A workflow, and the checkpoints that its executions left.
pub(crate) struct History {
    pub(crate) record: WorkflowRecord,
    pub(crate) steps: Vec<StepRecord>,
}

/// A history to be replayed, or to be loaded first.
pub(crate) enum Source {
    /// In the store; the record is without payloads.
    Stored(Box<WorkflowRecord>),
    Exported(Box<History>),
    Unreadable(ReplayDivergence),
}

/// All histories of a verification, one after the other.
pub(crate) struct Histories<'e> {
    engine: &'e Engine,
    ready: VecDeque<Source>,
    /// What to ask the store for next; nothing, if all was read.
    next: Option<WorkflowFilter>,
}

impl<'e> Histories<'e> {
    pub(crate) fn of(engine: &'e Engine, request: &VerifyReplay) -> Result<Self, Error> {
        let mut archives = request.archives.clone();
        for file in &request.exports {
            archives.extend(read(file)?);
        }
        let exported = !request.exports.is_empty() || !request.archives.is_empty();
        let chosen = |record: &WorkflowRecord| {
            let any = WorkflowFilter::new().limit(request.filter.limit);
            request.filter == any || unpaged(&request.filter).matches(record)
        };
        let mut filter = request.filter.clone();
        filter.payloads = Payloads::Omit;
        if filter.ids.is_empty() && filter.statuses.is_empty() {
            filter.statuses = WorkflowStatus::UNFINISHED.to_vec();
        }
        let ready = archives
            .into_iter()
            .filter(|archive| chosen(&archive.record))
            .map(|archive| {
                Source::Exported(Box::new(History {
                    record: archive.record,
                    steps: archive.steps,
                }))
            });
        Ok(Self {
            engine,
            ready: ready.collect(),
            next: (!exported).then_some(filter),
        })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Source>, Error> {
        loop {
            if let Some(source) = self.ready.pop_front() {
                return Ok(Some(source));
            }
            let Some(filter) = self.next.take() else {
                return Ok(None);
            };
            let page = queries::list_workflows(self.engine, filter.clone()).await?;
            let damaged = page.damaged.into_iter().map(|row| {
                let reason = DivergenceReason::Unreadable { error: row.reason };
                let name = "its name is not known";
                Source::Unreadable(ReplayDivergence::new(row.workflow_id, name, reason))
            });
            self.ready.extend(damaged);
            let stored = page.workflows.into_iter();
            let stored = stored.map(|record| Source::Stored(Box::new(record)));
            self.ready.extend(stored);
            self.next = page.next.map(|next| filter.after(next));
        }
    }
}

/// The conditions of a filter, without its place in a listing.
fn unpaged(filter: &WorkflowFilter) -> WorkflowFilter {
    let mut filter = filter.clone();
    filter.after = None;
    filter
}

/// The workflows in a file: one, an array, or several one after the other.
fn read(file: &Path) -> Result<Vec<WorkflowArchive>, Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Exported {
        Many(Vec<WorkflowArchive>),
        One(Box<WorkflowArchive>),
    }
    let wrong = |what: &str, error: &dyn std::fmt::Display| {
        Error::InvalidConfig(format!("{what} `{}`: {error}", file.display()))
    };
    let text = fs::read(file).map_err(|error| wrong("cannot read the export", &error))?;
    let mut archives = Vec::new();
    for value in serde_json::Deserializer::from_slice(&text).into_iter::<serde_json::Value>() {
        let parsed = value.and_then(serde_json::from_value::<Exported>);
        match parsed.map_err(|error| wrong("no exported workflow in", &error))? {
            Exported::One(archive) => archives.push(*archive),
            Exported::Many(several) => archives.extend(several),
        }
    }
    if archives.is_empty() {
        return Err(wrong("no exported workflow in", &"it is empty"));
    }
    Ok(archives)
}

/// A workflow with its history; nothing, if it was deleted meanwhile. The row is read first: what is recorded after that only makes the history longer.
pub(crate) async fn load(engine: &Engine, id: &str) -> Result<Option<History>, Error> {
    let workflows: &dyn WorkflowStore = engine.store();
    let found = engine
        .persist("get_workflow", Patience::Transient, || {
            workflows.get_workflow(id, Payloads::Load)
        })
        .await?;
    let Some(record) = found else { return Ok(None) };
    let store: &dyn StepStore = engine.store();
    let steps = engine
        .persist("list_steps", Patience::Transient, || store.list_steps(id))
        .await?;
    Ok(Some(History { record, steps }))
}

/// The finding about a workflow that is damaged in the store; another error is the store's.
pub(crate) fn unreadable(record: &WorkflowRecord, error: Error) -> Result<ReplayDivergence, Error> {
    match error {
        Error::Store(error) if error.kind() == StoreErrorKind::Corrupt => {
            let error = error.to_string();
            Ok(divergence(record, DivergenceReason::Unreadable { error }))
        }
        other => Err(other),
    }
}

/// The finding that a workflow diverges before its first step.
pub(crate) fn divergence(record: &WorkflowRecord, reason: DivergenceReason) -> ReplayDivergence {
    let mut divergence = ReplayDivergence::new(&record.id, &record.name, reason);
    divergence.version.clone_from(&record.version);
    divergence.status = Some(record.status);
    divergence
}
