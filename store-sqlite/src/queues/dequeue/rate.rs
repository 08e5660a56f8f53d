use durable_api::{Timestamp, store::RateLimit};
use sqlx::{Row as _, SqliteConnection};

use crate::sql::{query, values};

/// The scope of what a queue as a whole has started.
pub(super) const WHOLE: &str = "*";

/// Whose starts are counted: a queue's, or a partition's.
pub(super) struct Scope<'a> {
    pub(super) app: &'a str,
    pub(super) queue: &'a str,
    pub(super) scope: &'a str,
}

/// How a rate limit stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    rate: RateLimit,
    /// The caller's time, or that of the latest start if it is later. Starts are recorded at this time, so that it never goes
    /// back.
    present: i64,
    /// How many more may start.
    pub(super) left: u64,
}

impl Standing {
    pub(super) async fn of(
        connection: &mut SqliteConnection,
        scope: &Scope<'_>,
        rate: RateLimit,
        now: Timestamp,
    ) -> Result<Self, sqlx::Error> {
        let row = query(
            "WITH present (time) AS (SELECT max(?4, ifnull((SELECT max(started_at) FROM starts \
                 WHERE app = ?1 AND queue = ?2 AND scope = ?3), ?4))) \
             SELECT time, (SELECT count(*) FROM starts WHERE app = ?1 AND queue = ?2 AND scope = ?3 \
                 AND started_at > time - ?5) AS started FROM present",
            values![scope.app, scope.queue, scope.scope, now, period(rate)],
        )
        .fetch_one(connection)
        .await?;
        let started: i64 = row.try_get("started")?;
        Ok(Self {
            rate,
            present: row.try_get("time")?,
            left: u64::from(rate.starts).saturating_sub(started.unsigned_abs()),
        })
    }

    /// Records starts, and forgets those that count no more, whatever the clock of the next caller says.
    pub(super) async fn record(
        &self,
        connection: &mut SqliteConnection,
        scope: &Scope<'_>,
        starts: u32,
    ) -> Result<(), sqlx::Error> {
        if starts == 0 {
            return Ok(());
        }
        let until = self.present.saturating_add(period(self.rate));
        query(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) \
             INSERT INTO starts (app, queue, scope, started_at, counted_until) SELECT ?, ?, ?, ?, ? FROM numbers",
            values![
                starts,
                scope.app,
                scope.queue,
                scope.scope,
                self.present,
                until,
            ],
        )
        .execute(&mut *connection)
        .await?;
        query(
            "DELETE FROM starts WHERE app = ? AND queue = ? AND scope = ? AND started_at <= ?",
            values![scope.app, scope.queue, scope.scope, self.past()],
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// When the next one may start, if the limit is reached.
    pub(super) async fn free_at(
        &self,
        connection: &mut SqliteConnection,
        scope: &Scope<'_>,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        // Nothing ever starts at a rate of nothing.
        let Some(earlier) = self.rate.starts.checked_sub(1) else {
            return Ok(None);
        };
        let row = query(
            "SELECT started_at FROM starts WHERE app = ? AND queue = ? AND scope = ? AND started_at > ? \
             ORDER BY started_at DESC LIMIT 1 OFFSET ?",
            values![scope.app, scope.queue, scope.scope, self.past(), earlier],
        )
        .fetch_optional(connection)
        .await?;
        row.map(|row| {
            let started: i64 = row.try_get(0)?;
            Ok(Timestamp::from_millis(
                started.saturating_add(period(self.rate)),
            ))
        })
        .transpose()
    }

    /// What started then or before does not count.
    fn past(&self) -> i64 {
        self.present.saturating_sub(period(self.rate))
    }
}

/// In milliseconds, and such that a time can be added.
fn period(rate: RateLimit) -> i64 {
    const MOST: i64 = i64::MAX >> 2;
    i64::try_from(rate.period_millis).map_or(MOST, |millis| millis.min(MOST))
}
