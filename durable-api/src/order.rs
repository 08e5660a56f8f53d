//! In which order the durable calls of a workflow complete, so that a replay completes them alike.
//!
//! A call takes its number when it is made. Where branches of a workflow run side by side, which call is made next depends on
//! which one completed before; so a replay has to complete the recorded calls in the order of the first run.
//!
//! - Between two completions the code runs until it can go no further: what one leads to is numbered before the next.
//! - The usual order is that the latest call completes first, as it does in code that goes step by step. A completion out of that order
//!   is noted, with how many came before it, and the note is part of each checkpoint that is written until one is known to be stored. What
//!   follows from a completion is thus never stored without it.
//! - A replay keeps to the notes and, where there is none, to the usual order among the recorded calls. Once it has made every
//!   recorded call, nothing that is stored depends on the order any more.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    task::Waker,
};

use crate::CodecError;

/// So often nothing must happen, though nothing is waited for, before a replay is taken for one of other code.
const PATIENCE: u8 = 3;

#[derive(Default)]
pub(crate) struct Order {
    /// Calls that have neither completed nor been dropped.
    open: BTreeSet<u32>,
    /// Those of them that have their result and not their turn, and whom to wake when it comes.
    ready: BTreeMap<u32, Option<Waker>>,
    /// How many completed.
    completed: u32,
    /// Whether a call may complete in this pass over the code: none has, and none was made.
    quiet: bool,
    /// Completions that are to be noted, in their order.
    unstored: Vec<Streak>,
    /// What earlier runs noted.
    told: BTreeMap<u32, u32>,
    /// The recorded calls that can complete.
    recorded: BTreeSet<u32>,
    /// The recorded calls that this run has not made.
    ahead: BTreeSet<u32>,
    /// How often nothing happened.
    stalled: u8,
}

/// Calls of consecutive numbers that completed one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Streak {
    /// How many calls had completed before.
    before: u32,
    first: u32,
    last: u32,
}

/// No streak of a workflow is as long.
const LONGEST: u32 = 1_000_000;

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Anybodys,
    Of(u32),
    /// That of a recorded call which has yet to be made.
    Nobodys,
}

/// What comes after a pass over the code.
pub(crate) enum Next {
    /// Another pass, after this wake-up: a call has its turn.
    Pass(Waker),
    /// Another pass, later.
    Later,
    /// Something else has to happen first.
    Nothing,
}

