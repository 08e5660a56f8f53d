use std::collections::BTreeMap;

use durable_api::{
    SystemStore, Timestamp,
    store::{
        QueueRecord, ScheduleRecord, StoreResult, VersionRecord, WorkflowArchive, WorkflowFilter,
    },
};

use crate::kit::life::APP;

/// All workflows with what belongs to them, by id.
pub(super) type Snapshot = BTreeMap<String, WorkflowArchive>;

pub(super) async fn snapshot(store: &dyn SystemStore) -> StoreResult<Snapshot> {
    let mut filter = WorkflowFilter::new();
    filter.app = Some(APP.to_owned());
    let mut snapshot = Snapshot::new();
    loop {
        let page = store.list_workflows(filter.clone()).await?;
        for record in page.workflows {
            if let Some(archive) = store.export_workflow(&record.id).await? {
                snapshot.insert(record.id, archive);
            }
        }
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return Ok(snapshot),
        }
    }
}

/// What is set for all workflows of the application.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    queues: Vec<QueueRecord>,
    /// Without their last ticks, which time moves.
    schedules: Vec<ScheduleRecord>,
    versions: Vec<VersionRecord>,
}

pub(super) async fn settings(store: &dyn SystemStore) -> StoreResult<Settings> {
    let mut schedules = store.list_schedules(APP).await?;
    for schedule in &mut schedules {
        schedule.last_tick = Timestamp::from_millis(0);
    }
    Ok(Settings {
        queues: store.list_queues(APP).await?,
        schedules,
        versions: store.list_versions(APP).await?,
    })
}
