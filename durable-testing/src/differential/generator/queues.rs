use durable_api::store::{
    ClaimableWorkflow, DequeueWorkflows, Limits, QueueRecord, RateLimit, ReleaseDelayed, SetDelay,
    WorkflowRecord,
};

use super::{Generator, Life, Manner, Operation};
use crate::differential::operation::Order;

/// Queues.
impl Generator {
    pub(super) fn put_queue(&mut self) -> Operation {
        let mut record = QueueRecord::new(self.app(), self.queue_name());
        if self.manner == Manner::Orderly {
            record.partition_limits = self.limits();
            if !is_partitioned(&record.name) {
                record.limits = self.limits();
            }
        }
        if self.chance(30) {
            record.weights.insert("p".to_owned(), self.rng.u32(..4));
        }
        Operation::PutQueue(record)
    }

    pub(super) fn delete_queue(&mut self) -> Operation {
        Operation::DeleteQueue(self.app(), self.queue_name())
    }

    /// Takes from the queue of a workflow, or from others.
    pub(super) fn dequeue(&mut self, found: Option<&WorkflowRecord>) -> Operation {
        let life = self.life_for(found);
        let owner = self.fresh_owner(life.incarnation);
        let (workflows, now) = (self.claimable(), self.now());
        let mut request = DequeueWorkflows::new(life.app, life.version, workflows, owner, now);
        life.executor_id.clone_into(&mut request.executor_id);
        request.unversioned = self.chance(50);
        let queue = found.and_then(|row| row.queue.clone());
        let queue = queue.unwrap_or_else(|| self.queue_name());
        request.limit = 1_000;
        if self.chance(70) {
            if self.manner == Manner::Orderly && !is_partitioned(&queue) && self.chance(60) {
                request.limit = self.rng.u32(1..4);
            }
            request.queues = Some(vec![queue]);
        } else {
            request.queues = self.maybe(30, |this| vec![queue, this.queue_name()]);
        }
        let order = match self.manner {
            Manner::Orderly => Order::ByPartition,
            Manner::Wild => Order::Open,
        };
        Operation::Dequeue(request, order)
    }

    pub(super) fn release(&mut self) -> Operation {
        let mut request = ReleaseDelayed::new(self.app(), self.now());
        request.limit = self.limit();
        Operation::ReleaseDelayed(request)
    }

    pub(super) fn set_delay(&mut self, id: &str) -> Operation {
        let (until, now) = (self.around(), self.now());
        Operation::SetDelay(SetDelay::new(id, until, now))
    }

    /// What an executor has the code of: mostly everything.
    pub(super) fn claimable(&mut self) -> Vec<ClaimableWorkflow> {
        let attempts = self.one(&[0, 1, 2, 100, 100]);
        let checkout = ClaimableWorkflow::new("checkout", attempts);
        let refund = ClaimableWorkflow::new("refund", 100);
        match self.rng.u32(..10) {
            0 => vec![checkout],
            1 => vec![refund],
            _ => vec![checkout, refund],
        }
    }

    /// An executor that can take a workflow, or perhaps another.
    pub(super) fn life_for(&mut self, found: Option<&WorkflowRecord>) -> Life {
        let life = self.life();
        let Some(row) = found.filter(|_| self.chance(85)) else {
            return life;
        };
        let fits = |life: &&Life| {
            life.app == row.app && row.version.as_ref().is_none_or(|one| one == life.version)
        };
        let living = self.lives.iter().rev();
        let mut living = living.filter(|life| self.living.contains(&life.incarnation));
        living.find(fits).cloned().unwrap_or(life)
    }

    fn limits(&mut self) -> Limits {
        let mut limits = Limits::default();
        limits.concurrency = self.maybe(25, |this| this.rng.u32(..4));
        limits.executor_concurrency = self.maybe(20, |this| this.rng.u32(..3));
        limits.rate = self.maybe(25, |this| RateLimit {
            starts: this.rng.u32(..4),
            period_millis: this.rng.u64(..800),
        });
        limits
    }
}

/// Whether workflows of a queue have partition keys where limits are put to the test.
pub(super) fn is_partitioned(queue: &str) -> bool {
    queue == "print"
}
