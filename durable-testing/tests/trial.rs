//! What the trials find, and what they let pass.
#![cfg(feature = "kit")]
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use durable_api::{
    Ctx, RegisterOptions, Result, recv, run_as_step, run_workflow, send, set_event, sleep, store,
};
use durable_testing::{TestEnv, Trial, crash_points, crash_points_of, zombies, zombies_of};

async fn parent(ctx: Ctx, input: u32) -> Result<u32> {
    let one = run_as_step(&ctx, || async { Ok(input + 1) })
        .named("one")
        .await?;
    set_event(&ctx, "progress", one).await?;
    let child = run_workflow(&ctx, child, one).await?;
    sleep(&ctx, Duration::from_secs(86_400)).await?;
    let two = child.get_result().await?;
    run_as_step(&ctx, || async { Ok(two + 1) })
        .named("two")
        .await
}

async fn child(ctx: Ctx, input: u32) -> Result<u32> {
    run_as_step(&ctx, || async { Ok(input * 10) })
        .named("ten times")
        .await
}

fn family(trial: Trial<'static, u32>) -> Trial<'static, u32> {
    trial.set_up(|env| env.register(child)).invariant(
        "a body runs again for a crash at most",
        |end| {
            let most = 1 + u32::try_from(end.stops().len()).map_err(|error| error.to_string())?;
            match ["one", "two", "ten times"].map(|step| end.attempts(step)) {
                attempts if attempts.iter().all(|one| (1..=most).contains(one)) => Ok(()),
                attempts => Err(format!("{attempts:?}")),
            }
        },
    )
}

#[tokio::test]
async fn a_sound_workflow_survives_a_crash_at_every_call_and_two_in_a_row() {
    let report = family(crash_points(parent, 1u32))
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(report.missed(), 0, "{report}");
    // 2 inserts, 7 checkpoints and 2 outcomes at least, before and after.
    assert!(report.runs() >= 22 + 300, "{report}");
    assert!(report.stops() >= 22 + 2 * 300, "{report}");
}

#[tokio::test]
async fn a_zombie_of_a_sound_workflow_writes_nothing_at_any_call() {
    let report = family(zombies(parent, 1u32))
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(report.missed(), 0, "{report}");
    assert!(report.runs() >= 11, "{report}");
}

#[tokio::test]
async fn a_script_is_run_again_after_a_crash() {
    async fn conversation(env: TestEnv) -> Result<Option<u64>> {
        let run = env.start(order, ()).id("order-7").await?;
        run.comes_to_wait_for("payment").await;
        env.send_once("payment", "order-7", "payment", 499u64)
            .await?;
        Ok(run.result().await?)
    }
    let report = crash_points_of(conversation)
        .set_up(|env| env.register(order))
        .await;
    assert!(report.unwrap_or_else(|broken| panic!("{broken}")).runs() > 10);
    let report = zombies_of(conversation)
        .set_up(|env| env.register(order))
        .await;
    assert!(report.unwrap_or_else(|broken| panic!("{broken}")).runs() > 5);
}

async fn order(ctx: Ctx, (): ()) -> Result<Option<u64>> {
    Ok(recv(&ctx, "payment", Duration::from_secs(86_400)).await?)
}

fn named(name: &str) -> RegisterOptions {
    RegisterOptions::new().named(name)
}

#[tokio::test]
async fn work_outside_steps_is_found_where_it_happens_twice() {
    let done = Arc::new(AtomicU32::new(0));
    let (reset, counted) = (Arc::clone(&done), Arc::clone(&done));
    let broken = crash_points_of(async |env: TestEnv| {
        let run = env.with(async |ctx| {
            run_workflow(&ctx, careless, ())
                .name("careless")
                .id("w")
                .await
        });
        drop(run.await?);
        env.until(async |ctx| {
            let handle = durable_api::retrieve_workflow::<()>(&ctx, "w").await?;
            handle.get_result().await
        })
        .await?;
        Ok(())
    })
    .set_up(move |env| {
        reset.store(0, Ordering::SeqCst);
        let done = Arc::clone(&reset);
        let workflow = move |ctx: Ctx, (): ()| {
            let done = Arc::clone(&done);
            async move {
                done.fetch_add(1, Ordering::SeqCst);
                run_as_step(&ctx, || async { Ok(()) }).named("late").await
            }
        };
        env.register_with(workflow, named("careless"))
    })
    .invariant("it is done once", move |_| {
        match counted.load(Ordering::SeqCst) {
            1 => Ok(()),
            times => Err(format!("it was done {times} times")),
        }
    })
    .await
    .expect_err("a crash makes it happen twice");
    let text = broken.to_string();
    assert!(text.contains("crash "), "{text}");
    assert!(text.contains("workflow `w`"), "{text}");
    assert!(
        text.ends_with("invariant `it is done once` does not hold: it was done 2 times"),
        "{text}"
    );
}

async fn careless(_: Ctx, (): ()) -> Result<()> {
    Ok(())
}

static LIVES: AtomicU32 = AtomicU32::new(0);

async fn forgetful(ctx: Ctx, (): ()) -> Result<u32> {
    let life = LIVES.fetch_add(1, Ordering::SeqCst);
    run_as_step(&ctx, || async { Ok(()) }).named("step").await?;
    Ok(life)
}

#[tokio::test]
async fn an_outcome_that_depends_on_memory_is_found() {
    let broken = crash_points(forgetful, ())
        .set_up(|_| {
            LIVES.store(0, Ordering::SeqCst);
            Ok(())
        })
        .await
        .expect_err("a second life counts on");
    let text = broken.to_string();
    assert!(
        text.contains("the outcome is Ok(1); without, it is Ok(0)"),
        "{text}"
    );
}

#[tokio::test]
async fn a_first_execution_that_writes_past_the_fence_is_found() {
    let broken = zombies_of(async |env: TestEnv| {
        let run = env.with(async |ctx| {
            run_workflow(&ctx, careless, ())
                .name("defiant")
                .id("w")
                .await
        });
        drop(run.await?);
        env.until(async |ctx| {
            let handle = durable_api::retrieve_workflow::<()>(&ctx, "w").await?;
            handle.get_result().await
        })
        .await?;
        Ok(())
    })
    .set_up(|env| {
        let lives = Arc::new(AtomicU32::new(0));
        let door = env.store();
        let workflow = move |ctx: Ctx, (): ()| {
            let (life, door) = (lives.fetch_add(1, Ordering::SeqCst), Arc::clone(&door));
            async move {
                let recorded = run_as_step(&ctx, || async { Ok(()) }).named("step").await;
                // What it was told does not keep it from writing by another door.
                let attributes = serde_json::Map::from_iter([("life".to_owned(), life.into())]);
                let now = durable_api::Timestamp::from_millis(0);
                let request = store::SetAttributes::new("w", attributes, now);
                door.set_attributes(request).await?;
                recorded
            }
        };
        env.register_with(workflow, named("defiant"))
    })
    .await
    .expect_err("the first execution writes");
    let text = broken.to_string();
    assert!(text.contains("pause before call"), "{text}");
    assert!(
        text.contains("the first execution went on and wrote: workflow `w`"),
        "{text}"
    );
}

#[tokio::test]
async fn what_does_not_run_without_crashes_is_told_so() {
    async fn hopeless(_: TestEnv) -> Result<()> {
        panic!("there is no hope")
    }
    let broken = crash_points_of(hopeless).await.expect_err("panics");
    assert_eq!(broken.to_string(), "without any crash: there is no hope");
}

/// Where a message goes that is sent by a workflow, so that the kit's own accounting of messages is looked at as well.
async fn sends(ctx: Ctx, (): ()) -> Result<()> {
    let to = run_workflow(&ctx, order, ()).await?;
    send(&ctx, to.workflow_id(), 5u64).topic("payment").await?;
    to.get_result().await?;
    Ok(())
}

#[tokio::test]
async fn the_message_of_a_workflow_is_received_once_whatever_crashes() {
    crash_points(sends, ())
        .set_up(|env| env.register(order))
        .pairs(usize::MAX)
        .invariant("no message is left, and one was received", |end| {
            let mut left = HashMap::new();
            for workflow in end.workflows() {
                left.insert(&workflow.record.id, workflow.messages.len());
            }
            let child = end.history("the-workflow-0").ok_or("there is no child")?;
            match (
                left.values().sum::<usize>(),
                child.output::<u64>("durable.recv"),
            ) {
                (0, Some(5)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
}
