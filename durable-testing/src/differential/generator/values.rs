use std::time::Duration;

use durable_api::{
    Payload, Timestamp,
    store::{Caller, Incarnation, Outcome, Owner},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{APPS, Generator, Life};

/// The ids of all workflows, also such as break whoever splices, splits, folds or matches patterns.
const IDS: &[&str] = &[
    "w0", "w1", "w2", "w3", "w4", "w5", "W5", "w:6", "w6:0", "w%", "w*", "w'7", "w 8", "é", "{9}",
    "w\\", "0", "-1",
];

impl Generator {
    /// One of a few.
    pub(super) fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    /// True so often in a hundred times.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    /// Something, so often in a hundred times.
    pub(super) fn maybe<T>(
        &mut self,
        percent: u32,
        make: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.chance(percent).then(|| make(self))
    }

    /// A number that was not given before.
    pub(super) fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn fresh_uuid(&mut self) -> Uuid {
        let high = self.rng.u64(..);
        Uuid::from_u64_pair(high, self.fresh())
    }

    pub(super) fn id(&mut self) -> String {
        self.one(IDS).to_owned()
    }

    /// Some ids, perhaps the same twice, and this one.
    pub(super) fn ids(&mut self, id: &str) -> Vec<String> {
        let mut ids = vec![id.to_owned()];
        while self.chance(30) {
            let other = match self.chance(10) {
                true => "unknown".to_owned(),
                false => self.id(),
            };
            ids.push(other);
        }
        ids
    }

    pub(super) fn app(&mut self) -> String {
        self.app_name().to_owned()
    }

    pub(super) fn app_name(&mut self) -> &'static str {
        APPS[usize::from(self.chance(12))]
    }

    pub(super) fn name(&mut self) -> String {
        self.one(&["checkout", "checkout", "refund"]).to_owned()
    }

    pub(super) fn version_name(&mut self) -> &'static str {
        self.one(&["v1", "v1", "v1", "v2"])
    }

    pub(super) fn version(&mut self) -> Option<String> {
        self.maybe(85, |this| this.version_name().to_owned())
    }

    pub(super) fn queue_name(&mut self) -> String {
        self.one(&["mail", "mail", "print", "q:1"]).to_owned()
    }

    pub(super) fn partition(&mut self) -> Option<String> {
        self.maybe(50, |this| this.one(&["p", "q", "p:1"]).to_owned())
    }

    /// The key of an event or a stream.
    pub(super) fn key(&mut self) -> String {
        self.one(&["k", "K", "k:1", ""]).to_owned()
    }

    pub(super) fn topic(&mut self) -> String {
        self.one(&["", "", "", "", "t", "t:1"]).to_owned()
    }

    /// A payload whose length tells it from others.
    pub(super) fn payload(&mut self) -> Payload {
        let length = self.rng.usize(..24);
        match self.chance(50) {
            true => Payload::new("json", vec![b'1'; length]),
            false => Payload::new("bincode", vec![0u8; length]),
        }
    }

    pub(super) fn outcome(&mut self) -> Outcome {
        match self.chance(75) {
            true => Outcome::Success(self.payload()),
            false => Outcome::Failure(self.payload()),
        }
    }

    /// The present time, by a clock that may be slow.
    pub(super) fn now(&mut self) -> Timestamp {
        let slow = match self.chance(15) {
            true => self.rng.i64(0..200),
            false => 0,
        };
        at(self.clock - slow)
    }

    /// The present time, which is later than all before.
    pub(super) fn present(&mut self) -> Timestamp {
        self.clock += 1;
        at(self.clock)
    }

    /// A time around the present.
    pub(super) fn around(&mut self) -> Timestamp {
        at(self.clock + self.rng.i64(-500..2_000))
    }

    pub(super) fn duration(&mut self) -> Duration {
        match self.rng.u32(..40) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(i64::MAX.unsigned_abs()),
            _ => Duration::from_millis(self.rng.u64(..2_000)),
        }
    }

    pub(super) fn caller(&mut self) -> Caller {
        let mut caller = Caller::new();
        if self.chance(30) {
            caller = Caller::user(self.one(&["ann", "bob"]));
        }
        if self.chance(10) {
            caller = caller.assuming("admin").role("clerk").role("admin");
        }
        caller
    }

    pub(super) fn attributes(&mut self) -> Map<String, Value> {
        let mut attributes = Map::new();
        for name in ["a", "b:c"] {
            if self.chance(30) {
                attributes.insert(name.to_owned(), self.attribute());
            }
        }
        attributes
    }

    pub(super) fn attribute(&mut self) -> Value {
        match self.rng.u32(..8) {
            0 => json!(null),
            1 => json!(true),
            2 => json!("1"),
            3 => json!(1.5),
            4 => json!(["x", 1]),
            5 => json!({"x": {"y": "é"}}),
            _ => json!(self.rng.u32(..3)),
        }
    }

    /// One that lives, or perhaps one that did.
    pub(super) fn life(&mut self) -> Life {
        let living = self.lives.iter();
        let living = living.filter(|life| self.living.contains(&life.incarnation));
        let living: Vec<Life> = living.cloned().collect();
        match living.len() {
            0 => self.lives[self.rng.usize(..self.lives.len())].clone(),
            _ if self.chance(10) => self.lives[self.rng.usize(..self.lives.len())].clone(),
            count => living[self.rng.usize(..count)].clone(),
        }
    }

    /// An owner that was not given before.
    pub(super) fn fresh_owner(&mut self, incarnation: Incarnation) -> Owner {
        let owner = Owner::new(incarnation, self.fresh());
        self.owners.push_front(owner);
        self.owners.truncate(12);
        owner
    }

    /// An owner that there was of late.
    pub(super) fn some_owner(&mut self) -> Owner {
        match self.owners.len() {
            0 => Owner::new(Incarnation(Uuid::nil()), 0),
            count => self.owners[self.rng.usize(..count)],
        }
    }

    /// How many at most. A repetition of a call that met its limit may do more, so there are none where that must change nothing.
    pub(super) fn limit(&mut self) -> u32 {
        match self.faults != super::Faults::RepeatedAtOnce && self.chance(50) {
            true => self.rng.u32(1..4),
            false => 1_000,
        }
    }
}

/// An instant, some milliseconds after the beginning.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}
