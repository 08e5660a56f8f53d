use std::time::Duration;

use durable::{
    Ctx, Encoding, Error, Failure, RegisterOptions, Result, WorkflowStatus,
    store::{Outcome, WorkflowFilter},
};
use durable_testing::{Backend, Bench};
use serde::{Deserialize, Serialize};

use super::support::{
    Counter, Flow, Gate, config, launched, process, register, row, stop, waiting,
};

async fn greet(_ctx: Ctx, name: String) -> Result<String> {
    Ok(format!("hello {name}"))
}

async fn double(_ctx: Ctx, number: u32) -> Result<u32> {
    Ok(number * 2)
}

async fn refuse(_ctx: Ctx, reason: String) -> Result<()> {
    Err(Failure::msg(reason)
        .with_code("refused")
        .with_details([1, 2]))
}

async fn panic(_ctx: Ctx, message: String) -> Result<()> {
    panic!("{message}")
}

fn register_all(ctx: &Ctx) {
    durable::register_workflow(ctx, greet).unwrap();
    durable::register_workflow(ctx, double).unwrap();
    durable::register_workflow(ctx, refuse).unwrap();
    durable::register_workflow(ctx, panic).unwrap();
}

pub(super) async fn the_same_id_runs_once(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = {
        let runs = runs.clone();
        move |_: Ctx, input: String| -> Flow<String> {
            runs.up();
            Box::pin(async move { Ok(input) })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "once", &flow)).await;
    for input in ["first", "second", "third"] {
        let handle = durable::run_workflow(&ctx, flow.clone(), input)
            .id("w")
            .await
            .unwrap();
        assert_eq!(handle.workflow_id(), "w");
        assert_eq!(handle.get_result().await.unwrap(), "first");
    }
    assert_eq!(runs.get(), 1);
    stop(&ctx).await;
}

pub(super) async fn an_id_of_another_workflow_is_a_conflict(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    durable::run_workflow(&ctx, double, 1u32)
        .id("w")
        .await
        .unwrap();
    let error = durable::run_workflow(&ctx, greet, "x")
        .id("w")
        .await
        .unwrap_err();
    match &error {
        Error::Conflict {
            workflow_id, name, ..
        } => {
            assert_eq!(workflow_id, "w");
            assert!(name.ends_with("double"));
        }
        other => panic!("{other}"),
    }
    stop(&ctx).await;
}

pub(super) async fn racing_starts_of_one_id_run_it_once(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = {
        let runs = runs.clone();
        move |_: Ctx, (): ()| -> Flow<u32> {
            let runs = runs.clone();
            Box::pin(async move { Ok(runs.up()) })
        }
    };
    let one = process(bench, |ctx| register(ctx, "once", &flow)).await;
    let two = process(bench, |ctx| register(ctx, "once", &flow)).await;
    let starts = (0..16).map(|number| {
        let ctx = if number % 2 == 0 { &one } else { &two };
        let flow = flow.clone();
        async move {
            let handle = durable::run_workflow(ctx, flow, ()).id("w").await.unwrap();
            handle.get_result().await.unwrap()
        }
    });
    let results = futures::future::join_all(starts).await;
    assert_eq!(results, [0; 16]);
    assert_eq!(runs.get(), 1);
    stop(&one).await;
    stop(&two).await;
}

