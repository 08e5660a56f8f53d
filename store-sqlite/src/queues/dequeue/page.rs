use sqlx::{Row as _, SqliteConnection};

use super::{
    backlog::{FRONT, Wanted, backlog},
    partition::Partition,
    queue::Queue,
    room::{Pending, Room},
};
use crate::sql::{query, values};

/// How far the partitions of a queue were read, in the order of their turns.
pub(super) struct Pages {
    after: (i64, i64, i64),
    are_read: bool,
}

impl Pages {
    const FEWEST: usize = 64;
    const MOST: usize = 1_000;

    pub(super) fn new() -> Self {
        Self {
            after: (i64::MIN, i64::MIN, i64::MIN),
            are_read: false,
        }
    }
}

impl Queue {
    /// Reads some more partitions in which work waits; `false`, if there are none.
    pub(super) async fn read_page(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &Wanted,
    ) -> Result<bool, sqlx::Error> {
        if self.pages.are_read {
            return Ok(false);
        }
        let size = (wanted.limit + 1).clamp(Pages::FEWEST, Pages::MOST);
        let (served, best, seq) = self.pages.after;
        let rows = query(
            PAGE,
            values![
                wanted.app.as_str(),
                self.record.name.as_str(),
                served,
                best,
                seq,
                i64::try_from(size).unwrap_or(i64::MAX),
            ],
        )
        .fetch_all(&mut *connection)
        .await?;
        self.pages.are_read = rows.len() < size;
        let Some(last) = rows.last() else {
            return Ok(false);
        };
        self.pages.after = (
            last.try_get("served")?,
            last.try_get("best")?,
            last.try_get("seq")?,
        );

        let seqs = rows.iter().map(|row| row.try_get("seq"));
        let seqs: Vec<i64> = seqs.collect::<Result<_, _>>()?;
        let limits = self.record.partition_limits;
        let pending =
            Pending::of_partitions(connection, wanted.incarnation, &seqs, &limits).await?;
        // Together about as many as are wanted.
        let share = (wanted.limit + 1).div_ceil(rows.len());
        let mut backlogs = backlog(connection, wanted, seqs, FRONT, share).await?;
        for (row, pending) in rows.iter().zip(pending) {
            let key: Option<String> = row.try_get("partition_key").unwrap_or_default();
            let weight = self.record.weight(key.as_deref());
            let mut partition = Partition::read(row, weight, Room::new(&limits, pending))?;
            if let Some(places) = backlogs.remove(&partition.seq) {
                partition.add(places, share, &wanted.passed_over);
                self.limit_rate(connection, &mut partition).await?;
            }
            self.add(partition);
        }
        Ok(true)
    }
}

pub(super) const PAGE: &str = "SELECT seq, partition_key, scope, served, used, best FROM partitions \
    WHERE app = ? AND queue = ? AND waiting = 1 AND (served, best, seq) > (?, ?, ?) \
    ORDER BY served, best, seq LIMIT ?";
