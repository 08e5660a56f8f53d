use std::{any::Any, sync::Arc, time::Duration};

use durable_api::{Clock as _, Result as Returned, SystemStore};

use super::{
    Kind, Script, Trial,
    points::Point,
    snapshot::{Settings, Snapshot, settings, snapshot},
};
use crate::{Call, faults::FaultyStore, kit::TestEnv};

/// One run of the program.
pub(super) struct Attempt<T> {
    pub(super) env: TestEnv,
    pub(super) outcome: Returned<T>,
    /// Where it was stopped, in words: not every point need be met.
    pub(super) stops: Vec<String>,
    /// The store when each life was stopped, and at the end.
    pub(super) at_stops: Vec<Snapshot>,
    pub(super) end: Snapshot,
    pub(super) settings: Settings,
    /// The store after a zombie went on.
    pub(super) after_zombie: Option<(Snapshot, Settings)>,
    /// What each life asked of the store, and whether that changed anything.
    pub(super) logs: Vec<Vec<(Call, bool)>>,
}

/// Seeds the ids of every run: each has a store of its own.
const SEED: u64 = 1;

/// What goes on after the script gets so many pauses of twice the length to end.
const ROUNDS: u32 = 15;

/// For how long a zombie is watched.
const WATCH: Duration = Duration::from_secs(60);

/// Runs the program, with these points in turn.
pub(super) async fn attempt<T: Send + 'static>(
    trial: &Trial<'_, T>,
    points: &[Point],
) -> Result<Attempt<T>, String> {
    let store = (trial.stores)().await;
    let env = TestEnv::builder().store(store).seed(SEED).await;
    let env = env.map_err(|error| format!("there is no environment: {error}"))?;
    for setup in &trial.setups {
        setup(&env).map_err(|error| format!("the set-up failed: {error}"))?;
    }
    let (kind, script, points) = (trial.kind, Arc::clone(&trial.script), points.to_vec());
    let work = make(env.clone(), kind, script, points);
    match env.inner.world.try_run(work).await {
        Ok(made) => made,
        Err(error) if error.is_panic() => Err(panic_message(&*error.into_panic())),
        Err(error) => Err(error.to_string()),
    }
}

async fn make<T: Send + 'static>(
    env: TestEnv,
    kind: Kind,
    script: Script<T>,
    points: Vec<Point>,
) -> Result<Attempt<T>, String> {
    let (mut stops, mut at_stops, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    let mut zombie = None;
    let mut points = points.into_iter();
    let outcome = loop {
        let link = env.link();
        let point = points.next();
        let ended = tokio::select! {
            // A script that ends in the very moment of its crash is run again: the next process does not know.
            biased;
            () = link.stopped() => None,
            outcome = live(&env, &link, &script, point.as_ref(), logs.is_empty()) => Some(outcome?),
        };
        logs.push(link.changes());
        if let Some(outcome) = ended {
            break outcome;
        }
        stops.extend(point.map(|point| point.to_string()));
        at_stops.push(look(&env).await?);
        match kind {
            Kind::Crashes => env.kill().await,
            Kind::Zombies => {
                zombie = env.set_aside().await;
                env.inner.lives.change_executor();
            }
        }
    };
    let end = come_to_rest(&env).await?;
    let settings = look_at_settings(&env).await?;
    let after_zombie = match zombie {
        None => None,
        Some(zombie) => {
            zombie.link.resume();
            env.come_to(env.inner.clock.now().saturating_add(WATCH))
                .await;
            Some((look(&env).await?, look_at_settings(&env).await?))
        }
    };
    Ok(Attempt {
        env,
        outcome,
        stops,
        at_stops,
        end,
        settings,
        after_zombie,
        logs,
    })
}

/// One life of the program: an engine is launched, and the script is run. The first life meets its fault in the script, every other also at its launch.
async fn live<T>(
    env: &TestEnv,
    link: &FaultyStore,
    script: &Script<T>,
    point: Option<&Point>,
    first: bool,
) -> Result<Returned<T>, String> {
    let plan = || link.set_plan(point.map(Point::plan).unwrap_or_default());
    if !first {
        plan();
    }
    let life = env.life_on(|| link.clone()).await;
    life.map_err(|error| format!("the engine is not launched: {error}"))?;
    if first {
        plan();
    }
    Ok(script(env.clone()).await)
}

/// Waits until every workflow has ended, or seems never to.
async fn come_to_rest(env: &TestEnv) -> Result<Snapshot, String> {
    env.come_to(env.inner.clock.now()).await;
    for round in 0..ROUNDS {
        let found = look(env).await?;
        if found.values().all(|one| one.record.status.is_final()) {
            return Ok(found);
        }
        let pause = Duration::from_secs(1 << round);
        env.come_to(env.inner.clock.now().saturating_add(pause))
            .await;
    }
    look(env).await
}

async fn look(env: &TestEnv) -> Result<Snapshot, String> {
    let store: Arc<dyn SystemStore> = env.store();
    let found = snapshot(&*store).await;
    found.map_err(|error| format!("the store cannot be read: {error}"))
}

async fn look_at_settings(env: &TestEnv) -> Result<Settings, String> {
    let store: Arc<dyn SystemStore> = env.store();
    let found = settings(&*store).await;
    found.map_err(|error| format!("the store cannot be read: {error}"))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
