use durable_api::{WorkflowStatus, store::Owner};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, accepted, at, cancelling, expiring, is_fenced_out, resuming, success,
    },
};

pub(crate) async fn a_deadline_is_kept(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let mut request = a.insertion("w");
    request.deadline = Some(at(77));
    a.start_as(request.clone()).await;
    assert_eq!(b.get("w").await, accepted(&request));
    b.expel(&a).await;
    let claimed = b.claim_as(b.claiming()).await.claimed;
    assert_eq!(claimed[0].record.deadline, Some(at(77)));
}

pub(crate) async fn a_child_has_the_deadline_of_its_request(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let parent = start(&a, "parent", 50).await;
    let child = a.child_insertion("without", "parent", parent, 0);
    a.start_as(child).await;
    let mut child = a.child_insertion("with", "parent", parent, 1);
    child.deadline = Some(at(60));
    a.start_as(child).await;
    assert_eq!(a.get("without").await.deadline, None);
    assert_eq!(a.get("with").await.deadline, Some(at(60)));
}

pub(crate) async fn what_is_over_its_deadline_is_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = start(&a, "w", 50).await;
    let mut expected = a.get("w").await;
    assert_eq!(b.cancel_expired(expiring(70)).await, ["w"]);
    expected.status = WorkflowStatus::Cancelled;
    expected.owner = None;
    expected.updated_at = at(70);
    expected.completed_at = Some(at(70));
    assert_eq!(a.get("w").await, expected);
    is_fenced_out(&a, "w", owner).await;
}

pub(crate) async fn a_deadline_is_over_when_its_time_has_come(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    start(&a, "w", 50).await;
    let before = a.contents().await;
    assert_eq!(a.cancel_expired(expiring(49)).await, Vec::<String>::new());
    assert_eq!(a.contents().await, before);
    assert_eq!(a.cancel_expired(expiring(50)).await, ["w"]);
    assert_eq!(a.cancel_expired(expiring(51)).await, Vec::<String>::new());
}

pub(crate) async fn what_has_no_deadline_is_never_over_it(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let before = a.contents().await;
    let later = i64::from(i32::MAX) * 1_000;
    assert_eq!(
        a.cancel_expired(expiring(later)).await,
        Vec::<String>::new()
    );
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn the_earliest_are_cancelled_first(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, deadline) in [("c", 20), ("a", 40), ("d", 10), ("b", 30), ("e", 500)] {
        start(&a, id, deadline).await;
    }
    let mut request = expiring(100);
    request.limit = 3;
    assert_eq!(a.cancel_expired(request.clone()).await, ["d", "c", "b"]);
    assert_eq!(a.cancel_expired(request.clone()).await, ["a"]);
    assert_eq!(a.cancel_expired(request).await, Vec::<String>::new());
    assert_eq!(a.get("e").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn other_applications_keep_their_own(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    start(&a, "own", 50).await;
    let mut request = a.insertion("other");
    request.app = "warehouse".to_owned();
    request.deadline = Some(at(50));
    a.start_as(request).await;
    assert_eq!(a.cancel_expired(expiring(60)).await, ["own"]);
    let mut request = expiring(60);
    request.app = "warehouse".to_owned();
    assert_eq!(a.cancel_expired(request).await, ["other"]);
}

pub(crate) async fn what_has_ended_is_not_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    start(&a, "dead letter", 50).await;
    b.expel(&a).await;
    b.claim_as(b.claiming_up_to(0)).await;
    let owner = start(&b, "success", 50).await;
    b.finish("success", owner, success("done")).await;
    start(&b, "cancelled", 50).await;
    b.cancel(cancelling(&["cancelled"])).await;
    let before = b.contents().await;
    assert_eq!(b.cancel_expired(expiring(60)).await, Vec::<String>::new());
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn what_nobody_runs_is_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    start(&a, "orphaned", 40).await;
    start(&b, "handed back", 50).await;
    c.expel(&a).await;
    b.retire().await;
    let cancelled = c.cancel_expired(expiring(60)).await;
    assert_eq!(cancelled, ["orphaned", "handed back"]);
    assert_eq!(c.claim().await, Vec::<String>::new());
}

pub(crate) async fn a_resumed_workflow_has_no_deadline(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    start(&a, "w", 50).await;
    a.cancel_expired(expiring(60)).await;
    assert_eq!(a.get("w").await.deadline, Some(at(50)), "until then");
    a.resume(resuming(&["w"])).await;
    assert_eq!(a.get("w").await.deadline, None);
    assert_eq!(a.cancel_expired(expiring(60)).await, Vec::<String>::new());
    a.take_over("w").await;
}

async fn start(a: &Executor, id: &str, deadline: i64) -> Owner {
    let mut request = a.insertion(id);
    request.deadline = Some(at(deadline));
    a.start_as(request).await
}
