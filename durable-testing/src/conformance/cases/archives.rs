//! Taking workflows out, and in.
use std::time::Duration;

use durable_api::{
    WorkflowStatus,
    store::{
        AppendStream, ArchivedEvent, ArchivedMessage, ArchivedStream, Debounce, EventLookup,
        ForkOutcome, ImportOutcome, InsertOutcome, Owner, ReceiveOutcome, SendOutcome, StreamState,
        WorkflowArchive,
    },
};
use uuid::Uuid;

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, STREAM, appended, appending, at, cancelling, closing,
        deleting, end_in_every_way, forking, inside, json, message, persist, race, receiving,
        recorded, resuming, step, success, text,
    },
};

pub(crate) async fn an_archive_holds_all_that_belongs_to_a_workflow(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = storied(bench).await;
    let archive = a.export("w").await;
    assert_eq!(archive.record, a.get("w").await, "with payloads and owner");
    assert_eq!(archive.record.owner, Some(owner));
    assert_eq!(archive.steps, a.steps("w").await);
    assert_eq!(archive.steps.len(), 7);
    let event = |key: &str, step_id, value: &str| ArchivedEvent {
        key: key.to_owned(),
        step_id,
        value: text(value),
    };
    let expected = [
        event("a", 2, "only"),
        event("b", 1, "first"),
        event("b", 3, "second"),
    ];
    assert_eq!(archive.events, expected, "also what is not shown any more");
    let stream = |key: &str, values: &[(u32, &str)], closed_by| ArchivedStream {
        key: key.to_owned(),
        values: values
            .iter()
            .map(|(id, value)| (*id, text(value)))
            .collect(),
        closed_by,
    };
    let expected = [
        stream("closed", &[], Some(5)),
        stream(STREAM, &[(0, "v0"), (4, "v1"), (4, "v2")], None),
    ];
    assert_eq!(archive.streams, expected);
    let waiting = |topic: &str, message_id: &str| ArchivedMessage {
        topic: topic.to_owned(),
        message_id: message_id.to_owned(),
        payload: text(message_id),
    };
    let expected = [
        waiting("y", "m1"),
        waiting("x", "m2"),
        waiting("y", "m3"),
        waiting("", "m4"),
    ];
    assert_eq!(
        archive.messages, expected,
        "in the order of their acceptance, but for what was received"
    );
}

pub(crate) async fn an_export_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = storied(bench).await;
    let before = a.contents().await;
    let archive = a.export("w").await;
    assert_eq!(a.contents().await, before);
    assert_eq!(a.export("w").await, archive);
    a.finish("w", owner, success("done")).await;
    assert_ne!(a.export("w").await, archive);
}

pub(crate) async fn an_unknown_workflow_is_not_exported(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let answer = a.store.export_workflow("nowhere").await;
    assert_eq!(answer.expect("exports"), None);
    a.delete(deleting(&["w"])).await;
    assert_eq!(a.store.export_workflow("w").await.expect("exports"), None);
}

pub(crate) async fn what_is_bare_has_a_bare_archive(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let archive = a.export("w").await;
    assert_eq!(archive, WorkflowArchive::new(a.get("w").await));
}

pub(crate) async fn what_is_imported_is_as_it_was_exported(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = storied(bench).await;
    a.finish("w", owner, success("done")).await;
    let mut archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
    archive.record.owner = None;
    assert_eq!(a.export("w").await, archive, "but for its owner");
    assert_eq!(a.get("w").await, archive.record);
    assert_eq!(a.event("w", "b").await, EventLookup::Value(text("second")));
    let page = a.read("w", STREAM).await;
    assert_eq!(page.values, ["v0", "v1", "v2"].map(text));
    assert_eq!(page.state, StreamState::WorkflowOver);
    assert_eq!(a.read("w", "closed").await.state, StreamState::Closed);
}

