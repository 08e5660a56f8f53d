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
    rate::{Scope, Standing, WHOLE},
    room::{Pending, Room},
    take::{Turn, note_turns},
};
use crate::{
    queues::configuration::configuration,
    sql::{query, values},
};

/// A queue in which work waits.
pub(super) struct Queue {
    pub(super) record: QueueRecord,
    pub(super) partitions: Vec<Partition>,
    /// Partitions that were looked at in vain.
    pub(super) empty: Vec<i64>,
    pub(super) pages: Pages,
    /// The partitions from which more can be taken, by index, in the order of their turns.
    pub(super) order: BTreeSet<Order>,
    room: Room,
    standing: Option<Standing>,
    taken: u32,
    rate_in_the_way: bool,
    /// Turns are counted: how many there were before this call, and are now.
    before: i64,
    counter: i64,
}

/// By turns; where these are equal, a turn that is under way comes first, then the earlier first place.
pub(super) type Order = (i64, bool, Option<Place>, usize);

/// What comes next of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A workflow of the partition that is first in order.
    Workflow,
    /// A workflow that must wait for the queue's rate.
    Rate,
    /// Nothing that can be taken.
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
                    queues.push(
                        Self::open(connection, wanted, record, row.try_get("served")?).await?,
                    );
                }
                Err(reason) => {
                    damaged.push(DamagedWorkflow::new(
                        format!("all of queue `{name}`"),
                        reason,
                    ));
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
        let standing = match limits.rate {
            None => None,
            Some(rate) => Some(Standing::of(connection, &whole(&record), rate, wanted.now).await?),
        };
        Ok(Self {
            room: Room::new(limits, pending, standing.as_ref()),
            standing,
            partitions: Vec::new(),
            empty: Vec::new(),
            pages: Pages::new(),
            order: BTreeSet::new(),
            taken: 0,
            rate_in_the_way: false,
            before: served,
            counter: served,
            record,
        })
    }

    /// What comes next.
    pub(super) async fn next(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &Wanted,
    ) -> Result<Next, sqlx::Error> {
        if self.room.has_start() && !self.room.has_slot() {
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
            } else if partition.first().is_none()
                || !partition.room.has_slot()
                || !partition.room.has_start()
            {
                self.order.remove(&place);
                partition.close(&mut self.counter);
            } else if self.room.has_start() {
                return Ok(Next::Workflow);
            } else {
                self.rate_in_the_way = true;
                return Ok(Next::Rate);
            }
        }
    }

    /// Takes what comes next; answers its row.
    pub(super) fn take(&mut self) -> Option<i64> {
        let (.., index) = self.order.pop_first()?;
        let partition = &mut self.partitions[index];
        let seq = partition.take(&mut self.counter);
        self.order.insert(order(index, partition));
        self.room.shrink();
        self.taken += 1;
        seq
    }

    /// Writes what was taken: starts and turns.
    pub(super) async fn settle(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        if let Some(standing) = &self.standing {
            let scope = whole(&self.record);
            standing.record(connection, &scope, self.taken).await?;
        }
        let mut turns = Vec::new();
        for partition in &self.partitions {
            if let Some(standing) = &partition.standing {
                let scope = self.scope(partition);
                standing.record(connection, &scope, partition.taken).await?;
            }
            if partition.changed {
                turns.push(Turn {
                    partition: partition.seq,
                    served: partition.served,
                    used: partition.used,
                });
            }
        }
        note_turns(connection, &turns, &self.empty).await
    }

    /// When a rate limit that was in the way lets the next one start.
    pub(super) async fn free_at(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let mut earliest = None;
        if let Some(standing) = self.standing.filter(|_| self.rate_in_the_way) {
            earliest = standing.free_at(connection, &whole(&self.record)).await?;
        }
        for partition in self.partitions.iter().filter(|one| one.rate_in_the_way) {
            if let Some(standing) = partition.standing {
                let scope = self.scope(partition);
                let free_at = standing.free_at(connection, &scope).await?;
                earliest = earliest.into_iter().chain(free_at).min();
            }
        }
        Ok(earliest)
    }

    fn scope<'a>(&'a self, partition: &'a Partition) -> Scope<'a> {
        Scope {
            scope: &partition.scope,
            ..whole(&self.record)
        }
    }
}

pub(super) fn order(index: usize, partition: &Partition) -> Order {
    let is_new = partition.used == 0;
    (partition.served, is_new, partition.first(), index)
}

fn whole(record: &QueueRecord) -> Scope<'_> {
    Scope {
        app: &record.app,
        queue: &record.name,
        scope: WHOLE,
    }
}

/// The queues of an application in which work waits, with their configurations, and how many turns there were. From one queue to the
/// next by the index: neither the count of partitions matters, nor that of workflows.
const WAITING: &str = "WITH RECURSIVE names (queue) AS ( \
        SELECT min(queue) FROM partitions WHERE app = ?1 \
        UNION ALL \
        SELECT (SELECT min(queue) FROM partitions WHERE app = ?1 AND queue > names.queue) \
        FROM names WHERE queue IS NOT NULL \
    ) \
    SELECT names.queue, queues.app, queues.name, queues.record, max( \
        ifnull((SELECT max(served) FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 0), 0), \
        ifnull((SELECT max(served) FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 1), 0)) AS served \
    FROM names LEFT JOIN queues ON queues.app = ?1 AND queues.name = names.queue \
    WHERE names.queue IS NOT NULL \
    AND EXISTS (SELECT 1 FROM partitions WHERE app = ?1 AND queue = names.queue AND waiting = 1) \
    AND (?2 IS NULL OR names.queue IN (SELECT value FROM json_each(?2)))";
