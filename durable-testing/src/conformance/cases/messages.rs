use durable_api::{
    Payload,
    store::{Owner, ReceiveOutcome, RecordOutcome, SendMessage, SendOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, appended, appending, at, cancelling, effect, inside,
        is_fenced_out, message, receiving, recorded, resuming, step, success, text,
    },
};

pub(crate) async fn messages_of_a_topic_come_in_the_order_of_their_acceptance(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let b = Executor::launch(bench, "b").await;
    // Neither ids nor times tell the order.
    let sent = ["m3", "m10", "M1", "m2", "a", "m1"];
    for (number, message_id) in (0..).zip(sent) {
        let mut request = message("w", "topic", message_id);
        request.now = at(100 - number % 3);
        let sender = if number % 2 == 0 { &a } else { &b };
        assert_eq!(sender.send(request).await, SendOutcome::Sent);
    }
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&sent));
}

pub(crate) async fn topics_do_not_share_messages(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    for (topic, message_id) in [("b", "m1"), ("", "m2"), ("a", "m3"), ("b", "m4")] {
        a.send(message("w", topic, message_id)).await;
    }
    assert_eq!(a.drain("w", owner, 0, "B").await, []);
    assert_eq!(a.drain("w", owner, 0, "b").await, texts(&["m1", "m4"]));
    assert_eq!(a.drain("w", owner, 2, "").await, texts(&["m2"]));
    assert_eq!(a.drain("w", owner, 3, "a").await, texts(&["m3"]));
}

pub(crate) async fn workflows_do_not_share_messages(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let other = a.start("w:topic").await;
    a.send(message("w", "topic", "of w")).await;
    a.send(message("w:topic", "topic", "of the other")).await;
    let messages = a.drain("w:topic", other, 0, "topic").await;
    assert_eq!(messages, texts(&["of the other"]));
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["of w"]));
}

pub(crate) async fn a_message_and_the_receivers_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    a.send(message("w", "topic", "m1")).await;
    a.send(message("w", "topic", "m2")).await;
    let answer = a.receive(receiving(recorded("w", owner, 4), "topic")).await;
    assert_eq!(answer, ReceiveOutcome::Received(text("m1")));
    assert_eq!(a.steps("w").await, [step(4, "m1")]);
}

pub(crate) async fn a_message_and_the_senders_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let sender = a.start("sender").await;
    let answer = a.send(from("sender", sender, 3, "m")).await;
    assert_eq!(answer, SendOutcome::Sent);
    assert_eq!(a.steps("sender").await, [effect(3)]);
    assert_eq!(a.steps("w").await, []);
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["m"]));
}

pub(crate) async fn a_sender_that_is_no_workflow_leaves_no_checkpoint(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let before = a.contents().await;
    a.send(message("w", "topic", "m")).await;
    assert_eq!(a.contents().await, before);
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["m"]));
}

pub(crate) async fn a_message_from_the_body_of_a_step_leaves_its_checkpoint_to_the_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let sender = a.start("sender").await;
    for message_id in ["m1", "m2"] {
        let mut request = message("w", "topic", message_id);
        request.sender = Some(inside("sender", sender, 0));
        assert_eq!(a.send(request).await, SendOutcome::Sent);
    }
    let answer = a.record("sender", sender, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
    let messages = a.drain("w", owner, 0, "topic").await;
    assert_eq!(messages, texts(&["m1", "m2"]));
}

pub(crate) async fn a_workflow_may_send_to_itself(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    assert_eq!(a.send(from("w", owner, 0, "m")).await, SendOutcome::Sent);
    assert_eq!(a.drain("w", owner, 1, "topic").await, texts(&["m"]));
    assert_eq!(a.steps("w").await, [effect(0), step(1, "m")]);
}

pub(crate) async fn a_known_message_id_sends_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let b = Executor::launch(bench, "b").await;
    a.send(message("w", "topic", "m")).await;
    let mut again = message("w", "topic", "m");
    assert_eq!(b.send(again.clone()).await, SendOutcome::Sent);
    again.payload = text("another");
    assert_eq!(b.send(again.clone()).await, SendOutcome::Sent);
    again.topic = "other".to_owned();
    assert_eq!(b.send(again).await, SendOutcome::Sent);
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["m"]));
    assert_eq!(a.drain("w", owner, 1, "other").await, []);
}

pub(crate) async fn a_known_message_id_sends_nothing_long_after_its_message_was_consumed(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    a.send(message("w", "topic", "m")).await;
    a.drain("w", owner, 0, "topic").await;
    for millis in [21, 1_000_000_000] {
        let mut again = message("w", "topic", "m");
        again.now = at(millis);
        assert_eq!(a.send(again).await, SendOutcome::Sent);
    }
    assert_eq!(a.drain("w", owner, 1, "topic").await, []);
}

