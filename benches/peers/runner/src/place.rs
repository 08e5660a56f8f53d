use std::time::{Duration, Instant};

use driver::{Job, Order, Report};
use sqlx::PgConnection;

use crate::{
    Result,
    costs::Costs,
    postgres::{self, Server},
    results::Metrics,
    stores::Library,
    worker::{Programs, Worker, complete},
};

/// How often the database is asked whether everything has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A store, and a library to work on it.
pub(crate) struct Place<'b> {
    pub(crate) programs: Programs,
    pub(crate) library: Library,
    pub(crate) order: Order,
    pub(crate) database: &'static str,
    pub(crate) server: Option<&'b mut Server>,
}

impl Place<'_> {
    pub(crate) async fn work(mut self, job: Job) -> Result<Metrics> {
        let asleep = matches!(job, Job::Asleep { .. });
        let mut worker = self.start(0, job)?;
        worker.ready().await?;
        let costs = self.costs().await?;
        worker.go().await?;
        let report = worker.report().await?;
        let mut metrics = self.stop(costs, &report).await?;
        if asleep {
            let grown = report.resident_after.saturating_sub(report.resident_before) * 1024;
            let each = grown as f64 / report.workflows as f64;
            metrics.insert("rss_bytes_per_workflow".to_owned(), each);
            metrics.remove("workflows_per_s");
        }
        Ok(metrics)
    }

    pub(crate) async fn drain(self, workflows: u32, processes: u32) -> Result<Metrics> {
        self.complete(Job::Prepare).await?;
        self.complete(Job::Enqueue { workflows }).await?;
        let executors = (0..processes).map(|number| self.start(number, Job::Serve));
        let executors = executors.collect::<Result<Vec<_>>>()?;
        self.until_finished(executors, workflows).await
    }

    pub(crate) async fn recover(self, workflows: u32, steps: u32) -> Result<Metrics> {
        let mut victim = self.start(0, Job::Interrupt { workflows, steps })?;
        victim.ready().await?;
        victim.kill().await?;
        let executor = self.start(0, Job::Serve)?;
        self.until_finished(vec![executor], workflows).await
    }

    /// From the word to launch until the database holds nothing unfinished.
    async fn until_finished(
        mut self,
        mut executors: Vec<Worker>,
        workflows: u32,
    ) -> Result<Metrics> {
        for executor in &mut executors {
            executor.ready().await?;
        }
        let mut observer = postgres::connect(&self.order.url).await?;
        let costs = self.costs().await?;
        let began = Instant::now();
        for executor in &mut executors {
            executor.go().await?;
        }
        for executor in &mut executors {
            executor.ready().await?;
        }
        while self.unfinished(&mut observer).await? {
            tokio::time::sleep(LOOK).await;
        }
        let seconds = began.elapsed().as_secs_f64();
        let mut sum = Report::default();
        for mut executor in executors {
            executor.go().await?;
            let report = executor.report().await?;
            sum.processor += report.processor;
            sum.resident_peak = sum.resident_peak.max(report.resident_peak);
        }
        let report = Report {
            seconds,
            workflows: workflows.into(),
            ..sum
        };
        self.stop(costs, &report).await
    }

    async fn unfinished(&self, observer: &mut PgConnection) -> Result<bool> {
        let query = sqlx::query_scalar(self.library.unfinished());
        Ok(query.fetch_one(observer).await?)
    }

    pub(crate) async fn ask(mut self, seconds: f64) -> Result<Metrics> {
        let mut executor = self.start(0, Job::Serve)?;
        executor.ready().await?;
        executor.go().await?;
        executor.ready().await?;
        let warm_up = match self.library {
            // It looks into a new queue once a second first, and comes down to its interval in ten.
            Library::Dbos => seconds * 2.0,
            _ => seconds / 5.0,
        };
        let mut client = self.start(1, Job::Ask { warm_up, seconds })?;
        client.ready().await?;
        let costs = self.costs().await?;
        client.go().await?;
        let asked = client.report().await?;
        executor.go().await?;
        let served = executor.report().await?;
        let report = Report {
            begun: served.begun,
            resident_peak: served.resident_peak,
            ..asked
        };
        self.stop(costs, &report).await
    }

    fn start(&self, number: u32, job: Job) -> Result<Worker> {
        let order = Order {
            executor: format!("bench-{number}"),
            job,
            ..self.order.clone()
        };
        Worker::start(&self.programs, self.library, &order)
    }

    async fn complete(&self, job: Job) -> Result<Report> {
        complete(&self.programs, self.library, self.order.clone(), job).await
    }

    async fn costs(&mut self) -> Result<Costs> {
        Costs::start(self.server.as_deref_mut(), self.database).await
    }

    async fn stop(&mut self, costs: Costs, report: &Report) -> Result<Metrics> {
        costs
            .stop(self.server.as_deref_mut(), self.database, report)
            .await
    }
}
