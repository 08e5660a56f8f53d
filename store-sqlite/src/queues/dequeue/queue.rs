use std::collections::BTreeSet;

use durable_api::{
    Timestamp,
    store::{DamagedWorkflow, QueueRecord},
};
use sqlx::{Row as _, SqliteConnection};

use super::{
    backlog::{Place, Wanted},
    page::Pages,
    partition::Partition,
    rate::Starts,
    room::{Pending, Room},
    take::note_turns,
};
use crate::{
    queues::configuration::configuration,
    sql::{query, values},
};

/// A queue in which work waits.
pub(super) struct Queue {
    pub(super) record: QueueRecord,
    pub(super) pages: Pages,
    partitions: Vec<Partition>,
    /// The partitions from which more can be taken, in the order of their turns.
    order: BTreeSet<Order>,
    /// The partition that is in the midst of its turn, by index.
    midst: Option<usize>,
    room: Room,
    rate_in_the_way: bool,
    /// Turns are counted: how many there were before this call, and are now.
    before: i64,
    counter: i64,
    now: Timestamp,
}

/// The number of the last turn, where those are equal the first place, and the index of the partition.
type Order = (i64, Option<Place>, usize);

/// What comes next of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A workflow of the partition that is first in order.
    Workflow,
    /// Nothing that can be taken now.
    Nothing,
}

