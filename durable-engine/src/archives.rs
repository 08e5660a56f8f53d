//! Taking workflows out of the store, and in.
use durable_api::{
    Error,
    store::{ArchiveStore, Change, ImportOutcome, WorkflowArchive},
};

use crate::{engine::Engine, names, outage::Patience, queries, run::Run, start::conflict};

pub(crate) async fn export(engine: &Engine, workflow_id: &str) -> Result<WorkflowArchive, Error> {
    let store: &dyn ArchiveStore = engine.store();
    engine
        .persist("export_workflow", Patience::Transient, || {
            store.export_workflow(workflow_id)
        })
        .await?
        .ok_or_else(|| Error::NotFound {
            workflow_id: workflow_id.to_owned(),
        })
}

pub(crate) async fn import(
    engine: &Engine,
    by: Option<&Run>,
    archive: WorkflowArchive,
) -> Result<(), Error> {
    let record = &archive.record;
    names::check_derived("workflow id", &record.id)?;
    names::check("workflow name", &record.name)?;
    names::check("application name", &record.app)?;
    let outcome = engine
        .change(by, Change::ImportWorkflow(Box::new(archive.clone())))
        .await?;
    match outcome {
        ImportOutcome::Imported => Ok(()),
        ImportOutcome::Exists => {
            let taken = queries::record(engine, &archive.record.id).await?;
            Err(conflict(taken))
        }
    }
}
