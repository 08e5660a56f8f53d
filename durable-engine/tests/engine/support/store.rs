use durable_api::{
    MockSystemStore, Timestamp, WorkflowStatus,
    store::{
        ClaimedWorkflows, DequeuedWorkflows, HeartbeatOutcome, InsertOutcome, RegisterOutcome,
        ReleaseOutcome, RetireOutcome, StoreDescription, StoreError, StoreErrorKind, Wakeups,
        WorkflowPage, WorkflowRecord,
    },
};

/// Adds to `store` what a start, the acceptance of a workflow and a shutdown need. What the test
/// expects itself comes first, and takes precedence.
pub(crate) fn ready(mut store: MockSystemStore) -> MockSystemStore {
    store.expect_ping().returning(|| Ok(()));
    store.expect_migrate().returning(|| Ok(()));
    store.expect_verify().returning(|| Ok(()));
    store
        .expect_describe()
        .returning(|| StoreDescription::new("mock", "mock://host/app", "nothing lasts"));
    store.expect_register_version().returning(|_| Ok(()));
    store
        .expect_register_executor()
        .returning(|_| Ok(RegisterOutcome::default()));
    store
        .expect_heartbeat()
        .returning(|_| Ok(HeartbeatOutcome::Alive));
    store.expect_list_executors().returning(|_| Ok(Vec::new()));
    store.expect_list_versions().returning(|_| Ok(Vec::new()));
    store.expect_subscribe().returning(|| Ok(Wakeups::none()));
    store.expect_cancel_expired().returning(|_| Ok(Vec::new()));
    store
        .expect_list_workflows()
        .returning(|_| Ok(WorkflowPage::new()));
    store
        .expect_claim_workflows()
        .returning(|_| Ok(ClaimedWorkflows::new()));
    store
        .expect_dequeue_workflows()
        .returning(|_| Ok(DequeuedWorkflows::new()));
    store
        .expect_release_delayed()
        .returning(|_| Ok(ReleaseOutcome::default()));
    store.expect_list_schedules().returning(|_| Ok(Vec::new()));
    store
        .expect_insert_workflow()
        .returning(|_| Ok(InsertOutcome::Inserted));
    store
        .expect_retire_executor()
        .returning(|_| Ok(RetireOutcome::new(0)));
    store
}

/// The row of workflow `id`.
pub(crate) fn record(id: &str, name: &str, status: WorkflowStatus) -> WorkflowRecord {
    WorkflowRecord::new(id, "app", name, status, Timestamp::from_millis(1))
}

/// The error of a store that is away.
pub(crate) fn unavailable(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation)
}
