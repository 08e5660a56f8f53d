//! `verify_replay`: what the code of a build would make of recorded histories, told without running any of it for real.
mod flows;

use std::{sync::Arc, time::Duration};

use durable::{
    Ctx, DivergenceReason, ReplayDivergence, ReplayReport, SystemStore, WorkflowStatus,
    store::WorkflowFilter,
};
use durable_testing::{Backend, Bench, Fault, FaultPlan, FaultyStore};

use self::flows::{RESULT, child, mix, registered, steps};
use super::support::{Counter, Flow, Gate, config, launched, process, register, row, stop};

const LONG: Duration = Duration::from_secs(3_600);

/// A context that has registered workflows and is not launched, and the store below it, which keeps count.
async fn build(bench: &Bench<'_, impl Backend>, register: impl FnOnce(&Ctx)) -> (Ctx, FaultyStore) {
    build_on(bench.open().await, register).await
}

async fn build_on(store: Arc<dyn SystemStore>, register: impl FnOnce(&Ctx)) -> (Ctx, FaultyStore) {
    let store = FaultyStore::new(store);
    let config = config(Arc::new(store.clone())).migrate(false);
    let ctx = durable::new_context(config).await.expect("a context");
    register(&ctx);
    (ctx, store)
}

/// Replays what one version left against a build that has the mix, and checks that it does nothing else.
async fn verify_mix(store: Arc<dyn SystemStore>, version: &str) -> ReplayReport {
    let bodies = Counter::default();
    let (ctx, store) = build_on(store, |ctx| registered(ctx, &bodies)).await;
    let before = store.call_count();
    let report = durable::verify_replay(&ctx).app_version(version).await;
    assert_eq!(bodies.get(), 0, "no body runs");
    for call in &store.calls()[before..] {
        let read = ["list_workflows", "get_workflow", "list_steps"].contains(call);
        assert!(read, "a verification calls `{call}`");
    }
    report.unwrap()
}

/// Before its write number `at` is carried out, the process dies.
fn crash_at(at: u32, writes: &Counter) -> FaultPlan {
    let writes = writes.clone();
    FaultPlan::new(move |call| {
        let background = call.operation.starts_with("list_")
            || [
                "claim_workflows",
                "dequeue_workflows",
                "heartbeat",
                "get_workflow",
            ]
            .contains(&call.operation);
        match !background && writes.up() >= at {
            true => Fault::LoseRequest,
            false => Fault::PassThrough,
        }
    })
}

pub(super) async fn what_a_crash_left_at_any_point_replays(bench: &Bench<'_, impl Backend>) {
    let mut replayed = 0;
    let opened = bench.open().await;
    for at in 0.. {
        let store = FaultyStore::new(Arc::clone(&opened));
        let (bodies, writes) = (Counter::default(), Counter::default());
        let version = at.to_string();
        let config = config(Arc::new(store.clone())).app_version(&version);
        let ctx = launched(config, |ctx| registered(ctx, &bodies)).await;
        durable::register_queue(&ctx, "line").await.unwrap();
        store.set_plan(crash_at(at, &writes));
        let run = async {
            let handle = durable::run_workflow(&ctx, mix, 1_u32).await?;
            handle.get_result().await
        };
        let ended = tokio::select! {
            result = run => Some(result.unwrap()),
            () = writes.reaches(at + 1) => None,
        };
        let report = verify_mix(Arc::clone(&opened), &version).await;
        assert!(report.is_compatible(), "after a crash at {at}: {report}");
        replayed += report.workflows;
        store.set_plan(FaultPlan::none());
        stop(&ctx).await;
        if let Some(result) = ended {
            assert_eq!(result, RESULT);
            assert!(at > 20, "the mix writes more than {at} times");
            break;
        }
    }
    assert!(replayed > 20, "only {replayed} histories were replayed");
}

/// Runs workflow `id` of these steps up to the gate, and replays it against a build that `register_new` describes.
async fn replayed(
    bench: &Bench<'_, impl Backend>,
    id: &str,
    old: &'static [&'static str],
    register_new: impl FnOnce(&Ctx),
) -> ReplayReport {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = steps(old, &arrived, &gate);
    let bodies = Counter::default();
    // A version of its own, so that no other process goes on with it.
    let old = launched(config(bench.open().await).app_version(id), |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &flow);
    })
    .await;
    let handle = durable::run_workflow(&old, flow, 5_u32).id(id).await;
    arrived.reaches(1).await;
    let (ctx, _) = build(bench, register_new).await;
    let report = durable::verify_replay(&ctx).workflow(id).await.unwrap();
    assert_eq!(row(bench, id).await.status, WorkflowStatus::Pending);
    gate.open();
    assert_eq!(handle.unwrap().get_result().await.unwrap(), 5);
    stop(&old).await;
    report
}