pub(crate) async fn what_is_exported_can_be_imported_into_another_store(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    let mut archive = a.export("w").await;
    let before = a.contents().await;
    bench
        .elsewhere(async |other| {
            let b = Executor::launch(other, "b").await;
            assert_eq!(b.import(archive.clone()).await, ImportOutcome::Imported);
            archive.record.owner = None;
            assert_eq!(b.export("w").await, archive);
            let answer = b.claim_as(b.claiming()).await;
            assert_eq!(answer.claimed.len(), 1);
            assert_eq!(answer.claimed[0].history, archive.steps);
            assert_eq!(
                answer.claimed[0].record.recovery_attempts, 0,
                "at no attempt's cost"
            );
        })
        .await;
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn an_archive_returns_from_json_as_it_was(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    let text = serde_json::to_string(&archive).expect("is JSON");
    let read: WorkflowArchive = serde_json::from_str(&text).expect("is an archive");
    assert_eq!(read, archive);
    a.delete(deleting(&["w"])).await;
    assert_eq!(a.import(read).await, ImportOutcome::Imported);
}

pub(crate) async fn every_status_is_imported(bench: &Bench<'_, impl Backend>) {
    let a = end_in_every_way(bench, async |a, id, owner| {
        a.record(id, owner, step(0, "done")).await;
    })
    .await;
    a.start("pending").await;
    a.enqueue(&["enqueued"]).await;
    a.delay("delayed", 5_000).await;
    let waiting = [
        ("pending", WorkflowStatus::Pending),
        ("enqueued", WorkflowStatus::Enqueued),
        ("delayed", WorkflowStatus::Delayed),
    ];
    for (id, status) in ENDINGS.into_iter().chain(waiting) {
        let mut archive = a.export(id).await;
        a.delete(deleting(&[id])).await;
        assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
        archive.record.owner = None;
        assert_eq!(a.export(id).await, archive);
        assert_eq!(a.get(id).await.status, status);
    }
    assert_eq!(a.claim().await, ["pending"]);
    assert_eq!(a.dequeue().await, ["enqueued"]);
    assert_eq!(a.release(5_000).await, (1, None));
    assert_eq!(a.dequeue().await, ["delayed"]);
    a.resume(resuming(&["cancelled"])).await;
    assert_eq!(a.claim().await, ["cancelled"]);
}

pub(crate) async fn what_ran_from_a_queue_waits_there(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.enqueueing_so("w", |enqueue| {
        enqueue.priority = 4;
        enqueue.partition_key = Some("partition".to_owned());
        enqueue.deduplication_id = Some("one".to_owned());
        enqueue.timeout = Some(Duration::from_millis(60_000));
    });
    request.schedule = Some("nightly".to_owned());
    request.attributes = json(r#"{"tier": "gold"}"#);
    a.start_as(request).await;
    let former = a.take("w").await;
    a.record("w", former, step(0, "done")).await;
    let mut archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
    archive.record.owner = None;
    archive.record.status = WorkflowStatus::Enqueued;
    assert_eq!(a.export("w").await, archive);
    assert_eq!(a.claim().await, Vec::<String>::new());
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(answer.taken.len(), 1);
    assert_eq!(answer.taken[0].history, [step(0, "done")]);
    assert_eq!(
        a.get("w").await.deadline,
        archive.record.deadline,
        "taken before"
    );
}

pub(crate) async fn what_is_imported_goes_on_where_it_was(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    let owner = a.take_over("w").await;
    // Values follow those that are there, and messages come in their order.
    let request = appending(recorded("w", owner, 20), "v3");
    assert_eq!(a.append(request).await, appended(3));
    assert_eq!(a.drain("w", owner, 30, "y").await, ["m1", "m3"].map(text));
    assert_eq!(a.drain("w", owner, 40, "").await, [text("m4")]);
    a.set_event(recorded("w", owner, 50), "b", "third").await;
    assert_eq!(a.event("w", "b").await, EventLookup::Value(text("third")));
    let request = receiving(recorded("w", owner, 6), "x");
    let answer = a.receive(request).await;
    assert!(
        matches!(answer, ReceiveOutcome::AlreadyRecorded(_)),
        "{answer:?}"
    );
}

pub(crate) async fn ids_of_messages_that_wait_are_known_and_of_received_ones_are_not(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    let owner = a.take_over("w").await;
    for id in ["m0", "m1"] {
        let answer = a.send(message("w", "again", id)).await;
        assert_eq!(answer, SendOutcome::Sent);
    }
    assert_eq!(a.drain("w", owner, 30, "again").await, [text("m0")]);
    assert_eq!(a.drain("w", owner, 40, "y").await, ["m1", "m3"].map(text));
}

pub(crate) async fn write_ids_of_streams_are_not_carried_over(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let write_id = Uuid::new_v4();
    let write = |owner, step_id| {
        let step = inside("w", owner, step_id);
        AppendStream::value(step, STREAM, text("v"), write_id, at(20))
    };
    assert_eq!(a.append(write(owner, 0)).await, appended(0));
    assert_eq!(a.append(write(owner, 0)).await, appended(0));
    let archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    let owner = a.take_over("w").await;
    assert_eq!(a.append(write(owner, 1)).await, appended(1));
}

pub(crate) async fn an_imported_workflow_has_forks(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    for from_step in 0..8 {
        a.fork(forking("w", &format!("before {from_step}"), from_step))
            .await;
    }
    let archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    for from_step in 0..8 {
        let (before, after) = (format!("before {from_step}"), format!("after {from_step}"));
        let answer = a.fork(forking("w", &after, from_step)).await;
        assert_eq!(answer, ForkOutcome::Forked);
        let expected = a.export(&before).await;
        let mut fork = a.export(&after).await;
        fork.record.id.clone_from(&expected.record.id);
        assert_eq!(
            fork, expected,
            "the history of events and streams is the same"
        );
    }
}

pub(crate) async fn an_archive_of_a_fork_has_no_empty_streams(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    a.fork(forking("w", "fork", 0)).await;
    let archive = a.export("fork").await;
    assert_eq!(archive, WorkflowArchive::new(a.get("fork").await));
}

pub(crate) async fn an_id_that_exists_is_not_imported(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = storied(bench).await;
    let archive = a.export("w").await;
    let before = a.contents().await;
    assert_eq!(a.import(archive.clone()).await, ImportOutcome::Exists);
    assert_eq!(a.contents().await, before);
    let mut other = WorkflowArchive::new(archive.record.clone());
    other.record.app = "warehouse".to_owned();
    other.record.name = "refund".to_owned();
    assert_eq!(a.import(other).await, ImportOutcome::Exists);
    assert_eq!(a.contents().await, before);
    assert_eq!(
        a.get("w").await.owner,
        Some(owner),
        "whoever runs it goes on"
    );
}

pub(crate) async fn a_deduplication_id_that_another_one_has_is_left_out(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let unique = |id: &str| {
        a.enqueueing_so(id, |enqueue| {
            enqueue.deduplication_id = Some("one".to_owned());
        })
    };
    a.start_as(unique("w")).await;
    let mut archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.start_as(unique("holder")).await;
    assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
    archive.record.deduplication_id = None;
    assert_eq!(a.export("w").await, archive);
    a.cancel(cancelling(&["holder"])).await;
    a.start_as(unique("next")).await;
}

pub(crate) async fn a_debounce_key_that_another_one_has_is_left_out(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let debounced = |id: &str| {
        a.enqueueing_so(id, |enqueue| {
            enqueue.delayed_until = Some(at(5_000));
            enqueue.debounce = Some(Debounce::new("key", at(9_000)));
        })
    };
    a.start_as(debounced("w")).await;
    let mut archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.start_as(debounced("holder")).await;
    assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
    archive.record.debounce = None;
    assert_eq!(a.export("w").await, archive);
    let answer = a.insert(debounced("next")).await;
    assert_eq!(answer, InsertOutcome::Debounced("holder".to_owned()));
    assert_eq!(a.release(5_000).await, (2, None), "both start");
}

pub(crate) async fn a_deduplication_id_that_is_free_is_kept(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let unique = |id: &str| {
        a.enqueueing_so(id, |enqueue| {
            enqueue.deduplication_id = Some("one".to_owned());
        })
    };
    a.start_as(unique("w")).await;
    let archive = a.export("w").await;
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    let answer = a.insert(unique("other")).await;
    let expected = InsertOutcome::Deduplicated("w".to_owned());
    assert_eq!(answer, expected);
}

pub(crate) async fn every_text_is_in_an_archive(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for hostile in HOSTILE_TEXTS {
        let owner = a.start(hostile).await;
        a.record(hostile, owner, step(0, hostile)).await;
        a.set_event(recorded(hostile, owner, 1), hostile, hostile)
            .await;
        let mut request = appending(recorded(hostile, owner, 2), hostile);
        (*hostile).clone_into(&mut request.key);
        a.append(request).await;
        a.send(message(hostile, hostile, hostile)).await;
        let mut archive = a.export(hostile).await;
        assert_eq!(archive.events.len() + archive.streams.len(), 2);
        assert_eq!(archive.messages.len(), 1);
        a.delete(deleting(&[hostile])).await;
        assert_eq!(a.import(archive.clone()).await, ImportOutcome::Imported);
        archive.record.owner = None;
        assert_eq!(a.export(hostile).await, archive, "{hostile:?}");
    }
}

pub(crate) async fn nul_in_an_archive_is_refused_or_kept_and_never_cut(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    let hostile = || "nul\0nul".to_owned();
    let changes: [fn(&mut WorkflowArchive, String); 5] = [
        |one, text| one.record.name = text,
        |one, text| one.steps[0].name = text,
        |one, text| one.events[0].key = text,
        |one, text| one.streams[0].key = text,
        |one, text| one.messages[0].message_id = text,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = archive.clone();
        other.record.id = format!("w{number}");
        other.record.owner = None;
        change(&mut other, hostile());
        match a.store.import_workflow(other.clone()).await {
            Ok(_) => assert_eq!(a.export(&other.record.id).await, other),
            Err(_) => assert_eq!(a.find(&other.record.id).await, None),
        }
    }
}

pub(crate) async fn nothing_is_left_of_an_imported_workflow_that_is_deleted(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    for _ in 0..2 {
        a.delete(deleting(&["w"])).await;
        let owner = a.start("w").await;
        let record = a.get("w").await;
        assert_eq!(a.export("w").await, WorkflowArchive::new(record));
        assert_eq!(a.drain("w", owner, 0, "y").await, []);
        a.delete(deleting(&["w"])).await;
        a.import(archive.clone()).await;
    }
}

pub(crate) async fn of_imports_at_once_one_imports(bench: &Bench<'_, impl Backend>) {
    let (a, _) = storied(bench).await;
    let archive = a.export("w").await;
    for round in 0..4 {
        let mut archive = archive.clone();
        archive.record.id = format!("w{round}");
        archive.record.owner = None;
        let mut racers = Vec::new();
        for _ in 0..4 {
            let store = bench.open().await;
            let archive = archive.clone();
            racers.push(async move { persist(|| store.import_workflow(archive.clone())).await });
        }
        let answers = race(racers).await;
        let imported = answers
            .iter()
            .filter(|one| **one == ImportOutcome::Imported);
        assert_eq!(imported.count(), 1);
        assert_eq!(a.export(&archive.record.id).await, archive);
    }
}

impl Executor {
    pub(crate) async fn export(&self, id: &str) -> WorkflowArchive {
        let answer = self.store.export_workflow(id).await;
        answer.expect("exports").expect("exists")
    }

    pub(crate) async fn import(&self, archive: WorkflowArchive) -> ImportOutcome {
        let answer = self.store.import_workflow(archive).await;
        answer.expect("judges an archive")
    }
}

/// A workflow with everything: `w`, run by the owner.
async fn storied(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.deadline = Some(at(90_000_000));
    request.attributes = json(r#"{"tier": "gold"}"#);
    request.schedule = Some("nightly".to_owned());
    let owner = a.start_as(request).await;
    a.append(appending(recorded("w", owner, 0), "v0")).await;
    a.set_event(recorded("w", owner, 1), "b", "first").await;
    a.set_event(recorded("w", owner, 2), "a", "only").await;
    a.set_event(recorded("w", owner, 3), "b", "second").await;
    for value in ["v1", "v2"] {
        a.append(appending(inside("w", owner, 4), value)).await;
    }
    a.record("w", owner, step(4, "done")).await;
    let mut request = closing(recorded("w", owner, 5));
    request.key = "closed".to_owned();
    a.append(request).await;
    for (topic, id) in [
        ("x", "m0"),
        ("y", "m1"),
        ("x", "m2"),
        ("y", "m3"),
        ("", "m4"),
    ] {
        a.send(message("w", topic, id)).await;
    }
    let answer = a.receive(receiving(recorded("w", owner, 6), "x")).await;
    assert_eq!(answer, ReceiveOutcome::Received(text("m0")));
    (a, owner)
}
