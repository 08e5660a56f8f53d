use std::time::Duration;

use durable::{
    Ctx, Error, ForkFrom, OnDuplicate, Result, WorkflowStatus,
    store::{Outcome, WorkflowFilter},
};
use durable_testing::{Backend, Bench};

use super::support::{
    Counter, Flow, Gate, Log, PATIENCE, config, launched, life, process, register, row, stop,
    waiting,
};

async fn double(ctx: Ctx, number: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(number * 2) }).await
}

/// Logs its input.
pub(super) fn logger(
    log: &Log,
) -> impl Fn(Ctx, String) -> Flow<()> + Clone + Send + Sync + 'static {
    let log = log.clone();
    move |_, line| {
        let log = log.clone();
        Box::pin(async move {
            log.add(line);
            Ok(())
        })
    }
}

/// Passes a gate, and counts how many do so at once, and the most that ever did.
pub(super) async fn an_enqueued_workflow_is_taken_and_run(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let handle = durable::enqueue(&ctx, "q", double, 21u32)
        .id("w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 42);
    let by_run = durable::run_workflow(&ctx, double, 1u32).id("v").queue("q");
    assert_eq!(by_run.await.unwrap().get_result().await.unwrap(), 2);
    let record = row(bench, "w").await;
    assert_eq!(record.queue.as_deref(), Some("q"));
    assert_eq!(record.status, WorkflowStatus::Success);
    // The same id again is the same workflow; in another queue, it is another kind.
    let again = durable::enqueue(&ctx, "q", double, 9u32).id("w").await;
    assert_eq!(again.unwrap().get_result().await.unwrap(), 42);
    durable::register_queue(&ctx, "other").await.unwrap();
    let other = durable::enqueue(&ctx, "other", double, 9u32).id("w").await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "{other:?}");
    stop(&ctx).await;
}

pub(super) async fn a_queue_that_nobody_registered_is_refused(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    let refused = durable::enqueue(&ctx, "nowhere", double, 1u32)
        .id("w")
        .await;
    assert!(
        matches!(&refused, Err(Error::UnknownQueue { queue }) if queue == "nowhere"),
        "{refused:?}"
    );
    let zero = durable::register_queue(&ctx, "q").concurrency(0).await;
    assert!(matches!(zero, Err(Error::InvalidConfig(_))), "{zero:?}");
    let ours = durable::register_queue(&ctx, "durable.mine").await;
    assert!(matches!(ours, Err(Error::InvalidName { .. })), "{ours:?}");
    let page = durable::list_workflows(&ctx, WorkflowFilter::new()).await;
    assert!(page.unwrap().workflows.is_empty(), "nothing was written");
    stop(&ctx).await;
}

pub(super) async fn lower_priorities_come_first_and_equals_in_order(
    bench: &Bench<'_, impl Backend>,
) {
    let log = Log::default();
    let flow = logger(&log);
    let one_by_one = config(bench.open().await)
        .queues(["elsewhere"])
        .queue_capacity(1);
    let ctx = launched(one_by_one, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&ctx, "q")
        .concurrency(1)
        .await
        .unwrap();
    let mut handles = Vec::new();
    for (priority, text) in [(5, "c"), (0, "a"), (5, "d"), (1, "b")] {
        let start = durable::enqueue(&ctx, "q", flow.clone(), text.to_owned());
        handles.push(start.name("flow").priority(priority).await.unwrap());
    }
    assert!(log.lines().is_empty(), "the queue is not served here");
    durable::serve_queues(&ctx, Some(vec!["q".to_owned()]));
    durable::join_all(&handles).await.unwrap();
    assert_eq!(log.lines(), ["a", "b", "c", "d"]);
    stop(&ctx).await;
}

