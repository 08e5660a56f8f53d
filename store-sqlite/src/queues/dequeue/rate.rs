use durable_api::{
    Timestamp,
    store::{QueueRecord, RateLimit},
};
use sqlx::{Row as _, SqliteConnection};

use crate::sql::{query, values};

/// The starts of a queue that limits a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Starts<'a> {
    app: &'a str,
    queue: &'a str,
    /// The caller's time, or that of the latest start if it is later. Starts are recorded at this time, so that it never goes
    /// back.
    present: i64,
    /// The longest period of a rate.
    memory: i64,
}

impl<'a> Starts<'a> {
    /// `None`, if no rate is limited.
    pub(super) async fn of(
        connection: &mut SqliteConnection,
        record: &'a QueueRecord,
        now: Timestamp,
    ) -> Result<Option<Self>, sqlx::Error> {
        let rates = [record.limits.rate, record.partition_limits.rate];
        let Some(memory) = rates.into_iter().flatten().map(period).max() else {
            return Ok(None);
        };
        let row = query(
            "SELECT max(started_at) FROM starts WHERE app = ? AND queue = ?",
            values![record.app.as_str(), record.name.as_str()],
        )
        .fetch_one(connection)
        .await?;
        let latest: Option<i64> = row.try_get(0)?;
        let now = now.as_millis();
        Ok(Some(Self {
            app: &record.app,
            queue: &record.name,
            present: latest.map_or(now, |latest| latest.max(now)),
            memory,
        }))
    }

    /// How many more may start in the queue or, of a partition's rate, in the partition of that scope.
    pub(super) async fn left(
        &self,
        connection: &mut SqliteConnection,
        rate: RateLimit,
        scope: Option<&str>,
    ) -> Result<u64, sqlx::Error> {
        let past = self.present.saturating_sub(period(rate));
        let counted = match scope {
            None => query(
                "SELECT count(*) FROM starts WHERE app = ? AND queue = ? AND started_at > ?",
                values![self.app, self.queue, past],
            ),
            Some(scope) => query(
                "SELECT count(*) FROM starts WHERE app = ? AND queue = ? AND scope = ? AND started_at > ?",
                values![self.app, self.queue, scope, past],
            ),
        };
        let started: i64 = counted.fetch_one(connection).await?.try_get(0)?;
        Ok(u64::from(rate.starts).saturating_sub(started.unsigned_abs()))
    }

    /// When the next one may start where none is left; `None` for never.
    pub(super) async fn free_at(
        &self,
        connection: &mut SqliteConnection,
        rate: RateLimit,
        scope: Option<&str>,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let Some(later) = rate.starts.checked_sub(1) else {
            return Ok(None);
        };
        let past = self.present.saturating_sub(period(rate));
        let start = match scope {
            None => query(
                "SELECT started_at FROM starts WHERE app = ? AND queue = ? AND started_at > ? \
                 ORDER BY started_at DESC LIMIT 1 OFFSET ?",
                values![self.app, self.queue, past, later],
            ),
            Some(scope) => query(
                "SELECT started_at FROM starts WHERE app = ? AND queue = ? AND scope = ? AND started_at > ? \
                 ORDER BY started_at DESC LIMIT 1 OFFSET ?",
                values![self.app, self.queue, scope, past, later],
            ),
        };
        let row = start.fetch_optional(connection).await?;
        row.map(|row| {
            let started: i64 = row.try_get(0)?;
            Ok(Timestamp::from_millis(started.saturating_add(period(rate))))
        })
        .transpose()
    }

    /// Records starts in partitions.
    pub(super) async fn record(
        &self,
        connection: &mut SqliteConnection,
        starts: &[(&str, u32)],
    ) -> Result<(), sqlx::Error> {
        if starts.is_empty() {
            return Ok(());
        }
        query(
            "WITH RECURSIVE started (scope, left) AS ( \
                 SELECT value ->> 0, value ->> 1 FROM json_each(?) \
                 UNION ALL SELECT scope, left - 1 FROM started WHERE left > 1 \
             ) INSERT INTO starts (app, queue, scope, started_at) SELECT ?, ?, scope, ? FROM started",
            values![
                serde_json::json!(starts).to_string(),
                self.app,
                self.queue,
                self.present,
            ],
        )
        .execute(&mut *connection)
        .await?;
        // What no caller counts any more, however slow its clock is.
        query(
            "DELETE FROM starts WHERE app = ? AND queue = ? AND started_at <= ?",
            values![
                self.app,
                self.queue,
                self.present.saturating_sub(self.memory),
            ],
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// In milliseconds, and such that a time can be added.
fn period(rate: RateLimit) -> i64 {
    const MOST: i64 = i64::MAX >> 2;
    i64::try_from(rate.period_millis).map_or(MOST, |millis| millis.min(MOST))
}
