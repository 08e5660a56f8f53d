//! What is to be reached, as ratios within one run.
use crate::{
    results::Results,
    stores::{
        Library::{self, Bare, Dbos, Durable, Durare},
        Store::{self, Memory, Postgres, RedisAlways, RedisEverysec, SqliteFull, SqliteNormal},
    },
};

/// A median of a run.
#[derive(Clone, Copy, Debug)]
struct Figure {
    workload: &'static str,
    store: Store,
    library: Library,
    metric: &'static str,
    /// How many of it are meant: the latency of three commits is three times that of one.
    times: f64,
}

/// What our figure is to be, compared with another.
#[derive(Clone, Copy, Debug)]
enum Ratio {
    AtLeast(f64),
    AtMost(f64),
}

/// A row of the table.
struct Bar {
    what: &'static str,
    against_what: &'static str,
    ours: Figure,
    /// The best of them counts.
    against: Vec<Figure>,
    ratio: Ratio,
}

/// A row with its numbers.
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) against_what: &'static str,
    pub(crate) ours: f64,
    pub(crate) against: f64,
    pub(crate) unit: &'static str,
    pub(crate) ratio: f64,
    pub(crate) bar: String,
    pub(crate) met: bool,
}

/// All rows whose numbers a run has.
pub(crate) fn verdicts(results: &Results) -> Vec<Verdict> {
    bars()
        .into_iter()
        .filter_map(|bar| bar.judge(results))
        .collect()
}

impl Bar {
    fn judge(self, results: &Results) -> Option<Verdict> {
        let value = |figure: &Figure| {
            let Figure {
                workload,
                store,
                library,
                metric,
                times,
            } = *figure;
            Some(results.median(workload, store, library, metric)? * times)
        };
        let ours = value(&self.ours)?;
        let against = self.against.iter().filter_map(value).reduce(f64::max)?;
        let ratio = ours / against;
        let (bar, met) = match self.ratio {
            Ratio::AtLeast(least) => (format!("≥ {least} ×"), ratio >= least),
            Ratio::AtMost(most) => (format!("≤ {most} ×"), ratio <= most),
        };
        Some(Verdict {
            what: self.what,
            against_what: self.against_what,
            ours,
            against,
            unit: if self.ours.metric.ends_with("us") {
                "µs"
            } else {
                "/s"
            },
            ratio,
            bar,
            met,
        })
    }
}

fn figure(workload: &'static str, store: Store, library: Library, metric: &'static str) -> Figure {
    Figure {
        workload,
        store,
        library,
        metric,
        times: 1.0,
    }
}

fn workflows(workload: &'static str, store: Store, library: Library) -> Figure {
    figure(workload, store, library, "workflows_per_s")
}

fn steps(workload: &'static str, store: Store, library: Library) -> Figure {
    figure(workload, store, library, "steps_per_s")
}

/// The latency of so many bare commits, one after the other.
fn commits(count: f64) -> Figure {
    Figure {
        times: count,
        ..figure("insert-1", Postgres, Bare, "p50_us")
    }
}

