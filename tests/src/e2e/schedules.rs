use std::time::Duration;

use durable::{Ctx, Error, Result, Schedule, Timestamp, WorkflowStatus, store::WorkflowFilter};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, PATIENCE, config, launched, process, register, row, stop};

const EVERY_SECOND: &str = "* * * * * *";
const NEVER_NOW: &str = "0 0 1 1 *";

fn counting(runs: &Counter) -> impl Fn(Ctx, String) -> Flow<u32> + Clone + Send + Sync + 'static {
    let runs = runs.clone();
    move |_, _| {
        let runs = runs.clone();
        Box::pin(async move { Ok(runs.up()) })
    }
}

async fn runs_of(ctx: &Ctx, schedule: &str) -> Result<Vec<String>, Error> {
    let filter = WorkflowFilter::new().schedule(schedule);
    let page = durable::list_workflows(ctx, filter).await?;
    Ok(page.workflows.into_iter().map(|run| run.id).collect())
}

pub(super) async fn each_tick_runs_once_across_processes(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = counting(&runs);
    let first = process(bench, |ctx| register(ctx, "tick", &flow)).await;
    let second = process(bench, |ctx| register(ctx, "tick", &flow)).await;
    durable::apply_schedules(
        &first,
        [Schedule::named("s", EVERY_SECOND, "tick", "in".to_owned())],
    )
    .await
    .unwrap();
    runs.reaches(3).await;
    durable::pause_schedule(&second, "s").await.unwrap();
    let ids = runs_of(&first, "s").await.unwrap();
    // What was started just before the pause may still wait in the queue.
    runs.reaches(u32::try_from(ids.len()).unwrap()).await;
    for ctx in [&first, &second] {
        durable::shutdown(ctx, PATIENCE).await.unwrap();
    }
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    assert!(ids[0].starts_with("sched-s-20"), "{ids:?}");
    assert!(ids[0].ends_with('Z'), "{ids:?}");
    assert_eq!(runs.get() as usize, ids.len(), "one run a tick");
}

pub(super) async fn a_schedule_rests_and_goes_on(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = counting(&runs);
    let ctx = process(bench, |ctx| register(ctx, "tick", &flow)).await;
    let every_second = || Schedule::named("s", EVERY_SECOND, "tick", String::new());
    durable::apply_schedules(&ctx, [every_second()])
        .await
        .unwrap();
    durable::pause_schedule(&ctx, "s").await.unwrap();
    durable::apply_schedules(&ctx, [every_second()])
        .await
        .unwrap();
    assert!(durable::list_schedules(&ctx).await.unwrap()[0].paused);
    // Counted in the store: a run that was started just before the pause may begin after it.
    let before = runs_of(&ctx, "s").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(runs_of(&ctx, "s").await.unwrap(), before, "it rests");
    durable::resume_schedule(&ctx, "s").await.unwrap();
    runs.reaches(u32::try_from(before.len() + 1).unwrap()).await;
    durable::delete_schedule(&ctx, "s").await.unwrap();
    let unknown = durable::pause_schedule(&ctx, "s").await;
    assert!(matches!(unknown, Err(Error::UnknownSchedule { .. })));
    stop(&ctx).await;
}

async fn report(_: Ctx, kind: String) -> Result<String> {
    Ok(format!("{kind} report"))
}

