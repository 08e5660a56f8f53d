use durable_api::{
    WorkflowStatus,
    store::{ExecutorRecord, ExpelOutcome, HeartbeatOutcome, RegisterOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{APP, Executor, at, success},
};

pub(crate) async fn an_executor_is_listed_as_it_registered(bench: &Bench<'_, impl Backend>) {
    let a = Executor::unregistered(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let mut request = a.registration();
    request.host = Some("host: 1".to_owned());
    request.process = Some("17/42".to_owned());
    request.now = at(33);
    let answer = a.register(request.clone()).await;
    assert_eq!(answer, RegisterOutcome::default());
    assert_eq!(
        b.executors().await,
        [
            ExecutorRecord::registered(request),
            ExecutorRecord::registered(b.registration()),
        ]
    );
}

pub(crate) async fn executors_are_listed_by_their_ids(bench: &Bench<'_, impl Backend>) {
    for id in ["b", "a10", "B", "a2", "\u{e9}", "a"] {
        Executor::launch(bench, id).await;
    }
    let watcher = Executor::launch(bench, "z").await;
    let listed: Vec<_> = watcher.executors().await;
    let listed: Vec<_> = listed.iter().map(|one| &*one.executor_id).collect();
    assert_eq!(listed, ["B", "a", "a10", "a2", "b", "z", "\u{e9}"]);
}

pub(crate) async fn executors_are_listed_by_application(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let other = Executor::unregistered(bench, "b").await;
    let mut request = other.registration();
    request.app = "warehouse".to_owned();
    other.register(request.clone()).await;
    assert_eq!(
        other.executors().await,
        [ExecutorRecord::registered(a.registration())]
    );
    let listed = a.store.list_executors("warehouse").await.expect("lists");
    assert_eq!(listed, [ExecutorRecord::registered(request)]);
    let listed = a.store.list_executors("nowhere").await.expect("lists");
    assert_eq!(listed, []);
}

pub(crate) async fn a_new_life_supersedes_the_earlier_one(bench: &Bench<'_, impl Backend>) {
    let old = Executor::launch(bench, "a").await;
    let new = Executor::unregistered(bench, "a").await;
    let answer = new.register(new.registration()).await;
    assert_eq!(answer, RegisterOutcome::new(vec![old.incarnation]));
    assert_eq!(
        new.executors().await,
        [ExecutorRecord::registered(new.registration())]
    );
    assert_eq!(old.beat().await, HeartbeatOutcome::Unknown);
}

pub(crate) async fn a_life_that_ended_is_not_superseded(bench: &Bench<'_, impl Backend>) {
    let old = Executor::launch(bench, "a").await;
    old.retire().await;
    let new = Executor::unregistered(bench, "a").await;
    let answer = new.register(new.registration()).await;
    assert_eq!(answer, RegisterOutcome::default());
}

pub(crate) async fn the_same_executor_id_in_another_application_is_not_superseded(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let other = Executor::unregistered(bench, "a").await;
    let mut request = other.registration();
    request.app = "warehouse".to_owned();
    let answer = other.register(request).await;
    assert_eq!(answer, RegisterOutcome::default());
    assert_eq!(a.beat().await, HeartbeatOutcome::Alive);
    assert_eq!(other.beat().await, HeartbeatOutcome::Alive);
}

pub(crate) async fn registering_again_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.beat().await;
    a.start("w").await;
    let before = a.contents().await;
    let mut again = a.registration();
    again.now = at(99);
    let answer = a.register(again).await;
    assert_eq!(answer, RegisterOutcome::default());
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_heartbeat_moves_only_its_own_beat(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for _ in 0..3 {
        assert_eq!(a.beat().await, HeartbeatOutcome::Alive);
    }
    assert_eq!(b.beat().await, HeartbeatOutcome::Alive);
    let beats: Vec<_> = b.executors().await;
    let beats: Vec<_> = beats
        .iter()
        .map(|one| (&*one.executor_id, one.beat))
        .collect();
    assert_eq!(beats, [("a", 3), ("b", 1)]);
}

pub(crate) async fn a_heartbeat_registers_nobody(bench: &Bench<'_, impl Backend>) {
    let a = Executor::unregistered(bench, "a").await;
    assert_eq!(a.beat().await, HeartbeatOutcome::Unknown);
    assert_eq!(a.executors().await, []);
}

pub(crate) async fn an_expelled_or_retired_executor_learns_it_by_its_heartbeat(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    b.retire().await;
    for executor in [a, b] {
        assert_eq!(executor.beat().await, HeartbeatOutcome::Unknown);
        assert_eq!(executor.executors().await, []);
    }
}

pub(crate) async fn an_executor_that_has_beaten_since_is_not_expelled(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    a.beat().await;
    let before = b.contents().await;
    assert_eq!(b.try_expel(&a, 0).await, ExpelOutcome::Alive);
    assert_eq!(b.contents().await, before);
    assert_eq!(b.claim().await, Vec::<String>::new());
    assert_eq!(a.beat().await, HeartbeatOutcome::Alive);
    assert_eq!(b.try_expel(&a, 2).await, ExpelOutcome::Expelled);
}

pub(crate) async fn an_executor_that_never_beat_can_be_expelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    assert_eq!(b.try_expel(&a, 0).await, ExpelOutcome::Expelled);
    assert_eq!(
        b.executors().await,
        [ExecutorRecord::registered(b.registration())]
    );
}

pub(crate) async fn whoever_is_not_registered_counts_as_expelled(bench: &Bench<'_, impl Backend>) {
    let never = Executor::unregistered(bench, "never").await;
    let retired = Executor::launch(bench, "retired").await;
    retired.retire().await;
    let watcher = Executor::launch(bench, "watcher").await;
    for gone in [&never, &retired] {
        assert_eq!(watcher.try_expel(gone, 5).await, ExpelOutcome::Expelled);
    }
}

pub(crate) async fn expelling_alone_does_not_change_a_workflow(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    let before = b.get("w").await;
    b.expel(&a).await;
    assert_eq!(b.get("w").await, before);
}

pub(crate) async fn an_expelled_process_rejoins_with_a_new_life(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let rejoined = Executor::launch(bench, "a").await;
    assert_eq!(a.beat().await, HeartbeatOutcome::Unknown);
    assert_eq!(rejoined.beat().await, HeartbeatOutcome::Alive);
    rejoined.start("w").await;
}

pub(crate) async fn retiring_hands_back_what_is_unfinished(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let finished = a.start("finished").await;
    a.finish("finished", finished, success("done")).await;
    a.start("w1").await;
    a.start("w2").await;
    b.start("of b").await;
    let untouched = (a.get("finished").await, a.get("of b").await);
    assert_eq!(a.retire().await, 2);
    for id in ["w1", "w2"] {
        let record = b.get(id).await;
        assert_eq!(record.status, WorkflowStatus::Pending);
        assert_eq!(record.owner, None);
        assert_eq!(record.executor_id.as_deref(), Some("a"), "it ran it last");
        assert_eq!(record.recovery_attempts, 0);
    }
    assert_eq!((b.get("finished").await, b.get("of b").await), untouched);
    let listed = b.store.list_executors(APP).await.expect("lists");
    assert_eq!(listed, [ExecutorRecord::registered(b.registration())]);
}

pub(crate) async fn retiring_with_nothing_to_do_hands_nothing_back(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    b.start("of b").await;
    assert_eq!(a.retire().await, 0);
    let never = Executor::unregistered(bench, "never").await;
    assert_eq!(never.retire().await, 0);
}

pub(crate) async fn retiring_hands_back_what_was_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.start("w").await;
    b.expel(&a).await;
    b.take_over("w").await;
    assert_eq!(b.retire().await, 1);
    c.take_over("w").await;
    assert_eq!(
        c.get("w").await.recovery_attempts,
        1,
        "the one of the crash"
    );
}

pub(crate) async fn retiring_hands_back_nothing_that_somebody_took_over(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    assert_eq!(a.retire().await, 0);
    assert_eq!(b.get("w").await.owner, Some(owner));
}
