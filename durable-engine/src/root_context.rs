use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use durable_api::{
    Context, DynStep, Error, Handle, ListWorkflows, Lookup, Registration, Result, ShutdownReport,
    StartWorkflow, StepOptions, Value,
    store::{StepRecord, WorkflowPage},
};

use crate::{
    engine::Engine, handle::EngineHandle, launch::launch, queries, shutdown::shutdown,
    start::start_root,
};

/// What the program holds: everything but running inside a workflow.
pub(crate) struct RootContext {
    engine: Arc<Engine>,
}

impl RootContext {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    fn handle(&self, workflow_id: String) -> Arc<dyn Handle> {
        let engine = Arc::clone(&self.engine);
        Arc::new(EngineHandle::new(engine, workflow_id, None))
    }
}

#[async_trait]
impl Context for RootContext {
    fn workflow_id(&self) -> Option<String> {
        None
    }

    fn register_workflow(&self, registration: Registration) -> Result<(), Error> {
        self.engine.register(registration)
    }

    async fn launch(&self) -> Result<(), Error> {
        launch(&self.engine).await
    }

    async fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, Error> {
        shutdown(&self.engine, timeout).await
    }

    async fn run_workflow(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error> {
        let id = start_root(&self.engine, request).await?;
        Ok(self.handle(id))
    }

    async fn run_as_step<'a>(&self, _: StepOptions, _: &'a DynStep<'a>) -> Result<Value> {
        let operation = "run_as_step";
        Err(Error::OutsideWorkflow { operation }.into())
    }

    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error> {
        queries::check_exists(&self.engine, &request.workflow_id).await?;
        Ok(self.handle(request.workflow_id))
    }

    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error> {
        queries::list_workflows(&self.engine, request).await
    }

    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error> {
        queries::list_steps(&self.engine, &request.workflow_id).await
    }
}

impl fmt::Debug for RootContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RootContext")
            .field(&self.engine.config.app)
            .finish()
    }
}
