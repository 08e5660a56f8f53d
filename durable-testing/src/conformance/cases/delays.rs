//! Waiting for a time.
use durable_api::{
    Timestamp, WorkflowStatus,
    store::{ReleaseDelayed, ReleaseOutcome, SetDelayOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, at, cancelling, deleting, end_in_every_way, step},
};

pub(crate) async fn what_is_due_is_released_and_nothing_else(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.delay("late", 7_000).await;
    a.delay("soon", 5_000).await;
    a.enqueue(&["waiting"]).await;
    a.start("running").await;
    let before = a.contents().await;
    assert_eq!(a.release(4_999).await, (0, Some(at(5_000))));
    assert_eq!(a.contents().await, before);
    let mut expected = a.get("soon").await;
    assert_eq!(
        a.release(5_000).await,
        (1, Some(at(7_000))),
        "when its time has come"
    );
    expected.status = WorkflowStatus::Enqueued;
    expected.updated_at = at(5_000);
    assert_eq!(a.get("soon").await, expected);
    assert_eq!(a.release(5_000).await, (0, Some(at(7_000))));
    assert_eq!(a.release(8_000).await, (1, None));
    assert_eq!(a.release(9_000).await, (0, None));
}

pub(crate) async fn what_is_released_can_be_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w", 5_000).await;
    assert_eq!(a.dequeue_at(9_000).await, Vec::<String>::new());
    a.release(9_000).await;
    let answer = a.dequeue_as(a.dequeuing_at(9_000)).await;
    assert_eq!(answer.taken.len(), 1);
    assert_eq!(answer.taken[0].record, a.get("w").await);
    assert_eq!(
        answer.taken[0].record.delayed_until,
        Some(at(5_000)),
        "until when it was"
    );
    assert_eq!(answer.taken[0].history, []);
}

pub(crate) async fn those_due_first_are_released_first(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, until) in [("c", 3_000), ("a", 1_000), ("d", 4_000), ("b", 2_000)] {
        a.delay(id, until).await;
    }
    let mut order = Vec::new();
    for next in [Some(at(2_000)), Some(at(3_000)), Some(at(4_000)), None] {
        assert_eq!(
            a.release_up_to(1, 9_000).await,
            ReleaseOutcome::new(1, next)
        );
        order.extend(a.dequeue_at(9_000).await);
    }
    assert_eq!(order, ["a", "b", "c", "d"]);
}

pub(crate) async fn a_release_that_reached_its_limit_says_what_is_due_next(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for number in 0..5 {
        a.delay(&format!("w{number}"), 1_000 + number).await;
    }
    let expected = ReleaseOutcome::new(3, Some(at(1_003)));
    assert_eq!(a.release_up_to(3, 5_000).await, expected, "in the past");
    assert_eq!(
        a.release_up_to(3, 5_000).await,
        ReleaseOutcome::new(2, None)
    );
}

pub(crate) async fn what_was_delayed_has_the_place_of_its_acceptance(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w0"]).await;
    a.delay("w1", 9_000).await;
    a.delay("w2", 8_000).await;
    a.enqueue(&["w3"]).await;
    a.release(9_000).await;
    assert_eq!(a.dequeue_at(9_000).await, ["w0", "w1", "w2", "w3"]);
}

pub(crate) async fn other_applications_keep_their_own(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut other = a.enqueueing_so("other", |enqueue| enqueue.delayed_until = Some(at(1_000)));
    other.app = "warehouse".to_owned();
    a.start_as(other).await;
    a.delay("own", 5_000).await;
    assert_eq!(a.release(2_000).await, (0, Some(at(5_000))));
    assert_eq!(a.get("other").await.status, WorkflowStatus::Delayed);
    let request = ReleaseDelayed::new("warehouse", at(2_000));
    let answer = a.store.release_delayed(request).await;
    assert_eq!(answer.expect("releases"), ReleaseOutcome::new(1, None));
}

pub(crate) async fn what_was_cancelled_or_deleted_is_not_released(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in ["cancelled", "deleted", "kept"] {
        a.delay(id, 5_000).await;
    }
    a.cancel(cancelling(&["cancelled"])).await;
    a.delete(deleting(&["deleted"])).await;
    assert_eq!(a.release(9_000).await, (1, None));
    assert_eq!(a.get("cancelled").await.status, WorkflowStatus::Cancelled);
    assert_eq!(a.dequeue().await, ["kept"]);
}

pub(crate) async fn a_delay_is_changed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w", 5_000).await;
    a.delay("other", 6_000).await;
    let mut expected = a.get("w").await;
    assert_eq!(a.set_delay("w", 8_000).await, SetDelayOutcome::Set);
    expected.delayed_until = Some(at(8_000));
    expected.updated_at = at(70);
    assert_eq!(a.get("w").await, expected);
    assert_eq!(a.release(5_500).await, (0, Some(at(6_000))));
    assert_eq!(a.set_delay("w", 5_400).await, SetDelayOutcome::Set);
    assert_eq!(a.release(5_300).await, (0, Some(at(5_400))));
    assert_eq!(a.release(5_400).await, (1, Some(at(6_000))));
    assert_eq!(a.dequeue().await, ["w"]);
}

pub(crate) async fn a_delay_to_a_time_that_has_come_is_over_at_the_next_release(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w", 5_000).await;
    assert_eq!(a.set_delay("w", -5_000).await, SetDelayOutcome::Set);
    assert_eq!(a.get("w").await.status, WorkflowStatus::Delayed);
    assert_eq!(a.dequeue().await, Vec::<String>::new());
    assert_eq!(a.release(70).await, (1, None));
    assert_eq!(a.dequeue().await, ["w"]);
}

pub(crate) async fn what_is_not_delayed_has_no_delay_to_change(bench: &Bench<'_, impl Backend>) {
    let a = end_in_every_way(bench, async |a, id, owner| {
        a.record(id, owner, step(0, "done")).await;
    })
    .await;
    a.enqueue(&["enqueued"]).await;
    a.start("pending").await;
    a.delay("released", 10).await;
    a.release(10).await;
    let before = a.contents().await;
    for (id, status) in [
        ("success", WorkflowStatus::Success),
        ("error", WorkflowStatus::Error),
        ("cancelled", WorkflowStatus::Cancelled),
        ("dead letter", WorkflowStatus::MaxRecoveryAttemptsExceeded),
        ("enqueued", WorkflowStatus::Enqueued),
        ("released", WorkflowStatus::Enqueued),
        ("pending", WorkflowStatus::Pending),
    ] {
        let answer = a.set_delay(id, 9_000).await;
        assert_eq!(answer, SetDelayOutcome::NotDelayed(status));
    }
    let answer = a.set_delay("nowhere", 9_000).await;
    assert_eq!(answer, SetDelayOutcome::UnknownWorkflow);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_delay_may_be_far_away(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let far = Timestamp::from_millis(253_402_300_799_999);
    a.enqueue_so("w", |enqueue| enqueue.delayed_until = Some(far))
        .await;
    assert_eq!(a.get("w").await.delayed_until, Some(far));
    assert_eq!(a.release(0).await, (0, Some(far)));
    let answer = a
        .store
        .release_delayed(ReleaseDelayed::new("shop", far))
        .await;
    assert_eq!(answer.expect("releases"), ReleaseOutcome::new(1, None));
}