pub(super) async fn a_deduplication_id_keeps_a_second_one_out(bench: &Bench<'_, impl Backend>) {
    let gate = Gate::closed();
    let flow = waiting(&gate);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let start = || {
        durable::enqueue(&ctx, "q", flow.clone(), ())
            .name("flow")
            .deduplication_id("order-7")
    };
    let first = start().id("first").await.unwrap();
    let second = start().id("second").await;
    assert!(
        matches!(&second, Err(Error::Duplicate { workflow_id, .. }) if workflow_id == "first"),
        "{second:?}"
    );
    let holder = start().on_duplicate(OnDuplicate::ReturnExisting).await;
    assert_eq!(holder.unwrap().workflow_id(), "first");
    gate.open();
    first.get_result().await.unwrap();
    let third = start().id("third").await.unwrap();
    third.get_result().await.unwrap();
    stop(&ctx).await;
}

pub(super) async fn a_delayed_workflow_runs_when_it_is_due(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let long = Duration::from_secs(3600);
    let start = |delay| durable::enqueue(&ctx, "q", double, 1u32).delay(delay);
    let soon = start(Duration::from_millis(80)).id("soon").await.unwrap();
    let later = start(long).id("later").await.unwrap();
    assert_eq!(row(bench, "later").await.status, WorkflowStatus::Delayed);
    assert_eq!(soon.get_result().await.unwrap(), 2);
    let record = row(bench, "soon").await;
    let waited = record
        .started_at
        .unwrap()
        .saturating_duration_since(record.created_at);
    assert!(waited >= Duration::from_millis(80), "{waited:?}");
    durable::set_delay(&ctx, "later", Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(later.get_result().await.unwrap(), 2);
    let over = durable::set_delay(&ctx, "later", long).await;
    assert!(matches!(over, Err(Error::NotDelayed { .. })), "{over:?}");
    stop(&ctx).await;
}

pub(super) async fn a_client_without_the_code_enqueues_by_name(bench: &Bench<'_, impl Backend>) {
    let client = durable::new_client(config(bench.open().await))
        .await
        .unwrap();
    durable::register_queue(&client, "q").await.unwrap();
    // Executors that have not registered it leave it alone.
    let first = process(bench, |ctx| register(ctx, "other", &double)).await;
    let handle = durable::enqueue_named::<u32>(&client, "q", "later", 4u32)
        .id("w")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Enqueued);
    let second = launched(config(bench.open().await).app_version("2"), |ctx| {
        register(ctx, "later", &double);
    })
    .await;
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    assert_eq!(result.await.unwrap().unwrap(), 8);
    for ctx in [&first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn many_workflows_are_enqueued_in_one_call(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let handles = durable::enqueue_many(&ctx, "q", double, 0..500u32)
        .await
        .unwrap();
    let results = durable::join_all(&handles).await.unwrap();
    let expected: Vec<u32> = (0..500).map(|number| number * 2).collect();
    assert_eq!(results, expected);
    stop(&ctx).await;
}

pub(super) async fn a_workflow_enqueues_children(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let parent = {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Box::pin(async move {
                let child = durable::enqueue(&ctx, "q", double, 4u32)
                    .deduplication_id("d")
                    .await?;
                let refused = durable::enqueue(&ctx, "q", double, 5u32)
                    .deduplication_id("held")
                    .await;
                assert!(
                    matches!(refused, Err(Error::Duplicate { .. })),
                    "{refused:?}"
                );
                arrived.up();
                gate.pass().await;
                Ok(child.get_result().await?)
            })
        }
    };
    let registered = |ctx: &Ctx| {
        register(ctx, "double", &double);
        register(ctx, "parent", &parent);
    };
    let first = life(bench, registered).await;
    durable::register_queue(&first, "q").await.unwrap();
    let held = durable::enqueue(&first, "q", double, 1u32)
        .deduplication_id("held")
        .delay(Duration::from_secs(3600));
    held.id("holder").await.unwrap();
    durable::run_workflow(&first, parent.clone(), ())
        .name("parent")
        .id("p")
        .await
        .unwrap();
    arrived.reaches(1).await;
    // What the first life was refused is refused to the second, whatever the queue holds by then.
    durable::cancel_workflow(&first, "holder").await.unwrap();
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 8);
    let child = row(bench, "p-0").await;
    assert_eq!(child.parent.unwrap().workflow_id, "p");
    for ctx in [&first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn calls_of_one_key_become_one_run_with_the_last_input(
    bench: &Bench<'_, impl Backend>,
) {
    let log = Log::default();
    let flow = logger(&log);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let call = |text: &str, delay: u64| {
        let delay = Duration::from_millis(delay);
        durable::debounce(&ctx, "doc-7", delay, flow.clone(), text.to_owned()).name("flow")
    };
    let first = call("one", 60_000).await.unwrap();
    let second = call("two", 60_000).await.unwrap();
    assert_eq!(first.workflow_id(), second.workflow_id());
    let third = call("three", 1).await.unwrap();
    third.get_result().await.unwrap();
    assert_eq!(log.lines(), ["three"]);
    let fourth = call("four", 1).await.unwrap();
    assert_ne!(first.workflow_id(), fourth.workflow_id());
    fourth.get_result().await.unwrap();
    // The cap of the first call counts. It is long enough for the next call, on a busy machine too.
    let capped = call("five", 2_000).cap(Duration::from_secs(2));
    let capped = capped.await.unwrap();
    call("six", 3_600_000).await.unwrap();
    let result = tokio::time::timeout(PATIENCE, capped.get_result().into_future());
    result.await.expect("is not pushed back for ever").unwrap();
    assert_eq!(log.lines().last().unwrap(), "six");
    stop(&ctx).await;
}

pub(super) async fn the_clock_of_a_queued_workflow_starts_when_it_is_taken(
    bench: &Bench<'_, impl Backend>,
) {
    let sleeper = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move { Ok(durable::sleep(&ctx, Duration::from_secs(3600)).await?) })
    };
    let nowhere = config(bench.open().await).queues(["elsewhere"]);
    let ctx = launched(nowhere, |ctx| register(ctx, "sleeper", &sleeper)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let limited = ctx.with_timeout(Duration::from_millis(100));
    let handle = durable::enqueue(&limited, "q", sleeper, ())
        .name("sleeper")
        .id("w")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Enqueued);
    durable::serve_queues(&ctx, None);
    let result = handle.get_result().await;
    assert!(matches!(result, Err(Error::Cancelled { .. })), "{result:?}");
    let record = row(bench, "w").await;
    let limit = record.started_at.unwrap();
    assert_eq!(
        record.deadline.unwrap(),
        limit.saturating_add(Duration::from_millis(100))
    );
    stop(&ctx).await;
}

