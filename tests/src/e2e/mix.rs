//! Workflows that use, among them, every operation of the language.
use std::time::Duration;

use durable::{
    Ctx, Error, ForkFrom, Result, RetryPolicy, Schedule, Timestamp,
    store::{AggregateWorkflows, WorkflowFilter},
};
use durable_testing::TestEnv;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Steps, time, events, streams, patches, and a race.
pub(super) async fn errand(
    ctx: Ctx,
    input: u32,
) -> Result<(u32, Option<u32>, Vec<u32>, bool, bool)> {
    let one = durable::run_as_step(&ctx, || async { Ok(input + 1) })
        .named("flaky")
        .retry(RetryPolicy::new(3).base(HOUR).jitter(0.5))
        .await?;
    durable::now(&ctx).await?;
    durable::random_uuid(&ctx).await?;
    durable::sleep(&ctx, DAY).await?;
    let newer = durable::patch(&ctx, "newer").await?;
    durable::deprecate_patch(&ctx, "older").await?;
    durable::set_event(&ctx, "progress", one).await?;
    durable::write_stream(&ctx, "log", one).await?;
    durable::run_as_step(&ctx, || async {
        durable::set_event(&ctx, "inside", one).await?;
        durable::write_stream(&ctx, "inside", one).await?;
        Ok(())
    })
    .named("effects inside")
    .await?;
    durable::write_stream(&ctx, "log", one + 1).await?;
    durable::close_stream(&ctx, "log").await?;
    let id = ctx.workflow_id().expect("is in a workflow").to_owned();
    let progress = durable::get_event(&ctx, &id, "progress", HOUR).await?;
    let lines: Vec<_> = durable::read_stream::<u32>(&ctx, &id, "log", 0)
        .collect()
        .await;
    let lines = lines.into_iter().collect::<Result<_, Error>>()?;
    let never = durable::recv::<u32>(&ctx, "never", 2 * HOUR);
    let reminder = durable::sleep(&ctx, HOUR);
    let never: BoxFuture<'_, Result<bool>> = async { Ok(never.await?.is_some()) }.boxed();
    let reminder: BoxFuture<'_, Result<bool>> =
        async { Ok(reminder.await.map(|()| true)?) }.boxed();
    let (winner, reminded) = durable::select([never, reminder]).await;
    Ok((one, progress, lines, newer, winner == 1 && reminded?))
}

/// Children: at once, from a queue, later, in time and too late; messages between them, and their results.
pub(super) async fn family(ctx: Ctx, input: u32) -> Result<(Vec<u32>, u32, bool)> {
    let waiter = durable::run_workflow(&ctx, waits, ()).await?;
    let queued = durable::enqueue(&ctx, "narrow", tenfold, input).await?;
    let by_name = std::any::type_name_of_val(&tenfold);
    let later = durable::enqueue_named::<u32>(&ctx, "narrow", by_name, input + 1)
        .delay(HOUR)
        .await?;
    let many = durable::enqueue_many(&ctx, "narrow", tenfold, [7u32, 8]).await?;
    durable::send(&ctx, waiter.workflow_id(), input)
        .topic("go")
        .await?;
    let limited = ctx.with_timeout(HOUR);
    let late = durable::run_workflow(&limited, sleeps, ()).await?;
    let (one, two) = tokio::join!(
        durable::run_as_step(&ctx, || async { Ok(1) }).named("left"),
        durable::run_as_step(&ctx, || async { Ok(2) }).named("right"),
    );
    let mut results = durable::join_all(many.iter().chain([&queued, &later])).await?;
    results.extend([one?, two?]);
    let said = waiter.get_result().await?;
    let cancelled = matches!(late.get_result().await, Err(Error::Cancelled { .. }));
    Ok((results, said, cancelled))
}

/// Branches side by side, whose calls have the same names, and which are not equally fast twice.
pub(super) async fn branches(ctx: Ctx, input: u32) -> Result<Vec<String>> {
    let branch = async |number: u32| {
        let child = durable::run_workflow(&ctx, tenfold, input + number).await?;
        let first = durable::run_as_step(&ctx, || async {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..4))).await;
            Ok(number)
        });
        let first = first.named("first").await?;
        durable::set_event(&ctx, format!("branch {number}"), first).await?;
        let result = child.get_result().await?;
        let last =
            durable::run_as_step(&ctx, || async { Ok(format!("{number} {first} {result}")) });
        last.named("last").await
    };
    let (one, two, three) = tokio::join!(branch(1), branch(2), branch(3));
    Ok(vec![one?, two?, three?])
}

async fn tenfold(ctx: Ctx, input: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(input * 10) })
        .named("ten times")
        .await
}

async fn waits(ctx: Ctx, (): ()) -> Result<u32> {
    Ok(durable::recv(&ctx, "go", 30 * DAY).await?.unwrap_or(0))
}

async fn sleeps(ctx: Ctx, (): ()) -> Result<()> {
    Ok(durable::sleep(&ctx, 30 * DAY).await?)
}

