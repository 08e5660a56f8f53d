use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, Result, RetryPolicy, StepContext, WorkflowHandle};
use durable_testing::{Backend, Bench, FaultyStore};
use serde::{Deserialize, Serialize};

use super::support::{Counter, Flow, Gate, config, launched, life, process, register, stop};

/// Runs a workflow that takes nothing, in a process of its own, to its end.
async fn run<O: durable::Durable>(
    bench: &Bench<'_, impl Backend>,
    flow: impl Fn(Ctx, ()) -> Flow<O> + Clone + Send + Sync + 'static,
) -> Result<O, Error> {
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle: WorkflowHandle<O> = durable::run_workflow(&ctx, flow, ()).id("w").await?;
    let result = handle.get_result().await;
    stop(&ctx).await;
    result
}

/// A policy that does not pause.
fn at_once(attempts: u32) -> RetryPolicy {
    RetryPolicy::new(attempts).base(Duration::ZERO)
}

pub(super) async fn a_fresh_execution_reads_nothing(bench: &Bench<'_, impl Backend>) {
    let store = FaultyStore::new(bench.open().await);
    let flow = |ctx: Ctx, (): ()| -> Flow<u32> {
        Box::pin(async move {
            let one = durable::run_as_step(&ctx, || async { Ok(1) }).await?;
            let two = durable::run_as_step(&ctx, || async { Ok(2) }).await?;
            Ok(one + two)
        })
    };
    let rare = config(Arc::new(store.clone())).takeover_interval(Duration::from_secs(3600));
    let ctx = launched(rare, |ctx| register(ctx, "flow", &flow)).await;
    // The wake-ups are subscribed to in the background.
    while store.count_of("subscribe") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    store.set_plan(durable_testing::FaultPlan::none());
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 3);
    let of_the_loops = [
        "dequeue_workflows",
        "heartbeat",
        "list_schedules",
        "release_delayed",
    ];
    let mut calls = store.calls();
    calls.retain(|call| !of_the_loops.contains(call));
    assert_eq!(
        calls,
        [
            "insert_workflow",
            "record_step",
            "record_step",
            "finish_workflow"
        ]
    );
    stop(&ctx).await;
}

pub(super) async fn a_step_failure_is_recorded_with_code_and_details(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<(String, Option<String>, Option<u8>)> {
        Box::pin(async move {
            let failed: Result<()> = durable::run_as_step(&ctx, || async {
                Err(Failure::msg("declined").with_code("card").with_details(7))
            })
            .await;
            let failure = failed.unwrap_err();
            let code = failure.code().map(str::to_owned);
            Ok((failure.to_string(), code, failure.details()))
        })
    };
    let seen = run(bench, flow).await.unwrap();
    assert_eq!(seen, ("declined".into(), Some("card".into()), Some(7)));
}

pub(super) async fn retries_stop_at_success(bench: &Bench<'_, impl Backend>) {
    let attempts = Counter::default();
    let flow = {
        let attempts = attempts.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let attempts = attempts.clone();
            Box::pin(async move {
                durable::run_as_step(&ctx, || async {
                    match attempts.up() {
                        2 => Ok(42),
                        earlier => Err(Failure::msg(earlier)),
                    }
                })
                .retry(at_once(10))
                .await
            })
        }
    };
    assert_eq!(run(bench, flow).await.unwrap(), 42);
    assert_eq!(attempts.get(), 3);
}

pub(super) async fn giving_up_reports_every_attempt(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<Vec<String>> {
        Box::pin(async move {
            let failed: Result<()> = durable::run_as_step(&ctx, |step: StepContext| async move {
                Err(Failure::msg(format!("no {}", step.attempt())))
            })
            .retry(at_once(3))
            .await;
            let failure = failed.unwrap_err();
            assert_eq!(failure.to_string(), "no 3");
            Ok(failure.attempts().to_vec())
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), ["no 1", "no 2", "no 3"]);
}

pub(super) async fn a_permanent_failure_is_not_retried(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move {
            durable::run_as_step(&ctx, |step: StepContext| async move {
                Err(Failure::permanent(format!("never, at {}", step.attempt())))
            })
            .retry(at_once(5))
            .await
        })
    };
    let error = run(bench, flow).await.unwrap_err();
    assert!(error.to_string().ends_with("never, at 1"), "{error}");
}

