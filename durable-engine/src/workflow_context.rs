use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use durable_api::{
    Context, Durable, DynStep, Error, Handle, ListWorkflows, Lookup, Registration, Result,
    ShutdownReport, StartWorkflow, StepOptions, Value,
    store::{StepRecord, WorkflowPage},
};

use crate::{handle::EngineHandle, queries, run::Run, start::start_child, step::run_step};

/// What one execution of a workflow holds.
pub(crate) struct WorkflowContext {
    run: Arc<Run>,
}

impl WorkflowContext {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        Self { run }
    }

    fn handle(&self, workflow_id: String) -> Arc<dyn Handle> {
        let run = Arc::clone(&self.run);
        let engine = Arc::clone(&run.engine);
        Arc::new(EngineHandle::new(engine, workflow_id, Some(run)))
    }

    /// A question whose answer is recorded, so that a replay is told the same.
    async fn recorded_query<T: Durable>(
        &self,
        step_id: Option<u32>,
        name: &'static str,
        query: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let run = &self.run;
        let what = || format!("the answer of `{name}` in workflow `{}`", run.workflow_id());
        let call = async {
            let answer = query.await?;
            let payload = run
                .encoding
                .encode(&answer)
                .map_err(|source| Error::codec(what(), source))?;
            run.engine.check_size(&payload, what)?;
            Ok(payload)
        };
        let payload = run.recorded_call(step_id, name, None, call).await?;
        payload
            .decode()
            .map_err(|source| run.execution.interrupt(Error::codec(what(), source)))
    }
}

#[async_trait]
impl Context for WorkflowContext {
    fn workflow_id(&self) -> Option<String> {
        Some(self.run.workflow_id().to_owned())
    }

    fn register_workflow(&self, _: Registration) -> Result<(), Error> {
        let operation = "register_workflow";
        Err(Error::AlreadyLaunched { operation })
    }

    async fn launch(&self) -> Result<(), Error> {
        let operation = "launch";
        Err(Error::AlreadyLaunched { operation })
    }

    async fn shutdown(&self, _: Duration) -> Result<ShutdownReport, Error> {
        Err(Error::ForeignContext {
            operation: "shutdown",
            workflow_id: self.run.workflow_id().to_owned(),
        })
    }

    async fn run_workflow(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error> {
        let operation = "run_workflow";
        let step_id = request
            .step_id
            .ok_or(Error::OutsideWorkflow { operation })?;
        let id = start_child(&self.run, step_id, request).await?;
        Ok(self.handle(id))
    }

    async fn run_as_step<'a>(&self, options: StepOptions, step: &'a DynStep<'a>) -> Result<Value> {
        run_step(&self.run, options, step).await
    }

    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error> {
        let id = request.workflow_id;
        let query = queries::check_exists(&self.run.engine, &id);
        self.recorded_query(request.step_id, "durable.retrieve_workflow", query)
            .await?;
        Ok(self.handle(id))
    }

    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error> {
        let step_id = request.step_id;
        let query = queries::list_workflows(&self.run.engine, request);
        self.recorded_query(step_id, "durable.list_workflows", query)
            .await
    }

    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error> {
        let query = queries::list_steps(&self.run.engine, &request.workflow_id);
        self.recorded_query(request.step_id, "durable.list_steps", query)
            .await
    }
}

impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowContext")
            .field(&self.run.workflow_id())
            .finish()
    }
}