/// As [`replayed`], against a build whose workflow takes other steps, and does not wait.
async fn replayed_by(
    bench: &Bench<'_, impl Backend>,
    id: &str,
    old: &'static [&'static str],
    new: &'static [&'static str],
) -> ReplayReport {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    gate.open();
    let flow = steps(new, &arrived, &gate);
    let register_new = |ctx: &Ctx| {
        register(ctx, "flow", &flow);
        register(ctx, "child", &child);
    };
    replayed(bench, id, old, register_new).await
}

/// The one finding of a report.
fn only(report: &ReplayReport) -> (Option<u32>, &DivergenceReason) {
    assert!(!report.is_compatible());
    assert_eq!(report.workflows, 1);
    let [
        ReplayDivergence {
            step_id, reason, ..
        },
    ] = &report.divergences[..]
    else {
        panic!("{report}");
    };
    (*step_id, reason)
}

fn other_name(recorded: &str, called: &str) -> DivergenceReason {
    DivergenceReason::OtherName {
        recorded: recorded.to_owned(),
        called: called.to_owned(),
    }
}

fn other_kind(recorded: &str, called: &str) -> DivergenceReason {
    DivergenceReason::OtherKind {
        recorded: recorded.to_owned(),
        called: called.to_owned(),
    }
}

const OLD: &[&str] = &["charge", "ship", "sleep", "child"];

pub(super) async fn a_call_of_another_name_or_kind_is_reported_with_its_step(
    bench: &Bench<'_, impl Backend>,
) {
    let cases: [(&'static [&'static str], u32, DivergenceReason); 5] = [
        (&["charge", "send"], 1, other_name("ship", "send")),
        (
            &["audit", "charge", "ship"],
            0,
            other_name("charge", "audit"),
        ),
        (&["charge", "sleep"], 1, other_kind("ship", "durable.sleep")),
        (
            &["charge", "ship", "child"],
            2,
            other_kind("durable.sleep", "child"),
        ),
        (
            &["charge", "ship", "sleep", "tea"],
            3,
            other_kind("child", "tea"),
        ),
    ];
    for (at, (new, step_id, reason)) in cases.into_iter().enumerate() {
        let report = replayed_by(bench, &format!("w{at}"), OLD, new).await;
        assert_eq!(only(&report), (Some(step_id), &reason), "{report}");
    }
}

pub(super) async fn code_that_ends_before_a_recorded_call_is_reported(
    bench: &Bench<'_, impl Backend>,
) {
    let report = replayed_by(bench, "w", OLD, &["charge", "ship"]).await;
    let reason = DivergenceReason::FewerSteps {
        recorded: "durable.sleep".to_owned(),
        left: 2,
        failure: None,
    };
    assert_eq!(only(&report), (Some(2), &reason), "{report}");
    let text = report.to_string();
    assert!(
        text.ends_with("\n  workflow `w` (flow, version w, PENDING) at step 2: `durable.sleep` is recorded (2 calls in all), the code ends before it"),
        "{text}"
    );
}

pub(super) async fn steps_added_at_the_end_of_an_unfinished_workflow_are_compatible(
    bench: &Bench<'_, impl Backend>,
) {
    let new = &["charge", "ship", "sleep", "child", "audit", "sleep"];
    let report = replayed_by(bench, "w", OLD, new).await;
    assert!(report.is_compatible(), "{report}");
    assert_eq!(
        report.to_string(),
        "1 workflow replayed, none diverges from this build"
    );
}

pub(super) async fn a_patch_keeps_old_histories_compatible_and_a_lost_patch_does_not(
    bench: &Bench<'_, impl Backend>,
) {
    let report = replayed_by(bench, "old", &["charge"], &["patch", "charge"]).await;
    assert!(report.is_compatible(), "{report}");
    let report = replayed_by(bench, "new", &["patch", "charge"], &["charge"]).await;
    let reason = other_kind("durable.patch.patched", "charge");
    assert_eq!(only(&report), (Some(0), &reason), "{report}");
}

