//! Questions to the store that the program and its workflows ask alike.
use durable_api::{
    Error,
    store::{
        AdministrationStore, AggregateStore, AggregateWorkflows, Payloads, StepRecord, StepStore,
        WorkflowFilter, WorkflowGroup, WorkflowPage, WorkflowRecord, WorkflowStore,
    },
};

use crate::{engine::Engine, outage::Patience};

pub(crate) async fn list_workflows(
    engine: &Engine,
    mut filter: WorkflowFilter,
) -> Result<WorkflowPage, Error> {
    filter.app.get_or_insert_with(|| engine.config.app.clone());
    let store: &dyn AdministrationStore = engine.store();
    engine
        .persist("list_workflows", Patience::Transient, || {
            store.list_workflows(filter.clone())
        })
        .await
}

pub(crate) async fn aggregate_workflows(
    engine: &Engine,
    mut query: AggregateWorkflows,
) -> Result<Vec<WorkflowGroup>, Error> {
    let app = &mut query.filter.app;
    app.get_or_insert_with(|| engine.config.app.clone());
    let store: &dyn AggregateStore = engine.store();
    engine
        .persist("aggregate_workflows", Patience::Transient, || {
            store.aggregate_workflows(query.clone())
        })
        .await
}

pub(crate) async fn list_steps(
    engine: &Engine,
    workflow_id: &str,
) -> Result<Vec<StepRecord>, Error> {
    let store: &dyn StepStore = engine.store();
    let steps = engine
        .persist("list_steps", Patience::Transient, || {
            store.list_steps(workflow_id)
        })
        .await?;
    if steps.is_empty() {
        check_exists(engine, workflow_id).await?;
    }
    Ok(steps)
}

pub(crate) async fn check_exists(engine: &Engine, workflow_id: &str) -> Result<(), Error> {
    if engine.running.get(workflow_id).is_some() {
        return Ok(());
    }
    record(engine, workflow_id).await.map(drop)
}

/// The workflow, without payloads.
pub(crate) async fn record(engine: &Engine, workflow_id: &str) -> Result<WorkflowRecord, Error> {
    let store: &dyn WorkflowStore = engine.store();
    engine
        .persist("get_workflow", Patience::Transient, || {
            store.get_workflow(workflow_id, Payloads::Omit)
        })
        .await?
        .ok_or_else(|| Error::NotFound {
            workflow_id: workflow_id.to_owned(),
        })
}
