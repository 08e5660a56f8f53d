use durable_api::store::{Incarnation, Limits};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::backlog::Wanted;
use crate::sql::{json_numbers, query, values};

/// How many more may be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// As far as concurrency is concerned.
    slots: u64,
    /// As far as the rate is concerned.
    starts: u64,
}

impl Room {
    /// What the concurrency of `limits` leaves, where so many are pending, and so many of them are the caller's own.
    pub(super) fn new(limits: &Limits, pending: Pending) -> Self {
        let left = |limit: Option<u32>, used: u64| {
            limit.map_or(u64::MAX, |limit| u64::from(limit).saturating_sub(used))
        };
        Self {
            slots: left(limits.concurrency, pending.all)
                .min(left(limits.executor_concurrency, pending.own)),
            starts: u64::MAX,
        }
    }

    /// A rate lets so many start.
    pub(super) fn limit_rate(&mut self, starts: u64) {
        self.starts = starts;
    }

    pub(super) fn has_slot(&self) -> bool {
        self.slots > 0
    }

    pub(super) fn has_start(&self) -> bool {
        self.starts > 0
    }

    /// One was taken.
    pub(super) fn shrink(&mut self) {
        self.slots -= 1;
        self.starts -= 1;
    }
}

/// How many are pending, and how many of them the caller owns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    all: u64,
    own: u64,
}

impl Pending {
    fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            all: row.try_get::<i64, _>("all_pending")?.unsigned_abs(),
            own: row.try_get::<i64, _>("own_pending")?.unsigned_abs(),
        })
    }

    /// Those of a queue, if they are limited.
    pub(super) async fn of_queue(
        connection: &mut SqliteConnection,
        wanted: &Wanted,
        queue: &str,
        limits: &Limits,
    ) -> Result<Self, sqlx::Error> {
        if !are_counted(limits) {
            return Ok(Self::default());
        }
        let row = query(
            COUNT,
            values![wanted.incarnation, wanted.app.as_str(), queue],
        )
        .fetch_one(connection)
        .await?;
        Self::read(&row)
    }

    /// Those of partitions, in this order, if they are limited.
    pub(super) async fn of_partitions(
        connection: &mut SqliteConnection,
        incarnation: Incarnation,
        partitions: &[i64],
        limits: &Limits,
    ) -> Result<Vec<Self>, sqlx::Error> {
        if !are_counted(limits) {
            return Ok(vec![Self::default(); partitions.len()]);
        }
        query(
            "SELECT (SELECT count(*) FROM workflows AS w WHERE w.status = 'PENDING' \
                 AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key) AS all_pending, \
                 (SELECT count(*) FROM workflows AS w WHERE w.status = 'PENDING' \
                 AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key \
                 AND w.owner_incarnation = ?) AS own_pending \
             FROM json_each(?) AS one CROSS JOIN partitions AS p ON p.seq = one.value ORDER BY one.key",
            values![incarnation, json_numbers(partitions.iter().copied())],
        )
        .fetch_all(connection)
        .await?
        .iter()
        .map(Self::read)
        .collect()
    }
}

fn are_counted(limits: &Limits) -> bool {
    limits.concurrency.is_some() || limits.executor_concurrency.is_some()
}

pub(super) const COUNT: &str = "SELECT count(*) AS all_pending, \
    count(*) FILTER (WHERE owner_incarnation = ?) AS own_pending \
    FROM workflows WHERE status = 'PENDING' AND app = ? AND queue = ?";