pub(crate) async fn a_known_message_id_still_records_the_senders_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let sender = a.start("sender").await;
    a.send(message("w", "topic", "m")).await;
    let answer = a.send(from("sender", sender, 0, "m")).await;
    assert_eq!(answer, SendOutcome::Sent);
    assert_eq!(a.steps("sender").await, [effect(0)]);
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["m"]));
}

pub(crate) async fn a_message_id_is_known_to_its_destination_alone(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let other = a.start("other").await;
    a.send(message("w", "topic", "m")).await;
    a.send(message("other", "topic", "m")).await;
    assert_eq!(a.drain("w", owner, 0, "topic").await, texts(&["m"]));
    assert_eq!(a.drain("other", other, 0, "topic").await, texts(&["m"]));
}

pub(crate) async fn an_unknown_destination_is_refused(bench: &Bench<'_, impl Backend>) {
    let (a, sender) = receiver(bench).await;
    let before = a.contents().await;
    let mut request = message("nowhere", "topic", "m");
    assert_eq!(
        a.send(request.clone()).await,
        SendOutcome::UnknownDestination
    );
    request.sender = Some(recorded("w", sender, 0));
    assert_eq!(a.send(request).await, SendOutcome::UnknownDestination);
    assert_eq!(a.contents().await, before, "no checkpoint either");
    let owner = a.start("nowhere").await;
    assert_eq!(a.drain("nowhere", owner, 0, "topic").await, []);
}

pub(crate) async fn a_workflow_that_ended_takes_messages_and_receives_none(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    a.send(message("w", "topic", "before")).await;
    a.finish("w", owner, success("done")).await;
    let before = a.contents().await;
    let answer = a.send(message("w", "topic", "after")).await;
    assert_eq!(answer, SendOutcome::Sent);
    let answer = a.receive(receiving(recorded("w", owner, 0), "topic")).await;
    assert_eq!(answer, ReceiveOutcome::NotOwner);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn what_came_to_a_cancelled_workflow_is_received_when_it_is_resumed(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, _) = receiver(bench).await;
    a.send(message("w", "topic", "before")).await;
    a.cancel(cancelling(&["w"])).await;
    a.send(message("w", "topic", "meanwhile")).await;
    a.resume(resuming(&["w"])).await;
    a.send(message("w", "topic", "after")).await;
    let owner = a.take_over("w").await;
    let messages = a.drain("w", owner, 0, "topic").await;
    assert_eq!(messages, texts(&["before", "meanwhile", "after"]));
}

pub(crate) async fn an_empty_topic_writes_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let before = a.contents().await;
    let request = receiving(recorded("w", owner, 0), "topic");
    assert_eq!(a.receive(request.clone()).await, ReceiveOutcome::Empty);
    assert_eq!(a.contents().await, before);
    a.send(message("w", "topic", "m")).await;
    let answer = a.receive(request).await;
    assert_eq!(answer, ReceiveOutcome::Received(text("m")));
}

pub(crate) async fn whoever_gives_up_records_that_nothing_came(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let mut request = receiving(recorded("w", owner, 0), "topic");
    request.give_up = true;
    assert_eq!(a.receive(request.clone()).await, ReceiveOutcome::GaveUp);
    assert_eq!(a.steps("w").await, [effect(0)]);
    a.send(message("w", "topic", "late")).await;
    let answer = a.receive(request).await;
    assert_eq!(answer, ReceiveOutcome::AlreadyRecorded(effect(0)));
    assert_eq!(a.drain("w", owner, 1, "topic").await, texts(&["late"]));
}

pub(crate) async fn whoever_gives_up_receives_what_is_there(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    a.send(message("w", "topic", "m")).await;
    let mut request = receiving(recorded("w", owner, 0), "topic");
    request.give_up = true;
    let answer = a.receive(request).await;
    assert_eq!(answer, ReceiveOutcome::Received(text("m")));
    assert_eq!(a.steps("w").await, [step(0, "m")]);
}

pub(crate) async fn a_step_that_is_recorded_receives_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    a.record("w", owner, step(0, "done")).await;
    a.send(message("w", "topic", "m")).await;
    for give_up in [false, true] {
        let mut request = receiving(recorded("w", owner, 0), "topic");
        request.give_up = give_up;
        let answer = a.receive(request).await;
        assert_eq!(answer, ReceiveOutcome::AlreadyRecorded(step(0, "done")));
    }
    assert_eq!(a.drain("w", owner, 1, "topic").await, texts(&["m"]));
}