impl Queue {
    /// The queues that are wanted and have work waiting. One whose configuration cannot be read is reported, and left alone,
    /// because its limits are not known.
    pub(super) async fn waiting(
        connection: &mut SqliteConnection,
        wanted: &Wanted,
        damaged: &mut Vec<DamagedWorkflow>,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = query(
            WAITING,
            values![wanted.app.as_str(), wanted.queues.as_deref()],
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut queues = Vec::with_capacity(rows.len());
        for row in &rows {
            // What belongs to a damaged name is damaged itself.
            let Ok(name) = row.try_get::<String, _>("queue") else {
                continue;
            };
            let record = match row.try_get::<Option<&str>, _>("record") {
                Ok(None) => Ok(QueueRecord::new(&wanted.app, &name)),
                _ => configuration(row),
            };
            match record {
                Ok(record) => {
                    let served = row.try_get("served")?;
                    queues.push(Self::open(connection, wanted, record, served).await?);
                }
                Err(reason) => {
                    let id = format!("all of queue `{name}`");
                    damaged.push(DamagedWorkflow::new(id, reason));
                }
            }
        }
        Ok(queues)
    }

    async fn open(
        connection: &mut SqliteConnection,
        wanted: &Wanted,
        record: QueueRecord,
        served: i64,
    ) -> Result<Self, sqlx::Error> {
        let limits = &record.limits;
        let pending = Pending::of_queue(connection, wanted, &record.name, limits).await?;
        let mut room = Room::new(limits, pending);
        if let Some(rate) = limits.rate
            && let Some(starts) = Starts::of(connection, &record, wanted.now).await?
        {
            room.limit_rate(starts.left(connection, rate, None).await?);
        }
        Ok(Self {
            room,
            record,
            pages: Pages::new(),
            partitions: Vec::new(),
            order: BTreeSet::new(),
            midst: None,
            rate_in_the_way: false,
            before: served,
            counter: served,
            now: wanted.now,
        })
    }

    /// Adds a partition, also one from which nothing can be taken.
    pub(super) fn add(&mut self, partition: Partition) {
        let index = self.partitions.len();
        if partition.served == Partition::MIDST {
            self.midst = Some(index);
        }
        if partition.first().is_some() || partition.is_behind() {
            self.order.insert(order(index, &partition));
        }
        self.partitions.push(partition);
    }

    /// Finds out how many a partition's rate lets start.
    pub(super) async fn limit_rate(
        &self,
        connection: &mut SqliteConnection,
        partition: &mut Partition,
    ) -> Result<(), sqlx::Error> {
        if let Some(rate) = self.record.partition_limits.rate
            && let Some(starts) = Starts::of(connection, &self.record, self.now).await?
        {
            let scope = Some(partition.scope.as_str());
            let left = starts.left(connection, rate, scope).await?;
            partition.room.limit_rate(left);
        }
        Ok(())
    }

    /// What comes next.
    pub(super) async fn next(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &Wanted,
    ) -> Result<Next, sqlx::Error> {
        if !self.room.has_slot() {
            return Ok(Next::Nothing);
        }
        loop {
            let first = self.order.first().copied();
            // Partitions that were not looked at yet come before those that were served just now.
            let is_due = first.is_some_and(|(served, ..)| served <= self.before);
            if !is_due && self.read_page(connection, wanted).await? {
                continue;
            }
            let Some(place) = first else {
                return Ok(Next::Nothing);
            };
            let (.., index) = place;
            let partition = &mut self.partitions[index];
            if partition.is_behind() {
                self.order.remove(&place);
                partition.read_on(connection, wanted).await?;
                self.order.insert(order(index, partition));
            } else if partition.first().is_none() || !partition.room.has_slot() {
                self.order.remove(&place);
            } else if !partition.room.has_start() {
                partition.rate_in_the_way = true;
                self.order.remove(&place);
            } else if self.room.has_start() {
                return Ok(Next::Workflow);
            } else {
                self.rate_in_the_way = true;
                return Ok(Next::Nothing);
            }
        }
    }

    /// Takes what comes next; answers its row.
    pub(super) fn take(&mut self) -> Option<i64> {
        let (.., index) = self.order.pop_first()?;
        let interrupted = self.midst.filter(|other| *other != index);
        if let Some(interrupted) = interrupted.and_then(|other| self.partitions.get_mut(other)) {
            interrupted.end_turn(&mut self.counter);
        }
        let partition = &mut self.partitions[index];
        let seq = partition.take(&mut self.counter);
        self.midst = (partition.served == Partition::MIDST).then_some(index);
        self.order.insert(order(index, partition));
        self.room.shrink();
        seq
    }

    /// Writes what was taken: turns and starts.
    pub(super) async fn settle(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        note_turns(connection, &self.partitions).await?;
        if let Some(starts) = Starts::of(connection, &self.record, self.now).await? {
            let taken: Vec<(&str, u32)> = self
                .partitions
                .iter()
                .filter(|partition| partition.taken > 0)
                .map(|partition| (partition.scope.as_str(), partition.taken))
                .collect();
            starts.record(connection, &taken).await?;
        }
        Ok(())
    }

    /// When a rate limit that was in the way lets the next one start.
    pub(super) async fn free_at(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        if !self.room.has_slot() {
            return Ok(None);
        }
        let Some(starts) = Starts::of(connection, &self.record, self.now).await? else {
            return Ok(None);
        };
        let mut whole = None;
        if let Some(rate) = self.record.limits.rate.filter(|_| !self.room.has_start()) {
            whole = starts.free_at(connection, rate, None).await?;
            if whole.is_none() {
                return Ok(None);
            }
        }
        let mut earliest = whole.filter(|_| self.rate_in_the_way);
        let Some(rate) = self.record.partition_limits.rate else {
            return Ok(earliest);
        };
        for partition in self.partitions.iter().filter(|one| one.rate_in_the_way) {
            let scope = Some(partition.scope.as_str());
            // Where both are in the way, the later one counts.
            if let Some(free_at) = starts.free_at(connection, rate, scope).await? {
                let free_at = whole.map_or(free_at, |whole| whole.max(free_at));
                earliest = earliest.into_iter().chain([free_at]).min();
            }
        }
        Ok(earliest)
    }
}

fn order(index: usize, partition: &Partition) -> Order {
    (partition.served, partition.first(), index)
}

/// The queues of an application in which work waits, with their configurations, and how many turns there were. From one queue to the
/// next by the index: neither the count of partitions matters, nor that of workflows.
pub(super) const WAITING: &str = "WITH RECURSIVE names (queue) AS ( \
        SELECT min(queue) FROM partitions WHERE app = ?1 \
        UNION ALL \
        SELECT (SELECT min(queue) FROM partitions WHERE app = ?1 AND queue > names.queue) \
        FROM names WHERE queue IS NOT NULL \
    ) \
    SELECT names.queue, queues.app, queues.name, queues.record, max(0, \
        ifnull((SELECT max(served) FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 0), 0), \
        ifnull((SELECT max(served) FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 1), 0)) AS served \
    FROM names LEFT JOIN queues ON queues.app = ?1 AND queues.name = names.queue \
    WHERE names.queue IS NOT NULL \
    AND EXISTS (SELECT 1 FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 1) \
    AND (?2 IS NULL OR names.queue IN (SELECT value FROM json_each(?2)))";
