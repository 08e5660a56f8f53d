use durable_api::{
    WorkflowStatus,
    store::{AggregateWorkflows, Cursor, ReadStream, WorkflowFilter, WorkflowRecord},
};

use super::{Generator, Operation};

const STATUSES: [WorkflowStatus; 7] = [
    WorkflowStatus::Pending,
    WorkflowStatus::Enqueued,
    WorkflowStatus::Delayed,
    WorkflowStatus::Success,
    WorkflowStatus::Error,
    WorkflowStatus::Cancelled,
    WorkflowStatus::MaxRecoveryAttemptsExceeded,
];

/// Looking.
impl Generator {
    pub(super) fn list(&mut self, found: Option<&WorkflowRecord>) -> Operation {
        let mut filter = self.filter();
        filter.limit = match self.chance(60) {
            true => self.rng.u32(1..6),
            false => WorkflowFilter::DEFAULT_LIMIT,
        };
        if self.chance(50) {
            filter = filter.newest_first();
        }
        if self.chance(50) {
            filter = filter.with_payloads();
        }
        if let Some(row) = found.filter(|_| self.chance(50)) {
            filter = filter.after(Cursor {
                created_at: row.created_at,
                id: row.id.clone(),
            });
        }
        Operation::List(Box::new(filter))
    }

    pub(super) fn aggregate(&mut self) -> Operation {
        let mut request = AggregateWorkflows::new(self.filter());
        request.by_status = self.chance(50);
        request.by_name = self.chance(50);
        request.by_version = self.chance(50);
        request.by_queue = self.chance(50);
        request.bucket_millis = self.one(&[0, 1, 1_000, 60_000]);
        Operation::Aggregate(request)
    }

    pub(super) fn read_stream(&mut self, id: &str) -> Operation {
        let from = match self.chance(5) {
            true => u64::MAX,
            false => self.rng.u64(..4),
        };
        let mut request = ReadStream::new(id, self.key(), from);
        request.limit = self.one(&[0, 1, 2, 100]);
        Operation::ReadStream(request)
    }

    /// A filter with some conditions.
    fn filter(&mut self) -> WorkflowFilter {
        let mut filter = WorkflowFilter::new();
        filter.app = self.maybe(50, Self::app);
        while self.chance(20) {
            filter = filter.id(self.id());
        }
        filter.id_prefix = self.maybe(15, |this| this.one(&["w", "w%", "w:", "", "é"]).to_owned());
        if self.chance(20) {
            filter = filter.name(self.name());
        }
        while self.chance(25) {
            filter = filter.status(self.one(&STATUSES));
        }
        filter
            .versions
            .extend(self.maybe(15, |this| this.version_name().to_owned()));
        filter
            .executor_ids
            .extend(self.maybe(15, |this| this.one(&["one", "two"]).to_owned()));
        if self.chance(20) {
            filter = filter.queue(self.queue_name());
        }
        if self.chance(10) {
            filter = filter.schedule("daily");
        }
        filter.parent_id = self.maybe(10, Self::id);
        filter.forked_from = self.maybe(10, Self::id);
        if self.chance(10) {
            filter = filter.user("ann");
        }
        if self.chance(15) {
            filter = filter.attribute("a", self.attribute());
        }
        for bound in [
            &mut filter.created_from,
            &mut filter.created_before,
            &mut filter.started_from,
            &mut filter.started_before,
            &mut filter.completed_from,
            &mut filter.completed_before,
        ] {
            *bound = self.maybe(8, Self::around);
        }
        filter
    }
}
