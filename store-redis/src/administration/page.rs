use durable_api::store::{Cursor, DamagedWorkflow, WorkflowFilter, WorkflowPage, WorkflowRecord};

/// Collects a page from what a walk finds, one match more than fits, to know whether there is another page.
pub(super) struct PageBuilder<'a> {
    filter: &'a WorkflowFilter,
    limit: usize,
    page: WorkflowPage,
    /// How many damaged rows came before the last match that fits.
    damaged_within: usize,
    overflowed: bool,
}

impl<'a> PageBuilder<'a> {
    pub(super) fn new(filter: &'a WorkflowFilter) -> Self {
        Self {
            filter,
            limit: usize::try_from(filter.limit).unwrap_or(usize::MAX),
            page: WorkflowPage::new(),
            damaged_within: 0,
            overflowed: false,
        }
    }

    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.overflowed
    }

    /// Takes a record, if it meets the filter and fits.
    pub(super) fn take(&mut self, record: WorkflowRecord) {
        if self.overflowed || !self.filter.matches(&record) {
            return;
        }
        if self.page.workflows.len() >= self.limit {
            self.overflowed = true;
            return;
        }
        self.page.workflows.push(record);
        self.damaged_within = self.page.damaged.len();
    }

    /// Notes a damaged row, of which nothing but the id can be held against the filter.
    pub(super) fn add_damaged(&mut self, id: &str, reason: String) {
        let prefix = self.filter.id_prefix.as_deref().unwrap_or_default();
        if !self.overflowed && id.starts_with(prefix) {
            self.page.damaged.push(damaged(id, reason));
        }
    }

    /// The page.
    pub(super) fn finish(mut self) -> WorkflowPage {
        if self.overflowed {
            // Those that came after the last match belong to the next page.
            self.page.damaged.truncate(self.damaged_within);
            self.page.next = self.page.workflows.last().map(|last| Cursor {
                created_at: last.created_at,
                id: last.id.clone(),
            });
        }
        self.page
    }
}

pub(super) fn damaged(id: &str, reason: String) -> DamagedWorkflow {
    DamagedWorkflow::new(id, reason)
}