impl Order {
    /// What there is of earlier runs: the numbers of the recorded calls that can complete, and their notes, the oldest first.
    pub(crate) fn replay<'n>(
        &mut self,
        recorded: impl IntoIterator<Item = u32>,
        notes: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), CodecError> {
        self.recorded = recorded.into_iter().collect();
        self.ahead = self.recorded.clone();
        for note in notes {
            for streak in parse(note)? {
                self.told
                    .extend((streak.before..).zip(streak.first..=streak.last));
            }
        }
        Ok(())
    }

    /// A number was taken.
    pub(crate) fn number(&mut self, step_id: u32) {
        self.quiet = false;
        self.ahead.remove(&step_id);
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, step_id: u32) {
        self.open.insert(step_id);
        self.stalled = 0;
    }

    /// A call was dropped, or its completion is of no consequence.
    pub(crate) fn leave(&mut self, step_id: u32) {
        self.open.remove(&step_id);
        self.ready.remove(&step_id);
        self.stalled = 0;
    }

    /// A call that has its result completes, if it has its turn. Otherwise it is woken when it has.
    pub(crate) fn complete(&mut self, step_id: u32, waker: &Waker) -> bool {
        let has_turn = match self.turn() {
            Turn::Anybodys => true,
            Turn::Of(other) => other == step_id,
            Turn::Nobodys => false,
        };
        if !(self.quiet && has_turn) {
            self.ready.insert(step_id, Some(waker.clone()));
            return false;
        }
        let is_told = match self.told.get(&self.completed) {
            Some(told) => *told == step_id,
            None => self.open.last() == Some(&step_id),
        };
        if !is_told {
            self.note_completion(step_id);
        }
        self.leave(step_id);
        self.completed += 1;
        self.quiet = false;
        true
    }

    /// A pass over the code begins.
    pub(crate) fn begin_pass(&mut self) {
        self.quiet = true;
    }

    /// A pass over the code ended, and the code waits. `is_over` if the run has no outcome, so that the order is of no consequence.
    pub(crate) fn end_pass(&mut self, is_over: bool) -> Next {
        if self.ready.is_empty() {
            return Next::Nothing;
        }
        let turn = if is_over { Turn::Anybodys } else { self.turn() };
        let waker = match turn {
            Turn::Anybodys => self.ready.values_mut().find_map(Option::take),
            Turn::Of(step_id) => self.ready.get_mut(&step_id).and_then(Option::take),
            Turn::Nobodys => None,
        };
        if let Some(waker) = waker {
            return Next::Pass(waker);
        }
        let waits = turn == Turn::Anybodys || self.ready.len() < self.open.len();
        if waits {
            return Next::Nothing;
        }
        // Everything has its result, and nothing its turn: this is not the code that made the notes. It is let go on, to the first call that differs.
        self.stalled += 1;
        if self.stalled > PATIENCE {
            self.ahead.clear();
            self.recorded.clear();
        }
        Next::Later
    }

    /// The note for a checkpoint that is written now.
    pub(crate) fn note(&self) -> Option<String> {
        let mut note = String::new();
        for streak in &self.unstored {
            let comma = if note.is_empty() { "" } else { "," };
            write!(note, "{comma}{}:{}", streak.before, streak.first).expect("is memory");
            if streak.last > streak.first {
                write!(note, "-{}", streak.last).expect("is memory");
            }
        }
        (!note.is_empty()).then_some(note)
    }

    fn note_completion(&mut self, step_id: u32) {
        if let Some(streak) = self.unstored.last_mut()
            && streak.end() == self.completed
            && streak.last + 1 == step_id
        {
            streak.last = step_id;
            return;
        }
        self.unstored.push(Streak {
            before: self.completed,
            first: step_id,
            last: step_id,
        });
    }

    /// A checkpoint with that note is stored.
    pub(crate) fn stored(&mut self, note: &str) {
        let Some(stored) = note.rsplit(',').next().and_then(parse_one) else {
            return;
        };
        let end = stored.end();
        self.unstored.retain(|streak| streak.end() > end);
        if let Some(streak) = self.unstored.first_mut()
            && streak.before < end
        {
            streak.first += end - streak.before;
            streak.before = end;
        }
    }

    fn turn(&self) -> Turn {
        let told = self.told.get(&self.completed);
        if let Some(told) = told.filter(|told| self.recorded.contains(told))
            && (self.open.contains(told) || self.ahead.contains(told))
        {
            return Turn::Of(*told);
        }
        if self.ahead.is_empty() {
            return Turn::Anybodys;
        }
        let mut latest = self.open.iter().rev();
        match latest.find(|step_id| self.recorded.contains(step_id)) {
            Some(step_id) => Turn::Of(*step_id),
            None => Turn::Nobodys,
        }
    }
}

impl Streak {
    /// How many calls had completed after it.
    fn end(&self) -> u32 {
        self.before + (self.last - self.first) + 1
    }
}

fn parse(note: &str) -> Result<Vec<Streak>, CodecError> {
    let told = note.split(',').map(parse_one).collect::<Option<_>>();
    told.ok_or_else(|| CodecError {
        action: "decode",
        type_name: "order of completions",
        encoding: "numbers".to_owned(),
        message: format!("`{note}` is none"),
    })
}

