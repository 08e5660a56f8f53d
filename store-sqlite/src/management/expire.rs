use durable_api::store::CancelExpired;
use sqlx::{Row as _, SqliteConnection};

use super::cancel::cancel;
use crate::{
    record::lossy_id,
    sql::{query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for CancelExpired {
    type Answer = Vec<String>;

    const OPERATION: &'static str = "cancel_expired";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<Vec<String>>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Vec<String>, Trouble> {
        let expired = query(
            "SELECT seq, id FROM workflows \
             WHERE status = 'PENDING' AND app = ? AND deadline IS NOT NULL AND deadline <= ? \
             ORDER BY deadline, id LIMIT ?",
            values![self.app.as_str(), self.now, self.limit],
        )
        .fetch_all(&mut *connection)
        .await?;
        if expired.is_empty() {
            return Ok(Vec::new());
        }
        let seqs = expired.iter().map(|row| row.try_get("seq"));
        cancel(connection, seqs.collect::<Result<_, _>>()?, self.now).await?;
        Ok(expired.iter().map(lossy_id).collect())
    }

    fn wake(&self, answer: &Vec<String>, hints: &mut Hints) {
        hints.workflows(answer);
    }
}
