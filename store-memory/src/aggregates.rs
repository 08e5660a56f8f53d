use std::collections::BTreeMap;

use async_trait::async_trait;
use durable_api::store::{
    AggregateStore, AggregateWorkflows, GroupKey, StoreResult, WorkflowGroup,
};

use crate::MemoryStore;

#[async_trait]
impl AggregateStore for MemoryStore {
    async fn aggregate_workflows(
        &self,
        mut request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>> {
        request.filter.after = None;
        let mut groups: BTreeMap<GroupKey, WorkflowGroup> = BTreeMap::new();
        for row in self.shared_tables().workflows.values() {
            if request.filter.matches(row) {
                let key = request.key(row);
                groups
                    .entry(key.clone())
                    .or_insert_with(|| WorkflowGroup::new(key))
                    .add(row);
            }
        }
        Ok(groups.into_values().collect())
    }
}
