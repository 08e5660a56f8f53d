use durable_api::{
    Payload,
    store::{InsertOutcome, InsertWorkflow, Owner, Payloads, WorkflowFilter},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, accepted, at, success, text},
};

pub(crate) async fn an_accepted_workflow_is_pending_and_complete(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let request = a.insertion("w");
    a.start_as(request.clone()).await;
    assert_eq!(b.get("w").await, accepted(&request));
    assert_eq!(b.steps("w").await, []);
}

pub(crate) async fn an_unversioned_workflow_has_no_version(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.version = None;
    a.start_as(request).await;
    assert_eq!(a.get("w").await.version, None);
}

pub(crate) async fn the_largest_execution_number_is_kept(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.owner = Owner::new(a.incarnation, i64::MAX as u64);
    a.start_as(request.clone()).await;
    assert_eq!(a.get("w").await, accepted(&request));
    a.finish("w", request.owner, success("done")).await;
    assert_eq!(a.get("w").await.owner, Some(request.owner));
}

pub(crate) async fn an_unknown_id_is_no_workflow(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    assert_eq!(a.find("another").await, None);
    assert_eq!(a.find("").await, None);
}

pub(crate) async fn payloads_are_left_out_unless_asked_for(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.finish("w", owner, success("done")).await;
    let omitted = a.store.get_workflow("w", Payloads::Omit).await;
    let full = a.get("w").await;
    assert!(full.input.is_some() && full.outcome.is_some());
    assert_eq!(
        omitted.expect("gets a workflow"),
        Some(full.without_payloads())
    );
}

pub(crate) async fn an_outcome_is_read_without_the_input(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let read = || a.store.get_workflow("w", Payloads::Outcome);
    let mut expected = a.get("w").await;
    expected.input = None;
    assert_eq!(expected.outcome, None);
    assert_eq!(read().await.expect("gets a workflow"), Some(expected));
    a.finish("w", owner, success("done")).await;
    let mut expected = a.get("w").await;
    expected.input = None;
    assert_eq!(expected.outcome, Some(success("done")));
    assert_eq!(
        read().await.expect("gets a workflow"),
        Some(expected.clone())
    );
    let mut filter = WorkflowFilter::new();
    filter.payloads = Payloads::Outcome;
    let listed = a.store.list_workflows(filter).await;
    assert_eq!(listed.expect("lists").workflows, [expected]);
}

pub(crate) async fn an_id_that_exists_is_answered_with_its_row(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    let before = a.contents().await;
    let mut again = b.insertion("w");
    again.input = text("another input");
    again.version = Some("v2".to_owned());
    again.now = at(77);
    let row = a.get("w").await.without_payloads();
    assert_eq!(b.insert(again).await, InsertOutcome::Existing(row));
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn an_id_that_exists_is_answered_also_to_another_execution_of_its_executor(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let answer = a.insert(a.insertion("w")).await;
    let row = a.get("w").await.without_payloads();
    assert_eq!(answer, InsertOutcome::Existing(row));
    assert_eq!(a.get("w").await.owner, Some(owner));
}

pub(crate) async fn an_id_that_is_finished_still_exists(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.finish("w", owner, success("done")).await;
    let before = a.contents().await;
    let row = a.get("w").await.without_payloads();
    assert_eq!(
        b.insert(b.insertion("w")).await,
        InsertOutcome::Existing(row)
    );
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn an_id_of_another_name_is_a_conflict(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.name = "refund".to_owned();
    conflicts(&a, request).await;
}

pub(crate) async fn an_id_of_another_application_is_a_conflict(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.app = "warehouse".to_owned();
    conflicts(&a, request).await;
}

async fn conflicts(a: &Executor, request: InsertWorkflow) {
    a.start("w").await;
    let before = a.contents().await;
    let row = a.get("w").await.without_payloads();
    assert_eq!(a.insert(request).await, InsertOutcome::Conflict(row));
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn an_executor_that_never_registered_starts_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::unregistered(bench, "a").await;
    starts_nothing(&a).await;
}

pub(crate) async fn an_expelled_executor_starts_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    starts_nothing(&a).await;
}

pub(crate) async fn a_superseded_executor_starts_nothing(bench: &Bench<'_, impl Backend>) {
    let old = Executor::launch(bench, "a").await;
    Executor::launch(bench, "a").await;
    starts_nothing(&old).await;
}

pub(crate) async fn a_retired_executor_starts_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.retire().await;
    starts_nothing(&a).await;
}

async fn starts_nothing(a: &Executor) {
    let before = a.contents().await;
    let answer = a.insert(a.insertion("w")).await;
    assert_eq!(answer, InsertOutcome::UnknownExecutor);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn the_executor_is_judged_before_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let stranger = Executor::unregistered(bench, "b").await;
    a.start("w").await;
    let mut conflict = stranger.insertion("w");
    conflict.name = "refund".to_owned();
    for request in [stranger.insertion("w"), conflict] {
        let answer = stranger.insert(request).await;
        assert_eq!(answer, InsertOutcome::UnknownExecutor);
    }
}

pub(crate) async fn workflows_do_not_touch_each_other(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut first = a.insertion("w1");
    first.input = Payload::new("json", "1");
    let mut second = a.insertion("w2");
    second.input = Payload::new("json", "2");
    a.start_as(first.clone()).await;
    a.start_as(second.clone()).await;
    a.finish("w2", second.owner, success("done")).await;
    assert_eq!(a.get("w1").await, accepted(&first));
}
