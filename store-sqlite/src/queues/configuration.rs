use durable_api::store::{DeleteQueueOutcome, QueueRecord, StoreError, StoreErrorKind};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    record::get,
    sql::{query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for QueueRecord {
    type Answer = ();

    const OPERATION: &'static str = "put_queue";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<()>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        let record = serde_json::to_string(self).map_err(|error| {
            StoreError::new(StoreErrorKind::Invalid, Self::OPERATION)
                .with_message(format!("queue `{}` cannot be stored", self.name))
                .with_source(error)
        })?;
        query(
            "INSERT INTO queues (app, name, record) VALUES (?, ?, ?) \
             ON CONFLICT (app, name) DO UPDATE SET record = excluded.record",
            values![self.app.as_str(), self.name.as_str(), record],
        )
        .execute(&mut *connection)
        .await?;
        // Nobody counts them any more.
        if self.limits.rate.is_none() && self.partition_limits.rate.is_none() {
            query(
                "DELETE FROM starts WHERE app = ? AND queue = ?",
                values![self.app.as_str(), self.name.as_str()],
            )
            .execute(connection)
            .await?;
        }
        Ok(())
    }

    fn wake(&self, _answer: &(), hints: &mut Hints) {
        hints.enqueued();
    }
}

/// A request to remove a queue's configuration.
pub(super) struct DeleteQueue {
    pub(super) app: String,
    pub(super) name: String,
}

impl Write for DeleteQueue {
    type Answer = DeleteQueueOutcome;

    const OPERATION: &'static str = "delete_queue";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<DeleteQueueOutcome>> {
        None
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<DeleteQueueOutcome, Trouble> {
        let queue = values![self.app.as_str(), self.name.as_str()];
        let row = query(IN_USE, queue.clone())
            .fetch_one(&mut *connection)
            .await?;
        if row.try_get(0)? {
            return Ok(DeleteQueueOutcome::InUse);
        }
        for sql in [
            "DELETE FROM queues WHERE app = ? AND name = ?",
            "DELETE FROM partitions WHERE app = ? AND queue = ?",
            "DELETE FROM starts WHERE app = ? AND queue = ?",
        ] {
            query(sql, queue.clone()).execute(&mut *connection).await?;
        }
        Ok(DeleteQueueOutcome::Deleted)
    }
}

/// Whether a queue has workflows that have not ended. By status, for the sake of the indexes.
const IN_USE: &str = "SELECT \
    EXISTS (SELECT 1 FROM workflows WHERE status = 'ENQUEUED' AND app = ?1 AND queue = ?2) \
    OR EXISTS (SELECT 1 FROM workflows WHERE status = 'PENDING' AND app = ?1 AND queue = ?2) \
    OR EXISTS (SELECT 1 FROM workflows WHERE status = 'DELAYED' AND app = ?1 AND queue = ?2)";

pub(super) const LIST: &str = "SELECT app, name, record FROM queues WHERE app = ? ORDER BY name";

/// A queue's configuration.
///
/// # Errors
/// What is wrong with the row.
pub(super) fn configuration(row: &SqliteRow) -> Result<QueueRecord, String> {
    let app: String = get(row, "app")?;
    let name: String = get(row, "name")?;
    let mut queue: QueueRecord = serde_json::from_str(get(row, "record")?)
        .map_err(|error| format!("queue `{name}`: column `record`: {error}"))?;
    queue.app = app;
    queue.name = name;
    Ok(queue)
}
