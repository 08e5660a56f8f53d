use std::sync::{Mutex, PoisonError};

use durable_api::IdSource;
use uuid::{Builder, Uuid};

/// Ids that a seed foretells.
#[derive(Debug)]
pub(crate) struct SeededIds(Mutex<u64>);

impl SeededIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl IdSource for SeededIds {
    fn next_id(&self) -> Uuid {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (high, low) = (next(&mut state), next(&mut state));
        let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// SplitMix64: every state of 64 bits comes once.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_no_id_twice() {
        let ids = |seed| -> Vec<_> {
            let source = SeededIds::new(seed);
            (0..100).map(|_| source.next_id()).collect()
        };
        assert_eq!(ids(7), ids(7));
        let mut all = [ids(7), ids(8)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 200);
    }
}
