use durable_api::{
    SystemStore,
    store::{Debounce, Enqueue, ForkWorkflow, InsertWorkflow, ParentCheckpoint, WorkflowRecord},
};

use super::{Generator, Manner, Operation, queues::is_partitioned};

/// What makes workflows.
impl Generator {
    /// A start at once.
    pub(super) fn insert(&mut self, id: &str) -> Operation {
        Operation::Insert(self.insertion(id))
    }

    /// A start that waits.
    pub(super) fn enqueue(&mut self, id: &str) -> Operation {
        Operation::Insert(self.enqueueing(id))
    }

    /// A start by a step of a workflow.
    pub(super) fn child(&mut self, parent: &str, found: Option<&WorkflowRecord>) -> Operation {
        let id = self.id();
        let mut request = match self.chance(50) {
            true => self.insertion(&id),
            false => self.enqueueing(&id),
        };
        let owner = self.owner_of(found);
        let (step_id, name) = (self.step_id(), self.step_name());
        request.parent = Some(ParentCheckpoint::new(parent, owner, step_id, name));
        Operation::Insert(request)
    }

    pub(super) fn fork(&mut self, id: &str, exists: bool) -> Operation {
        let mut requests = Vec::new();
        loop {
            let other = self.id();
            // What exists is likely to be the source, and what does not, the fork.
            let (source, id) = match exists {
                true => (id.to_owned(), other),
                false => (other, id.to_owned()),
            };
            let mut request = ForkWorkflow::new(source, id, self.step_id(), self.now());
            request.version = self.maybe(20, |this| this.version_name().to_owned());
            request.queue = self.wild_queue();
            requests.push(request);
            if !self.chance(15) {
                return Operation::Fork(requests);
            }
        }
    }

    /// Takes in what was exported, now or some time ago, as it was or under another id.
    pub(super) async fn import(&mut self, id: &str, reference: &dyn SystemStore) -> Operation {
        let other = self.id();
        if let Ok(Some(archive)) = reference.export_workflow(&other).await {
            self.archives.push_front(archive);
            self.archives.truncate(4);
        }
        if self.archives.is_empty() {
            return Operation::Export(other);
        }
        let at = self.rng.usize(..self.archives.len());
        let mut archive = self.archives[at].clone();
        if self.chance(70) {
            id.clone_into(&mut archive.record.id);
        }
        if self.manner == Manner::Orderly && archive.record.queue.is_some() {
            return Operation::Export(other);
        }
        Operation::Import(Box::new(archive))
    }

    /// A queue into which something comes by another way than being enqueued.
    pub(super) fn wild_queue(&mut self) -> Option<String> {
        match self.manner {
            Manner::Orderly => None,
            Manner::Wild => self.maybe(30, Self::queue_name),
        }
    }

    pub(super) fn insertion(&mut self, id: &str) -> InsertWorkflow {
        let life = self.life();
        let owner = self.fresh_owner(life.incarnation);
        let (name, input, now) = (self.name(), self.payload(), self.now());
        let mut request = InsertWorkflow::new(id, life.app, name, input, owner, now);
        life.executor_id.clone_into(&mut request.executor_id);
        request.version = self.version();
        request.deadline = self.maybe(20, Self::around);
        request.caller = self.caller();
        request.attributes = self.attributes();
        request.trace_context = self.maybe(10, |_| "00-1-2-01".to_owned());
        request
    }

    pub(super) fn enqueueing(&mut self, id: &str) -> InsertWorkflow {
        let mut request = self.insertion(id);
        let mut enqueue = Enqueue::new(self.queue_name());
        if self.manner == Manner::Orderly {
            request.now = self.present();
        }
        enqueue.priority = self.one(&[0, 0, 0, 1, -1, i32::MAX, i32::MIN]);
        enqueue.deduplication_id = self.maybe(25, |this| this.one(&["d", "d:1"]).to_owned());
        if self.manner == Manner::Wild || is_partitioned(&enqueue.queue) {
            enqueue.partition_key = self.partition();
        }
        enqueue.delayed_until = self.maybe(30, Self::around);
        if enqueue.delayed_until.is_some() {
            enqueue.debounce = self.maybe(70, |this| {
                let key = this.one(&["b", "b", "b", "b:1"]);
                Debounce::new(key, this.around())
            });
        }
        enqueue.timeout = self.maybe(30, Self::duration);
        request.enqueue = Some(enqueue);
        request
    }
}
