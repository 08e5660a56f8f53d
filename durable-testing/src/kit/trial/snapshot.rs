use std::collections::BTreeMap;

use durable_api::{
    SystemStore,
    store::{StoreResult, WorkflowArchive, WorkflowFilter},
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