pub(super) async fn a_failure_keeps_code_and_details(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    let other = process(bench, register_all).await;
    durable::run_workflow(&ctx, refuse, "no")
        .id("w")
        .await
        .unwrap();
    for ctx in [&ctx, &other] {
        let handle = durable::retrieve_workflow::<()>(ctx, "w").await.unwrap();
        match handle.get_result().await.unwrap_err() {
            Error::WorkflowFailed {
                workflow_id,
                failure,
            } => {
                assert_eq!(
                    (workflow_id.as_str(), failure.to_string().as_str()),
                    ("w", "no")
                );
                assert_eq!(failure.code(), Some("refused"));
                assert_eq!(failure.details::<Vec<u8>>(), Some(vec![1, 2]));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Error);
    stop(&ctx).await;
    stop(&other).await;
}

pub(super) async fn a_panic_becomes_a_failure(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    let handle = durable::run_workflow(&ctx, panic, "ouch").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(
        error.to_string().ends_with("the workflow panicked: ouch"),
        "{error}"
    );
    let handle = durable::run_workflow(&ctx, double, 2u32).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 4, "the process lives");
    stop(&ctx).await;
}

pub(super) async fn a_result_can_be_had_again_and_elsewhere(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    let elsewhere = process(bench, |_| {}).await;
    let handle = durable::run_workflow(&ctx, greet, "ann").await.unwrap();
    let there = durable::retrieve_workflow::<String>(&elsewhere, handle.workflow_id())
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(handle.get_result().await.unwrap(), "hello ann");
        assert_eq!(there.get_result().await.unwrap(), "hello ann");
    }
    stop(&ctx).await;
    stop(&elsewhere).await;
}

pub(super) async fn a_result_can_be_waited_for_with_a_timeout(bench: &Bench<'_, impl Backend>) {
    let gate = Gate::closed();
    let flow = waiting(&gate);
    let ctx = process(bench, |ctx| register(ctx, "waits", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    let error = handle
        .get_result()
        .timeout(Duration::from_millis(30))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::TimedOut {
                status: WorkflowStatus::Pending,
                millis: 30,
                ..
            }
        ),
        "{error}"
    );
    gate.open();
    handle
        .get_result()
        .timeout(Duration::from_secs(30))
        .await
        .unwrap();
    stop(&ctx).await;
}

pub(super) async fn a_workflow_that_does_not_exist_is_not_found(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let error = durable::retrieve_workflow::<()>(&ctx, "nobody")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { workflow_id } if workflow_id == "nobody"),
        "{error}"
    );
    let error = durable::list_steps(&ctx, "nobody").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn an_unregistered_workflow_is_refused(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let error = durable::run_workflow(&ctx, greet, "x")
        .id("w")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::NotRegistered { name } if name.ends_with("greet")),
        "{error}"
    );
    assert!(durable::retrieve_workflow::<()>(&ctx, "w").await.is_err());
    stop(&ctx).await;
}

pub(super) async fn a_registered_name_is_found_by_the_function(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "greeting", &greet)).await;
    let handle = durable::run_workflow(&ctx, greet, "ann")
        .id("w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "hello ann");
    assert_eq!(row(bench, "w").await.name, "greeting");
    stop(&ctx).await;
}

pub(super) async fn a_function_of_two_names_must_be_named(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| {
        register(ctx, "one", &greet);
        register(ctx, "two", &greet);
    })
    .await;
    let error = durable::run_workflow(&ctx, greet, "x").await.unwrap_err();
    assert!(
        matches!(&error, Error::AmbiguousName { names, .. } if names == "one, two"),
        "{error}"
    );
    durable::run_workflow(&ctx, greet, "x")
        .name("two")
        .id("w")
        .await
        .unwrap();
    assert_eq!(row(bench, "w").await.name, "two");
    stop(&ctx).await;
}

pub(super) async fn bad_ids_are_refused_and_nothing_is_written(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    for (bad, reason) in [
        ("", "it is empty"),
        ("a\0b", "NUL"),
        (&*"x".repeat(600), "600 bytes"),
    ] {
        let error = durable::run_workflow(&ctx, greet, "x")
            .id(bad)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::InvalidName {
                    what: "workflow id",
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains(reason), "{error}");
    }
    let page = durable::list_workflows(&ctx, WorkflowFilter::new())
        .await
        .unwrap();
    assert!(page.workflows.is_empty());
    stop(&ctx).await;
}

