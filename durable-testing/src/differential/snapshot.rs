use std::{collections::BTreeMap, fmt::Debug};

use durable_api::{
    SystemStore,
    store::{
        ExecutorRecord, QueueRecord, ScheduleRecord, StoreResult, VersionRecord, WorkflowArchive,
        WorkflowFilter, WorkflowPage,
    },
};
use futures::future::try_join_all;

use super::{generator::APPS, side::Revisions};

/// Everything that is stored and can be looked at.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    page: WorkflowPage,
    archives: BTreeMap<String, Option<WorkflowArchive>>,
    executors: Vec<Vec<ExecutorRecord>>,
    versions: Vec<Vec<VersionRecord>>,
    queues: Vec<Vec<QueueRecord>>,
    schedules: Vec<Vec<ScheduleRecord>>,
}

impl Snapshot {
    pub(super) async fn of(
        store: &dyn SystemStore,
        revisions: &mut Revisions,
    ) -> StoreResult<Self> {
        let filter = WorkflowFilter::new().with_payloads();
        let page = store.list_workflows(filter).await?;
        let ids = page.workflows.iter().map(|row| row.id.clone());
        let archives = ids.map(|id| async move {
            let archive = store.export_workflow(&id).await?;
            Ok((id, archive))
        });
        let archives = try_join_all(archives).await?.into_iter().collect();
        let mut schedules = Vec::new();
        for app in APPS {
            schedules.push(revisions.list(store, app).await?);
        }
        Ok(Self {
            archives,
            page,
            executors: try_join_all(APPS.map(|app| store.list_executors(app))).await?,
            versions: try_join_all(APPS.map(|app| store.list_versions(app))).await?,
            queues: try_join_all(APPS.map(|app| store.list_queues(app))).await?,
            schedules,
        })
    }

    /// What differs between this one and the other.
    pub(super) fn difference(&self, other: &Self) -> String {
        let mut parts = vec![
            lines("executors", &self.executors, &other.executors),
            lines("versions", &self.versions, &other.versions),
            lines("queues", &self.queues, &other.queues),
            lines("schedules", &self.schedules, &other.schedules),
        ];
        for (id, archive) in &self.archives {
            parts.push(lines(id, archive, other.archives.get(id).unwrap_or(&None)));
        }
        for (id, archive) in &other.archives {
            if !self.archives.contains_key(id) {
                parts.push(lines(id, &None, archive));
            }
        }
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() {
            parts.push(lines("page", &self.page, &other.page));
        }
        parts.join("")
    }
}

/// The lines in which two values of one name differ.
fn lines<T: Debug + PartialEq>(name: &str, one: &T, other: &T) -> String {
    if one == other {
        return String::new();
    }
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let same_start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let same_end = one[same_start..]
        .iter()
        .rev()
        .zip(other[same_start..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = format!("{name}:\n");
    for (sign, side) in [('-', &one), ('+', &other)] {
        for line in &side[same_start..side.len() - same_end] {
            text.push_str(&format!("  {sign} {line}\n"));
        }
    }
    text
}