pub(super) async fn a_predicate_decides_what_is_retried(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move {
            let policy = at_once(9).retry_if(|failure| failure.code() == Some("busy"));
            durable::run_as_step(&ctx, |step: StepContext| async move {
                let failure = Failure::msg(format!("at {}", step.attempt()));
                Err(if step.attempt() < 4 {
                    failure.with_code("busy")
                } else {
                    failure
                })
            })
            .retry(policy)
            .await
        })
    };
    let error = run(bench, flow).await.unwrap_err();
    assert!(error.to_string().ends_with("at 4"), "{error}");
}

pub(super) async fn an_attempt_that_takes_too_long_is_given_up(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<u32> {
        Box::pin(async move {
            durable::run_as_step(&ctx, |step: StepContext| async move {
                if step.attempt() == 1 {
                    std::future::pending::<()>().await;
                }
                Ok(step.attempt())
            })
            .timeout(Duration::from_millis(20))
            .retry(at_once(2))
            .await
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), 2);
}

pub(super) async fn a_panic_in_a_step_is_a_failure(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let step = durable::run_as_step(&ctx, || async {
                if ctx.workflow_id().is_some() {
                    panic!("ouch");
                }
                Ok(())
            });
            Ok(step.await.unwrap_err().to_string())
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), "the step panicked: ouch");
}

pub(super) async fn steps_side_by_side_keep_their_numbers(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<(u32, u32)> {
        Box::pin(async move {
            let slow = durable::run_as_step(&ctx, || async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(1)
            })
            .named("slow");
            let fast = durable::run_as_step(&ctx, || async { Ok(2) }).named("fast");
            // Polled in the other order than they were numbered in.
            let (fast, slow) = tokio::join!(async { fast.await }, async { slow.await });
            Ok((slow?, fast?))
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), (1, 2));
    let steps = bench.open().await.list_steps("w").await.unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| (step.step_id, step.name.as_str()))
        .collect();
    assert_eq!(names, [(0, "slow"), (1, "fast")]);
}

pub(super) async fn a_step_within_a_step_runs_inline(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<u32> {
        Box::pin(async move {
            let outer = durable::run_as_step(&ctx, || async {
                let inner = durable::run_as_step(&ctx, || async { Ok(20) }).named("inner");
                assert_eq!(ctx.step_id(), Some(0));
                Ok(inner.await? + 1)
            })
            .named("outer")
            .await?;
            let after = durable::run_as_step(&ctx, || async { Ok(21) })
                .named("after")
                .await?;
            Ok(outer + after)
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), 42);
    let steps = bench.open().await.list_steps("w").await.unwrap();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["outer", "after"]);
}

pub(super) async fn a_step_outside_a_workflow_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let failure = durable::run_as_step(&ctx, || async { Ok(()) })
        .await
        .unwrap_err();
    assert!(
        matches!(
            failure.as_error(),
            Some(Error::OutsideWorkflow {
                operation: "run_as_step"
            })
        ),
        "{failure}"
    );
    stop(&ctx).await;
}

pub(super) async fn a_durable_call_from_a_spawned_task_is_an_error(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            let spawned =
                tokio::spawn(async move { durable::run_as_step(&ctx, || async { Ok(()) }).await });
            let failure = spawned.await?.unwrap_err();
            assert!(matches!(
                failure.as_error(),
                Some(Error::ForeignTask { .. })
            ));
            Ok(failure.to_string())
        })
    };
    let text = run(bench, flow).await.unwrap();
    assert!(text.contains("`w` was called from another task"), "{text}");
}

pub(super) async fn starting_a_workflow_inside_a_step_is_an_error(bench: &Bench<'_, impl Backend>) {
    async fn child(_: Ctx, (): ()) -> Result<()> {
        Ok(())
    }
    let flow = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async {
                durable::run_workflow(&ctx, child, ()).await?;
                Ok(())
            })
            .await
        })
    };
    let error = run(bench, flow).await.unwrap_err().to_string();
    assert!(
        error.contains("`run_workflow` was called inside step 0 of workflow `w`"),
        "{error}"
    );
}

