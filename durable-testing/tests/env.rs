//! What the test environment does for those who test their workflows with it.
#![cfg(feature = "kit")]
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use durable_api::{
    Ctx, Error, Failure, Result, RetryPolicy, Schedule, StepContext, WorkflowStatus, get_event,
    recv, run_as_step, run_workflow, sleep,
};
use durable_testing::{TestEnv, WaitFor};

const DAY: Duration = Duration::from_secs(86_400);

async fn patient(ctx: Ctx, days: u32) -> Result<u32> {
    sleep(&ctx, days * DAY).await?;
    Ok(days)
}

async fn env() -> TestEnv {
    TestEnv::new().await.expect("an environment")
}

#[tokio::test]
async fn a_sleep_of_thirty_days_passes_at_once_and_takes_thirty_days() -> Result<()> {
    let env = env().await;
    env.register(patient)?;
    let (real, start) = (Instant::now(), env.now());
    let run = env.start(patient, 30u32).await?;
    assert_eq!(run.result().await?, 30);
    assert_eq!(env.now(), start.saturating_add(30 * DAY));
    assert!(
        real.elapsed() < Duration::from_secs(5),
        "{:?}",
        real.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn time_stands_still_while_nobody_waits() -> Result<()> {
    let env = env().await;
    env.register(patient)?;
    let start = env.now();
    let run = env.start(patient, 1u32).await?;
    env.settle().await;
    assert_eq!(env.now(), start);
    env.advance(DAY - Duration::from_millis(1)).await;
    assert_eq!(run.status().await?, WorkflowStatus::Pending);
    env.advance(Duration::from_millis(1)).await;
    assert_eq!(run.status().await?, WorkflowStatus::Success);
    assert_eq!(env.now(), start.saturating_add(DAY));
    Ok(())
}

async fn works(ctx: Ctx, (): ()) -> Result<()> {
    let body = || async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    };
    run_as_step(&ctx, body)
        .timeout(Duration::from_millis(1))
        .await
}

#[tokio::test]
async fn time_stands_still_while_a_body_does_real_work() -> Result<()> {
    let env = env().await;
    env.register(works)?;
    let start = env.now();
    env.start(works, ()).await?.result().await?;
    assert_eq!(env.now(), start);
    Ok(())
}

async fn charges(ctx: Ctx, cents: u64) -> Result<String> {
    let body =
        |step: StepContext| async move { Ok(format!("{cents} at attempt {}", step.attempt())) };
    run_as_step(&ctx, body)
        .named("charge")
        .retry(
            RetryPolicy::new(4)
                .base(DAY)
                .factor(1.0)
                .cap(DAY)
                .jitter(0.0),
        )
        .timeout(Duration::from_secs(60))
        .await
}

#[tokio::test]
async fn a_mock_fails_twice_and_then_the_body_runs() -> Result<()> {
    let env = env().await;
    env.register(charges)?;
    env.mock_step("charge").fails(2).then_runs();
    let start = env.now();
    let run = env.start(charges, 499u64).await?;
    run.until_waiting_for(WaitFor::retry("charge")).await;
    assert_eq!(env.attempts("charge"), 1);
    assert_eq!(run.result().await?, "499 at attempt 3");
    assert_eq!(env.attempts("charge"), 3);
    assert_eq!(env.now(), start.saturating_add(2 * DAY));
    Ok(())
}

#[tokio::test]
async fn a_mock_takes_the_place_of_the_body() -> Result<()> {
    let env = env().await;
    env.register(charges)?;
    env.mock_step("charge").returns("mocked".to_owned());
    let run = env.start(charges, 499u64).await?;
    assert_eq!(run.result().await?, "mocked");
    assert_eq!(
        run.history().await?.output::<String>("charge").as_deref(),
        Some("mocked")
    );
    Ok(())
}

#[tokio::test]
async fn a_mock_that_hangs_is_cut_off_by_the_timeout_of_the_attempt() -> Result<()> {
    let env = env().await;
    env.register(charges)?;
    env.mock_step("charge").hangs();
    let start = env.now();
    let run = env.start(charges, 499u64).await?;
    let error = run.result().await.expect_err("every attempt hangs");
    assert!(error.to_string().contains("60000 ms"), "{error}");
    let spent = env.now().saturating_duration_since(start);
    assert_eq!(spent, 3 * DAY + 4 * Duration::from_secs(60));
    Ok(())
}

#[tokio::test]
async fn a_mocked_failure_is_recorded_as_it_is() -> Result<()> {
    let env = env().await;
    env.register(charges)?;
    let declined = Failure::permanent("declined").with_code("no money");
    env.mock_step("charge").fails_with(1, declined).then_runs();
    let run = env.start(charges, 499u64).await?;
    let Err(Error::WorkflowFailed { failure, .. }) = run.result().await else {
        panic!("fails for good");
    };
    assert_eq!(failure.code(), Some("no money"));
    let history = run.history().await?;
    assert_eq!(history.names(), ["charge"]);
    assert_eq!(
        history[0].failure().as_ref().and_then(Failure::code),
        Some("no money")
    );
    Ok(())
}

#[tokio::test]
async fn a_mock_of_another_type_is_told_so() -> Result<()> {
    let env = env().await;
    env.register(charges)?;
    env.mock_step("charge").returns(5u8);
    let error = env
        .start(charges, 499u64)
        .await?
        .result()
        .await
        .expect_err("is no text");
    assert!(error.to_string().contains("u8"), "{error}");
    Ok(())
}

async fn order(ctx: Ctx, (): ()) -> Result<Option<u64>> {
    Ok(recv(&ctx, "payment", 7 * DAY).await?)
}

#[tokio::test]
async fn a_message_comes_to_a_workflow_that_waits_for_it() -> Result<()> {
    let env = env().await;
    env.register(order)?;
    let start = env.now();
    let run = env.start(order, ()).id("order-7").await?;
    run.until_waiting_for("payment").await;
    env.advance(DAY).await;
    env.send("order-7", "payment", 499u64).await?;
    assert_eq!(run.result().await?, Some(499));
    assert_eq!(env.now(), start.saturating_add(DAY));
    Ok(())
}

#[tokio::test]
async fn a_message_that_never_comes_is_given_up_when_the_time_is_up() -> Result<()> {
    let env = env().await;
    env.register(order)?;
    let start = env.now();
    assert_eq!(env.start(order, ()).await?.result().await?, None);
    assert_eq!(env.now(), start.saturating_add(7 * DAY));
    Ok(())
}

async fn watches(ctx: Ctx, (): ()) -> Result<Option<u32>> {
    Ok(get_event(&ctx, "inventory", "stock", DAY).await?)
}

#[tokio::test]
async fn an_event_of_a_workflow_that_is_not_there_can_be_set() -> Result<()> {
    let env = env().await;
    env.register(watches)?;
    env.set_event("inventory", "age", 1u32).await?;
    let run = env.start(watches, ()).await?;
    run.until_waiting_for(WaitFor::event("stock")).await;
    env.set_event("inventory", "stock", 12u32).await?;
    assert_eq!(run.result().await?, Some(12));
    Ok(())
}

#[tokio::test]
async fn a_daily_schedule_runs_every_day_of_a_year() -> Result<()> {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let env = env().await;
    let real = Instant::now();
    let tick = move |_: Ctx, (): ()| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    };
    env.register_with(tick, durable_api::RegisterOptions::new().named("tick"))?;
    env.with(async |ctx| {
        let schedule = Schedule::named("daily", "0 6 * * *", "tick", ());
        durable_api::apply_schedules(&ctx, [schedule]).await
    })
    .await?;
    env.advance(365 * DAY).await;
    assert_eq!(runs.load(Ordering::SeqCst), 365);
    assert!(
        real.elapsed() < Duration::from_secs(60),
        "{:?}",
        real.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn a_deadline_cancels_in_its_time() -> Result<()> {
    let env = env().await;
    env.register(patient)?;
    let start = env.now();
    let run = env.start(patient, 30u32).timeout(DAY).await?;
    assert!(matches!(run.result().await, Err(Error::Cancelled { .. })));
    assert_eq!(env.now(), start.saturating_add(DAY));
    Ok(())
}

async fn two(ctx: Ctx, (): ()) -> Result<u32> {
    let one = run_as_step(&ctx, || async { Ok(1) }).named("one").await?;
    recv::<u32>(&ctx, "go", DAY).await?;
    run_as_step(&ctx, || async { Ok(one + 1) })
        .named("two")
        .await
}

#[tokio::test]
async fn a_workflow_survives_a_crash_and_its_steps_do_not_run_again() -> Result<()> {
    let env = env().await;
    env.register(two)?;
    let run = env.start(two, ()).await?;
    run.until_waiting_for("go").await;
    env.crash().await;
    env.send(run.id(), "go", 1u32).await?;
    assert_eq!(run.result().await?, 2);
    assert_eq!((env.attempts("one"), env.attempts("two")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn another_executor_takes_over_when_the_lease_is_over() -> Result<()> {
    let env = TestEnv::builder().lease(Duration::from_secs(600)).await?;
    env.register(patient)?;
    env.register(order)?;
    let start = env.now();
    let run = env.start(patient, 1u32).await?;
    let asleep = env.start(order, ()).await?;
    run.until_waiting_for(WaitFor::sleep()).await;
    env.fail_over().await?;
    asleep.until_waiting_for("payment").await;
    let lost = env.now().saturating_duration_since(start);
    assert!(lost >= Duration::from_secs(600), "{lost:?}");
    assert!(lost < Duration::from_secs(700), "{lost:?}");
    assert_eq!(run.result().await?, 1);
    assert_eq!(env.now(), start.saturating_add(DAY));
    Ok(())
}

async fn parent(ctx: Ctx, (): ()) -> Result<Vec<u32>> {
    let mut results = Vec::new();
    for days in [3u32, 1, 2] {
        let child = run_workflow(&ctx, patient, days).await?;
        results.push(child.get_result().await?);
    }
    run_as_step(&ctx, || async { Err::<(), _>(Failure::msg("no")) })
        .retry(RetryPolicy::new(3).jitter(0.5))
        .await
        .ok();
    Ok(results)
}

#[tokio::test]
async fn two_runs_of_a_test_are_the_same() -> Result<()> {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let env = env().await;
        env.register(parent)?;
        env.register(patient)?;
        let run = env.start(parent, ()).await?;
        run.result().await?;
        runs.push((run.id().to_owned(), env.now(), run.history().await?));
    }
    assert_eq!(runs[0], runs[1]);
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "nothing will ever happen")]
async fn a_wait_for_what_cannot_come_says_so() {
    let env = env().await;
    env.register(patient).expect("registers");
    let run = async {
        env.set_up(|ctx| {
            durable_api::serve_queues(ctx, Some(Vec::new()));
            Ok(())
        })?;
        env.with(async |ctx| durable_api::register_queue(&ctx, "unserved").await)
            .await?;
        env.start(patient, 1u32)
            .queue("unserved")
            .await?
            .result()
            .await
    };
    let _ = run.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_may_run_on_several_threads() -> Result<()> {
    let env = env().await;
    env.register(patient)?;
    let (one, two) = (
        env.start(patient, 3u32).await?,
        env.start(patient, 5u32).await?,
    );
    let both = tokio::join!(one.result(), two.result());
    assert_eq!((both.0?, both.1?), (3, 5));
    Ok(())
}
