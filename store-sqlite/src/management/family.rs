use std::collections::BTreeSet;

use durable_api::{
    UnknownStatus, WorkflowStatus,
    store::{BulkOutcome, DamagedWorkflow},
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    record::{corrupt, get, lossy_id},
    sql::{json_texts, query, values},
    writer::Trouble,
};

/// What a request about many workflows is about: the workflows that it names, and perhaps those that they
/// started, and so on.
pub(super) struct Family {
    requested: BTreeSet<String>,
    members: Vec<Member>,
}

struct Member {
    seq: i64,
    id: String,
    status: Result<WorkflowStatus, String>,
}

impl Family {
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        ids: &[String],
        children: bool,
    ) -> Result<Self, sqlx::Error> {
        let sql = if children {
            "WITH RECURSIVE family (seq, id, status) AS ( \
                 SELECT seq, id, status FROM workflows WHERE id IN (SELECT value FROM json_each(?)) \
                 UNION \
                 SELECT child.seq, child.id, child.status \
                     FROM family JOIN workflows AS child ON child.parent_id = family.id \
             ) SELECT seq, id, status FROM family"
        } else {
            "SELECT seq, id, status FROM workflows WHERE id IN (SELECT value FROM json_each(?))"
        };
        let requested: BTreeSet<String> = ids.iter().cloned().collect();
        let named = json_texts(requested.iter().map(String::as_str));
        let rows = query(sql, values![named]).fetch_all(connection).await?;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            let status = get::<&str>(&row, "status").and_then(|name| {
                name.parse()
                    .map_err(|error: UnknownStatus| error.to_string())
            });
            members.push(Member {
                seq: row.try_get("seq")?,
                id: lossy_id(&row),
                status,
            });
        }
        Ok(Self { requested, members })
    }

    /// The rows of all workflows, and an answer that says that each of them changed.
    pub(super) fn all(self) -> (Vec<i64>, BulkOutcome) {
        let (seqs, changed) = self
            .members
            .iter()
            .map(|member| (member.seq, member.id.clone()))
            .unzip();
        let outcome = self.answer(changed, Vec::new());
        (seqs, outcome)
    }

    /// The rows of the workflows whose status is such, and an answer that says that these changed.
    ///
    /// # Errors
    /// When a requested workflow's status cannot be read. One that was not requested by name is passed over.
    pub(super) fn those(
        self,
        operation: &'static str,
        changes: impl Fn(WorkflowStatus) -> bool,
    ) -> Result<(Vec<i64>, BulkOutcome), Trouble> {
        let mut seqs = Vec::new();
        let mut changed = Vec::new();
        let mut unchanged = Vec::new();
        for member in &self.members {
            let requested = self.requested.contains(&member.id);
            match &member.status {
                Ok(status) if changes(*status) => {
                    seqs.push(member.seq);
                    changed.push(member.id.clone());
                }
                Ok(status) if requested => unchanged.push((member.id.clone(), *status)),
                Err(reason) if requested => {
                    let damaged = DamagedWorkflow::new(&member.id, reason);
                    return Err(corrupt(operation, &damaged).into());
                }
                _ => {}
            }
        }
        Ok((seqs, self.answer(changed, unchanged)))
    }

    fn answer(
        self,
        mut changed: Vec<String>,
        mut unchanged: Vec<(String, WorkflowStatus)>,
    ) -> BulkOutcome {
        changed.sort();
        unchanged.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut unknown = self.requested;
        for member in &self.members {
            unknown.remove(&member.id);
        }
        let mut outcome = BulkOutcome::new();
        outcome.changed = changed;
        outcome.unchanged = unchanged;
        outcome.unknown = unknown.into_iter().collect();
        outcome
    }
}
