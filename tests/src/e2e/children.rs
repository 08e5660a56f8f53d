use std::time::Duration;

use durable::{Ctx, Error, Failure, Result};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, gated, life, process, register, row, stop};

async fn double(ctx: Ctx, number: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(number * 2) }).await
}

async fn fail(_: Ctx, reason: String) -> Result<u32> {
    Err(Failure::msg(reason).with_code("child"))
}

fn register_children(ctx: &Ctx) {
    register(ctx, "double", &double);
    register(ctx, "fail", &fail);
}

pub(super) async fn a_child_is_named_by_its_parent_and_step(bench: &Bench<'_, impl Backend>) {
    let parent = |ctx: Ctx, (): ()| -> Flow<u32> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async { Ok(()) }).await?;
            let child = durable::run_workflow(&ctx, double, 21u32).await?;
            assert_eq!(child.workflow_id(), "p-1");
            Ok(child.get_result().await?)
        })
    };
    let ctx = process(bench, |ctx| {
        register_children(ctx);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::run_workflow(&ctx, parent, ())
        .id("p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 42);
    let child = row(bench, "p-1").await;
    let by = child.parent.unwrap();
    assert_eq!((by.workflow_id.as_str(), by.step_id), ("p", 1));
    let steps = bench.open().await.list_steps("p").await.unwrap();
    assert_eq!(steps[1].child_id.as_deref(), Some("p-1"));
    assert_eq!(steps[2].name, "durable.get_result");
    stop(&ctx).await;
}

pub(super) async fn a_child_can_have_an_id_of_its_own(bench: &Bench<'_, impl Backend>) {
    let parent = |ctx: Ctx, (): ()| -> Flow<u32> {
        Box::pin(async move {
            let child = durable::run_workflow(&ctx, double, 1u32).id("mine").await?;
            // The same id again is the same child, recorded at its own step.
            let again = durable::run_workflow(&ctx, double, 9u32).id("mine").await?;
            assert_eq!(again.get_result().await?, child.get_result().await?);
            Ok(child.get_result().await?)
        })
    };
    let ctx = process(bench, |ctx| {
        register_children(ctx);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::run_workflow(&ctx, parent, ())
        .id("p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 2);
    let steps = bench.open().await.list_steps("p").await.unwrap();
    let children: Vec<_> = steps[..2]
        .iter()
        .map(|step| step.child_id.as_deref())
        .collect();
    assert_eq!(children, [Some("mine"), Some("mine")]);
    stop(&ctx).await;
}

pub(super) async fn a_child_failure_reaches_the_parent(bench: &Bench<'_, impl Backend>) {
    let parent = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let child = durable::run_workflow(&ctx, fail, "no luck").await?;
            match child.get_result().await {
                Err(Error::WorkflowFailed { failure, .. }) => {
                    Ok(format!("{failure} ({})", failure.code().unwrap_or("")))
                }
                other => Err(Failure::msg(format!("{other:?}"))),
            }
        })
    };
    let ctx = process(bench, |ctx| {
        register_children(ctx);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::run_workflow(&ctx, parent, ()).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "no luck (child)");
    stop(&ctx).await;
}

/// A parent that starts a child, waits for it if told so, and then waits at a gate in a step.
fn parent_at_gate(
    arrived: &Counter,
    gate: &Gate,
    await_first: bool,
) -> impl Fn(Ctx, ()) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let child = durable::run_workflow(&ctx, counted_child, ()).await?;
            let before = match await_first {
                true => child.get_result().await?,
                false => 0,
            };
            durable::run_as_step(&ctx, || async {
                arrived.up();
                gate.pass().await;
                Ok(())
            })
            .named("gate")
            .await?;
            let after = child.get_result().await?;
            Ok(before + after)
        })
    }
}

async fn counted_child(ctx: Ctx, (): ()) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(1) })
        .named("count")
        .await
}

