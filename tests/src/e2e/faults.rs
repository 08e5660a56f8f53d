use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable::{Ctx, Error, Result, WorkflowStatus};
use durable_testing::{Backend, Bench, Fault, FaultPlan, FaultyStore, crash_points};

use super::support::{Counter, Gate, PATIENCE, config, launched, register, row, stop, waiting};

/// A step, a child, the child's result, a step.
async fn parent(ctx: Ctx, input: u32) -> Result<u32> {
    let one = durable::run_as_step(&ctx, || async { Ok(input + 1) })
        .named("one")
        .await?;
    let child = durable::run_workflow(&ctx, child, one).await?;
    let two = child.get_result().await?;
    durable::run_as_step(&ctx, || async { Ok(two + 1) })
        .named("two")
        .await
}

async fn child(ctx: Ctx, input: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(input * 10) }).await
}

fn registered(ctx: &Ctx) {
    register(ctx, "parent", &parent);
    register(ctx, "child", &child);
}

const RESULT: u32 = 21;

/// Runs the workflow with one fault at call after call, and checks that nothing shows.
async fn with_each_call(bench: &Bench<'_, impl Backend>, fault: Fault) {
    for number in 0.. {
        let id = format!("w{number}");
        let store = FaultyStore::new(bench.open().await);
        let ctx = launched(config(Arc::new(store.clone())), registered).await;
        // The calls of the background loop count as well, so that the last number comes late; that does no harm.
        let fired = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&fired);
        store.set_plan(FaultPlan::new(move |call| {
            let workflow_call = matches!(
                call.operation,
                "insert_workflow" | "record_step" | "finish_workflow" | "get_workflow"
            );
            let nth = workflow_call && call.number >= number;
            if nth && !seen.swap(true, Ordering::SeqCst) {
                fault
            } else {
                Fault::PassThrough
            }
        }));
        let handle = durable::run_workflow(&ctx, parent, 1u32)
            .id(&id)
            .await
            .unwrap();
        assert_eq!(
            handle.get_result().await.unwrap(),
            RESULT,
            "fault at call {number}"
        );
        let record = row(bench, &id).await;
        assert_eq!(record.status, WorkflowStatus::Success);
        assert_eq!(record.recovery_attempts, 0, "fault at call {number}");
        let steps = bench.open().await.list_steps(&id).await.unwrap();
        let ids: Vec<_> = steps.iter().map(|step| step.step_id).collect();
        assert_eq!(ids, [0, 1, 2, 3], "fault at call {number}");
        stop(&ctx).await;
        if !fired.load(Ordering::SeqCst) {
            assert!(number >= 7, "the plan fires at all");
            return;
        }
    }
}

pub(super) async fn a_lost_answer_to_any_call_changes_nothing(bench: &Bench<'_, impl Backend>) {
    with_each_call(bench, Fault::LoseAnswer).await;
}

pub(super) async fn a_lost_request_of_any_call_changes_nothing(bench: &Bench<'_, impl Backend>) {
    with_each_call(bench, Fault::LoseRequest).await;
}

pub(super) async fn an_outage_costs_time_only(bench: &Bench<'_, impl Backend>) {
    let store = FaultyStore::new(bench.open().await);
    let ctx = launched(config(Arc::new(store.clone())), registered).await;
    let refusals = Counter::default();
    let count = refusals.clone();
    // Every call is refused a few times before one passes.
    store.set_plan(FaultPlan::new(move |_| match count.up() % 4 {
        3 => Fault::PassThrough,
        _ => Fault::Refuse,
    }));
    let handle = durable::run_workflow(&ctx, parent, 1u32).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), RESULT);
    assert!(refusals.get() > 20);
    stop(&ctx).await;
}

/// The process dies at call after call, before or after it takes effect; the next one must finish.
pub(super) async fn every_crash_point_recovers(bench: &Bench<'_, impl Backend>) {
    let report = crash_points(parent, 1u32)
        .set_up(|env| env.register(child))
        .stores(|| Box::pin(bench.fresh()))
        .pairs(8)
        .parallel(4)
        .changes_only()
        .invariant("the result is right, and nothing is missing", |end| {
            let history = end.history("the-workflow").ok_or("there is no workflow")?;
            let numbers: Vec<_> = history.iter().map(|step| step.id()).collect();
            match (end.outcome(), &*numbers) {
                (Ok(RESULT), [0, 1, 2, 3]) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
    assert!(report.runs() >= 2 * 8, "{report}");
}

pub(super) async fn a_wait_with_a_timeout_ends_in_an_outage_too(bench: &Bench<'_, impl Backend>) {
    let store = FaultyStore::new(bench.open().await);
    let gate = Gate::closed();
    let waiting = waiting(&gate);
    let config = config(Arc::new(store.clone()));
    let ctx = launched(config, |ctx| register(ctx, "waiting", &waiting)).await;
    let handle = durable::run_workflow(&ctx, waiting, ()).id("w").await;
    let handle = handle.unwrap();
    store.set_plan(FaultPlan::always(Fault::Refuse));
    let short = Duration::from_millis(50);
    let (result, event) = tokio::time::timeout(PATIENCE, async {
        tokio::join!(
            handle.get_result().timeout(short),
            durable::get_event::<u32>(&ctx, "w", "e", short)
        )
    })
    .await
    .expect("they end");
    for error in [result.unwrap_err(), event.unwrap_err()] {
        assert!(matches!(error, Error::Store(_)), "{error:?}");
        assert!(error.to_string().contains("timeout of 50 ms"), "{error}");
    }
    store.set_plan(FaultPlan::none());
    gate.open();
    handle.get_result().await.unwrap();
    stop(&ctx).await;
}
