use durable_api::{
    SystemStore,
    store::{
        AppendStream, FinishWorkflow, Owner, Payloads, ReceiveMessage, RecordStep, SendMessage,
        SetEvent, StepRecord, StepRef, WorkflowRecord,
    },
};

use super::{Generator, Operation};
use crate::differential::transaction::Transaction;

/// What an execution writes.
impl Generator {
    pub(super) fn record_step(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let (owner, step) = (self.owner_of(found), self.checkpoint());
        Operation::RecordStep(RecordStep::new(id, owner, step))
    }

    pub(super) fn set_event(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let step = self.step_ref(id, found);
        let (key, value, now) = (self.key(), self.payload(), self.now());
        Operation::SetEvent(SetEvent::new(step, key, value, now))
    }

    pub(super) fn append(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let step = self.step_ref(id, found);
        let (key, write_id, now) = (self.key(), self.fresh_uuid(), self.now());
        Operation::AppendStream(match self.chance(85) {
            true => AppendStream::value(step, key, self.payload(), write_id, now),
            false => AppendStream::close(step, key, write_id, now),
        })
    }

    /// From outside, or from a workflow.
    pub(super) async fn send(
        &mut self,
        id: &str,
        found: Option<&WorkflowRecord>,
        reference: &dyn SystemStore,
    ) -> Operation {
        let mut request = self.message(id);
        if self.chance(50) {
            request.destination = self.id();
            request.sender = Some(self.step_ref(id, found));
        } else if self.chance(50) {
            let sender = self.id();
            let found = reference.get_workflow(&sender, Payloads::Omit).await;
            request.sender = Some(self.step_ref(&sender, found.ok().flatten().as_ref()));
        }
        Operation::Send(request)
    }

    pub(super) fn message(&mut self, destination: &str) -> SendMessage {
        let (topic, payload, now) = (self.topic(), self.payload(), self.now());
        // Some ids are known.
        let message_id = format!("m{}", self.rng.u32(..40));
        SendMessage::new(destination, topic, message_id, payload, now)
    }

    pub(super) fn receive(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let owner = self.owner_of(found);
        let (step_id, name, began) = (self.step_id(), self.step_name(), self.around());
        let step = StepRef::recorded(id, owner, step_id, name, began);
        let mut request = ReceiveMessage::new(step, self.topic(), self.now());
        request.give_up = self.chance(30);
        Operation::Receive(request)
    }

    pub(super) fn finish(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let owner = self.owner_of(found);
        let (outcome, now) = (self.outcome(), self.now());
        Operation::Finish(FinishWorkflow::new(id, owner, outcome, now))
    }

    pub(super) fn transaction(&mut self, id: &str, found: Option<&WorkflowRecord>) -> Operation {
        let (owner, checkpoint) = (self.owner_of(found), self.checkpoint());
        let step = StepRef::recorded(
            id,
            owner,
            checkpoint.step_id,
            &*checkpoint.name,
            checkpoint.started_at,
        );
        Operation::Transaction(Transaction {
            step,
            checkpoint: self.chance(75).then_some(checkpoint),
        })
    }

    /// Who may write to a workflow, or perhaps somebody else.
    pub(super) fn owner_of(&mut self, found: Option<&WorkflowRecord>) -> Owner {
        match found.and_then(|row| row.owner) {
            Some(owner) if !self.chance(7) => owner,
            _ => self.some_owner(),
        }
    }

    pub(super) fn step_id(&mut self) -> u32 {
        match self.chance(2) {
            true => u32::MAX,
            false => self.rng.u32(..7),
        }
    }

    pub(super) fn step_name(&mut self) -> &'static str {
        self.one(&["charge", "ship", "durable.sleep"])
    }

    fn checkpoint(&mut self) -> StepRecord {
        let (step_id, name) = (self.step_id(), self.step_name());
        let (outcome, began, ended) = (self.outcome(), self.around(), self.around());
        let mut step = StepRecord::completed(step_id, name, outcome, began, ended);
        if self.chance(10) {
            step.outcome = None;
        }
        step.completions = self.completions();
        step
    }

    fn completions(&mut self) -> Option<String> {
        self.chance(10)
            .then(|| self.one(&["0:0", "3:7,4:1"]).to_owned())
    }

    /// A step whose checkpoint the effect writes, or one in whose body it is.
    fn step_ref(&mut self, id: &str, found: Option<&WorkflowRecord>) -> StepRef {
        let owner = self.owner_of(found);
        let (step_id, name, began) = (self.step_id(), self.step_name(), self.around());
        let mut step = match self.chance(80) {
            true => StepRef::recorded(id, owner, step_id, name, began),
            false => StepRef::inside(id, owner, step_id, began),
        };
        step.completions = self.completions();
        step
    }
}
