use std::{sync::Arc, time::Duration};

use durable::{Clock, Config, Ctx, SystemClock, SystemStore, Timestamp};
use durable_testing::{Backend, Bench, Fault, FaultPlan, FaultyStore};

use futures::future::BoxFuture;

use super::support::{Counter, Flow, Gate, PATIENCE, config, launched, register, row, stop};

/// A configuration in which an executor is soon taken for dead.
fn impatient(store: Arc<dyn SystemStore>) -> Config {
    config(store)
        .heartbeat_interval(Duration::from_millis(100))
        .lease(Duration::from_millis(1_500))
}

/// A step, an arrival, a gate, and a step.
fn two_steps(
    runs: &Counter,
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, u32) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (runs, arrived, gate) = (runs.clone(), arrived.clone(), gate.clone());
    move |ctx, input| {
        let (runs, arrived, gate) = (runs.clone(), arrived.clone(), gate.clone());
        Box::pin(async move {
            let first = durable::run_as_step(&ctx, || async {
                runs.up();
                Ok(input + 1)
            })
            .await?;
            arrived.up();
            gate.pass().await;
            durable::run_as_step(&ctx, || async { Ok(first * 10) }).await
        })
    }
}

pub(super) async fn the_work_of_an_executor_that_falls_silent_is_taken_over(
    bench: &Bench<'_, impl Backend>,
) {
    let (runs, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = two_steps(&runs, &arrived, &gate);
    // The first executor loses its connection to the store, and gets it back later.
    let link = FaultyStore::new(bench.open().await);
    let first = launched(impatient(Arc::new(link.clone())), |ctx| {
        register(ctx, "flow", &flow);
    })
    .await;
    let lost = durable::run_workflow(&first, flow.clone(), 1u32)
        .name("flow")
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    link.set_plan(FaultPlan::always(Fault::Refuse));
    let second = launched(impatient(bench.open().await), |ctx| {
        register(ctx, "flow", &flow);
    })
    .await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    assert_eq!(result.await.unwrap().unwrap(), 20);
    assert_eq!(runs.get(), 1, "the recorded step is not run again");
    assert_eq!(row(bench, "w").await.recovery_attempts, 1);

    // It comes back: it has written nothing, learns the outcome, and joins again.
    link.set_plan(FaultPlan::none());
    let result = tokio::time::timeout(PATIENCE, lost.get_result().into_future());
    assert_eq!(result.await.unwrap().unwrap(), 20);
    let steps = bench.open().await.list_steps("w").await.unwrap();
    assert_eq!(steps.len(), 2);
    let joined = async {
        while bench
            .open()
            .await
            .list_executors("app")
            .await
            .unwrap()
            .len()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, joined).await.unwrap();
    let again = durable::run_workflow(&first, flow.clone(), 4u32).name("flow");
    assert_eq!(again.await.unwrap().get_result().await.unwrap(), 50);
    for ctx in [&first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn an_executor_that_was_taken_for_dead_starts_work_again_at_once(
    bench: &Bench<'_, impl Backend>,
) {
    let (runs, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    gate.open();
    let flow = two_steps(&runs, &arrived, &gate);
    let slow = config(bench.open().await)
        .heartbeat_interval(Duration::from_secs(60))
        .lease(Duration::from_secs(120));
    let ctx = launched(slow, |ctx| register(ctx, "flow", &flow)).await;
    let store = bench.open().await;
    let executors = store.list_executors("app").await.unwrap();
    let expel = durable::store::ExpelExecutor::new(executors[0].incarnation, executors[0].beat);
    store.expel_executor(expel).await.unwrap();
    // It has not noticed yet, and need not before it is asked.
    let handle = durable::run_workflow(&ctx, flow.clone(), 1u32)
        .name("flow")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 20);
    stop(&ctx).await;
}

pub(super) async fn lost_work_is_spread_over_those_who_are_left(bench: &Bench<'_, impl Backend>) {
    let (runs, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = two_steps(&runs, &arrived, &gate);
    let link = FaultyStore::new(bench.open().await);
    let first = launched(impatient(Arc::new(link.clone())), |ctx| {
        register(ctx, "flow", &flow);
    })
    .await;
    const COUNT: u32 = 100;
    for number in 0..COUNT {
        let start = durable::run_workflow(&first, flow.clone(), number).name("flow");
        start.id(format!("w{number}")).await.unwrap();
    }
    arrived.reaches(COUNT).await;
    let mut survivors = Vec::new();
    for name in ["left", "right"] {
        let config = impatient(bench.open().await).executor_id(name);
        survivors.push(launched(config, |ctx| register(ctx, "flow", &flow)).await);
    }
    link.set_plan(FaultPlan::always(Fault::Refuse));
    arrived.reaches(2 * COUNT).await;
    gate.open();
    let mut left = 0;
    for number in 0..COUNT {
        let id = format!("w{number}");
        let handle = durable::retrieve_workflow::<u32>(&survivors[0], &id)
            .await
            .unwrap();
        assert_eq!(handle.get_result().await.unwrap(), (number + 1) * 10);
        let executor = row(bench, &id).await.executor_id;
        left += u32::from(executor.as_deref() == Some("left"));
    }
    assert!((1..COUNT).contains(&left), "{left} of {COUNT} went to one");
    link.set_plan(FaultPlan::none());
    for ctx in survivors.iter().chain([&first]) {
        stop(ctx).await;
    }
}

/// The clock of a machine that is so many seconds ahead.
#[derive(Debug)]
struct Ahead(i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0 * 1_000)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

pub(super) async fn clocks_a_minute_apart_neither_cause_nor_prevent_a_takeover(
    bench: &Bench<'_, impl Backend>,
) {
    let (runs, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = two_steps(&runs, &arrived, &gate);
    let mut machines = Vec::new();
    for ahead in [-60, 0, 60] {
        let link = FaultyStore::new(bench.open().await);
        let config = impatient(Arc::new(link.clone())).clock(Arc::new(Ahead(ahead)));
        let ctx = launched(config, |ctx| register(ctx, "flow", &flow)).await;
        let id = format!("w{}", machines.len());
        let start = durable::run_workflow(&ctx, flow.clone(), 1u32).name("flow");
        start.id(id).await.unwrap();
        machines.push((link, ctx));
    }
    arrived.reaches(3).await;
    // Two leases long, nobody takes anything from anybody.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(arrived.get(), 3);
    let executors = async || bench.open().await.list_executors("app").await.unwrap();
    assert_eq!(executors().await.len(), 3);

    // The one in front and the one behind are lost, and who is left takes over.
    for (link, _) in [&machines[0], &machines[2]] {
        link.set_plan(FaultPlan::always(Fault::Refuse));
    }
    arrived.reaches(5).await;
    gate.open();
    for (number, attempts) in [(0, 1), (1, 0), (2, 1)] {
        let id = format!("w{number}");
        let handle = durable::retrieve_workflow::<u32>(&machines[1].1, &id)
            .await
            .unwrap();
        assert_eq!(handle.get_result().await.unwrap(), 20);
        assert_eq!(row(bench, &id).await.recovery_attempts, attempts);
    }
    assert_eq!(runs.get(), 3, "the recorded steps are not run again");
    for (link, ctx) in &machines {
        link.set_plan(FaultPlan::none());
        stop(ctx).await;
    }
}
