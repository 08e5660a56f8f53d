use driver::Report;

use crate::{
    Result,
    machine::Machine,
    postgres::{Server, Work},
    results::Metrics,
};

/// What the store and the machine do while something is measured.
pub(crate) struct Costs {
    machine: Machine,
    work: Option<Work>,
}

impl Costs {
    pub(crate) async fn start(server: Option<&mut Server>, database: &str) -> Result<Self> {
        let work = match server {
            Some(server) => {
                server.settle().await?;
                Some(server.work(database).await?)
            }
            None => None,
        };
        Ok(Self {
            work,
            machine: Machine::now(),
        })
    }

    /// What has been done since, added to what the workers report.
    pub(crate) async fn stop(
        self,
        server: Option<&mut Server>,
        database: &str,
        report: &Report,
    ) -> Result<Metrics> {
        let busy = self.machine.busy_since();
        let mut metrics = of_report(report);
        metrics.insert("machine_busy".to_owned(), busy);
        if let (Some(server), Some(before)) = (server, self.work) {
            let after = server.work(database).await?;
            let workflows = report.workflows.max(1) as f64;
            let mut per_workflow = |name: &str, before: f64, after: f64| {
                metrics.insert(format!("{name}_per_workflow"), (after - before) / workflows);
                metrics.insert(format!("{name}_per_s"), (after - before) / report.seconds);
            };
            if let (Some(before), Some(after)) = (before.statements, after.statements) {
                per_workflow("statements", before, after);
            }
            per_workflow("commits", before.commits, after.commits);
            per_workflow("wal_bytes", before.wal_bytes, after.wal_bytes);
        }
        Ok(metrics)
    }
}

/// What the workers measured, by unit.
fn of_report(report: &Report) -> Metrics {
    let mut metrics = Metrics::from([
        ("seconds".to_owned(), report.seconds),
        ("workflows".to_owned(), report.workflows as f64),
        (
            "workflows_per_s".to_owned(),
            report.workflows as f64 / report.seconds,
        ),
        (
            "steps_per_s".to_owned(),
            report.steps as f64 / report.seconds,
        ),
        (
            "client_processors".to_owned(),
            report.processor / report.seconds,
        ),
        (
            "peak_rss_mb".to_owned(),
            report.resident_peak as f64 / 1024.0,
        ),
    ]);
    let each = report.workflows.max(1) as f64 / 1e6;
    metrics.insert("client_us_per_workflow".to_owned(), report.processor / each);
    for (name, spread) in [("", report.latency), ("begun_", report.begun)] {
        if let Some(spread) = spread {
            metrics.insert(format!("{name}p50_us"), spread.p50);
            metrics.insert(format!("{name}p99_us"), spread.p99);
            metrics.insert(format!("{name}count"), spread.count as f64);
        }
    }
    metrics
}
