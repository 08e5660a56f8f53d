use durable_api::store::{
    CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ResumeWorkflows, SetAttributes,
};

use super::{Generator, Operation};

/// What is done to workflows from outside.
impl Generator {
    pub(super) fn cancel(&mut self, id: &str) -> Operation {
        let mut request = CancelWorkflows::new(self.ids(id), self.now());
        request.children = self.chance(40);
        Operation::Cancel(request)
    }

    pub(super) fn cancel_expired(&mut self) -> Operation {
        let mut request = CancelExpired::new(self.app(), self.now());
        request.limit = self.limit();
        Operation::CancelExpired(request)
    }

    pub(super) fn resume(&mut self, id: &str) -> Operation {
        let mut request = ResumeWorkflows::new(self.ids(id), self.now());
        request.queue = self.wild_queue();
        Operation::Resume(request)
    }

    pub(super) fn delete(&mut self, id: &str) -> Operation {
        let mut request = DeleteWorkflows::new(self.ids(id));
        request.children = self.chance(40);
        Operation::Delete(request)
    }

    pub(super) fn delete_finished(&mut self) -> Operation {
        let mut request = DeleteFinished::new(self.app());
        request.completed_before = self.maybe(60, Self::around);
        request.keep_latest = self.maybe(60, |this| this.rng.u64(..5));
        request.limit = self.limit();
        Operation::DeleteFinished(request)
    }

    pub(super) fn set_attributes(&mut self, id: &str) -> Operation {
        let (attributes, now) = (self.attributes(), self.now());
        Operation::SetAttributes(SetAttributes::new(id, attributes, now))
    }

    /// In a transaction of the caller's, which is none of the store's.
    pub(super) fn within(&mut self, id: &str) -> Operation {
        match self.chance(50) {
            true => Operation::SendWithin(self.message(id)),
            false => Operation::InsertWithin(self.enqueueing(id)),
        }
    }
}