fn bars() -> Vec<Bar> {
    use Ratio::{AtLeast, AtMost};
    let better = "the better of dbos and durare";
    let bar = |what, ours, against_what, against: &[Figure], ratio| Bar {
        what,
        against_what,
        ours,
        against: against.to_vec(),
        ratio,
    };
    let peers = |of: fn(&'static str, Store, Library) -> Figure, workload| {
        [of(workload, Postgres, Dbos), of(workload, Postgres, Durare)]
    };
    let set = |what, workload, store| {
        let against = [figure("set-50", store, Bare, "per_second")];
        let ours = steps(workload, store, Durable);
        bar(what, ours, "SET from 50 clients", &against, AtLeast(0.3))
    };
    let waits = |what, metric, store, against_what, against| {
        bar(
            what,
            figure("f", store, Durable, metric),
            against_what,
            &[against],
            AtMost(5.0),
        )
    };
    let set_latency = |store| figure("set-1", store, Bare, "p50_us");
    vec![
        bar(
            "c, Postgres",
            workflows("c", Postgres, Durable),
            better,
            &peers(workflows, "c"),
            AtLeast(5.0),
        ),
        bar(
            "d, Postgres, 100 in flight",
            steps("d-100", Postgres, Durable),
            better,
            &peers(steps, "d-100"),
            AtLeast(8.0),
        ),
        bar(
            "d, Postgres, 1,000 in flight",
            steps("d-1000", Postgres, Durable),
            "INSERT commits over 32 connections",
            &[figure("insert-32", Postgres, Bare, "per_second")],
            AtLeast(2.5),
        ),
        bar(
            "a, Postgres, p50",
            figure("a", Postgres, Durable, "p50_us"),
            "three bare INSERT commits",
            &[commits(3.0)],
            AtMost(1.3),
        ),
        bar(
            "b, Postgres, p50 of a step",
            Figure {
                times: 0.01,
                ..figure("b", Postgres, Durable, "p50_us")
            },
            "a bare INSERT commit",
            &[commits(1.0)],
            AtMost(1.3),
        ),
        bar(
            "c, SQLite, synced",
            workflows("c", SqliteFull, Durable),
            "durare, not synced",
            &[workflows("c", SqliteNormal, Durare)],
            AtLeast(3.0),
        ),
        bar(
            "d, SQLite, synced",
            steps("d-100", SqliteFull, Durable),
            "durare, not synced",
            &[steps("d-100", SqliteNormal, Durare)],
            AtLeast(3.0),
        ),
        bar(
            "c, SQLite, not synced",
            workflows("c", SqliteNormal, Durable),
            "durare, not synced",
            &[workflows("c", SqliteNormal, Durare)],
            AtLeast(5.0),
        ),
        bar(
            "d, SQLite, not synced",
            steps("d-100", SqliteNormal, Durable),
            "durare, not synced",
            &[steps("d-100", SqliteNormal, Durare)],
            AtLeast(5.0),
        ),
        set("d, Redis everysec, 100 in flight", "d-100", RedisEverysec),
        set(
            "d, Redis everysec, 1,000 in flight",
            "d-1000",
            RedisEverysec,
        ),
        set("d, Redis always, 100 in flight", "d-100", RedisAlways),
        set("d, Redis always, 1,000 in flight", "d-1000", RedisAlways),
        bar(
            "e, Postgres, one executor",
            workflows("e-1", Postgres, Durable),
            "dbos",
            &[workflows("e-1", Postgres, Dbos)],
            AtLeast(10.0),
        ),
        bar(
            "e, Postgres, four processes",
            workflows("e-4", Postgres, Durable),
            "dbos",
            &[workflows("e-4", Postgres, Dbos)],
            AtLeast(10.0),
        ),
        waits(
            "f, Postgres, to the start, p50",
            "begun_p50_us",
            Postgres,
            "a bare INSERT commit",
            commits(1.0),
        ),
        waits(
            "f, Postgres, result, p50",
            "p50_us",
            Postgres,
            "a bare INSERT commit",
            commits(1.0),
        ),
        waits(
            "f, Redis everysec, to the start, p50",
            "begun_p50_us",
            RedisEverysec,
            "a bare SET",
            set_latency(RedisEverysec),
        ),
        waits(
            "f, Redis everysec, result, p50",
            "p50_us",
            RedisEverysec,
            "a bare SET",
            set_latency(RedisEverysec),
        ),
        waits(
            "f, Redis always, to the start, p50",
            "begun_p50_us",
            RedisAlways,
            "a bare SET",
            set_latency(RedisAlways),
        ),
        waits(
            "f, Redis always, result, p50",
            "p50_us",
            RedisAlways,
            "a bare SET",
            set_latency(RedisAlways),
        ),
        bar(
            "i, c among finished workflows",
            workflows("i-c", Postgres, Durable),
            "c",
            &[workflows("c", Postgres, Durable)],
            AtLeast(0.8),
        ),
        bar(
            "i, e among finished workflows",
            workflows("i-e-1", Postgres, Durable),
            "e, one executor",
            &[workflows("e-1", Postgres, Durable)],
            AtLeast(0.8),
        ),
        bar(
            "d, memory, 100 in flight",
            steps("d-100", Memory, Durable),
            "durare",
            &[steps("d-100", Memory, Durare)],
            AtLeast(2.3),
        ),
        bar(
            "d, memory, 1,000 in flight",
            steps("d-1000", Memory, Durable),
            "durare",
            &[steps("d-1000", Memory, Durare)],
            AtLeast(2.3),
        ),
    ]
}
