use durable_api::{
    Payload,
    store::{EventLookup, Owner, RecordOutcome, SetEvent, SetEventOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, STREAM, appending, at, effect, end_in_every_way, inside,
        is_fenced_out, recorded, step, text,
    },
};

pub(crate) async fn an_event_and_its_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    let answer = a.set_event(recorded("w", owner, 3), "key", "value").await;
    assert_eq!(answer, SetEventOutcome::Set);
    assert_eq!(b.event("w", "key").await, value("value"));
    assert_eq!(b.steps("w").await, [effect(3)]);
}

pub(crate) async fn the_value_that_was_set_last_wins(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    // Of steps that run at once, a later one may be the first to write.
    for (step_id, text) in [(0, "first"), (5, "second"), (2, "third")] {
        a.set_event(recorded("w", owner, step_id), "key", text)
            .await;
        assert_eq!(a.event("w", "key").await, value(text));
    }
    assert_eq!(a.steps("w").await, [effect(0), effect(2), effect(5)]);
}

pub(crate) async fn the_order_of_setting_is_not_that_of_the_clock(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    for (step_id, millis, value) in [(0, 30, "first"), (1, 10, "second")] {
        let step = recorded("w", owner, step_id);
        let request = SetEvent::new(step, "key", text(value), at(millis));
        a.store.set_event(request).await.expect("sets");
    }
    assert_eq!(a.event("w", "key").await, value("second"));
}

pub(crate) async fn an_event_from_the_body_of_a_step_leaves_its_checkpoint_to_the_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    for text in ["10%", "20%", "30%"] {
        let answer = a.set_event(inside("w", owner, 0), "progress", text).await;
        assert_eq!(answer, SetEventOutcome::Set);
        assert_eq!(a.event("w", "progress").await, value(text));
    }
    assert_eq!(a.steps("w").await, []);
    let answer = a.record("w", owner, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn events_are_listed_by_key(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    for (step_id, key) in (0..).zip(["b", "a", "B", "\u{e9}", "b"]) {
        a.set_event(recorded("w", owner, step_id), key, &format!("by {step_id}"))
            .await;
    }
    let expected = [("B", 2), ("a", 1), ("b", 4), ("\u{e9}", 3)];
    let expected = expected.map(|(key, step_id)| (key.to_owned(), text(&format!("by {step_id}"))));
    assert_eq!(a.events("w").await, expected);
}

pub(crate) async fn workflows_do_not_share_events(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let other = a.start("w:key").await;
    a.set_event(recorded("w", owner, 0), "key", "of w").await;
    a.set_event(recorded("w:key", other, 0), "key", "of the other")
        .await;
    assert_eq!(a.event("w", "key").await, value("of w"));
    assert_eq!(a.event("w:key", "key").await, value("of the other"));
    assert_eq!(a.events("w").await.len(), 1);
}

pub(crate) async fn an_event_that_was_not_set_is_absent(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
    assert_eq!(a.events("w").await, []);
    a.set_event(recorded("w", owner, 0), "key", "value").await;
    assert_eq!(a.event("w", "Key").await, EventLookup::Absent);
    assert_eq!(a.event("w", "").await, EventLookup::Absent);
}

pub(crate) async fn an_unknown_workflow_has_no_events(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let lookup = a.event("nowhere", "key").await;
    assert_eq!(lookup, EventLookup::UnknownWorkflow);
    assert_eq!(a.events("nowhere").await, []);
    let step = recorded("nowhere", a.owner(), 0);
    let answer = a.set_event(step, "key", "value").await;
    assert_eq!(answer, SetEventOutcome::NotOwner);
    assert_eq!(a.events("nowhere").await, []);
}

pub(crate) async fn events_outlast_every_end_of_their_workflow(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |executor, id, owner| {
        let step = recorded(id, owner, 0);
        executor.set_event(step, "key", id).await;
    })
    .await;
    for (id, _) in ENDINGS {
        assert_eq!(watcher.event(id, "key").await, value(id));
        let listed = watcher.events(id).await;
        assert_eq!(listed, [("key".to_owned(), text(id))]);
    }
}

pub(crate) async fn a_step_that_is_recorded_sets_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.record("w", owner, step(0, "done")).await;
    for step_ref in [recorded("w", owner, 0), inside("w", owner, 0)] {
        let answer = a.set_event(step_ref, "key", "value").await;
        assert_eq!(answer, SetEventOutcome::AlreadyRecorded(step(0, "done")));
    }
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
}

pub(crate) async fn the_owner_is_judged_before_the_step(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.record("w", owner, step(0, "done")).await;
    let step = recorded("w", a.owner(), 0);
    let answer = a.set_event(step, "key", "value").await;
    assert_eq!(answer, SetEventOutcome::NotOwner);
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
}

pub(crate) async fn a_new_owner_sets_on_where_the_former_was(bench: &Bench<'_, impl Backend>) {
    let (a, former) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    a.set_event(recorded("w", former, 0), "key", "by a").await;
    a.set_event(inside("w", former, 1), "progress", "by a")
        .await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    is_fenced_out(&b, "w", former).await;
    let again = b.set_event(recorded("w", owner, 0), "key", "by b").await;
    assert_eq!(again, SetEventOutcome::AlreadyRecorded(effect(0)));
    assert_eq!(b.event("w", "key").await, value("by a"));
    let again = b.set_event(inside("w", owner, 1), "progress", "by b").await;
    assert_eq!(again, SetEventOutcome::Set);
    assert_eq!(b.event("w", "progress").await, value("by b"));
}

pub(crate) async fn every_text_is_a_key(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    for (key, step_id) in HOSTILE_TEXTS.iter().zip(0..) {
        assert_eq!(a.event("w", key).await, EventLookup::Absent, "{key:?}");
        a.set_event(recorded("w", owner, step_id), key, key).await;
    }
    for key in HOSTILE_TEXTS {
        assert_eq!(a.event("w", key).await, value(key));
    }
    let mut sorted = HOSTILE_TEXTS.to_vec();
    sorted.sort_unstable();
    let listed = a.events("w").await;
    let keys: Vec<_> = listed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, sorted, "in byte order");
}

pub(crate) async fn every_workflow_id_has_events_and_a_stream_of_its_own(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for id in HOSTILE_TEXTS {
        let owner = a.start(id).await;
        a.set_event(recorded(id, owner, 0), "key", id).await;
        a.append(appending(recorded(id, owner, 1), id)).await;
    }
    for id in HOSTILE_TEXTS {
        assert_eq!(a.events(id).await, [("key".to_owned(), text(id))]);
        assert_eq!(a.read(id, STREAM).await.values, [text(id)]);
    }
}

pub(crate) async fn a_value_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let payloads = [
        Payload::new("json", Vec::new()),
        Payload::new("of a later version", vec![0xff, 0, 0xfe, b'\'']),
        Payload::new("bincode", vec![7; 1 << 20]),
    ];
    for (payload, step_id) in payloads.iter().zip(0..) {
        let step = recorded("w", owner, step_id);
        let request = SetEvent::new(step, "key", payload.clone(), at(20));
        a.store.set_event(request).await.expect("sets");
        let lookup = a.event("w", "key").await;
        assert_eq!(lookup, EventLookup::Value(payload.clone()));
        assert_eq!(a.events("w").await, [("key".to_owned(), payload.clone())]);
    }
}

/// The workflow `w`, and who runs it.
async fn owned(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    (a, owner)
}

fn value(value: &str) -> EventLookup {
    EventLookup::Value(text(value))
}
