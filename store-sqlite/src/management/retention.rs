use durable_api::store::DeleteFinished;
use sqlx::{Row as _, SqliteConnection};

use super::delete::delete;
use crate::{
    record::lossy_id,
    sql::{Sql, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for DeleteFinished {
    /// The ids.
    type Answer = Vec<String>;

    const OPERATION: &'static str = "delete_finished";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<Vec<String>>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Vec<String>, Trouble> {
        if self.completed_before.is_none() && self.keep_latest.is_none() {
            return Ok(Vec::new());
        }
        let mut sql = format!("SELECT seq, id {FINISHED}");
        let mut values = values![self.app.as_str()];
        if let Some(before) = self.completed_before {
            sql.push_str(" AND completed_at < ?");
            values.extend(values![before]);
        }
        if let Some(keep) = self.keep_latest {
            // The latest one that is not kept, and all before it.
            sql.push_str(&format!(
                " AND (completed_at, id) <= (SELECT completed_at, id {FINISHED} \
                     ORDER BY completed_at DESC, id DESC LIMIT 1 OFFSET ?)"
            ));
            let keep = i64::try_from(keep).unwrap_or(i64::MAX);
            values.extend(values![self.app.as_str(), keep]);
        }
        sql.push_str(" ORDER BY completed_at, id LIMIT ?");
        values.extend(values![self.limit]);
        let rows = Sql::from(sql)
            .with(values)
            .fetch_all(&mut *connection)
            .await?;
        let seqs = rows.iter().map(|row| row.try_get("seq"));
        delete(connection, seqs.collect::<Result<_, _>>()?).await?;
        Ok(rows.iter().map(lossy_id).collect())
    }

    fn wake(&self, answer: &Vec<String>, hints: &mut Hints) {
        hints.workflows(answer);
    }
}

const FINISHED: &str = "FROM workflows WHERE app = ? AND completed_at IS NOT NULL \
    AND status IN ('SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')";