pub(super) async fn a_replay_finds_the_same_child(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let parent = parent_at_gate(&arrived, &gate, false);
    let registered = |ctx: &Ctx| {
        register(ctx, "child", &counted_child);
        register(ctx, "parent", &parent);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, parent.clone(), ())
        .id("p")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 1);
    let page = durable::list_workflows(&second, Default::default())
        .await
        .unwrap();
    let ids: Vec<_> = page
        .workflows
        .iter()
        .map(|record| record.id.as_str())
        .collect();
    assert_eq!(ids, ["p", "p-0"], "one child only");
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_recorded_result_is_not_awaited_again(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let parent = parent_at_gate(&arrived, &gate, true);
    let registered = |ctx: &Ctx| {
        register(ctx, "child", &counted_child);
        register(ctx, "parent", &parent);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, parent.clone(), ())
        .id("p")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 2);
    let steps = bench.open().await.list_steps("p").await.unwrap();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        ["child", "durable.get_result", "gate", "durable.get_result"]
    );
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn children_side_by_side_keep_their_numbers(bench: &Bench<'_, impl Backend>) {
    let parent = |ctx: Ctx, (): ()| -> Flow<Vec<u32>> {
        Box::pin(async move {
            let starts = (0..10u32).map(|n| durable::run_workflow(&ctx, double, n).into_future());
            let children: Result<Vec<_>, Error> = futures::future::join_all(starts)
                .await
                .into_iter()
                .collect();
            let children = children?;
            let results = children
                .iter()
                .map(|child| child.get_result().into_future());
            tokio::time::sleep(Duration::from_millis(1)).await;
            let results: Result<Vec<_>, Error> = futures::future::join_all(results)
                .await
                .into_iter()
                .collect();
            Ok(results?)
        })
    };
    let ctx = process(bench, |ctx| {
        register_children(ctx);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::run_workflow(&ctx, parent, ())
        .id("p")
        .await
        .unwrap();
    let expected: Vec<_> = (0..10).map(|n| n * 2).collect();
    assert_eq!(handle.get_result().await.unwrap(), expected);
    let steps = bench.open().await.list_steps("p").await.unwrap();
    for (number, step) in steps.iter().take(10).enumerate() {
        assert_eq!(step.child_id, Some(format!("p-{number}")));
    }
    stop(&ctx).await;
}

pub(super) async fn a_child_resumed_while_its_parent_replays_is_still_cancelled_to_it(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate, child_gate) = (Counter::default(), Gate::closed(), Gate::closed());
    let child = gated(&Counter::default(), &child_gate);
    let parent = {
        let (arrived, gate, child) = (arrived.clone(), gate.clone(), child.clone());
        move |ctx: Ctx, (): ()| -> Flow<bool> {
            let (arrived, gate, child) = (arrived.clone(), gate.clone(), child.clone());
            Box::pin(async move {
                let child = durable::run_workflow(&ctx, child, ()).name("child").await?;
                durable::cancel_workflow(&ctx, child.workflow_id()).await?;
                let result = child.get_result().await;
                arrived.up();
                gate.pass().await;
                Ok(matches!(result, Err(Error::Cancelled { .. })))
            })
        }
    };
    let registered = |ctx: &Ctx| {
        register(ctx, "child", &child);
        register(ctx, "parent", &parent);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, parent.clone(), ())
        .name("parent")
        .id("p")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let resumed = durable::resume_workflow::<u32>(&first, "p-0")
        .await
        .unwrap();
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    child_gate.open();
    gate.open();
    let handle = durable::retrieve_workflow::<bool>(&second, "p")
        .await
        .unwrap();
    assert!(handle.get_result().await.unwrap());
    let child = durable::retrieve_workflow::<u32>(&second, resumed.workflow_id())
        .await
        .unwrap();
    assert_eq!(child.get_result().await.unwrap(), 7);
    stop(&first).await;
    stop(&second).await;
}
