use async_trait::async_trait;
use durable_api::store::{
    AdministrationStore, Cursor, SortOrder, StoreResult, WorkflowFilter, WorkflowPage,
    WorkflowRecord,
};

use crate::MemoryStore;

#[async_trait]
impl AdministrationStore for MemoryStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        let mut found: Vec<WorkflowRecord> = self
            .tables()
            .workflows
            .values()
            .filter(|row| filter.matches(row))
            .cloned()
            .collect();
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        if filter.order == SortOrder::NewestFirst {
            found.reverse();
        }

        let limit = filter.limit as usize;
        let cut = found.len() > limit;
        found.truncate(limit);

        let mut page = WorkflowPage::new();
        page.next = found.last().filter(|_| cut).map(|last| Cursor {
            created_at: last.created_at,
            id: last.id.clone(),
        });
        page.workflows = found
            .into_iter()
            .map(|record| record.with_payloads(filter.payloads))
            .collect();
        Ok(page)
    }
}
