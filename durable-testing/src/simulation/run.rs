//! One run, from the first executor to the last.
use std::{sync::Arc, time::Duration};

use durable_api::store::WorkflowRecord;
use futures::future::BoxFuture;
use tokio::task::JoinError;

use super::{
    Outside, SimulationReport,
    fleet::Fleet,
    host::SetUp,
    mayhem,
    stage::Stage,
    watch::{Invariant, Watch, check},
};

/// What a run is made of.
pub(super) struct Parts {
    pub(super) seed: u64,
    pub(super) store: Arc<dyn durable_api::SystemStore>,
    pub(super) set_ups: Vec<SetUp>,
    pub(super) scenario: Option<Scenario>,
    pub(super) invariants: Vec<Invariant>,
    pub(super) endings: Vec<Invariant>,
    pub(super) faults_for: Option<Duration>,
    pub(super) patience: Duration,
}

pub(super) type Scenario = Box<dyn FnOnce(Outside) -> BoxFuture<'static, ()> + Send>;

/// How long an executor has to end in order, when all is done.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs everything on this thread, which must not be part of a runtime.
pub(super) fn run(parts: Parts) -> SimulationReport {
    let seed = parts.seed;
    let watch = Watch::new(parts.invariants.clone());
    let stage = Arc::new(Stage::new(Arc::clone(&parts.store), seed, watch));
    let timeline = stage.timeline.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || timeline.on_idle())
        .build()
        .expect("a runtime of one thread needs nothing that could be missing");
    runtime.block_on(async {
        let broken = stage.watch.is_broken();
        tokio::select! {
            biased;
            () = broken => {}
            () = play(&stage, parts) => {}
        }
    });
    runtime.shutdown_background();
    SimulationReport {
        seed,
        broken: stage.watch.take_broken(),
        trace: stage.trace.take(),
        view: stage.watch.view(),
    }
}

async fn play(stage: &Arc<Stage>, parts: Parts) {
    if let Err(error) = parts.store.migrate().await {
        return stage.broken(format!("the store cannot be made ready: {error}"));
    }
    let fleet = Arc::new(Fleet::new(stage, parts.set_ups));
    let drawn = stage.millis(3_000..15_000);
    let faults_for = parts.faults_for.unwrap_or(drawn);
    for place in 0..fleet.size() {
        tokio::spawn(Arc::clone(&fleet).tend(place));
    }
    let computer = fleet.host("client");
    let client = loop {
        match durable_engine::new_client(computer.config(fleet.pace())).await {
            Ok(client) => break client,
            Err(error) => computer.note(format!("cannot begin: {error}")),
        }
        stage.sleep(Duration::from_millis(100)).await;
    };
    let outside = Outside {
        stage: Arc::clone(stage),
        fleet: Arc::clone(&fleet),
        client,
    };
    let scenario = parts
        .scenario
        .map(|scenario| tokio::spawn(scenario(outside)));
    let rage = tokio::spawn(mayhem::rage(Arc::clone(&fleet), faults_for));
    let end = async {
        let _ = rage.await;
        stage.note("simulation", "no faults from now on");
        stage.weather.calm();
        if let Some(scenario) = scenario
            && let Err(error) = scenario.await
        {
            return stage.broken(format!("the scenario failed: {}", reason(error)));
        }
        while stage.watch.view().unfinished().next().is_some() {
            stage.sleep(Duration::from_millis(200)).await;
        }
        close(stage, &fleet, &parts.endings).await;
    };
    let late = stage.sleep(faults_for + parts.patience);
    tokio::select! {
        biased;
        () = end => {}
        () = late => {
            let view = stage.watch.view();
            let left: Vec<String> = view.unfinished().map(describe).collect();
            let patience = parts.patience.as_secs();
            stage.broken(format!("{patience} s after the last fault, it is not over: {}", left.join("; ")));
        }
    }
}

/// Everybody leaves, and nothing is left.
async fn close(stage: &Arc<Stage>, fleet: &Arc<Fleet>, endings: &[Invariant]) {
    stage.note("simulation", "everything has ended");
    for place in 0..fleet.size() {
        let Some(life) = fleet.life(place) else {
            continue;
        };
        if let Some(ctx) = life.ctx {
            let report = durable_api::shutdown(&ctx, FAREWELL).await;
            life.host.note(format!("leaves: {report:?}"));
        }
    }
    let view = match stage.watch.look(&*stage.store) {
        Ok(view) => view,
        Err(what) => return stage.broken(what),
    };
    for row in view.unfinished() {
        stage.broken(format!("left behind: {}", describe(row)));
    }
    for what in check(endings, &view) {
        stage.broken(what);
    }
}

fn describe(row: &WorkflowRecord) -> String {
    format!(
        "workflow `{}` ({}) is {}: queue {:?}, owner {:?}, {} recoveries, deadline {:?}, delayed until {:?}",
        row.id,
        row.name,
        row.status,
        row.queue,
        row.owner,
        row.recovery_attempts,
        row.deadline,
        row.delayed_until
    )
}

fn reason(error: JoinError) -> String {
    let panic = match error.try_into_panic() {
        Ok(panic) => panic,
        Err(error) => return error.to_string(),
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
