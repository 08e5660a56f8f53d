use std::collections::{BTreeMap, BTreeSet, HashSet};

use durable_api::{
    Timestamp,
    store::{DamagedWorkflow, DequeueWorkflows, Incarnation},
};
use sqlx::{Row as _, SqliteConnection};

use crate::sql::{json_numbers, json_texts, query, values};

/// What may be taken, and how much.
pub(super) struct Wanted {
    pub(super) app: String,
    pub(super) incarnation: Incarnation,
    pub(super) now: Timestamp,
    /// The names of the queues, as JSON; `None` for all.
    pub(super) queues: Option<String>,
    pub(super) limit: usize,
    /// Rows that cannot be read,
    pub(super) passed_over: HashSet<i64>,
    /// and why.
    pub(super) damaged: Vec<DamagedWorkflow>,
    names: String,
    versions: String,
}

impl Wanted {
    /// What a request wants.
    pub(super) fn new(request: &DequeueWorkflows) -> Self {
        let names: BTreeSet<&str> = request
            .workflows
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let mut versions = vec![Some(request.version.as_str())];
        if request.unversioned {
            versions.push(None);
        }
        let queues = request.queues.as_ref();
        Self {
            app: request.app.clone(),
            incarnation: request.owner.incarnation,
            now: request.now,
            queues: queues.map(|names| json_texts(names.iter().map(String::as_str))),
            limit: request.limit as usize,
            passed_over: HashSet::new(),
            damaged: Vec::new(),
            names: json_texts(names),
            versions: serde_json::json!(versions).to_string(),
        }
    }
}

/// A waiting workflow's place in its partition: its priority, when it was accepted, and its row.
pub(super) type Place = (i64, i64, i64);

/// Before all places.
pub(super) const FRONT: Place = (i64::MIN, i64::MIN, i64::MIN);

/// The first places of each of these partitions behind `after`, in their order and `count` at most; what cannot be taken is not among them.
pub(super) async fn backlog(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    partitions: impl IntoIterator<Item = i64>,
    after: Place,
    count: usize,
) -> Result<BTreeMap<i64, Vec<Place>>, sqlx::Error> {
    let rows = query(
        BACKLOG,
        values![
            json_numbers(partitions),
            wanted.names.as_str(),
            wanted.versions.as_str(),
            after.0,
            after.1,
            after.2,
            i64::try_from(count).unwrap_or(i64::MAX),
        ],
    )
    .fetch_all(connection)
    .await?;
    let mut places: BTreeMap<i64, Vec<Place>> = BTreeMap::new();
    for row in rows {
        let places = places.entry(row.try_get("partition")?).or_default();
        if places.len() < count {
            places.push((
                row.try_get("priority")?,
                row.try_get("place")?,
                row.try_get("seq")?,
            ));
        }
    }
    Ok(places)
}

/// For each version and name apart, because their rows are sorted in the index, so that nothing but what is found is read.
pub(super) const BACKLOG: &str = "SELECT p.seq AS partition, found.priority, found.place, found.seq \
    FROM json_each(?1) AS one \
    CROSS JOIN partitions AS p ON p.seq = one.value \
    CROSS JOIN json_each(?2) AS name CROSS JOIN json_each(?3) AS version \
    CROSS JOIN workflows AS found ON found.seq IN ( \
        SELECT w.seq FROM workflows AS w WHERE w.status = 'ENQUEUED' \
        AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key \
        AND w.version IS version.value AND w.name = name.value \
        AND (w.priority, w.place, w.seq) > (?4, ?5, ?6) \
        ORDER BY w.priority, w.place, w.seq LIMIT ?7) \
    ORDER BY found.priority, found.place, found.seq";
