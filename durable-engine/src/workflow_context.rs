use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use durable_api::{
    Context, Durable, DynStep, DynTransaction, Encoding, Error, Handle, Registration, ReplayReport,
    Result, ShutdownReport, StepOptions, Timestamp, TransactionOptions, Value,
    requests::{
        Aggregate, Backfill, Draw, Fork, ForkMany, Forks, GetEvent, Import, ListWorkflows, Lookup,
        Manage, Named, Patch, ReadStream, Recv, RegisterQueue, Retention, SendTo, SetAttributes,
        SetDelay, SetEvent, Sleep, StartWorkflow, StoreSchedules, StreamValues, VerifyReplay,
        Version, WriteStream,
    },
    store::{
        BulkOutcome, DynConnection, QueueRecord, ScheduleRecord, StepRecord, VersionRecord,
        WorkflowArchive, WorkflowGroup, WorkflowPage,
    },
};
use uuid::Uuid;

use crate::{
    archives,
    engine::Engine,
    enqueue, events,
    handle::EngineHandle,
    management, messages, patching, queries, queues,
    run::Run,
    schedules,
    start::{Started, start_child},
    step::run_step,
    streams, time,
    transaction::run_transaction,
};

/// What one execution of a workflow holds.
pub(crate) struct WorkflowContext {
    run: Arc<Run>,
}