pub(super) async fn a_foreign_context_inside_a_workflow_is_an_error(
    bench: &Bench<'_, impl Backend>,
) {
    let root = process(bench, |_| {}).await;
    let flow = {
        let root = root.clone();
        move |_: Ctx, (): ()| -> Flow<String> {
            let root = root.clone();
            Box::pin(async move {
                let listing = durable::list_workflows(&root, Default::default()).await;
                Ok(listing.unwrap_err().to_string())
            })
        }
    };
    let text = run(bench, flow).await.unwrap();
    assert!(text.contains("is not that workflow's own"), "{text}");
    stop(&root).await;
}

pub(super) async fn a_step_knows_its_attempt_and_its_idempotency_key(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<(u32, String)> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async { Ok(()) }).await?;
            durable::run_as_step(&ctx, |step: StepContext| async move {
                match step.attempt() {
                    1 => Err(Failure::msg("again")),
                    attempt => Ok((attempt, step.idempotency_key())),
                }
            })
            .retry(at_once(2))
            .await
        })
    };
    assert_eq!(run(bench, flow).await.unwrap(), (2, "w-1".to_owned()));
}

/// Encodes as bincode, and cannot be decoded from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
}

pub(super) async fn a_step_output_that_cannot_make_the_round_trip_is_a_failure(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |ctx: Ctx, (): ()| -> Flow<()> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async { Ok(Untagged::Number(1)) })
                .named("odd")
                .await?;
            Ok(())
        })
    };
    let error = run(bench, flow).await.unwrap_err().to_string();
    assert!(
        error.contains("the output of step 0 `odd` of workflow `w`"),
        "{error}"
    );
    assert!(error.contains("Untagged"), "{error}");
}

pub(super) async fn a_step_receives_what_its_record_says(bench: &Bench<'_, impl Backend>) {
    #[derive(Serialize, Deserialize)]
    struct Half {
        kept: u32,
        #[serde(skip)]
        lost: u32,
    }
    let flow = |ctx: Ctx, (): ()| -> Flow<(u32, u32)> {
        Box::pin(async move {
            let half =
                durable::run_as_step(&ctx, || async { Ok(Half { kept: 1, lost: 2 }) }).await?;
            Ok((half.kept, half.lost))
        })
    };
    assert_eq!(
        run(bench, flow).await.unwrap(),
        (1, 0),
        "at the first run as in a replay"
    );
}

pub(super) async fn an_error_that_does_not_serialize_is_recorded_as_what_it_says(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate, runs) = (Counter::default(), Gate::closed(), Counter::default());
    let flow = {
        let (arrived, gate, runs) = (arrived.clone(), gate.clone(), runs.clone());
        move |ctx: Ctx, (): ()| -> Flow<(String, Vec<String>)> {
            let (arrived, gate, runs) = (arrived.clone(), gate.clone(), runs.clone());
            Box::pin(async move {
                let failure = durable::run_as_step(&ctx, || async {
                    runs.up();
                    // Neither cloneable nor serializable, with a cause of its own.
                    let cause = "x".parse::<u32>().unwrap_err();
                    let refused = std::io::Error::other(Unserializable(cause));
                    Err::<(), _>(refused)?;
                    Ok(())
                })
                .await
                .unwrap_err();
                arrived.up();
                gate.pass().await;
                Ok((failure.to_string(), failure.causes().to_vec()))
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    gate.open();
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<(String, Vec<String>)>(&second, "w")
        .await
        .unwrap();
    let (message, causes) = handle.get_result().await.unwrap();
    assert_eq!(message, "no price");
    assert_eq!(causes, ["invalid digit found in string"]);
    assert_eq!(runs.get(), 1, "the second life replays it");
    stop(&first).await;
    stop(&second).await;
}

#[derive(Debug)]
struct Unserializable(std::num::ParseIntError);

impl std::fmt::Display for Unserializable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no price")
    }
}

impl std::error::Error for Unserializable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
