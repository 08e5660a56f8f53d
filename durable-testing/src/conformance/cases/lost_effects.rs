//! Every write of a workflow's effects is repeated after its answer was lost, like every other write.
use std::sync::Arc;

use durable_api::{
    SystemStore,
    store::{
        AppendOutcome, AppendStream, Owner, ReceiveMessage, ReceiveOutcome, SendMessage,
        SendOutcome, SetEvent, SetEventOutcome, StreamState,
    },
};

use crate::{
    Backend, Bench, Fault, FaultPlan, FaultyStore,
    conformance::fixtures::{
        Executor, STREAM, appended, appending, closing, effect, inside, message, receiving,
        recorded, repeat, setting, step, success, text,
    },
};

pub(crate) async fn a_message_repeated_is_sent_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let request = message("w", "topic", "m");
    let losing = losing(&a);
    let error = losing.send_message(request.clone()).await;
    error.expect_err("the answer is lost");
    assert_eq!(a.send(request.clone()).await, SendOutcome::Sent);
    assert_eq!(a.drain("w", owner, 0, "topic").await, [text("m")]);
    losing
        .send_message(message("w", "topic", "m2"))
        .await
        .expect_err("the answer is lost");
    assert_eq!(a.drain("w", owner, 1, "topic").await, [text("m2")]);
    let again = a.send(message("w", "topic", "m2")).await;
    assert_eq!(again, SendOutcome::Sent);
    assert_eq!(a.drain("w", owner, 2, "topic").await, []);
}

pub(crate) async fn a_message_from_a_step_repeated_is_sent_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let sender = a.start("sender").await;
    let request = from("sender", sender);
    let answer = repeat(bench, async |store| {
        store.send_message(request.clone()).await
    })
    .await;
    assert_eq!(answer, SendOutcome::AlreadyRecorded(effect(0)));
    assert_eq!(a.drain("w", owner, 0, "topic").await, [text("m")]);
}

pub(crate) async fn a_message_repeated_by_a_former_owner_is_refused_and_sent_once(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let sender = a.start("sender").await;
    let request = from("sender", sender);
    losing(&a)
        .send_message(request.clone())
        .await
        .expect_err("the answer is lost");
    a.finish("sender", sender, success("done")).await;
    assert_eq!(a.send(request).await, SendOutcome::NotOwner);
    assert_eq!(a.drain("w", owner, 0, "topic").await, [text("m")]);
}

pub(crate) async fn a_reception_repeated_receives_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    for message_id in ["m1", "m2"] {
        a.send(message("w", "topic", message_id)).await;
    }
    let answer = receive_twice(bench, receiving(recorded("w", owner, 0), "topic")).await;
    let expected = ReceiveOutcome::AlreadyRecorded(step(0, "m1"));
    assert_eq!(answer, expected, "which has the message");
    assert_eq!(a.drain("w", owner, 1, "topic").await, [text("m2")]);
}

pub(crate) async fn a_reception_repeated_by_the_next_owner_receives_once(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, former) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    a.send(message("w", "topic", "m")).await;
    losing(&a)
        .receive_message(receiving(recorded("w", former, 0), "topic"))
        .await
        .expect_err("the answer is lost");
    b.expel(&a).await;
    let request = b.claiming();
    let claimed = b.claim_as(request.clone()).await.claimed;
    assert_eq!(claimed[0].history, [step(0, "m")], "it is in the history");
    let again = receiving(recorded("w", request.owner, 0), "topic");
    let answer = b.receive(again).await;
    assert_eq!(answer, ReceiveOutcome::AlreadyRecorded(step(0, "m")));
}

pub(crate) async fn giving_up_repeated_is_recorded_once(bench: &Bench<'_, impl Backend>) {
    let (_a, owner) = owned(bench).await;
    let mut request = receiving(recorded("w", owner, 0), "topic");
    request.give_up = true;
    let answer = receive_twice(bench, request).await;
    assert_eq!(answer, ReceiveOutcome::AlreadyRecorded(effect(0)));
}

async fn receive_twice(bench: &Bench<'_, impl Backend>, request: ReceiveMessage) -> ReceiveOutcome {
    repeat(bench, async |store| {
        store.receive_message(request.clone()).await
    })
    .await
}

pub(crate) async fn an_event_repeated_is_set_once(bench: &Bench<'_, impl Backend>) {
    let (_a, owner) = owned(bench).await;
    let request = setting(recorded("w", owner, 0), "key", "value");
    let answer = set_twice(bench, request).await;
    assert_eq!(answer, SetEventOutcome::AlreadyRecorded(effect(0)));
}

pub(crate) async fn an_event_from_the_body_of_a_step_repeated_is_set(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let request = setting(inside("w", owner, 0), "key", "value");
    assert_eq!(set_twice(bench, request).await, SetEventOutcome::Set);
    assert_eq!(a.events("w").await.len(), 1);
}

async fn set_twice(bench: &Bench<'_, impl Backend>, request: SetEvent) -> SetEventOutcome {
    repeat(bench, async |store| store.set_event(request.clone()).await).await
}

pub(crate) async fn a_value_repeated_is_written_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let request = appending(recorded("w", owner, 0), "v");
    let answer = append_twice(bench, request).await;
    assert_eq!(answer, AppendOutcome::AlreadyRecorded(effect(0)));
    assert_eq!(a.read("w", STREAM).await.values, [text("v")]);
}

pub(crate) async fn a_value_from_the_body_of_a_step_repeated_stands_where_it_stood(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    a.append(appending(inside("w", owner, 0), "v0")).await;
    let request = appending(inside("w", owner, 0), "v1");
    assert_eq!(append_twice(bench, request.clone()).await, appended(1));
    a.append(appending(inside("w", owner, 0), "v2")).await;
    assert_eq!(a.append(request).await, appended(1));
    assert_eq!(a.read("w", STREAM).await.values.len(), 3);
}

pub(crate) async fn a_closing_repeated_closes_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.append(appending(inside("w", owner, 0), "v0")).await;
    let answer = append_twice(bench, closing(inside("w", owner, 0))).await;
    assert_eq!(answer, appended(1));
    assert_eq!(a.read("w", STREAM).await.state, StreamState::Closed);
}

pub(crate) async fn a_closing_with_its_checkpoint_repeated_closes_once(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let answer = append_twice(bench, closing(recorded("w", owner, 0))).await;
    assert_eq!(answer, AppendOutcome::AlreadyRecorded(effect(0)));
    assert_eq!(a.read("w", STREAM).await.state, StreamState::Closed);
}

async fn append_twice(bench: &Bench<'_, impl Backend>, request: AppendStream) -> AppendOutcome {
    repeat(bench, async |store| {
        store.append_stream(request.clone()).await
    })
    .await
}

/// The workflow `w`, and who runs it.
async fn owned(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    (a, owner)
}

/// A handle on the same store whose answers are all lost.
fn losing(a: &Executor) -> Arc<dyn SystemStore> {
    let losing = FaultPlan::always(Fault::LoseAnswer);
    Arc::new(FaultyStore::with_plan(Arc::clone(&a.store), losing))
}

/// The message `m` to `w`, from the first step of a workflow.
fn from(sender: &str, owner: Owner) -> SendMessage {
    let mut request = message("w", "topic", "m");
    request.sender = Some(recorded(sender, owner, 0));
    request
}