pub(super) async fn queued_work_goes_on_elsewhere_after_its_last_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (runs, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = {
        let (runs, arrived, gate) = (runs.clone(), arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let (runs, arrived, gate) = (runs.clone(), arrived.clone(), gate.clone());
            Box::pin(async move {
                let one = durable::run_as_step(&ctx, || async { Ok(runs.up()) }).await?;
                arrived.up();
                gate.pass().await;
                durable::run_as_step(&ctx, || async { Ok(one + 10) }).await
            })
        }
    };
    let first = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&first, "q")
        .concurrency(1)
        .await
        .unwrap();
    for id in ["handed-over", "lost"] {
        let start = durable::enqueue(&first, "q", flow.clone(), ()).name("flow");
        start.id(id).await.unwrap();
    }
    arrived.reaches(1).await;
    let attempts = async |id: &str| row(bench, id).await.recovery_attempts;
    stop(&first).await;
    // A handover costs no attempt; the loss of an executor does.
    let lost = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(3).await;
    gate.open();
    for id in ["handed-over", "lost"] {
        let handle = durable::retrieve_workflow::<u32>(&second, id)
            .await
            .unwrap();
        handle.get_result().await.unwrap();
    }
    assert_eq!(attempts("handed-over").await, 1);
    assert_eq!(attempts("lost").await, 0);
    assert_eq!(runs.get(), 2, "each first step ran once");
    for ctx in [&lost, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn what_waits_in_a_queue_can_be_cancelled_and_resumed(
    bench: &Bench<'_, impl Backend>,
) {
    let nowhere = config(bench.open().await).queues(["elsewhere"]);
    let ctx = launched(nowhere, |ctx| register(ctx, "double", &double)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    durable::enqueue(&ctx, "q", double, 3u32)
        .id("w")
        .await
        .unwrap();
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    durable::serve_queues(&ctx, None);
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Cancelled);
    let handle = durable::resume_workflow::<u32>(&ctx, "w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 6);
    stop(&ctx).await;
}

pub(super) async fn a_fork_can_wait_in_a_queue(bench: &Bench<'_, impl Backend>) {
    let nowhere = config(bench.open().await).queues(["elsewhere"]);
    let ctx = launched(nowhere, |ctx| register(ctx, "double", &double)).await;
    durable::register_queue(&ctx, "q").await.unwrap();
    let source = durable::run_workflow(&ctx, double, 3u32)
        .id("w")
        .await
        .unwrap();
    source.get_result().await.unwrap();
    let fork = durable::fork_workflow::<u32>(&ctx, "w", ForkFrom::Step(0)).id("f");
    let fork = fork.queue("q").await.unwrap();
    assert_eq!(row(bench, "f").await.status, WorkflowStatus::Enqueued);
    durable::serve_queues(&ctx, None);
    assert_eq!(fork.get_result().await.unwrap(), 6);
    let unknown = durable::fork_workflow::<u32>(&ctx, "w", ForkFrom::Step(0)).queue("nowhere");
    let unknown = unknown.await;
    assert!(
        matches!(unknown, Err(Error::UnknownQueue { .. })),
        "{unknown:?}"
    );
    stop(&ctx).await;
}

pub(super) async fn an_exported_workflow_goes_on_where_it_is_imported(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate, runs) = (Counter::default(), Gate::closed(), Counter::default());
    let flow = {
        let (arrived, gate, runs) = (arrived.clone(), gate.clone(), runs.clone());
        move |ctx: Ctx, (): ()| -> Flow<String> {
            let (arrived, gate, runs) = (arrived.clone(), gate.clone(), runs.clone());
            Box::pin(async move {
                durable::run_as_step(&ctx, || async {
                    runs.up();
                    Ok(())
                })
                .await?;
                durable::set_event(&ctx, "shown", 7u32).await?;
                arrived.up();
                gate.pass().await;
                let message = durable::recv::<String>(&ctx, "t", PATIENCE).await?;
                Ok(message.unwrap_or_default())
            })
        }
    };
    let ctx = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow.clone(), ())
        .name("flow")
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    durable::send(&ctx, "w", "kept".to_owned())
        .topic("t")
        .await
        .unwrap();
    let archive = durable::export_workflow(&ctx, "w").await.unwrap();
    assert_eq!(archive.steps.len(), 2);
    assert!(matches!(
        archive.steps[0].outcome,
        Some(Outcome::Success(_))
    ));
    let json = serde_json::to_string(&archive).unwrap();
    let taken = durable::import_workflow(&ctx, archive).await;
    assert!(matches!(taken, Err(Error::Conflict { .. })), "{taken:?}");
    durable::delete_workflow(&ctx, "w").await.unwrap();
    durable::import_workflow(&ctx, serde_json::from_str(&json).unwrap())
        .await
        .unwrap();
    gate.open();
    let handle = durable::retrieve_workflow::<String>(&ctx, "w")
        .await
        .unwrap();
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    assert_eq!(result.await.unwrap().unwrap(), "kept");
    assert_eq!(runs.get(), 1, "recorded steps are not run again");
    let shown = durable::get_event::<u32>(&ctx, "w", "shown", Duration::ZERO).await;
    assert_eq!(shown.unwrap(), Some(7));
    stop(&ctx).await;
}