pub(super) async fn hostile_ids_work(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, register_all).await;
    let longest = "é".repeat(256);
    let ids = [
        "o'brien",
        "a\"b",
        "50%_*",
        "{x}:y",
        "🦀 \n\\",
        "'; DROP TABLE x; --",
        &longest,
    ];
    for id in ids {
        let handle = durable::run_workflow(&ctx, greet, id).id(id).await.unwrap();
        assert_eq!(handle.get_result().await.unwrap(), format!("hello {id}"));
        assert_eq!(row(bench, id).await.id, id);
    }
    stop(&ctx).await;
}

pub(super) async fn a_payload_over_the_limit_is_refused(bench: &Bench<'_, impl Backend>) {
    let small = config(bench.open().await).payload_limit(100);
    let ctx = launched(small, register_all).await;
    let error = durable::run_workflow(&ctx, greet, "x".repeat(200))
        .id("w")
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::PayloadTooLarge { limit: 100, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("the input of workflow `w`"),
        "{error}"
    );
    assert!(durable::retrieve_workflow::<()>(&ctx, "w").await.is_err());
    stop(&ctx).await;
}

pub(super) async fn an_output_over_the_limit_is_a_failure(bench: &Bench<'_, impl Backend>) {
    let small = config(bench.open().await).payload_limit(1_000);
    let flow =
        |_: Ctx, length: usize| -> Flow<String> { Box::pin(async move { Ok("x".repeat(length)) }) };
    let ctx = launched(small, |ctx| register(ctx, "long", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, 5_000usize).await.unwrap();
    let error = handle.get_result().await.unwrap_err().to_string();
    assert!(error.contains("over the limit of 1000"), "{error}");
    stop(&ctx).await;
}

pub(super) async fn json_is_stored_as_json(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| {
        let options = RegisterOptions::new()
            .named("json")
            .encoding(Encoding::Json);
        durable::register_workflow_with(ctx, greet, options).unwrap();
    })
    .await;
    let handle = durable::run_workflow(&ctx, greet, "ann")
        .id("w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "hello ann");
    let record = row(bench, "w").await;
    let input = record.input.unwrap();
    assert_eq!(
        (&*input.encoding, &*input.bytes),
        ("json", br#""ann""#.as_slice())
    );
    let Some(Outcome::Success(output)) = record.outcome else {
        panic!("no output");
    };
    assert_eq!(
        (&*output.encoding, &*output.bytes),
        ("json", br#""hello ann""#.as_slice())
    );
    stop(&ctx).await;
}

pub(super) async fn a_change_of_encoding_leaves_old_rows_readable(bench: &Bench<'_, impl Backend>) {
    let binary = process(bench, register_all).await;
    durable::run_workflow(&binary, double, 4u32)
        .id("w")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    stop(&binary).await;
    let json = config(bench.open().await).encoding(Encoding::Json);
    let json = launched(json, register_all).await;
    let handle = durable::retrieve_workflow::<u32>(&json, "w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 8);
    stop(&json).await;
}

/// Encodes as bincode, and cannot be decoded from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
}

pub(super) async fn a_type_that_cannot_make_the_round_trip_fails_at_once(
    bench: &Bench<'_, impl Backend>,
) {
    let takes = |_: Ctx, _: Untagged| -> Flow<()> { Box::pin(async { Ok(()) }) };
    let returns =
        |_: Ctx, (): ()| -> Flow<Untagged> { Box::pin(async { Ok(Untagged::Number(1)) }) };
    let ctx = process(bench, |ctx| {
        register(ctx, "takes", &takes);
        register(ctx, "returns", &returns);
    })
    .await;
    let error = durable::run_workflow(&ctx, takes, Untagged::Number(1))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Codec { .. }), "{error}");
    let handle = durable::run_workflow(&ctx, returns, ()).await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::WorkflowFailed { .. }), "{error}");
    assert!(error.to_string().contains("Untagged"), "{error}");
    stop(&ctx).await;
}
