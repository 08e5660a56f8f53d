use durable_api::store::{DequeueWorkflows, StoreError, StoreErrorKind, StoreResult};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Dequeue;
use crate::{
    SqliteStore,
    sql::{Value, json_numbers, json_texts, query, values},
    steps::execution,
    writer::Write as _,
};

/// How many partitions a look examines.
const EXAMINED: i64 = 32;

/// Whether a partition `p` has nothing waiting or running.
macro_rules! is_idle {
    () => {
        "NOT EXISTS (SELECT 1 FROM workflows AS w WHERE w.status = 'ENQUEUED' \
             AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key) \
         AND NOT EXISTS (SELECT 1 FROM workflows AS w WHERE w.status = 'PENDING' \
             AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key)"
    };
}

macro_rules! look {
    ($waiting:literal) => {
        concat!(
            "WITH page AS MATERIALIZED (SELECT seq, app, queue, partition_key FROM partitions \
                 WHERE seq > ?1 ORDER BY seq LIMIT ?2) \
             SELECT EXISTS (",
            $waiting,
            ") OR EXISTS (SELECT 1 FROM workflows WHERE status = 'PENDING' AND queue IS NOT NULL \
                 AND owner_incarnation = ?4 AND owner_execution = ?5) AS work, \
             (SELECT count(*) FROM page) AS examined, \
             (SELECT max(seq) FROM page) AS last, \
             (SELECT json_group_array(seq) FROM page AS p WHERE ",
            is_idle!(),
            ") AS idle"
        )
    };
}

pub(super) const IN_ANY: &str =
    look!("SELECT 1 FROM workflows WHERE status = 'ENQUEUED' AND app = ?3");

pub(super) const IN_SOME: &str = look!(
    "SELECT 1 FROM json_each(?6) AS name CROSS JOIN workflows AS w \
     WHERE w.status = 'ENQUEUED' AND w.app = ?3 AND w.queue = name.value"
);

impl SqliteStore {
    /// Looks whether there may be something to take; if so, or if partitions seem to be idle, answers with these.
    pub(crate) async fn look(&self, request: &DequeueWorkflows) -> StoreResult<Option<Vec<i64>>> {
        let mut values = values![
            self.rounds.examined(),
            EXAMINED,
            request.app.as_str(),
            request.owner.incarnation,
            execution(request.owner),
        ];
        let sql = match &request.queues {
            None => IN_ANY,
            Some(queues) => {
                let queues = json_texts(queues.iter().map(String::as_str));
                values.push(Value::from(queues));
                IN_SOME
            }
        };
        let rows = self
            .readers
            .fetch_all(Dequeue::OPERATION, sql, values)
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        self.seen(row).map_err(|error| {
            StoreError::new(StoreErrorKind::Corrupt, Dequeue::OPERATION).with_source(error)
        })
    }

    fn seen(&self, row: &SqliteRow) -> Result<Option<Vec<i64>>, sqlx::Error> {
        let next = match row.try_get::<i64, _>("examined")? {
            EXAMINED => row.try_get("last")?,
            _ => 0,
        };
        self.rounds.go_on_behind(next);
        let idle: Vec<i64> = serde_json::from_str(row.try_get("idle")?).unwrap_or_default();
        let work: bool = row.try_get("work")?;
        Ok((work || !idle.is_empty()).then_some(idle))
    }
}

/// Removes those of these partitions that are idle.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    partitions: &[i64],
) -> Result<(), sqlx::Error> {
    if partitions.is_empty() {
        return Ok(());
    }
    query(
        concat!(
            "DELETE FROM partitions AS p WHERE p.seq IN (SELECT value FROM json_each(?)) AND ",
            is_idle!()
        ),
        values![json_numbers(partitions.iter().copied())],
    )
    .execute(connection)
    .await?;
    Ok(())
}
