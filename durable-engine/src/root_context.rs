use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use durable_api::{
    Context, DynStep, DynTransaction, Error, Handle, Registration, ReplayReport, Result,
    ShutdownReport, StepOptions, Timestamp, TransactionOptions, Value,
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
    launch::launch,
    management, messages, queries, queues, schedules,
    shutdown::shutdown,
    start::{Started, start_root},
    streams, verify,
};

/// What the program holds: everything but what only a workflow can do.
pub(crate) struct RootContext {
    engine: Arc<Engine>,
}

impl RootContext {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    fn handle(&self, workflow_id: String) -> Arc<dyn Handle> {
        self.handle_on(Started::before(&self.engine, workflow_id))
    }

    fn handle_on(&self, started: Started) -> Arc<dyn Handle> {
        let engine = Arc::clone(&self.engine);
        Arc::new(EngineHandle::new(engine, started, None))
    }
}

fn outside<T>(operation: &'static str) -> Result<T, Error> {
    Err(Error::OutsideWorkflow { operation })
}

#[async_trait]
impl Context for RootContext {
    fn workflow_id(&self) -> Option<String> {
        None
    }

    fn register_workflow(&self, registration: Registration) -> Result<(), Error> {
        self.engine.register(registration)
    }

    fn registered_workflows(&self) -> Vec<String> {
        self.engine.registered()
    }

    async fn launch(&self) -> Result<(), Error> {
        launch(&self.engine).await
    }

    async fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, Error> {
        shutdown(&self.engine, timeout).await
    }

    async fn run_workflow(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error> {
        let started = start_root(&self.engine, request).await?;
        Ok(self.handle_on(started))
    }

    async fn enqueue(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error> {
        let started = enqueue::enqueue_root(&self.engine, request).await?;
        Ok(self.handle_on(started))
    }

    async fn enqueue_within<'a>(
        &self,
        request: StartWorkflow,
        connection: &'a mut DynConnection,
    ) -> Result<Arc<dyn Handle>, Error> {
        let started = enqueue::enqueue_within(&self.engine, request, connection).await?;
        Ok(self.handle_on(started))
    }

    async fn run_as_step<'a>(&self, _: StepOptions, _: &'a DynStep<'a>) -> Result<Value> {
        Ok(outside("run_as_step")?)
    }