impl WorkflowContext {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        Self { run }
    }

    fn engine(&self) -> &Engine {
        &self.run.engine
    }

    fn handle(&self, workflow_id: String) -> Arc<dyn Handle> {
        self.handle_on(Started::before(self.engine(), workflow_id))
    }

    fn handle_on(&self, started: Started) -> Arc<dyn Handle> {
        let run = Arc::clone(&self.run);
        let engine = Arc::clone(&run.engine);
        Arc::new(EngineHandle::new(engine, started, Some(run)))
    }

    /// A question or a change whose answer is recorded, so that a replay is told the same.
    async fn recorded<T: Durable>(
        &self,
        step_id: Option<u32>,
        name: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let sealed = async {
            let answer = call.await?;
            // JSON, because records hold attributes, which are JSON.
            self.engine().seal_answer(Encoding::Json, name, &answer)
        };
        let payload = self.run.recorded_call(step_id, name, None, sealed).await?;
        self.run.open_answer(name, &payload)
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

    fn registered_workflows(&self) -> Vec<String> {
        self.engine().registered()
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
        let started = start_child(&self.run, step_id, request).await?;
        Ok(self.handle_on(started))
    }

    async fn enqueue(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error> {
        let operation = "enqueue";
        let step_id = request
            .step_id
            .ok_or(Error::OutsideWorkflow { operation })?;
        let started = enqueue::enqueue_child(&self.run, step_id, request).await?;
        Ok(self.handle_on(started))
    }

    async fn enqueue_within<'a>(
        &self,
        request: StartWorkflow,
        connection: &'a mut DynConnection,
    ) -> Result<Arc<dyn Handle>, Error> {
        let started = enqueue::enqueue_within(self.engine(), request, connection).await?;
        Ok(self.handle_on(started))
    }

    async fn run_as_step<'a>(&self, options: StepOptions, step: &'a DynStep<'a>) -> Result<Value> {
        run_step(&self.run, options, step).await
    }

    async fn run_as_transaction<'a>(
        &self,
        options: TransactionOptions,
        body: &'a DynTransaction<'a>,
    ) -> Result<Value> {
        run_transaction(&self.run, options, body).await
    }

    async fn sleep(&self, request: Sleep) -> Result<(), Error> {
        time::sleep(&self.run, request).await
    }

    async fn now(&self, request: Draw) -> Result<Timestamp, Error> {
        time::now(&self.run, request).await
    }

    async fn random_uuid(&self, request: Draw) -> Result<Uuid, Error> {
        time::random_uuid(&self.run, request).await
    }

    async fn send(&self, request: SendTo) -> Result<(), Error> {
        messages::send_from(&self.run, request).await
    }

    async fn send_within<'a>(
        &self,
        request: SendTo,
        connection: &'a mut DynConnection,
    ) -> Result<(), Error> {
        messages::send_within(self.engine(), request, connection).await
    }

    async fn recv(&self, request: Recv) -> Result<Option<Value>, Error> {
        messages::recv(&self.run, request).await
    }

    async fn set_event(&self, request: SetEvent) -> Result<(), Error> {
        events::set_event(&self.run, request).await
    }

    async fn get_event(&self, request: GetEvent) -> Result<Option<Value>, Error> {
        events::get_event_from(&self.run, request).await
    }

    async fn write_stream(&self, request: WriteStream) -> Result<(), Error> {
        streams::write_stream(&self.run, request).await
    }

    async fn read_stream(&self, request: ReadStream) -> Result<StreamValues, Error> {
        streams::read_stream_from(&self.run, request).await
    }

    async fn patch(&self, request: Patch) -> Result<bool, Error> {
        patching::patch(&self.run, request).await
    }

    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error> {
        let id = request.workflow_id;
        let query = queries::check_exists(self.engine(), &id);
        self.recorded(request.step_id, "durable.retrieve_workflow", query)
            .await?;
        Ok(self.handle(id))
    }

    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error> {
        let query = queries::list_workflows(self.engine(), request.filter);
        self.recorded(request.step_id, "durable.list_workflows", query)
            .await
    }

    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error> {
        let query = queries::list_steps(self.engine(), &request.workflow_id);
        self.recorded(request.step_id, "durable.list_steps", query)
            .await
    }

    async fn aggregate_workflows(&self, request: Aggregate) -> Result<Vec<WorkflowGroup>, Error> {
        let query = queries::aggregate_workflows(self.engine(), request.query);
        self.recorded(request.step_id, "durable.aggregate_workflows", query)
            .await
    }

    async fn cancel_workflow(&self, request: Manage) -> Result<(), Error> {
        let change = async {
            management::known(&management::cancel(self.engine(), Some(&self.run), &request).await?)
        };
        self.recorded(request.step_id, "durable.cancel_workflow", change)
            .await
    }

    async fn cancel_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        let change = management::cancel(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.cancel_workflows", change)
            .await
    }

    async fn cancel_all(&self, request: ListWorkflows) -> Result<BulkOutcome, Error> {
        let change = management::cancel_all(self.engine(), Some(&self.run), request.filter);
        self.recorded(request.step_id, "durable.cancel_all", change)
            .await
    }

    async fn resume_workflow(&self, request: Manage) -> Result<Arc<dyn Handle>, Error> {
        let change = async {
            management::known(&management::resume(self.engine(), Some(&self.run), &request).await?)
        };
        self.recorded(request.step_id, "durable.resume_workflow", change)
            .await?;
        Ok(self.handle(request.ids.concat()))
    }

    async fn resume_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        let change = management::resume(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.resume_workflows", change)
            .await
    }

    async fn delete_workflow(&self, request: Manage) -> Result<(), Error> {
        let change = async {
            management::known(&management::delete(self.engine(), Some(&self.run), &request).await?)
        };
        self.recorded(request.step_id, "durable.delete_workflow", change)
            .await
    }

    async fn delete_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        let change = management::delete(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.delete_workflows", change)
            .await
    }

    async fn fork_workflow(&self, mut request: Fork) -> Result<Arc<dyn Handle>, Error> {
        // The id must be the same when the call is repeated after a crash.
        if let (None, Some(step_id)) = (&request.workflow_id, request.step_id) {
            request.workflow_id = Some(format!("{}-{step_id}", self.run.workflow_id()));
        }
        let change = management::fork(self.engine(), Some(&self.run), &request);
        let id = self
            .recorded(request.step_id, "durable.fork_workflow", change)
            .await?;
        Ok(self.handle(id))
    }

    async fn fork_workflows(&self, request: ForkMany) -> Result<Forks, Error> {
        let change = management::fork_many(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.fork_workflows", change)
            .await
    }

    async fn export_workflow(&self, request: Lookup) -> Result<WorkflowArchive, Error> {
        let query = archives::export(self.engine(), &request.workflow_id);
        self.recorded(request.step_id, "durable.export_workflow", query)
            .await
    }

    async fn import_workflow(&self, request: Import) -> Result<(), Error> {
        let change = archives::import(self.engine(), Some(&self.run), request.archive);
        self.recorded(request.step_id, "durable.import_workflow", change)
            .await
    }

    async fn register_queue(&self, request: RegisterQueue) -> Result<(), Error> {
        let change = queues::register(self.engine(), Some(&self.run), request.queue);
        self.recorded(request.step_id, "durable.register_queue", change)
            .await
    }

    async fn list_queues(&self, request: Draw) -> Result<Vec<QueueRecord>, Error> {
        let query = queues::list(self.engine());
        self.recorded(request.step_id, "durable.list_queues", query)
            .await
    }

    async fn delete_queue(&self, request: Named) -> Result<(), Error> {
        let change = queues::delete(self.engine(), Some(&self.run), &request.name);
        self.recorded(request.step_id, "durable.delete_queue", change)
            .await
    }

    fn serve_queues(&self, queues: Option<Vec<String>>) {
        self.engine().queues.serve(queues);
    }

    async fn set_delay(&self, request: SetDelay) -> Result<(), Error> {
        let change = queues::set_delay(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.set_delay", change)
            .await
    }

    async fn create_schedule(&self, request: StoreSchedules) -> Result<(), Error> {
        let change = async {
            for schedule in request.schedules {
                schedules::create(self.engine(), Some(&self.run), schedule).await?;
            }
            Ok(())
        };
        self.recorded(request.step_id, "durable.create_schedule", change)
            .await
    }

    async fn apply_schedules(&self, request: StoreSchedules) -> Result<(), Error> {
        let change = schedules::apply(self.engine(), Some(&self.run), request.schedules);
        self.recorded(request.step_id, "durable.apply_schedules", change)
            .await
    }

    async fn list_schedules(&self, request: Draw) -> Result<Vec<ScheduleRecord>, Error> {
        let query = schedules::list(self.engine());
        self.recorded(request.step_id, "durable.list_schedules", query)
            .await
    }

    async fn pause_schedule(&self, request: Named) -> Result<(), Error> {
        let change = schedules::pause(self.engine(), Some(&self.run), &request.name, true);
        self.recorded(request.step_id, "durable.pause_schedule", change)
            .await
    }

    async fn resume_schedule(&self, request: Named) -> Result<(), Error> {
        let change = schedules::pause(self.engine(), Some(&self.run), &request.name, false);
        self.recorded(request.step_id, "durable.resume_schedule", change)
            .await
    }

    async fn delete_schedule(&self, request: Named) -> Result<(), Error> {
        let change = schedules::delete(self.engine(), Some(&self.run), &request.name);
        self.recorded(request.step_id, "durable.delete_schedule", change)
            .await
    }

    async fn trigger_schedule(&self, request: Named) -> Result<Arc<dyn Handle>, Error> {
        let change = schedules::trigger(self.engine(), Some(&self.run), &request);
        let id = self
            .recorded(request.step_id, "durable.trigger_schedule", change)
            .await?;
        Ok(self.handle(id))
    }

    async fn backfill_schedule(&self, request: Backfill) -> Result<Vec<String>, Error> {
        let change = schedules::backfill(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.backfill_schedule", change)
            .await
    }

    async fn set_attributes(&self, request: SetAttributes) -> Result<(), Error> {
        let step_id = request.step_id;
        let change = management::set_attributes(self.engine(), Some(&self.run), request);
        self.recorded(step_id, "durable.set_attributes", change)
            .await
    }

    async fn delete_finished(&self, request: Retention) -> Result<u64, Error> {
        let change = management::delete_finished(self.engine(), Some(&self.run), &request);
        self.recorded(request.step_id, "durable.delete_finished", change)
            .await
    }

    async fn list_versions(&self, request: Draw) -> Result<Vec<VersionRecord>, Error> {
        let query = management::list_versions(self.engine());
        self.recorded(request.step_id, "durable.list_versions", query)
            .await
    }

    async fn set_latest_version(&self, request: Version) -> Result<(), Error> {
        let change =
            management::set_latest_version(self.engine(), Some(&self.run), &request.version);
        self.recorded(request.step_id, "durable.set_latest_version", change)
            .await
    }

    async fn verify_replay(&self, _: VerifyReplay) -> Result<ReplayReport, Error> {
        Err(Error::Unsupported(
            "`verify_replay` inside a workflow; call it on a root context".to_owned(),
        ))
    }
}

impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowContext")
            .field(&self.run.workflow_id())
            .finish()
    }
}
