use std::time::Duration;

use durable::{
    Caller, Ctx, Error, Failure, ForkFrom, Result, Timestamp, WorkflowStatus,
    store::{AggregateWorkflows, WorkflowFilter},
};
use durable_testing::{Backend, Bench};
use serde_json::json;

use super::support::{Counter, Flow, config, launched, process, register, row, stop};

/// Four steps, each counting; an event before the third.
fn counted(bodies: &Counter) -> impl Fn(Ctx, ()) -> Flow<Vec<u32>> + Clone + Send + Sync + 'static {
    let bodies = bodies.clone();
    move |ctx, ()| {
        let bodies = bodies.clone();
        Box::pin(async move {
            let mut seen = Vec::new();
            for number in 0..4 {
                let step = durable::run_as_step(&ctx, || async { Ok(bodies.up()) });
                seen.push(step.named(format!("step {number}")).await?);
            }
            Ok(seen)
        })
    }
}

pub(super) async fn a_fork_goes_on_from_any_step(bench: &Bench<'_, impl Backend>) {
    let bodies = Counter::default();
    let flow = counted(&bodies);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let source = durable::run_workflow(&ctx, flow, ())
        .id("source")
        .await
        .unwrap();
    assert_eq!(source.get_result().await.unwrap(), [0, 1, 2, 3]);
    for from in 0..=4 {
        let before = bodies.get();
        let fork = durable::fork_workflow::<Vec<u32>>(&ctx, "source", ForkFrom::Step(from))
            .id(format!("fork-{from}"))
            .await
            .unwrap();
        let copied = 0..from;
        let own = before..before + (4 - from);
        let expected: Vec<u32> = copied.chain(own).collect();
        assert_eq!(fork.get_result().await.unwrap(), expected, "from {from}");
        let record = fork.get_status().await.unwrap();
        assert_eq!(record.forked_from.as_deref(), Some("source"));
    }
    let forks = WorkflowFilter::new().forked_from("source");
    assert_eq!(
        durable::list_workflows(&ctx, forks)
            .await
            .unwrap()
            .workflows
            .len(),
        5
    );
    let again = durable::fork_workflow::<Vec<u32>>(&ctx, "source", ForkFrom::Step(1)).id("source");
    let error = again.await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    let unknown = durable::fork_workflow::<Vec<u32>>(&ctx, "nobody", ForkFrom::LastStep).await;
    assert!(
        matches!(unknown, Err(Error::NotFound { .. })),
        "{unknown:?}"
    );
    stop(&ctx).await;
}