pub(super) async fn a_payload_that_no_longer_decodes_is_reported(bench: &Bench<'_, impl Backend>) {
    let new_step = |ctx: Ctx, input: u32| -> Flow<u32> {
        Box::pin(async move {
            let step = durable::run_as_step(&ctx, || async { Ok(input) });
            step.named("charge").await?;
            let step = durable::run_as_step(&ctx, || async { Ok(("a".to_owned(), 1_u64)) });
            // Even if the code does not mind.
            let _ = step.named("ship").await;
            Ok(0)
        })
    };
    let register_new = |ctx: &Ctx| register(ctx, "flow", &new_step);
    let report = replayed(bench, "step", OLD, register_new).await;
    let (step_id, reason) = only(&report);
    let DivergenceReason::Undecodable { error } = reason else {
        panic!("{report}");
    };
    assert_eq!(step_id, Some(1));
    for part in [
        "step 1 `ship`",
        "workflow `step`",
        "(alloc::string::String, u64)",
        "bincode",
    ] {
        assert!(error.contains(part), "{error}");
    }

    let new_input = |_: Ctx, _: (String, String)| -> Flow<u32> { Box::pin(async { Ok(0) }) };
    let register_new = |ctx: &Ctx| register(ctx, "flow", &new_input);
    let report = replayed(bench, "input", OLD, register_new).await;
    let (step_id, reason) = only(&report);
    assert_eq!(step_id, None);
    let text = reason.to_string();
    assert!(text.contains("the input of workflow `input`"), "{text}");
}

pub(super) async fn a_workflow_that_is_not_registered_is_reported(bench: &Bench<'_, impl Backend>) {
    let report = replayed(bench, "w", OLD, |_| {}).await;
    assert_eq!(only(&report), (None, &DivergenceReason::NotRegistered));
}

pub(super) async fn code_that_waits_where_the_record_goes_on_is_reported(
    bench: &Bench<'_, impl Backend>,
) {
    let new = |ctx: Ctx, input: u32| -> Flow<u32> {
        Box::pin(async move {
            let step = durable::run_as_step(&ctx, || async { Ok(input) });
            step.named("charge").await?;
            std::future::pending().await
        })
    };
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let old = steps(OLD, &arrived, &gate);
    let bodies = Counter::default();
    let running = process(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &old);
    })
    .await;
    durable::run_workflow(&running, old, 5_u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let (ctx, _) = build(bench, |ctx| register(ctx, "flow", &new)).await;
    let patience = Duration::from_millis(200);
    let verify = durable::verify_replay(&ctx)
        .workflow("w")
        .patience(patience);
    let report = verify.await.unwrap();
    let reason = DivergenceReason::StandsStill {
        recorded: "ship".to_owned(),
        waits_in: None,
    };
    assert_eq!(only(&report), (Some(1), &reason), "{report}");
    stop(&running).await;
}

pub(super) async fn a_finished_workflow_replays_to_its_outcome_if_that_is_asked_for(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    gate.open();
    let bodies = Counter::default();
    let old = steps(OLD, &arrived, &gate);
    let running = process(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &old);
    })
    .await;
    for (id, input) in [("one", 1_u32), ("two", 2)] {
        let handle = durable::run_workflow(&running, old.clone(), input)
            .id(id)
            .await;
        assert_eq!(handle.unwrap().get_result().await.unwrap(), input);
    }
    durable::register_queue(&running, "line").await.unwrap();
    let handle = durable::run_workflow(&running, mix, 1_u32).id("mix").await;
    assert_eq!(handle.unwrap().get_result().await.unwrap(), RESULT);

    let finished = || WorkflowFilter::new().status(WorkflowStatus::Success);
    let (same, _) = build(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &old);
    })
    .await;
    let verify = durable::verify_replay(&same)
        .filter(finished())
        .check_outcomes();
    let report = verify.await.unwrap();
    assert!(report.is_compatible(), "{report}");
    assert_eq!(report.workflows, 7, "three, and their children");
    // None of them is looked at by default.
    assert_eq!(durable::verify_replay(&same).await.unwrap().workflows, 0);

    let doubled = {
        let old = old.clone();
        move |ctx: Ctx, input: u32| -> Flow<u32> {
            let steps = old(ctx, input);
            Box::pin(async move { Ok(steps.await? * 2) })
        }
    };
    let (changed, _) = build(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &doubled);
    })
    .await;
    let flows = || durable::verify_replay(&changed).filter(finished().name("flow"));
    assert!(flows().await.unwrap().is_compatible(), "steps alone");
    let report = flows().check_outcomes().await.unwrap();
    assert_eq!((report.workflows, report.divergences.len()), (2, 2));
    let reason = report.divergences[0].reason.to_string();
    assert_eq!(
        reason,
        "an output of 1 bytes (01) is recorded, the code comes to an output of 1 bytes (02)"
    );

    let more = steps(
        &["charge", "ship", "sleep", "child", "audit"],
        &arrived,
        &gate,
    );
    let (longer, _) = build(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &more);
    })
    .await;
    let verify = durable::verify_replay(&longer).workflow("one");
    let report = verify.patience(Duration::from_millis(200)).await.unwrap();
    let called = "audit".to_owned();
    let reason = DivergenceReason::MoreSteps { called };
    assert_eq!(only(&report), (Some(4), &reason), "{report}");
    stop(&running).await;
}