    async fn run_as_transaction<'a>(
        &self,
        _: TransactionOptions,
        _: &'a DynTransaction<'a>,
    ) -> Result<Value> {
        Ok(outside("run_as_transaction")?)
    }

    async fn sleep(&self, _: Sleep) -> Result<(), Error> {
        outside("sleep")
    }

    async fn now(&self, _: Draw) -> Result<Timestamp, Error> {
        outside("now")
    }

    async fn random_uuid(&self, _: Draw) -> Result<Uuid, Error> {
        outside("random_uuid")
    }

    async fn send(&self, request: SendTo) -> Result<(), Error> {
        messages::send(&self.engine, request).await
    }

    async fn send_within<'a>(
        &self,
        request: SendTo,
        connection: &'a mut DynConnection,
    ) -> Result<(), Error> {
        messages::send_within(&self.engine, request, connection).await
    }

    async fn recv(&self, _: Recv) -> Result<Option<Value>, Error> {
        outside("recv")
    }

    async fn set_event(&self, _: SetEvent) -> Result<(), Error> {
        outside("set_event")
    }

    async fn get_event(&self, request: GetEvent) -> Result<Option<Value>, Error> {
        events::get_event(&self.engine, request).await
    }

    async fn write_stream(&self, _: WriteStream) -> Result<(), Error> {
        outside("write_stream")
    }

    async fn read_stream(&self, request: ReadStream) -> Result<StreamValues, Error> {
        streams::read_stream(&self.engine, request).await
    }

    async fn patch(&self, _: Patch) -> Result<bool, Error> {
        outside("patch")
    }

    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error> {
        queries::check_exists(&self.engine, &request.workflow_id).await?;
        Ok(self.handle(request.workflow_id))
    }

    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error> {
        queries::list_workflows(&self.engine, request.filter).await
    }

    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error> {
        queries::list_steps(&self.engine, &request.workflow_id).await
    }

    async fn aggregate_workflows(&self, request: Aggregate) -> Result<Vec<WorkflowGroup>, Error> {
        queries::aggregate_workflows(&self.engine, request.query).await
    }

    async fn cancel_workflow(&self, request: Manage) -> Result<(), Error> {
        management::known(&management::cancel(&self.engine, None, &request).await?)
    }

    async fn cancel_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        management::cancel(&self.engine, None, &request).await
    }

    async fn cancel_all(&self, request: ListWorkflows) -> Result<BulkOutcome, Error> {
        management::cancel_all(&self.engine, None, request.filter).await
    }

    async fn resume_workflow(&self, request: Manage) -> Result<Arc<dyn Handle>, Error> {
        management::known(&management::resume(&self.engine, None, &request).await?)?;
        Ok(self.handle(request.ids.concat()))
    }

    async fn resume_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        management::resume(&self.engine, None, &request).await
    }

    async fn delete_workflow(&self, request: Manage) -> Result<(), Error> {
        management::known(&management::delete(&self.engine, None, &request).await?)
    }

    async fn delete_workflows(&self, request: Manage) -> Result<BulkOutcome, Error> {
        management::delete(&self.engine, None, &request).await
    }

    async fn fork_workflow(&self, request: Fork) -> Result<Arc<dyn Handle>, Error> {
        let id = management::fork(&self.engine, None, &request).await?;
        Ok(self.handle(id))
    }

    async fn fork_workflows(&self, request: ForkMany) -> Result<Forks, Error> {
        management::fork_many(&self.engine, None, &request).await
    }

    async fn export_workflow(&self, request: Lookup) -> Result<WorkflowArchive, Error> {
        archives::export(&self.engine, &request.workflow_id).await
    }

    async fn import_workflow(&self, request: Import) -> Result<(), Error> {
        archives::import(&self.engine, None, request.archive).await
    }

    async fn register_queue(&self, request: RegisterQueue) -> Result<(), Error> {
        queues::register(&self.engine, None, request.queue).await
    }

    async fn list_queues(&self, _: Draw) -> Result<Vec<QueueRecord>, Error> {
        queues::list(&self.engine).await
    }

    async fn delete_queue(&self, request: Named) -> Result<(), Error> {
        queues::delete(&self.engine, None, &request.name).await
    }

    fn serve_queues(&self, queues: Option<Vec<String>>) {
        self.engine.queues.serve(queues);
    }

    async fn set_delay(&self, request: SetDelay) -> Result<(), Error> {
        queues::set_delay(&self.engine, None, &request).await
    }

    async fn create_schedule(&self, request: StoreSchedules) -> Result<(), Error> {
        for schedule in request.schedules {
            schedules::create(&self.engine, None, schedule).await?;
        }
        Ok(())
    }

    async fn apply_schedules(&self, request: StoreSchedules) -> Result<(), Error> {
        schedules::apply(&self.engine, None, request.schedules).await
    }

    async fn list_schedules(&self, _: Draw) -> Result<Vec<ScheduleRecord>, Error> {
        schedules::list(&self.engine).await
    }

    async fn pause_schedule(&self, request: Named) -> Result<(), Error> {
        schedules::pause(&self.engine, None, &request.name, true).await
    }

    async fn resume_schedule(&self, request: Named) -> Result<(), Error> {
        schedules::pause(&self.engine, None, &request.name, false).await
    }

    async fn delete_schedule(&self, request: Named) -> Result<(), Error> {
        schedules::delete(&self.engine, None, &request.name).await
    }

    async fn trigger_schedule(&self, request: Named) -> Result<Arc<dyn Handle>, Error> {
        let id = schedules::trigger(&self.engine, None, &request).await?;
        Ok(self.handle(id))
    }

    async fn backfill_schedule(&self, request: Backfill) -> Result<Vec<String>, Error> {
        schedules::backfill(&self.engine, None, &request).await
    }

    async fn set_attributes(&self, request: SetAttributes) -> Result<(), Error> {
        management::set_attributes(&self.engine, None, request).await
    }

    async fn delete_finished(&self, request: Retention) -> Result<u64, Error> {
        management::delete_finished(&self.engine, None, &request).await
    }

    async fn list_versions(&self, _: Draw) -> Result<Vec<VersionRecord>, Error> {
        management::list_versions(&self.engine).await
    }

    async fn set_latest_version(&self, request: Version) -> Result<(), Error> {
        management::set_latest_version(&self.engine, None, &request.version).await
    }

    async fn verify_replay(&self, request: VerifyReplay) -> Result<ReplayReport, Error> {
        verify::verify_replay(&self.engine, request).await
    }
}

impl fmt::Debug for RootContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RootContext")
            .field(&self.engine.config.app)
            .finish()
    }
}
