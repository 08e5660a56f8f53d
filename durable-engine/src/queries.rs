//! Questions to the store that the program and its workflows ask alike.
use durable_api::{
    Error, ListWorkflows,
    store::{AdministrationStore, Payloads, StepRecord, StepStore, WorkflowPage, WorkflowStore},
};

use crate::{engine::Engine, outage::Patience};

pub(crate) async fn list_workflows(
    engine: &Engine,
    request: ListWorkflows,
) -> Result<WorkflowPage, Error> {
    let mut filter = request.filter;
    filter.app.get_or_insert_with(|| engine.config.app.clone());
    let store: &dyn AdministrationStore = engine.store();
    engine
        .persist(Patience::Transient, || store.list_workflows(filter.clone()))
        .await
}

pub(crate) async fn list_steps(
    engine: &Engine,
    workflow_id: &str,
) -> Result<Vec<StepRecord>, Error> {
    let store: &dyn StepStore = engine.store();
    let steps = engine
        .persist(Patience::Transient, || store.list_steps(workflow_id))
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
    let store: &dyn WorkflowStore = engine.store();
    let record = engine
        .persist(Patience::Transient, || {
            store.get_workflow(workflow_id, Payloads::Omit)
        })
        .await?;
    match record {
        Some(_) => Ok(()),
        None => Err(Error::NotFound {
            workflow_id: workflow_id.to_owned(),
        }),
    }
}
