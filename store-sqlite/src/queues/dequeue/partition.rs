use std::collections::{HashSet, VecDeque};

use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    backlog::{FRONT, Place, Wanted, backlog},
    room::Room,
};

/// A partition that has work waiting.
pub(super) struct Partition {
    pub(super) seq: i64,
    pub(super) scope: String,
    /// The number of its last turn; [`MIDST`](Self::MIDST), if that is under way.
    pub(super) served: i64,
    /// How many it has taken of a turn that is under way, which are `weight` in all.
    pub(super) used: u32,
    pub(super) weight: u32,
    pub(super) room: Room,
    /// How many were taken from it by this call.
    pub(super) taken: u32,
    /// Whether its turns are to be written.
    pub(super) changed: bool,
    /// Whether nothing but its rate limit held back what waits.
    pub(super) rate_in_the_way: bool,
    places: VecDeque<Place>,
    /// How far the places were read, and how many at a time,
    read_to: Place,
    read: usize,
    /// and whether there are no more.
    drained: bool,
}

impl Partition {
    /// In the midst of a turn.
    pub(super) const MIDST: i64 = -1;

    /// From its row, before anything is known of what waits.
    pub(super) fn read(row: &SqliteRow, weight: u32, room: Room) -> Result<Self, sqlx::Error> {
        Ok(Self {
            seq: row.try_get("seq")?,
            // What belongs to a damaged key is damaged itself, and found so.
            scope: row.try_get("scope").unwrap_or_default(),
            served: row.try_get("served")?,
            used: u32::try_from(row.try_get::<i64, _>("used")?).unwrap_or(0),
            weight,
            room,
            taken: 0,
            changed: false,
            rate_in_the_way: false,
            places: VecDeque::new(),
            read_to: FRONT,
            read: 0,
            drained: true,
        })
    }

    /// Takes in places that were asked for, `asked` at most.
    pub(super) fn add(&mut self, places: Vec<Place>, asked: usize, passed_over: &HashSet<i64>) {
        self.drained = places.len() < asked;
        self.read = asked;
        self.read_to = places.last().copied().unwrap_or(self.read_to);
        let sound = places
            .into_iter()
            .filter(|(.., seq)| !passed_over.contains(seq));
        self.places.extend(sound);
    }

    /// Whether the places that are known are used up, and there may be more.
    pub(super) fn is_behind(&self) -> bool {
        self.places.is_empty() && !self.drained
    }

    /// Reads on, twice as many places as the last time.
    pub(super) async fn read_on(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &Wanted,
    ) -> Result<(), sqlx::Error> {
        let count = self.read.max(1).saturating_mul(2).min(wanted.limit + 1);
        let mut found = backlog(connection, wanted, [self.seq], self.read_to, count).await?;
        let places = found.remove(&self.seq).unwrap_or_default();
        self.add(places, count, &wanted.passed_over);
        Ok(())
    }

    /// The first place.
    pub(super) fn first(&self) -> Option<Place> {
        self.places.front().copied()
    }

    /// Takes the first workflow; answers its row.
    pub(super) fn take(&mut self, counter: &mut i64) -> Option<i64> {
        let (.., seq) = self.places.pop_front()?;
        self.room.shrink();
        self.taken += 1;
        self.served = Self::MIDST;
        self.used += 1;
        self.changed = true;
        if self.used >= self.weight {
            self.end_turn(counter);
        }
        Some(seq)
    }

    pub(super) fn end_turn(&mut self, counter: &mut i64) {
        *counter += 1;
        self.served = *counter;
        self.used = 0;
        self.changed = true;
    }
}
