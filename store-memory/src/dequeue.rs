use std::collections::{BTreeMap, VecDeque};

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        ClaimedWorkflow, DequeueWorkflows, DequeuedWorkflows, Limits, QueueRecord, WorkflowRecord,
    },
};

use crate::{
    queue_state::Due,
    starts::{Next, Starts},
    tables::Tables,
    turns::Turns,
};

/// Takes workflows from queues.
pub(crate) fn dequeue(tables: &mut Tables, request: &DequeueWorkflows) -> DequeuedWorkflows {
    let mut answer = DequeuedWorkflows::new();
    // Whoever is not registered would be robbed of its work at once.
    if !tables.is_registered(request.owner.incarnation) {
        return answer;
    }
    let mut taken = taken_before(tables, request);
    if taken.is_empty() && !tables.is_settled(request.owner) {
        for name in tables.waiting_queues(&request.app) {
            let wanted = request.queues.as_ref();
            let room = (request.limit as usize).saturating_sub(taken.len());
            if room == 0 || wanted.is_some_and(|wanted| !wanted.contains(&name)) {
                continue;
            }
            let served = serve(tables, request, &name, room);
            taken.extend(served.ids);
            answer.held |= served.held;
            answer.retry_at = answer.retry_at.into_iter().chain(served.retry_at).min();
        }
    }
    answer.more = taken.len() >= request.limit as usize;
    answer.taken = taken
        .iter()
        .filter_map(|id| {
            let row = tables.workflows.get(id)?.clone();
            Some(ClaimedWorkflow::new(row, tables.history(id)))
        })
        .collect();
    answer
}

/// What an earlier call with the same owner took.
fn taken_before(tables: &Tables, request: &DequeueWorkflows) -> Vec<String> {
    let mut rows: Vec<&WorkflowRecord> = tables
        .workflows
        .values()
        .filter(|row| {
            row.status == WorkflowStatus::Pending
                && row.owner == Some(request.owner)
                && row.app == request.app
                && row.queue.is_some()
        })
        .collect();
    rows.sort_by_key(|row| tables.due(row));
    rows.into_iter().map(|row| row.id.clone()).collect()
}

/// What was taken from a queue, and what is in the way of the rest.
struct Served {
    ids: Vec<String>,
    held: bool,
    retry_at: Option<Timestamp>,
}

/// Takes workflows from one queue.
fn serve(tables: &mut Tables, request: &DequeueWorkflows, name: &str, room: usize) -> Served {
    let mut waiting = Waiting::new(tables, request, name);
    let remembered = tables.queue(&request.app, name);
    let record = remembered.record.clone();
    let record = record.unwrap_or_else(|| QueueRecord::new(&request.app, name));
    let mut taken = Vec::new();
    while taken.len() < room
        && let Some((id, partition)) = waiting.take(
            &record,
            &mut remembered.turns,
            &mut remembered.starts,
            request.now,
        )
    {
        taken.push((id, partition));
    }
    let held = waiting.is_held(&record);
    let retry_at = waiting.retry_at(&record, &remembered.starts, request.now);
    if !taken.is_empty() {
        tables.queues.rounds += 1;
        let round = tables.queues.rounds;
        tables.queue(&request.app, name).served = round;
    }
    let ids: Vec<String> = taken.into_iter().map(|(id, _)| id).collect();
    for id in &ids {
        if let Some(row) = tables.workflows.get_mut(id) {
            hand_over(row, request);
        }
    }
    tables.tidy(&request.app, name);
    Served {
        ids,
        held,
        retry_at,
    }
}

fn hand_over(row: &mut WorkflowRecord, request: &DequeueWorkflows) {
    if row.started_at.is_none()
        && let Some(timeout) = row.timeout
    {
        let by_timeout = request.now.saturating_add(timeout);
        row.deadline = Some(row.deadline.map_or(by_timeout, |time| time.min(by_timeout)));
    }
    row.status = WorkflowStatus::Pending;
    row.owner = Some(request.owner);
    row.executor_id = Some(request.executor_id.clone());
    row.started_at = Some(request.now);
    row.updated_at = request.now;
}

/// What a caller may take from a queue, and what runs from it.
struct Waiting {
    /// Ids with the order in which they are due, the first first.
    by_partition: BTreeMap<Option<String>, VecDeque<(Due, String)>>,
    running: Running,
    running_by_partition: BTreeMap<Option<String>, Running>,
}

