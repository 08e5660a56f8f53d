mod page;
mod scan;
mod walk;

use async_trait::async_trait;
use durable_api::store::{
    AdministrationStore, Payloads, SortOrder, StoreResult, WorkflowFilter, WorkflowPage,
    WorkflowRecord,
};
use redis::Value;

use crate::{RedisStore, record};

use page::PageBuilder;

const OPERATION: &str = "list_workflows";

/// How many rows are read in one round trip at most, without payloads.
const ROWS_AT_ONCE: usize = 256;

/// The same with payloads, of which each may be large.
const PAYLOADS_AT_ONCE: usize = 16;

#[async_trait]
impl AdministrationStore for RedisStore {
    /// Walks the index of all workflows, of a parent's children or of the forks of one, in pieces, and filters what it
    /// finds: a condition that few meet reads many rows. Named ids are read directly. A page is not one snapshot of the
    /// store; each of its records is one of its row.
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        let mut page = PageBuilder::new(&filter);
        let mut scan = self.scan(OPERATION, &filter);
        if filter.ids.is_empty() {
            while !page.is_full()
                && let Some(found) = scan.next().await?
            {
                for (id, row) in found {
                    match row {
                        Ok(record) => record.into_iter().for_each(|record| page.take(record)),
                        Err(reason) => page.add_damaged(&id, reason),
                    }
                }
            }
        } else {
            let mut records = Vec::new();
            while let Some(found) = scan.next().await? {
                for (id, row) in found {
                    match row {
                        Ok(record) => records.extend(record),
                        Err(reason) => page.add_damaged(&id, reason),
                    }
                }
            }
            records.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            if filter.order == SortOrder::NewestFirst {
                records.reverse();
            }
            for record in records {
                page.take(record);
            }
        }

        let mut page = page.finish();
        if filter.payloads != Payloads::Omit {
            self.load_payloads(&filter, &mut page).await?;
        }
        Ok(page)
    }
}

/// A row, if there is one; or what is wrong with it.
pub(crate) type Row = Result<Option<WorkflowRecord>, String>;

impl RedisStore {
    async fn rows(
        &self,
        operation: &'static str,
        ids: &[&str],
        payloads: Payloads,
    ) -> StoreResult<Vec<Row>> {
        let mut commands = redis::pipe();
        for id in ids {
            commands.add_command(record::read(&self.keys().workflow(id), payloads));
        }
        let values: Vec<Value> = self.link().read_all(operation, &commands).await?;
        Ok(ids
            .iter()
            .zip(values)
            .map(|(id, value)| record::decode(id, value))
            .collect())
    }

    /// Reads the records of a page again, with their payloads. One that has changed and does not meet the filter
    /// any more is left out.
    async fn load_payloads(
        &self,
        filter: &WorkflowFilter,
        page: &mut WorkflowPage,
    ) -> StoreResult<()> {
        let plain = std::mem::take(&mut page.workflows);
        let ids: Vec<&str> = plain.iter().map(|record| record.id.as_str()).collect();
        for ids in ids.chunks(PAYLOADS_AT_ONCE) {
            for (id, row) in ids
                .iter()
                .zip(self.rows(OPERATION, ids, filter.payloads).await?)
            {
                match row {
                    Ok(record) => page
                        .workflows
                        .extend(record.filter(|record| filter.matches(record))),
                    Err(reason) => page.damaged.push(page::damaged(id, reason)),
                }
            }
        }
        Ok(())
    }
}
