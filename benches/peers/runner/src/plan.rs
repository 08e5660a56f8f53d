use driver::Job;

use crate::{
    case::{Bare, Case, Kind},
    options::Options,
    stores::{Library, Store},
};

use Library::{Dbos, Durable, Durare};
use Store::{Memory, Postgres, RedisAlways, RedisEverysec, SqliteFull, SqliteNormal};

/// A workload, and on which stores it is run.
struct Workload {
    name: &'static str,
    kind: Kind,
    stores: &'static [Store],
    peers: bool,
    grown: bool,
}

const EVERYWHERE: &[Store] = &Store::ALL;
const SERVERS: &[Store] = &[Postgres, RedisEverysec, RedisAlways];

/// What a round measures, in order. Libraries take turns in being the first.
pub(crate) fn cases(options: &Options, round: u32) -> Vec<Case> {
    let mut cases = Vec::new();
    for workload in workloads(options) {
        cases.extend(yardsticks(options, workload.name));
        for &store in workload.stores {
            let mut libraries = libraries(store, workload.peers);
            let turn = round as usize % libraries.len();
            libraries.rotate_left(turn);
            cases.extend(libraries.into_iter().map(|library| Case {
                workload: workload.name.to_owned(),
                store,
                library,
                kind: workload.kind.clone(),
                grown: workload.grown,
            }));
        }
    }
    cases.retain(|case| {
        let judged = case.library == Library::Bare || options.wants(&case.workload);
        judged && options.wants_store(case.store) && !(case.grown && options.growth == 0)
    });
    cases
}

/// Who can work on a store.
fn libraries(store: Store, peers: bool) -> Vec<Library> {
    match store {
        Postgres if peers => vec![Durable, Dbos, Durare],
        SqliteNormal | Memory if peers => vec![Durable, Durare],
        _ => vec![Durable],
    }
}

fn workloads(options: &Options) -> Vec<Workload> {
    let workload = |name, kind, stores| Workload {
        name,
        kind,
        stores,
        peers: true,
        grown: false,
    };
    let seconds = |seconds| options.seconds(seconds);
    let in_flight = |payload, time| {
        Kind::Work(Job::InFlight {
            workflows: 100,
            steps: 1,
            payload,
            seconds: seconds(time),
        })
    };
    let batches = |workflows| {
        Kind::Work(Job::Batches {
            workflows,
            steps: 100,
            seconds: seconds(3.0),
        })
    };
    let one = |steps| {
        Kind::Work(Job::OneAtATime {
            steps,
            seconds: seconds(3.0),
        })
    };
    let drain = |processes| Kind::Drain {
        workflows: options.count(5_000),
        processes,
    };
    let ours = |workload| Workload {
        peers: false,
        ..workload
    };
    let grown = |workload| Workload {
        peers: false,
        grown: true,
        ..workload
    };
    vec![
        workload("a", one(1), EVERYWHERE),
        workload("b", one(100), EVERYWHERE),
        workload("c", in_flight(0, 10.0), EVERYWHERE),
        workload("d-100", batches(100), EVERYWHERE),
        workload("d-1000", batches(1_000), EVERYWHERE),
        workload("e-1", drain(1), &[Postgres]),
        workload("e-4", drain(4), &[Postgres]),
        workload(
            "f",
            Kind::Ask {
                seconds: seconds(5.0),
            },
            SERVERS,
        ),
        workload(
            "g",
            Kind::Recover {
                workflows: options.count(1_000),
                steps: 50,
            },
            &[Postgres],
        ),
        workload(
            "h",
            Kind::Work(Job::Asleep {
                workflows: options.count(10_000),
                seconds: seconds(10.0),
            }),
            &[Postgres],
        ),
        grown(workload("i-c", in_flight(0, 10.0), &[Postgres])),
        grown(workload("i-e-1", drain(1), &[Postgres])),
        ours(workload("i-1k", in_flight(1_000, 5.0), &[Postgres])),
        ours(workload("i-10k", in_flight(10_000, 5.0), &[Postgres])),
        ours(workload("i-100k", in_flight(100_000, 5.0), &[Postgres])),
    ]
}

/// The bare operations that a workload is judged by, measured just before it.
fn yardsticks(options: &Options, workload: &str) -> Vec<Case> {
    if !options.wants(workload) {
        return Vec::new();
    }
    let seconds = options.seconds(3.0);
    let case = |workload: &str, store, bare| Case {
        workload: workload.to_owned(),
        store,
        library: Library::Bare,
        kind: Kind::Bare(bare),
        grown: false,
    };
    let insert = |connections, store| {
        let bare = Bare::Inserts {
            connections,
            seconds,
        };
        case(&format!("insert-{connections}"), store, bare)
    };
    let set = |name, store, clients, pipeline| {
        let bare = Bare::Sets {
            clients,
            pipeline,
            seconds,
        };
        case(name, store, bare)
    };
    match workload {
        "a" => vec![
            case("sync", SqliteFull, Bare::Sync { seconds }),
            insert(1, Postgres),
            insert(1, SqliteFull),
            insert(1, SqliteNormal),
        ],
        "b" => vec![insert(1, Postgres)],
        "d-100" => vec![
            set("set-50", RedisEverysec, 50, 1),
            set("set-50", RedisAlways, 50, 1),
            set("set-50-pipeline-16", RedisEverysec, 50, 16),
            set("set-50-pipeline-16", RedisAlways, 50, 16),
        ],
        "d-1000" => vec![
            insert(32, Postgres),
            insert(32, SqliteFull),
            insert(32, SqliteNormal),
            set("set-50", RedisEverysec, 50, 1),
            set("set-50", RedisAlways, 50, 1),
        ],
        "f" => vec![
            insert(1, Postgres),
            set("set-1", RedisEverysec, 1, 1),
            set("set-1", RedisAlways, 1, 1),
            case("insert-1-rested", Postgres, Bare::Rested { seconds }),
            case("set-1-rested", RedisEverysec, Bare::Rested { seconds }),
            case("set-1-rested", RedisAlways, Bare::Rested { seconds }),
        ],
        _ => Vec::new(),
    }
}