pub(super) async fn all_unfinished_workflows_are_replayed_page_by_page(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let old = steps(&["charge"], &arrived, &gate);
    let running = process(bench, |ctx| register(ctx, "flow", &old)).await;
    for number in 0..7_u32 {
        let flow = durable::run_workflow(&running, old.clone(), number);
        flow.id(format!("w{number}")).await.unwrap();
    }
    durable::register_queue(&running, "line").await.unwrap();
    let waiting = durable::enqueue(&running, "line", old.clone(), 7_u32);
    waiting.delay(LONG).id("w7").await.unwrap();
    arrived.reaches(7).await;
    let new = steps(&["refund"], &arrived, &gate);
    let (ctx, store) = build(bench, |ctx| register(ctx, "flow", &new)).await;
    let pages = durable::verify_replay(&ctx).filter(WorkflowFilter::new().limit(2));
    let report = pages.concurrency(3).await.unwrap();
    assert_eq!(report.workflows, 8);
    // What has not begun can still go the new way.
    let ids: Vec<_> = report
        .divergences
        .iter()
        .map(|one| &*one.workflow_id)
        .collect();
    assert_eq!(ids, ["w0", "w1", "w2", "w3", "w4", "w5", "w6"]);
    assert!(store.count_of("list_workflows") >= 4);
    stop(&running).await;
}

pub(super) async fn exported_workflows_are_replayed_without_their_store(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let old = steps(OLD, &arrived, &gate);
    let bodies = Counter::default();
    let running = process(bench, |ctx| {
        registered(ctx, &bodies);
        register(ctx, "flow", &old);
    })
    .await;
    let mut archives = Vec::new();
    for id in ["one", "two"] {
        let flow = durable::run_workflow(&running, old.clone(), 5_u32);
        flow.id(id).await.unwrap();
        arrived.reaches(archives.len() as u32 + 1).await;
        archives.push(durable::export_workflow(&running, id).await.unwrap());
    }
    stop(&running).await;

    let elsewhere = durable::connect("memory:").await.unwrap();
    let ctx = durable::new_context(config(elsewhere)).await.unwrap();
    register(&ctx, "flow", &steps(&["charge", "send"], &arrived, &gate));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.json");
    let [one, two] = [0, 1].map(|at| serde_json::to_string(&archives[at]).unwrap());
    for (text, workflows) in [
        (one.clone(), 1),
        (format!("[{one},{two}]"), 2),
        (format!("{one}\n{two}\n"), 2),
    ] {
        std::fs::write(&file, text).unwrap();
        let report = durable::verify_replay(&ctx)
            .from_export(&file)
            .await
            .unwrap();
        assert_eq!(report.workflows, workflows);
        assert_eq!(report.divergences.len() as u64, workflows);
        let found = &report.divergences[0];
        assert_eq!((&*found.workflow_id, found.step_id), ("one", Some(1)));
    }
    let chosen = durable::verify_replay(&ctx)
        .from_archives(archives)
        .workflow("two");
    assert_eq!(chosen.await.unwrap().workflows, 1);

    for (text, what) in [("", "it is empty"), ("{}", "no exported workflow in")] {
        std::fs::write(&file, text).unwrap();
        let error = durable::verify_replay(&ctx).from_export(&file).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(what) && error.contains("export.json"),
            "{error}"
        );
    }
    let absent = durable::verify_replay(&ctx).from_export(folder.path().join("absent.json"));
    let error = absent.await.unwrap_err().to_string();
    assert!(error.contains("cannot read the export"), "{error}");
}