pub(super) async fn a_fork_from_the_last_failure_tries_it_again(bench: &Bench<'_, impl Backend>) {
    let attempts = Counter::default();
    let flow = {
        let attempts = attempts.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let attempts = attempts.clone();
            Box::pin(async move {
                durable::run_as_step(&ctx, || async { Ok(()) }).await?;
                durable::run_as_step(&ctx, || async {
                    match attempts.up() {
                        0 => Err(Failure::msg("not yet")),
                        number => Ok(number),
                    }
                })
                .await
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let failed = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    failed.get_result().await.unwrap_err();
    let fork = durable::fork_workflow::<u32>(&ctx, "w", ForkFrom::LastFailure)
        .await
        .unwrap();
    assert_eq!(fork.get_result().await.unwrap(), 1);
    stop(&ctx).await;
}

/// Says on whose behalf it runs.
async fn who(ctx: Ctx, (): ()) -> Result<String> {
    let caller = ctx.caller().cloned().unwrap_or_default();
    Ok(format!(
        "{:?} as {:?} of {:?}",
        caller.user, caller.assumed_role, caller.roles
    ))
}

/// Asks a child on whose behalf that runs.
async fn ask(ctx: Ctx, (): ()) -> Result<String> {
    let child = durable::run_workflow(&ctx, who, ()).await?;
    Ok(child.get_result().await?)
}

fn register_both(ctx: &Ctx) {
    register(ctx, "who", &who);
    register(ctx, "ask", &ask);
}

pub(super) async fn a_caller_is_stored_and_inherited(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_both).await;
    let caller = Caller::user("ann")
        .assuming("admin")
        .role("admin")
        .role("clerk");
    let handle = durable::run_workflow(&ctx, ask, ())
        .id("w")
        .caller(caller.clone())
        .await
        .unwrap();
    let text = handle.get_result().await.unwrap();
    assert_eq!(
        text,
        r#"Some("ann") as Some("admin") of ["admin", "clerk"]"#
    );
    assert_eq!(row(bench, "w-0").await.caller, caller);
    let mine = WorkflowFilter::new().user("ann");
    assert_eq!(
        durable::list_workflows(&ctx, mine)
            .await
            .unwrap()
            .workflows
            .len(),
        2
    );
    stop(&ctx).await;
}

pub(super) async fn attributes_find_workflows_and_are_not_inherited(
    bench: &Bench<'_, impl Backend>,
) {
    let ctx = process(bench, register_both).await;
    let handle = durable::run_workflow(&ctx, ask, ())
        .id("w")
        .attribute("customer", 7)
        .attribute("tags", json!(["a", "b"]))
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    let ids = async |filter: WorkflowFilter| -> Vec<String> {
        let page = durable::list_workflows(&ctx, filter).await.unwrap();
        page.workflows.into_iter().map(|record| record.id).collect()
    };
    assert_eq!(
        ids(WorkflowFilter::new().attribute("customer", 7)).await,
        ["w"]
    );
    assert_eq!(
        ids(WorkflowFilter::new().attribute("tags", json!(["a", "b"]))).await,
        ["w"]
    );
    assert!(
        ids(WorkflowFilter::new().attribute("customer", 8))
            .await
            .is_empty()
    );
    let new = json!({"customer": 8}).as_object().cloned().unwrap();
    durable::set_attributes(&ctx, "w", new).await.unwrap();
    assert_eq!(
        ids(WorkflowFilter::new().attribute("customer", 8)).await,
        ["w"]
    );
    assert!(
        ids(WorkflowFilter::new().attribute("tags", json!(["a", "b"])))
            .await
            .is_empty()
    );
    let error = durable::set_attributes(&ctx, "nobody", Default::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn deleting_removes_a_workflow_and_frees_its_id(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_both).await;
    let run = async || {
        let handle = durable::run_workflow(&ctx, ask, ()).id("w").await.unwrap();
        handle.get_result().await.unwrap();
    };
    run().await;
    durable::delete_workflow(&ctx, "w").await.unwrap();
    let error = durable::delete_workflow(&ctx, "w").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(
        durable::retrieve_workflow::<String>(&ctx, "w-0")
            .await
            .is_ok(),
        "the child stays"
    );
    durable::delete_workflow(&ctx, "w-0").await.unwrap();
    run().await;
    let outcome = durable::delete_workflows(&ctx, vec!["w".into(), "x".into()], true)
        .await
        .unwrap();
    assert_eq!(
        (outcome.changed, outcome.unknown),
        (vec!["w".into(), "w-0".into()], vec!["x".into()])
    );
    stop(&ctx).await;
}

pub(super) async fn retention_removes_what_ended_long_ago(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_both).await;
    for number in 0..5 {
        let id = format!("w{number}");
        let handle = durable::run_workflow(&ctx, who, ()).id(id).await.unwrap();
        handle.get_result().await.unwrap();
    }
    assert_eq!(durable::delete_finished(&ctx, None, None).await.unwrap(), 0);
    assert_eq!(
        durable::delete_finished(&ctx, None, Some(3)).await.unwrap(),
        2
    );
    let old = Some(Timestamp::from_millis(1));
    assert_eq!(durable::delete_finished(&ctx, old, None).await.unwrap(), 0);
    let all = Some(Timestamp::from_millis(i64::MAX));
    assert_eq!(durable::delete_finished(&ctx, all, None).await.unwrap(), 3);
    stop(&ctx).await;
}

pub(super) async fn workflows_are_counted_in_groups(bench: &Bench<'_, impl Backend>) {
    async fn fail(_: Ctx, (): ()) -> Result<()> {
        Err(Failure::msg("no"))
    }
    let ctx = process(bench, |ctx| {
        register(ctx, "who", &who);
        register(ctx, "fail", &fail);
    })
    .await;
    for _ in 0..2 {
        durable::run_workflow(&ctx, who, ())
            .await
            .unwrap()
            .get_result()
            .await
            .unwrap();
    }
    durable::run_workflow(&ctx, fail, ())
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap_err();
    let mut query = AggregateWorkflows::new(WorkflowFilter::new());
    query.by_status = true;
    query.by_name = true;
    let groups = durable::aggregate_workflows(&ctx, query).await.unwrap();
    let counted: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.key.status.as_deref(),
                group.key.name.as_deref(),
                group.count,
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            (Some("ERROR"), Some("fail"), 1),
            (Some("SUCCESS"), Some("who"), 2)
        ]
    );
    stop(&ctx).await;
}