/// What manages other workflows, and asks about them.
pub(super) async fn manager(ctx: Ctx, input: u32) -> Result<(u32, u32, Option<u32>, usize)> {
    let child = durable::run_workflow(&ctx, waits, ()).id("managed").await?;
    let attributes = serde_json::Map::from_iter([("by".to_owned(), "manager".into())]);
    durable::set_attributes(&ctx, "managed", attributes).await?;
    durable::cancel_workflow(&ctx, "managed").await?;
    let cancelled = child.get_status().await?.status;
    let resumed = durable::resume_workflow::<u32>(&ctx, "managed").await?;
    durable::send(&ctx, "managed", input).topic("go").await?;
    let said = resumed.get_result().await?;
    let fork = durable::fork_workflow::<u32>(&ctx, "managed", ForkFrom::Step(0))
        .id("forked")
        .await?;
    durable::send(&ctx, "forked", input + 1).topic("go").await?;
    let forked = fork.get_result().await?;
    let found = durable::retrieve_workflow::<u32>(&ctx, "forked").await?;
    let again = found.get_result().await.ok();
    let filter = WorkflowFilter::new().id("managed").id("forked");
    let listed = durable::list_workflows(&ctx, filter.clone())
        .await?
        .workflows
        .len();
    durable::list_steps(&ctx, "forked").await?;
    durable::aggregate_workflows(&ctx, AggregateWorkflows::new(filter)).await?;
    durable::export_workflow(&ctx, "forked").await?;
    durable::list_versions(&ctx).await?;
    durable::register_queue(&ctx, "another").await?;
    durable::list_queues(&ctx).await?;
    let schedule = Schedule::new("yearly", "0 0 1 1 *", sleeps, ());
    durable::apply_schedules(&ctx, [schedule]).await?;
    durable::pause_schedule(&ctx, "yearly").await?;
    durable::list_schedules(&ctx).await?;
    assert_eq!(cancelled, durable::WorkflowStatus::Cancelled);
    Ok((said, forked, again, listed))
}

/// What clears up behind workflows, and plans what comes. What it is told of a change that was made before a crash may be something else the
/// second time, and is left out.
pub(super) async fn caretaker(ctx: Ctx, input: u32) -> Result<(Vec<u32>, usize)> {
    let versions = durable::list_versions(&ctx).await?;
    let latest = versions.first().map(|one| one.version.clone());
    durable::set_latest_version(&ctx, latest.unwrap_or_default()).await?;
    let kept = durable::run_workflow(&ctx, tenfold, input)
        .id("kept")
        .await?;
    let mut results = vec![kept.get_result().await?];
    let archive = durable::export_workflow(&ctx, "kept").await?;
    durable::delete_workflow(&ctx, "kept").await.ok();
    durable::import_workflow(&ctx, archive).await.ok();

    let waiting = durable::run_workflow(&ctx, waits, ()).id("waiting").await?;
    let forks =
        durable::fork_workflows(&ctx, vec!["waiting".to_owned()], ForkFrom::Step(0)).await?;
    let fork = forks
        .forked
        .into_iter()
        .map(|(_, id)| id)
        .collect::<String>();
    let filter = WorkflowFilter::new().id("waiting");
    durable::cancel_all(&ctx, filter).await.ok();
    let ended = waiting.get_result().await.is_err();
    durable::cancel_workflows(&ctx, vec![fork.clone()], true).await?;
    durable::resume_workflows(&ctx, vec![fork.clone()]).await?;
    durable::send(&ctx, &fork, input).topic("go").await?;
    let fork = durable::retrieve_workflow(&ctx, fork).await?;
    results.push(fork.get_result().await?);

    durable::register_queue(&ctx, "brief").await?;
    let later = durable::enqueue(&ctx, "brief", tenfold, input)
        .delay(DAY)
        .await?;
    durable::set_delay(&ctx, later.workflow_id(), HOUR).await?;
    results.push(later.get_result().await?);
    durable::delete_queue(&ctx, "brief").await?;
    durable::debounce(&ctx, "key", HOUR, tenfold, input).await?;
    let last = durable::debounce(&ctx, "key", HOUR, tenfold, input + 1).await?;
    results.push(last.get_result().await?);

    durable::create_schedule(&ctx, "monthly", "0 0 1 * *", tenfold, input).await?;
    let run = durable::trigger_schedule::<u32>(&ctx, "monthly").await?;
    results.push(run.get_result().await?);
    let (from, before) = (1_500_000_000_000, 1_504_000_000_000);
    let [from, before] = [from, before].map(Timestamp::from_millis);
    let ids = durable::backfill_schedule(&ctx, "monthly", from, before).await?;
    for id in &ids {
        let run = durable::retrieve_workflow::<u32>(&ctx, id).await?;
        results.push(run.get_result().await?);
    }
    durable::pause_schedule(&ctx, "monthly").await?;
    durable::resume_schedule(&ctx, "monthly").await?;
    durable::delete_schedule(&ctx, "monthly").await.ok();
    durable::sleep(&ctx, HOUR).await?;
    let now = durable::now(&ctx).await?;
    durable::delete_finished(&ctx, Some(now), None).await.ok();
    durable::delete_workflows(&ctx, ids.clone(), true).await?;
    assert!(ended, "what is cancelled has no result");
    Ok((results, ids.len()))
}

/// Registers what they start.
pub(super) fn registered(env: &TestEnv) -> Result<(), Error> {
    env.mock_step("flaky").fails(1).then_runs();
    env.register(family)?;
    env.register(tenfold)?;
    env.register(waits)?;
    env.register(sleeps)
}

/// The program around the family: its queue lets one run at a time.
pub(super) async fn family_reunion(env: TestEnv) -> Result<(Vec<u32>, u32, bool)> {
    env.with(async |ctx| durable::register_queue(&ctx, "narrow").concurrency(1).await)
        .await?;
    Ok(env
        .start(family, 3u32)
        .id("the-workflow")
        .await?
        .result()
        .await?)
}
