use std::collections::BTreeMap;

use async_trait::async_trait;
use durable_api::store::{
    AggregateStore, AggregateWorkflows, GroupKey, StoreResult, WorkflowGroup,
};

use crate::RedisStore;

#[async_trait]
impl AggregateStore for RedisStore {
    /// Reads every row of the index of all workflows (or of a parent's children, or of the forks of one) in pieces, and
    /// counts here: the server is not held up, and the counts are not one snapshot.
    async fn aggregate_workflows(
        &self,
        mut request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>> {
        request.filter.after = None;
        request.filter.limit = u32::MAX;
        let mut groups: BTreeMap<GroupKey, WorkflowGroup> = BTreeMap::new();
        let mut scan = self.scan("aggregate_workflows", &request.filter);
        while let Some(found) = scan.next().await? {
            for (_, row) in found {
                if let Ok(Some(record)) = row
                    && request.filter.matches(&record)
                {
                    let key = request.key(&record);
                    groups
                        .entry(key.clone())
                        .or_insert_with(|| WorkflowGroup::new(key))
                        .add(&record);
                }
            }
        }
        Ok(groups.into_values().collect())
    }
}