pub(super) async fn versions_are_listed_and_one_is_the_latest(bench: &Bench<'_, impl Backend>) {
    let one = launched(config(bench.open().await).app_version("one"), |_| {}).await;
    let two = launched(config(bench.open().await).app_version("two"), |_| {}).await;
    durable::set_latest_version(&two, "one").await.unwrap();
    let versions = durable::list_versions(&two).await.unwrap();
    let names: Vec<_> = versions
        .iter()
        .map(|version| version.version.as_str())
        .collect();
    assert_eq!(names, ["one", "two"]);
    let error = durable::set_latest_version(&one, "three")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::UnknownVersion { .. }), "{error}");
    stop(&one).await;
    stop(&two).await;
}

pub(super) async fn management_inside_a_workflow_is_recorded(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<bool> {
        Box::pin(async move {
            let waits = durable::run_workflow(&ctx, waits, ()).await?;
            durable::cancel_workflow(&ctx, waits.workflow_id()).await?;
            let cancelled = matches!(waits.get_result().await, Err(Error::Cancelled { .. }));
            Ok(cancelled)
        })
    };
    async fn waits(ctx: Ctx, (): ()) -> Result<()> {
        durable::sleep(&ctx, std::time::Duration::from_secs(3600)).await?;
        Ok(())
    }
    let ctx = process(bench, |ctx| {
        register(ctx, "waits", &waits);
        register(ctx, "flow", &flow);
    })
    .await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    assert!(handle.get_result().await.unwrap());
    assert_eq!(row(bench, "w-0").await.status, WorkflowStatus::Cancelled);
    let steps = bench.open().await.list_steps("w").await.unwrap();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        ["waits", "durable.cancel_workflow", "durable.get_result"]
    );
    stop(&ctx).await;
}

pub(super) async fn several_workflows_can_be_forked_at_once(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "count_up", &count_up)).await;
    for (id, input) in [("a", 1u32), ("b", 2)] {
        let handle = durable::run_workflow(&ctx, count_up, input)
            .id(id)
            .await
            .unwrap();
        handle.get_result().await.unwrap();
    }
    let ids = vec!["a".to_owned(), "nobody".to_owned(), "b".to_owned()];
    let forks = durable::fork_workflows(&ctx, ids, ForkFrom::LastStep)
        .await
        .unwrap();
    assert_eq!(forks.unknown, ["nobody"]);
    assert_eq!(forks.forked.len(), 2);
    for ((source, fork), expected) in forks.forked.into_iter().zip([("a", 2u32), ("b", 3)]) {
        assert_eq!(source, expected.0);
        let handle = durable::retrieve_workflow::<u32>(&ctx, fork).await.unwrap();
        assert_eq!(handle.get_result().await.unwrap(), expected.1);
    }
    stop(&ctx).await;
}

/// One more, by a step.
async fn count_up(ctx: Ctx, number: u32) -> durable::Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(number + 1) }).await
}

pub(super) async fn what_began_before_a_time_can_be_cancelled(bench: &Bench<'_, impl Backend>) {
    let sleeper = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move { Ok(durable::sleep(&ctx, Duration::from_secs(3600)).await?) })
    };
    let ctx = process(bench, |ctx| register(ctx, "sleeper", &sleeper)).await;
    for id in ["old-1", "old-2"] {
        durable::run_workflow(&ctx, sleeper, ())
            .id(id)
            .await
            .unwrap();
    }
    let first = row(bench, "old-2").await.created_at;
    tokio::time::sleep(Duration::from_millis(5)).await;
    durable::run_workflow(&ctx, sleeper, ())
        .id("new")
        .await
        .unwrap();
    let mut older = WorkflowFilter::new().limit(1);
    older.created_before = Some(first.saturating_add(Duration::from_millis(1)));
    let cancelled = durable::cancel_all(&ctx, older).await.unwrap();
    assert_eq!(cancelled.changed, ["old-1", "old-2"]);
    assert_eq!(row(bench, "new").await.status, WorkflowStatus::Pending);
    stop(&ctx).await;
}

pub(super) async fn the_registered_workflows_can_be_listed(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    let ctx = durable::new_context(super::support::config(store))
        .await
        .unwrap();
    register(&ctx, "later", &count_up);
    assert_eq!(durable::registered_workflows(&ctx), ["later"]);
    register(&ctx, "earlier", &count_up);
    durable::launch(&ctx).await.unwrap();
    assert_eq!(durable::registered_workflows(&ctx), ["earlier", "later"]);
    stop(&ctx).await;
}
