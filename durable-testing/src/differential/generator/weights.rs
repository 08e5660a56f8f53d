use durable_api::{WorkflowStatus, store::WorkflowRecord};
use fastrand::Rng;

/// What can be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Aggregate,
    Append,
    ApplySchedules,
    Cancel,
    CancelExpired,
    Child,
    Claim,
    CreateSchedule,
    Delete,
    DeleteFinished,
    DeleteQueue,
    DeleteSchedule,
    Dequeue,
    Enqueue,
    Event,
    Expel,
    Export,
    Finish,
    Fire,
    Fork,
    Get,
    GetEvent,
    Heartbeat,
    Import,
    Insert,
    Lifecycle,
    List,
    ListEvents,
    ListExecutors,
    ListQueues,
    ListSchedules,
    ListSteps,
    ListVersions,
    PauseSchedule,
    PutQueue,
    ReadStream,
    Receive,
    Register,
    RegisterVersion,
    Release,
    Resume,
    Retire,
    Send,
    SetAttributes,
    SetDelay,
    SetLatest,
    Settle,
    Step,
    Transaction,
    Within,
}

/// What is likely, whatever there is.
const ANY: &[(u32, Kind)] = &[
    (3, Kind::Aggregate),
    (3, Kind::Append),
    (2, Kind::ApplySchedules),
    (4, Kind::Cancel),
    (4, Kind::CancelExpired),
    (4, Kind::Child),
    (12, Kind::Claim),
    (2, Kind::CreateSchedule),
    (4, Kind::Delete),
    (1, Kind::DeleteFinished),
    (1, Kind::DeleteQueue),
    (1, Kind::DeleteSchedule),
    (22, Kind::Dequeue),
    (18, Kind::Enqueue),
    (3, Kind::Event),
    (3, Kind::Expel),
    (2, Kind::Export),
    (3, Kind::Finish),
    (6, Kind::Fire),
    (4, Kind::Fork),
    (3, Kind::Get),
    (2, Kind::GetEvent),
    (4, Kind::Heartbeat),
    (3, Kind::Import),
    (8, Kind::Insert),
    (1, Kind::Lifecycle),
    (8, Kind::List),
    (1, Kind::ListEvents),
    (1, Kind::ListExecutors),
    (1, Kind::ListQueues),
    (1, Kind::ListSchedules),
    (1, Kind::ListSteps),
    (1, Kind::ListVersions),
    (2, Kind::PauseSchedule),
    (5, Kind::PutQueue),
    (3, Kind::ReadStream),
    (3, Kind::Receive),
    (4, Kind::Register),
    (1, Kind::RegisterVersion),
    (8, Kind::Release),
    (4, Kind::Resume),
    (3, Kind::Retire),
    (5, Kind::Send),
    (2, Kind::SetAttributes),
    (3, Kind::SetDelay),
    (1, Kind::SetLatest),
    (2, Kind::Settle),
    (4, Kind::Step),
    (2, Kind::Transaction),
    (1, Kind::Within),
];

/// Of a workflow that does not exist.
const ABSENT: &[(u32, Kind)] = &[
    (6, Kind::Insert),
    (10, Kind::Enqueue),
    (3, Kind::Fork),
    (3, Kind::Import),
    (3, Kind::Fire),
];

/// Of one that somebody runs.
const OWNED: &[(u32, Kind)] = &[
    (8, Kind::Step),
    (5, Kind::Event),
    (6, Kind::Append),
    (5, Kind::Send),
    (9, Kind::Receive),
    (6, Kind::Child),
    (6, Kind::Finish),
    (3, Kind::Transaction),
    (1, Kind::Cancel),
];

/// Of one that was handed back.
const RELEASED: &[(u32, Kind)] = &[(1, Kind::Claim)];

const ENQUEUED: &[(u32, Kind)] = &[(8, Kind::Dequeue), (1, Kind::Send), (1, Kind::Cancel)];

const DELAYED: &[(u32, Kind)] = &[(4, Kind::Release), (3, Kind::SetDelay), (5, Kind::Enqueue)];

/// Of one that has ended.
const FINAL: &[(u32, Kind)] = &[
    (7, Kind::Delete),
    (5, Kind::Resume),
    (5, Kind::Fork),
    (1, Kind::ReadStream),
    (1, Kind::Enqueue),
    (1, Kind::Finish),
];

/// Something, whatever there is.
pub(super) fn any(rng: &mut Rng) -> Kind {
    pick(rng, ANY)
}

/// Something that fits what a workflow has come to.
pub(super) fn of(rng: &mut Rng, found: Option<&WorkflowRecord>) -> Kind {
    let table = match found.map(|row| (row.status, row.owner)) {
        None => ABSENT,
        Some((WorkflowStatus::Pending, Some(_))) => OWNED,
        Some((WorkflowStatus::Pending, None)) => RELEASED,
        Some((WorkflowStatus::Enqueued, _)) => ENQUEUED,
        Some((WorkflowStatus::Delayed, _)) => DELAYED,
        Some(_) => FINAL,
    };
    pick(rng, table)
}

fn pick(rng: &mut Rng, table: &[(u32, Kind)]) -> Kind {
    let total: u32 = table.iter().map(|(weight, _)| weight).sum();
    let mut left = rng.u32(..total);
    for (weight, kind) in table {
        if left < *weight {
            return *kind;
        }
        left -= weight;
    }
    unreachable!("the weights add up")
}
