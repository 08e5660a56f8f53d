use serde::{Deserialize, Serialize};

/// What a workflow is to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Where its answers come from.
    pub(crate) number: u64,
    /// How much of it to do.
    pub(crate) size: u64,
    /// How long a body takes.
    pub(crate) millis: u64,
    /// The workflow that it talks to.
    pub(crate) peer: String,
}

impl Job {
    pub(super) fn part(&self, part: u64) -> u64 {
        self.number * 1_000 + part
    }

    /// The answer of a workflow that does its parts one by one.
    pub(crate) fn answer(&self) -> Vec<u64> {
        (0..self.size).map(|part| self.part(part)).collect()
    }
}

/// What a workflow came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) answer: Vec<u64>,
    /// What the workflow received from the bodies of its own steps.
    pub(crate) effects: Vec<Effect>,
}

impl Report {
    pub(super) fn add(&mut self, effect: Effect) {
        self.answer.push(effect.value);
        self.effects.push(effect);
    }
}

/// What a body returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) step: u32,
    /// Told from every other run of the body.
    pub(crate) nonce: u64,
    pub(crate) value: u64,
}
