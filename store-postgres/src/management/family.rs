use std::collections::{BTreeMap, BTreeSet};

use durable_api::{WorkflowStatus, store::BulkOutcome};

use crate::{
    database::{Database, Work},
    error::Failure,
    record::{self, column},
};

/// How strongly to lock workflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Against their executions.
    Change,
    /// Against whoever writes what belongs to them, too.
    Remove,
}

/// The workflows of a request, and perhaps their descendants, locked until the end of the transaction.
#[derive(Debug, Default)]
pub(super) struct Family {
    statuses: BTreeMap<String, String>,
    requested: BTreeSet<String>,
}

impl Family {
    pub(super) async fn lock(
        database: &Database,
        work: &mut Work,
        ids: &[String],
        children: bool,
        lock: Lock,
    ) -> Result<Self, Failure> {
        let mut family = Self {
            statuses: BTreeMap::new(),
            requested: ids.iter().cloned().collect(),
        };
        // A generation that is locked gets no more children: to start one locks the parent.
        let mut generation: Vec<String> = family.requested.iter().cloned().collect();
        while !generation.is_empty() {
            let locked = lock_rows(database, work, generation, lock).await?;
            generation = match children {
                true => family.children_of(database, work, &locked).await?,
                false => Vec::new(),
            };
            family.statuses.extend(locked);
        }
        Ok(family)
    }

    /// The ids of all, in byte order.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.statuses.keys().map(String::as_str).collect()
    }

    /// The ids of those with one of some statuses.
    pub(super) fn with_status(&self, wanted: impl Fn(WorkflowStatus) -> bool) -> Vec<String> {
        let wanted = |text: &str| text.parse().is_ok_and(&wanted);
        self.statuses
            .iter()
            .filter(|(_, status)| wanted(status))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The answer, if these were changed and the rest of the requested ones stays as it is.
    pub(super) fn outcome(&self, changed: Vec<String>) -> Result<BulkOutcome, Failure> {
        let mut outcome = BulkOutcome::new();
        for id in &self.requested {
            let Some(status) = self.statuses.get(id) else {
                outcome.unknown.push(id.clone());
                continue;
            };
            if changed.binary_search(id).is_err() {
                let status = status
                    .parse()
                    .map_err(|error: durable_api::UnknownStatus| {
                        record::corrupt(id, &error.to_string())
                    })?;
                outcome.unchanged.push((id.clone(), status));
            }
        }
        outcome.changed = changed;
        Ok(outcome)
    }

    /// The ids of the children, as far as they are new to the family.
    async fn children_of(
        &self,
        database: &Database,
        work: &mut Work,
        parents: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, Failure> {
        let query = database
            .query("SELECT w.id FROM {schema}.workflows w WHERE w.parent_id = ANY ($1::text[])")
            .bind(parents.keys().map(String::as_str).collect::<Vec<_>>());
        let rows = work.fetch(query).await?;
        let ids: Result<BTreeSet<String>, _> = rows.iter().map(|row| column(row, "id")).collect();
        let known = |id: &String| self.statuses.contains_key(id) || parents.contains_key(id);
        Ok(ids?.into_iter().filter(|id| !known(id)).collect())
    }
}

/// Locks rows in the order of their ids, and reads their statuses.
async fn lock_rows(
    database: &Database,
    work: &mut Work,
    ids: Vec<String>,
    lock: Lock,
) -> Result<BTreeMap<String, String>, Failure> {
    let lock = match lock {
        Lock::Change => "FOR NO KEY UPDATE",
        Lock::Remove => "FOR UPDATE",
    };
    let sql = format!(
        "SELECT w.id, w.status FROM {{schema}}.workflows w WHERE w.id = ANY ($1::text[])
         ORDER BY w.id {lock}"
    );
    let rows = work.fetch(database.query(&sql).bind(ids)).await?;
    rows.iter()
        .map(|row| Ok((column(row, "id")?, column(row, "status")?)))
        .collect()
}
