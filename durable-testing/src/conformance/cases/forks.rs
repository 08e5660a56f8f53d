use durable_api::{
    WorkflowStatus,
    store::{
        ForkOutcome, ForkWorkflow, InsertWorkflow, Owner, RecordOutcome, StoreErrorKind,
        StreamState, WorkflowFilter, WorkflowRecord,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, STREAM, appended, appending, at, cancelling,
        cancelling_with_children, changed, closing, deleting, end_in_every_way, forking, inside,
        json, message, recorded, step, success, text,
    },
};

pub(crate) async fn a_fork_begins_with_what_its_source_was_started_with(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let parent = a.start("parent").await;
    let request = rich(a.child_insertion("w", "parent", parent, 0));
    a.start_as(request.clone()).await;
    assert_eq!(a.fork(forking("w", "fork", 0)).await, ForkOutcome::Forked);
    assert_eq!(a.get("fork").await, forked(&a.get("w").await, "fork"));
    assert_eq!(a.steps("fork").await, []);
    assert_eq!(a.events("fork").await, []);
}

pub(crate) async fn the_source_stays_as_it_is(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = storied(bench).await;
    let row = a.get("w").await;
    let steps = a.steps("w").await;
    let events = a.events("w").await;
    let stream = a.read("w", STREAM).await;
    for from_step in 0..10 {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
    }
    assert_eq!(a.get("w").await, row);
    assert_eq!(a.steps("w").await, steps);
    assert_eq!(a.events("w").await, events);
    assert_eq!(a.read("w", STREAM).await, stream);
    let answer = a.record("w", owner, step(9, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn at_every_step_a_fork_has_the_steps_before(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let all = a.steps("w").await;
    for from_step in 0..11 {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
        let mut expected = all.clone();
        expected.retain(|one| one.step_id < from_step);
        assert_eq!(a.steps(&id).await, expected, "from {from_step}");
    }
    assert_eq!(a.steps("fork 10").await, all);
}

pub(crate) async fn at_every_step_a_fork_has_the_events_that_stood(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    for from_step in 0..11 {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
        let mut expected = Vec::new();
        match from_step {
            0..=2 => {}
            3..=5 => expected.push(("key".to_owned(), text("old"))),
            6.. => expected.push(("key".to_owned(), text("new"))),
        }
        if from_step > 4 {
            expected.push(("progress".to_owned(), text("100%")));
        }
        assert_eq!(a.events(&id).await, expected, "from {from_step}");
    }
}

pub(crate) async fn at_every_step_a_fork_has_the_values_that_were_written(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    for from_step in 0..11 {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
        let expected: &[&str] = match from_step {
            0..=3 => &[],
            4 => &["by 3"],
            5.. => &["by 3", "by 4", "by 4 again"],
        };
        let expected: Vec<_> = expected.iter().map(|one| text(one)).collect();
        let state = if from_step > 7 {
            StreamState::Closed
        } else {
            StreamState::Open
        };
        let page = a.read(&id, STREAM).await;
        assert_eq!(page.values, expected, "from {from_step}");
        assert_eq!(page.state, state, "from {from_step}");
        let other = a.read(&id, "other").await;
        assert_eq!(other.values.len(), usize::from(from_step > 6));
        assert_eq!(other.state, StreamState::Open);
    }
}

pub(crate) async fn an_event_has_the_value_that_was_set_last_among_the_steps_before(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    // Steps 0, 1 and 2 run at once.
    a.set_event(inside("w", owner, 0), "key", "a by 0").await;
    a.set_event(recorded("w", owner, 2), "key", "by 2").await;
    a.set_event(recorded("w", owner, 1), "key", "by 1").await;
    a.set_event(inside("w", owner, 0), "other", "a by 0").await;
    a.set_event(inside("w", owner, 0), "other", "b by 0").await;
    for (from_step, expected) in [(1, "a by 0"), (2, "by 1"), (3, "by 1")] {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
        let expected = [
            ("key".to_owned(), text(expected)),
            ("other".to_owned(), text("b by 0")),
        ];
        assert_eq!(a.events(&id).await, expected, "from {from_step}");
    }
}

pub(crate) async fn values_of_steps_that_ran_at_once_are_told_apart(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    for (step_id, value) in [(1, "v0"), (0, "v1"), (1, "v2"), (0, "v3"), (2, "v4")] {
        a.append(appending(inside("w", owner, step_id), value))
            .await;
    }
    for (from_step, expected) in [
        (1, vec!["v1", "v3"]),
        (2, vec!["v0", "v1", "v2", "v3"]),
        (3, vec!["v0", "v1", "v2", "v3", "v4"]),
    ] {
        let id = format!("fork {from_step}");
        a.fork(forking("w", &id, from_step)).await;
        let expected: Vec<_> = expected.into_iter().map(text).collect();
        assert_eq!(a.read(&id, STREAM).await.values, expected);
    }
}

pub(crate) async fn a_fork_of_a_fork_has_the_history_of_both(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.fork(forking("w", "fork", 9)).await;
    a.fork(forking("fork", "again", 5)).await;
    assert_eq!(a.get("again").await, forked(&a.get("fork").await, "again"));
    assert_eq!(a.steps("again").await, a.steps("w").await[..5]);
    let events = [
        ("key".to_owned(), text("old")),
        ("progress".to_owned(), text("100%")),
    ];
    assert_eq!(a.events("again").await, events);
    let page = a.read("again", STREAM).await;
    assert_eq!(page.values.len(), 3);
    assert_eq!(page.state, StreamState::Open);
}

pub(crate) async fn messages_stay_with_the_source(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.send(message("w", "topic", "m1")).await;
    a.fork(forking("w", "fork", 5)).await;
    let fork = b.take_over("fork").await;
    assert_eq!(b.drain("fork", fork, 0, "topic").await, []);
    b.send(message("fork", "topic", "m1")).await;
    assert_eq!(b.drain("fork", fork, 0, "topic").await, [text("m1")]);
    assert_eq!(a.drain("w", owner, 0, "topic").await, [text("m1")]);
}

pub(crate) async fn any_executor_claims_a_fork_at_no_attempts_cost(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    let b = Executor::launch(bench, "b").await;
    a.fork(forking("w", "fork", 3)).await;
    let request = b.claiming_up_to(0);
    let answer = b.claim_as(request.clone()).await;
    assert_eq!(answer.claimed.len(), 1);
    let claimed = &answer.claimed[0];
    let mut expected = forked(&a.get("w").await, "fork");
    expected.owner = Some(request.owner);
    expected.executor_id = Some("b".to_owned());
    expected.updated_at = request.now;
    expected.started_at = Some(request.now);
    assert_eq!(claimed.record, expected, "it was first taken up now");
    assert_eq!(claimed.history, a.steps("w").await[..3]);
    assert_eq!(b.get("fork").await, expected);
}

pub(crate) async fn a_fork_goes_its_own_way(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.fork(forking("w", "fork", 4)).await;
    let owner = a.take_over("fork").await;
    let again = a.record("fork", owner, step(3, "mine")).await;
    assert!(matches!(again, RecordOutcome::AlreadyRecorded(_)));
    let answer = a
        .append(appending(recorded("fork", owner, 4), "mine"))
        .await;
    assert_eq!(answer, appended(1), "after the value that it was given");
    a.set_event(recorded("fork", owner, 5), "key", "mine").await;
    a.finish("fork", owner, success("mine")).await;
    let values = a.read("fork", STREAM).await.values;
    assert_eq!(values, [text("by 3"), text("mine")]);
    assert_eq!(a.events("fork").await[0].1, text("mine"));
    assert_eq!(a.events("w").await[0].1, text("new"));
    assert_eq!(a.read("w", STREAM).await.values.len(), 3);
    assert_eq!(a.get("w").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn a_fork_outlives_its_source(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.fork(forking("w", "fork", 9)).await;
    let whole = (
        a.get("fork").await,
        a.steps("fork").await,
        a.events("fork").await,
        a.read("fork", STREAM).await,
    );
    a.delete(deleting(&["w"])).await;
    assert_eq!(a.get("fork").await, whole.0);
    assert_eq!(a.steps("fork").await, whole.1);
    assert_eq!(a.events("fork").await, whole.2);
    assert_eq!(a.read("fork", STREAM).await, whole.3);
    let answer = a.fork(forking("w", "fork", 9)).await;
    assert_eq!(answer, ForkOutcome::Forked, "by an earlier call");
}

pub(crate) async fn children_stay_with_the_source(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.fork(forking("w", "fork", 9)).await;
    let children = WorkflowFilter::new().parent("fork");
    assert_eq!(a.list(children).await, Vec::<String>::new());
    let answer = a.cancel(cancelling_with_children(&["fork"])).await;
    assert_eq!(answer, changed(&["fork"]));
    assert_eq!(a.get("child").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn a_source_may_have_any_status(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |executor, id, owner| {
        executor.record(id, owner, step(0, id)).await;
    })
    .await;
    for (id, _) in ENDINGS {
        let fork = format!("fork of {id}");
        let answer = watcher.fork(forking(id, &fork, 1)).await;
        assert_eq!(answer, ForkOutcome::Forked);
        let expected = forked(&watcher.get(id).await, &fork);
        assert_eq!(watcher.get(&fork).await, expected);
        assert_eq!(watcher.steps(&fork).await, [step(0, id)]);
    }
}

pub(crate) async fn a_fork_may_belong_to_another_version(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let mut request = a.insertion("unversioned");
    request.version = None;
    a.start_as(request).await;
    for (source, version, expected) in [
        ("w", None, Some("v1")),
        ("w", Some("v2"), Some("v2")),
        ("unversioned", None, None),
        ("unversioned", Some("v2"), Some("v2")),
    ] {
        let id = format!("{source} as {version:?}");
        let mut request = forking(source, &id, 0);
        request.version = version.map(str::to_owned);
        a.fork(request).await;
        assert_eq!(a.get(&id).await.version.as_deref(), expected);
    }
    let mut request = a.claiming();
    request.version = "v2".to_owned();
    assert_eq!(a.claim_as(request).await.claimed.len(), 2);
}

pub(crate) async fn forking_again_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let request = forking("w", "fork", 5);
    a.fork(request.clone()).await;
    let again = async || {
        let before = a.contents().await;
        assert_eq!(a.fork(request.clone()).await, ForkOutcome::Forked);
        assert_eq!(a.contents().await, before);
    };
    again().await;
    let owner = a.take_over("fork").await;
    a.record("fork", owner, step(5, "mine")).await;
    again().await;
    a.finish("fork", owner, success("mine")).await;
    again().await;
}

pub(crate) async fn an_id_that_belongs_to_no_fork_of_the_source_is_a_conflict(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for id in ["w", "other"] {
        a.start(id).await;
    }
    a.fork(forking("other", "fork of the other", 0)).await;
    let before = a.contents().await;
    for id in ["other", "fork of the other", "w"] {
        for source in ["w", "nowhere"] {
            let answer = a.fork(forking(source, id, 0)).await;
            assert_eq!(answer, ForkOutcome::Conflict, "{id}");
        }
    }
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn an_unknown_source_is_refused(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let before = a.contents().await;
    let answer = a.fork(forking("nowhere", "fork", 0)).await;
    assert_eq!(answer, ForkOutcome::UnknownSource);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn many_forks_are_answered_in_their_order(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.start("other").await;
    let answers = a
        .fork_all(vec![
            forking("w", "fork 5", 5),
            forking("nowhere", "x", 0),
            forking("other", "fork of the other", 0),
            forking("w", "other", 0),
            forking("w", "fork 2", 2),
        ])
        .await;
    let expected = [
        ForkOutcome::Forked,
        ForkOutcome::UnknownSource,
        ForkOutcome::Forked,
        ForkOutcome::Conflict,
        ForkOutcome::Forked,
    ];
    assert_eq!(answers, expected);
    assert_eq!(a.steps("fork 5").await.len(), 5);
    assert_eq!(a.steps("fork 2").await.len(), 2);
    assert_eq!(a.find("x").await, None);
    let of_w = WorkflowFilter::new().forked_from("w");
    assert_eq!(a.list(of_w).await, ["fork 2", "fork 5"]);
    assert_eq!(a.fork_all(Vec::new()).await, []);
}

pub(crate) async fn many_forks_are_made_together_or_not_at_all(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let before = a.contents().await;
    let requests = vec![
        forking("w", "fork", 5),
        forking("w", "nul\0rest", 5),
        forking("w", "another", 5),
    ];
    match a.store.fork_workflows(requests).await {
        Ok(answers) => {
            assert_eq!(answers, [ForkOutcome::Forked; 3]);
            let of_w = WorkflowFilter::new().forked_from("w");
            assert_eq!(a.list(of_w).await, ["another", "fork", "nul\0rest"]);
        }
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            assert_eq!(a.contents().await, before);
        }
    }
}

pub(crate) async fn of_forks_with_one_id_the_first_counts(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.start("other").await;
    let answers = a
        .fork_all(vec![
            forking("w", "fork", 3),
            forking("w", "fork", 3),
            forking("other", "fork", 0),
        ])
        .await;
    let expected = [
        ForkOutcome::Forked,
        ForkOutcome::Forked,
        ForkOutcome::Conflict,
    ];
    assert_eq!(answers, expected);
    assert_eq!(a.steps("fork").await, a.steps("w").await[..3]);
}

pub(crate) async fn every_text_is_the_id_of_a_source_and_of_a_fork(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let fork_id = |id: &str| format!("{id}!");
    let requests: Vec<ForkWorkflow> = HOSTILE_TEXTS
        .iter()
        .map(|id| forking(id, &fork_id(id), 1))
        .collect();
    for id in HOSTILE_TEXTS {
        let owner = a.start(id).await;
        a.record(id, owner, step(0, id)).await;
    }
    for answer in a.fork_all(requests).await {
        assert_eq!(answer, ForkOutcome::Forked);
    }
    for id in HOSTILE_TEXTS {
        assert_eq!(a.steps(&fork_id(id)).await, [step(0, id)]);
        let forks = WorkflowFilter::new().forked_from(*id);
        assert_eq!(a.list(forks).await, [fork_id(id)]);
    }
    a.cancel(cancelling(HOSTILE_TEXTS)).await;
    for id in HOSTILE_TEXTS {
        assert_eq!(a.get(id).await.status, WorkflowStatus::Cancelled);
        assert_eq!(a.get(&fork_id(id)).await.status, WorkflowStatus::Pending);
    }
}

/// A request with everything that a request may have.
fn rich(mut request: InsertWorkflow) -> InsertWorkflow {
    request.deadline = Some(at(99_000));
    request.caller.user = Some("ada".to_owned());
    request.caller.assumed_role = Some("auditor".to_owned());
    request.caller.roles = vec!["reader".to_owned(), "writer".to_owned()];
    request.attributes = json(r#"{"priority": 7, "tags": ["a", {"b": null}]}"#);
    request.trace_context = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    request
}

/// The row of a fork that was just made.
fn forked(source: &WorkflowRecord, id: &str) -> WorkflowRecord {
    let mut record = WorkflowRecord::new(
        id,
        &source.app,
        &source.name,
        WorkflowStatus::Pending,
        at(4_000),
    );
    record.version.clone_from(&source.version);
    record.forked_from = Some(source.id.clone());
    record.caller = source.caller.clone();
    record.attributes = source.attributes.clone();
    record.input.clone_from(&source.input);
    record
}

/// The workflow `w`, whose steps did everything that a step may do, and who runs it.
async fn storied(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start_as(rich(a.insertion("w"))).await;
    a.record("w", owner, step(0, "done")).await;
    a.start_as(a.child_insertion("child", "w", owner, 1)).await;
    a.set_event(recorded("w", owner, 2), "key", "old").await;
    a.append(appending(recorded("w", owner, 3), "by 3")).await;
    for progress in ["50%", "100%"] {
        let step = inside("w", owner, 4);
        a.set_event(step, "progress", progress).await;
    }
    for value in ["by 4", "by 4 again"] {
        a.append(appending(inside("w", owner, 4), value)).await;
    }
    a.record("w", owner, step(4, "done")).await;
    a.set_event(recorded("w", owner, 5), "key", "new").await;
    let mut other = appending(recorded("w", owner, 6), "by 6");
    other.key = "other".to_owned();
    a.append(other).await;
    a.append(closing(recorded("w", owner, 7))).await;
    a.record("w", owner, step(8, "done")).await;
    assert_eq!(a.steps("w").await.len(), 9);
    (a, owner)
}