pub(super) async fn a_schedule_can_be_triggered_and_backfilled(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| {
        durable::register_workflow(ctx, report).unwrap();
    })
    .await;
    durable::create_schedule(&ctx, "yearly", NEVER_NOW, report, "sales")
        .timezone("Europe/Berlin")
        .await
        .unwrap();
    let again = durable::create_schedule(&ctx, "yearly", "0 0 2 1 *", report, "sales").await;
    assert!(
        matches!(again, Err(Error::ScheduleExists { .. })),
        "{again:?}"
    );
    let handle = durable::trigger_schedule::<String>(&ctx, "yearly")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "sales report");
    // 1 January in Berlin begins an hour before it does in UTC.
    let from = Timestamp::from_millis(1_500_000_000_000);
    let before = Timestamp::from_millis(1_600_000_000_000);
    let ids = durable::backfill_schedule(&ctx, "yearly", from, before)
        .await
        .unwrap();
    assert_eq!(
        ids,
        [
            "sched-yearly-2017-12-31T23:00:00Z",
            "sched-yearly-2018-12-31T23:00:00Z",
            "sched-yearly-2019-12-31T23:00:00Z",
        ]
    );
    for id in &ids {
        let run = durable::retrieve_workflow::<String>(&ctx, id)
            .await
            .unwrap();
        assert_eq!(run.get_result().await.unwrap(), "sales report");
    }
    let repeated = durable::backfill_schedule(&ctx, "yearly", from, before).await;
    assert_eq!(repeated.unwrap(), ids);
    assert_eq!(runs_of(&ctx, "yearly").await.unwrap().len(), 4);
    stop(&ctx).await;
}

pub(super) async fn a_run_that_nobody_can_run_waits(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = counting(&runs);
    let first = process(bench, |_| {}).await;
    let schedule = Schedule::named("s", NEVER_NOW, "later", String::new());
    durable::apply_schedules(&first, [schedule]).await.unwrap();
    let handle = durable::trigger_schedule::<u32>(&first, "s").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = handle.workflow_id();
    assert_eq!(row(bench, &id).await.status, WorkflowStatus::Enqueued);
    // The latest version takes what belongs to none.
    let newer = config(bench.open().await).app_version("2");
    let second = launched(newer, |ctx| register(ctx, "later", &flow)).await;
    let result = tokio::time::timeout(PATIENCE, handle.get_result().into_future());
    result.await.unwrap().unwrap();
    for ctx in [&first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn missed_ticks_are_made_up_for_if_that_is_asked_for(
    bench: &Bench<'_, impl Backend>,
) {
    let runs = Counter::default();
    let flow = counting(&runs);
    let client = durable::new_client(config(bench.open().await))
        .await
        .unwrap();
    durable::apply_schedules(
        &client,
        [Schedule::named("s", EVERY_SECOND, "tick", String::new()).backfill()],
    )
    .await
    .unwrap();
    // No process runs for a while.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let ctx = process(bench, |ctx| register(ctx, "tick", &flow)).await;
    runs.reaches(2).await;
    let first = &runs_of(&ctx, "s").await.unwrap()[0];
    let created = row(bench, first).await.created_at;
    let listed = durable::list_schedules(&ctx).await.unwrap();
    assert!(listed[0].last_tick <= created.saturating_add(PATIENCE));
    stop(&ctx).await;
}

pub(super) async fn what_is_no_schedule_is_refused(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    // A closure that is registered nowhere has no name.
    let closure = async |_: Ctx, (): ()| Ok::<(), durable::Failure>(());
    let unnamed = durable::create_schedule(&ctx, "s", NEVER_NOW, closure, ()).await;
    assert!(matches!(unnamed, Err(Error::Unnamed { .. })), "{unnamed:?}");
    for (cron, zone) in [
        ("every day", "UTC"),
        ("0 0 31 2 *", "UTC"),
        (NEVER_NOW, "Mars/Olympus"),
    ] {
        let schedule = Schedule::named("s", cron, "w", 1u32).timezone(zone);
        let refused = durable::apply_schedules(&ctx, [schedule]).await;
        assert!(
            matches!(refused, Err(Error::InvalidSchedule { .. })),
            "{cron} in {zone}: {refused:?}"
        );
    }
    let nowhere = Schedule::named("s", NEVER_NOW, "w", 1u32).queue("nowhere");
    let refused = durable::apply_schedules(&ctx, [nowhere]).await;
    assert!(matches!(refused, Err(Error::UnknownQueue { .. })));
    assert!(durable::list_schedules(&ctx).await.unwrap().is_empty());
    stop(&ctx).await;
}