/// How many are `PENDING`.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    all: u32,
    /// Of those, the caller's.
    own: u32,
}

impl Running {
    fn add(&mut self, own: bool) {
        self.all += 1;
        self.own += u32::from(own);
    }

    fn may_grow(self, limits: &Limits) -> bool {
        limits.concurrency.is_none_or(|limit| self.all < limit)
            && limits
                .executor_concurrency
                .is_none_or(|limit| self.own < limit)
    }
}

impl Waiting {
    fn new(tables: &Tables, request: &DequeueWorkflows, name: &str) -> Self {
        let mut waiting = Self {
            by_partition: BTreeMap::new(),
            running: Running::default(),
            running_by_partition: BTreeMap::new(),
        };
        let mut rows: Vec<&WorkflowRecord> = tables.unfinished(&request.app, name).collect();
        rows.sort_by_key(|row| tables.due(row));
        for row in rows {
            let partition = row.partition_key.clone();
            match row.status {
                WorkflowStatus::Pending => {
                    let own = row
                        .owner
                        .is_some_and(|owner| owner.incarnation == request.owner.incarnation);
                    waiting.count(&partition, own);
                }
                WorkflowStatus::Enqueued if is_wanted(row, request) => {
                    let line = waiting.by_partition.entry(partition).or_default();
                    line.push_back((tables.due(row), row.id.clone()));
                }
                _ => {}
            }
        }
        waiting
    }

    fn count(&mut self, partition: &Option<String>, own: bool) {
        self.running.add(own);
        let running = self.running_by_partition.entry(partition.clone());
        running.or_default().add(own);
    }

    /// Takes the next workflow that no limit holds back.
    fn take(
        &mut self,
        record: &QueueRecord,
        turns: &mut Turns,
        starts: &mut Starts,
        now: Timestamp,
    ) -> Option<(String, Option<String>)> {
        let time = starts.time(now);
        let ready = self.by_partition.iter().filter(|(partition, _)| {
            self.may_run(record, partition) && rate(record, starts, time, partition).is_none()
        });
        let partition = ready
            .filter_map(|(partition, line)| Some((partition, &line.front()?.0)))
            .min_by_key(|(partition, due)| (turns.rank(partition), *due))?
            .0
            .clone();
        let (_, id) = self.by_partition.get_mut(&partition)?.pop_front()?;
        self.count(&partition, true);
        turns.take(&partition, record.weight(partition.as_deref()));
        starts.record(time, &partition, record);
        Some((id, partition))
    }

    /// Whether something waits for another to end.
    fn is_held(&self, record: &QueueRecord) -> bool {
        self.by_partition
            .iter()
            .any(|(partition, line)| !line.is_empty() && !self.may_run(record, partition))
    }

    /// When a rate lets the next one start, of those that nothing else holds back.
    fn retry_at(&self, record: &QueueRecord, starts: &Starts, now: Timestamp) -> Option<Timestamp> {
        let time = starts.time(now);
        self.by_partition
            .iter()
            .filter(|(partition, line)| !line.is_empty() && self.may_run(record, partition))
            .filter_map(
                |(partition, _)| match rate(record, starts, time, partition)? {
                    Next::At(time) => Some(time),
                    Next::Never => None,
                },
            )
            .min()
    }

    fn may_run(&self, record: &QueueRecord, partition: &Option<String>) -> bool {
        let running = self.running_by_partition.get(partition).copied();
        self.running.may_grow(&record.limits)
            && running
                .unwrap_or_default()
                .may_grow(&record.partition_limits)
    }
}

/// When the rates of the queue and of the partition let the next one start, if one is in the way.
fn rate(
    record: &QueueRecord,
    starts: &Starts,
    time: Timestamp,
    partition: &Option<String>,
) -> Option<Next> {
    let of_queue = record.limits.rate;
    let of_queue = of_queue.and_then(|rate| starts.next(rate, time, |_| true));
    let of_partition = record.partition_limits.rate;
    let of_partition =
        of_partition.and_then(|rate| starts.next(rate, time, |other| other == partition));
    of_queue.into_iter().chain(of_partition).max()
}

/// Whether the caller has the code of a workflow.
fn is_wanted(row: &WorkflowRecord, request: &DequeueWorkflows) -> bool {
    let version_fits = match &row.version {
        Some(version) => *version == request.version,
        None => request.unversioned,
    };
    version_fits && request.workflows.iter().any(|one| one.name == row.name)
}