/// `before:first-last`, or `before:first` for one call.
fn parse_one(text: &str) -> Option<Streak> {
    let (before, calls) = text.split_once(':')?;
    let (first, last) = calls.split_once('-').unwrap_or((calls, calls));
    let streak = Streak {
        before: before.parse().ok()?,
        first: first.parse().ok()?,
        last: last.parse().ok()?,
    };
    let length = streak.last.checked_sub(streak.first)?;
    let fits = streak.before.checked_add(length)?.checked_add(1).is_some();
    (fits && length < LONGEST).then_some(streak)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Branches that make calls one after the other, side by side.
    const BRANCHES: usize = 4;
    const CALLS: usize = 6;

    /// What is stored of a call: whose it was, and the note.
    #[derive(Clone, Debug)]
    struct Checkpoint {
        call: (usize, usize),
        note: Option<String>,
    }

    struct Rng(u64);

    impl Rng {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).expect("fits") % end
        }
    }

    /// One run of the branches on what is stored. Ends early at random, with what was in flight stored or not.
    fn run(stored: &mut Vec<(u32, Checkpoint)>, rng: &mut Rng) -> bool {
        let mut order = Order::default();
        let notes: Vec<_> = stored
            .iter()
            .filter_map(|(_, it)| it.note.clone())
            .collect();
        let recorded: HashMap<u32, (usize, usize)> =
            stored.iter().map(|(id, it)| (*id, it.call)).collect();
        let replayed = order.replay(recorded.keys().copied(), notes.iter().map(String::as_str));
        replayed.expect("reads its notes");
        let (mut next, mut results) = (0, BTreeSet::new());
        // Of each branch: how many calls it made, and the call that it waits for.
        let mut branches = [(0, None); BRANCHES];
        let mut passes = 0;
        loop {
            order.begin_pass();
            passes += 1;
            assert!(passes < 10_000, "it goes on: {stored:?}");
            let first = rng.below(BRANCHES);
            for branch in (0..BRANCHES).map(|number| (number + first) % BRANCHES) {
                // The first calls are made in one order, as `join!` does.
                let branch = if passes == 1 {
                    (branch + BRANCHES - first) % BRANCHES
                } else {
                    branch
                };
                loop {
                    let (made, waits) = branches[branch];
                    match waits {
                        Some(id) if results.contains(&id) => {
                            if !order.complete(id, Waker::noop()) {
                                break;
                            }
                            branches[branch] = (made, None);
                        }
                        Some(_) => break,
                        None if made == CALLS => break,
                        None => {
                            order.number(next);
                            order.begin(next);
                            if let Some(call) = recorded.get(&next) {
                                assert_eq!(*call, (branch, made), "call {next} of {stored:?}");
                                results.insert(next);
                            }
                            branches[branch] = (made + 1, Some(next));
                            next += 1;
                        }
                    }
                }
            }
            if branches.iter().all(|branch| *branch == (CALLS, None)) {
                return true;
            }
            if !matches!(order.end_pass(false), Next::Nothing) {
                continue;
            }
            // Some of the calls that wait get their results, and are stored with them.
            let waiting: Vec<_> = branches
                .iter()
                .enumerate()
                .filter_map(|(branch, (made, waits))| Some((waits.as_ref()?, branch, made - 1)))
                .filter(|(id, ..)| !results.contains(id))
                .collect();
            assert!(!waiting.is_empty(), "stuck: {stored:?}");
            let crash = rng.below(12) == 0;
            for _ in 0..=rng.below(3) {
                let (id, branch, call) = waiting[rng.below(waiting.len())];
                if results.insert(*id) {
                    let note = order.note();
                    if let (Some(note), false) = (&note, crash) {
                        order.stored(note);
                    }
                    let call = (branch, call);
                    stored.push((*id, Checkpoint { call, note }));
                }
            }
            if crash {
                return false;
            }
        }
    }

    #[test]
    fn branches_are_numbered_alike_in_every_replay() {
        for seed in 0..500 {
            let (mut stored, mut rng) = (Vec::new(), Rng(seed));
            while !run(&mut stored, &mut rng) {}
            let mut calls: Vec<_> = stored.iter().map(|(_, it)| it.call).collect();
            calls.sort_unstable();
            calls.dedup();
            assert_eq!(calls.len(), BRANCHES * CALLS, "each is made once");
            assert_eq!(stored.len(), calls.len(), "seed {seed}");
        }
    }

    #[test]
    fn step_by_step_nothing_is_noted() {
        let mut order = Order::default();
        for id in 0..5 {
            order.begin_pass();
            order.number(id);
            order.begin(id);
            assert!(!order.complete(id, Waker::noop()), "the code goes on first");
            assert!(matches!(order.end_pass(false), Next::Pass(_)));
            order.begin_pass();
            assert!(order.complete(id, Waker::noop()));
            assert_eq!(order.note(), None);
        }
    }

    #[test]
    fn what_is_stored_is_noted_no_more() {
        let mut order = Order::default();
        for id in 0..3 {
            order.begin(id);
        }
        for id in 0..2 {
            order.begin_pass();
            assert!(order.complete(id, Waker::noop()));
        }
        assert_eq!(order.note().as_deref(), Some("0:0-1"));
        order.stored("0:0");
        assert_eq!(order.note().as_deref(), Some("1:1"));
        order.stored("0:0-1");
        assert_eq!(order.note(), None);
    }

    #[test]
    fn code_that_does_not_make_a_recorded_call_goes_on() {
        let mut order = Order::default();
        order.replay([0, 1], ["0:1"]).expect("reads it");
        order.number(0);
        order.begin(0);
        assert!(!order.complete(0, Waker::noop()));
        let mut passes = 0;
        while matches!(order.end_pass(false), Next::Later) {
            passes += 1;
            order.begin_pass();
        }
        assert!(order.complete(0, Waker::noop()));
        assert!(passes > 1);
    }

    #[test]
    fn a_text_that_is_no_note_is_refused() {
        for text in [
            "",
            "1",
            "1:",
            "1:2,",
            "a:b",
            "1:2;3:4",
            "-1:2",
            "0:2-1",
            "0:1-",
            "4294967295:1",
            "0:0-4294967295",
        ] {
            assert!(Order::default().replay([], [text]).is_err(), "{text}");
        }
    }
}
