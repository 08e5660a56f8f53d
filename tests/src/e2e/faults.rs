use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use durable::{Ctx, Result, WorkflowStatus};
use durable_testing::{Backend, Bench, Fault, FaultPlan, FaultyStore};

use super::support::{Counter, config, launched, register, row, stop};

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

/// The process dies at call number `at`, before or after it takes effect; the next one must finish.
pub(super) async fn every_crash_point_recovers(bench: &Bench<'_, impl Backend>) {
    for after in [false, true] {
        for at in 0.. {
            let id = format!("w{after}{at}");
            let store = FaultyStore::new(bench.open().await);
            let phoenix = |store| config(store).executor_id("phoenix");
            let first = launched(phoenix(Arc::new(store.clone())), registered).await;
            let crash = match after {
                false => FaultPlan::crash_before(at),
                true => FaultPlan::crash_after(at),
            };
            store.set_plan(crash);
            let run = async {
                let handle = durable::run_workflow(&first, parent, 1u32).id(&id).await?;
                handle.get_result().await
            };
            // Dead, an engine tries for ever: it is left alone as soon as it meets the crash.
            let finished = tokio::select! {
                result = run => Some(result.unwrap()),
                () = crashed(&store, at) => None,
            };
            let second = launched(phoenix(bench.open().await), registered).await;
            let handle = durable::run_workflow(&second, parent, 1u32)
                .id(&id)
                .await
                .unwrap();
            assert_eq!(
                handle.get_result().await.unwrap(),
                RESULT,
                "crash at {at}, after: {after}"
            );
            let steps = bench.open().await.list_steps(&id).await.unwrap();
            let ids: Vec<_> = steps.iter().map(|step| step.step_id).collect();
            assert_eq!(ids, [0, 1, 2, 3], "crash at {at}, after: {after}");
            store.set_plan(FaultPlan::none());
            stop(&first).await;
            stop(&second).await;
            if finished.is_some() {
                assert!(at >= 8, "the workflow makes at least 8 calls");
                break;
            }
        }
    }
}

/// Completes when the store has met its crash.
async fn crashed(store: &FaultyStore, at: usize) {
    while store.call_count() <= at + 1 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