pub(crate) async fn a_step_that_is_recorded_sends_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let sender = a.start("sender").await;
    a.record("sender", sender, step(0, "done")).await;
    let mut request = from("sender", sender, 0, "m");
    let taken = SendOutcome::AlreadyRecorded(step(0, "done"));
    assert_eq!(a.send(request.clone()).await, taken);
    request.sender = Some(inside("sender", sender, 0));
    assert_eq!(a.send(request.clone()).await, taken);
    request.destination = "nowhere".to_owned();
    assert_eq!(
        a.send(request).await,
        taken,
        "judged before the destination"
    );
    assert_eq!(a.drain("w", owner, 0, "topic").await, []);
}

pub(crate) async fn the_owner_is_judged_before_the_step(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    a.record("w", owner, step(0, "done")).await;
    let stranger = a.owner();
    a.send(message("w", "topic", "m")).await;
    let request = receiving(recorded("w", stranger, 0), "topic");
    assert_eq!(a.receive(request).await, ReceiveOutcome::NotOwner);
    for destination in ["w", "nowhere"] {
        let mut request = from("w", stranger, 0, "m2");
        request.destination = destination.to_owned();
        assert_eq!(a.send(request).await, SendOutcome::NotOwner);
    }
    assert_eq!(a.drain("w", owner, 1, "topic").await, texts(&["m"]));
}

pub(crate) async fn a_former_owner_leaves_the_messages_to_the_new_one(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, former) = receiver(bench).await;
    let b = Executor::launch(bench, "b").await;
    for message_id in ["m1", "m2", "m3"] {
        a.send(message("w", "topic", message_id)).await;
    }
    a.receive(receiving(recorded("w", former, 0), "topic"))
        .await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    is_fenced_out(&b, "w", former).await;
    let answer = a
        .receive(receiving(recorded("w", former, 1), "topic"))
        .await;
    assert_eq!(answer, ReceiveOutcome::NotOwner);
    let again = b.receive(receiving(recorded("w", owner, 0), "topic")).await;
    assert_eq!(again, ReceiveOutcome::AlreadyRecorded(step(0, "m1")));
    let messages = b.drain("w", owner, 1, "topic").await;
    assert_eq!(messages, texts(&["m2", "m3"]));
}

pub(crate) async fn an_expelled_executor_may_send_and_receive_until_somebody_takes_over(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = receiver(bench).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    assert_eq!(a.send(from("w", owner, 0, "m")).await, SendOutcome::Sent);
    assert_eq!(a.drain("w", owner, 1, "topic").await, texts(&["m"]));
    let answer = a.append(appending(recorded("w", owner, 2), "v")).await;
    assert_eq!(answer, appended(0));
}

pub(crate) async fn every_text_is_a_topic_and_a_message_id(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    for text in HOSTILE_TEXTS {
        assert_eq!(a.send(message("w", text, text)).await, SendOutcome::Sent);
        a.send(message("w", "all", &format!("{text}!"))).await;
    }
    for (topic, step_id) in HOSTILE_TEXTS.iter().zip(0..) {
        let request = receiving(recorded("w", owner, step_id), topic);
        let answer = a.receive(request).await;
        assert_eq!(answer, ReceiveOutcome::Received(text(topic)), "{topic:?}");
    }
    let all: Vec<_> = HOSTILE_TEXTS.iter().map(|id| format!("{id}!")).collect();
    let all: Vec<_> = all.iter().map(|id| text(id)).collect();
    assert_eq!(a.drain("w", owner, 1_000, "all").await, all);
}

pub(crate) async fn a_message_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = receiver(bench).await;
    let payloads = [
        Payload::new("json", Vec::new()),
        Payload::new("of a later version", vec![0xff, 0, 0xfe, b'\'']),
        Payload::new("bincode", vec![7; 1 << 20]),
    ];
    for (number, payload) in payloads.iter().enumerate() {
        let mut request = message("w", "topic", &number.to_string());
        request.payload = payload.clone();
        a.send(request).await;
    }
    assert_eq!(a.drain("w", owner, 0, "topic").await, payloads);
    let outcomes = a.steps("w").await.into_iter().map(|one| one.outcome);
    let recorded: Vec<_> = outcomes
        .flatten()
        .map(|one| one.payload().clone())
        .collect();
    assert_eq!(recorded, payloads);
}

/// The workflow `w`, and who runs it.
async fn receiver(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    (a, owner)
}

/// A message to `w` on `topic` from a workflow's step.
fn from(sender: &str, owner: Owner, step_id: u32, message_id: &str) -> SendMessage {
    let mut request = message("w", "topic", message_id);
    request.sender = Some(recorded(sender, owner, step_id));
    request
}

fn texts(messages: &[&str]) -> Vec<Payload> {
    messages.iter().map(|one| text(one)).collect()
}
