//! What a checkpoint says of the order in which earlier calls completed.
use durable_api::store::{
    Enqueue, InsertWorkflow, Owner, ParentCheckpoint, RecordOutcome, StepRecord, StepRef,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, NAME, QUEUE, appending, closing, deleting, forking, message, receiving, recorded,
        setting, step, success,
    },
};

/// Of the checkpoint of every kind of write, by step.
const SAID: [Option<&str>; 10] = [
    Some("0:1"),
    None,
    Some("1:3,2:2"),
    Some("3:3"),
    Some("4:4"),
    Some("5:5"),
    Some("6:6"),
    Some("7:7"),
    Some("8:4294967295"),
    Some("'quoted', \\ and \u{1f980}"),
];

fn said(step_id: u32) -> Option<String> {
    SAID[step_id as usize].map(str::to_owned)
}

fn effect(owner: Owner, step_id: u32) -> StepRef {
    let mut step = recorded("w", owner, step_id);
    step.completions = said(step_id);
    step
}

fn outcome(step_id: u32) -> StepRecord {
    let mut step = step(step_id, "done");
    step.completions = said(step_id);
    step
}

fn child_of(mut request: InsertWorkflow, owner: Owner, step_id: u32) -> InsertWorkflow {
    let mut parent = ParentCheckpoint::new("w", owner, step_id, NAME);
    parent.completions = said(step_id);
    request.parent = Some(parent);
    request
}

/// A workflow that made every kind of write.
async fn written(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    for step_id in [0, 1, 9] {
        let answer = a.record("w", owner, outcome(step_id)).await;
        assert_eq!(answer, RecordOutcome::Recorded);
    }
    a.insert(child_of(a.insertion("child"), owner, 2)).await;
    let mut enqueued = a.insertion("enqueued");
    enqueued.enqueue = Some(Enqueue::new("elsewhere"));
    a.insert(child_of(enqueued, owner, 3)).await;
    let mut sent = message("w", "topic", "m");
    sent.sender = Some(effect(owner, 4));
    a.send(sent).await;
    a.receive(receiving(effect(owner, 5), "topic")).await;
    let event = setting(effect(owner, 6), "key", "value");
    a.store.set_event(event).await.expect("sets");
    a.append(appending(effect(owner, 7), "value")).await;
    a.append(closing(effect(owner, 8))).await;
    (a, owner)
}

fn all_said(steps: &[StepRecord]) -> Vec<Option<&str>> {
    let said = steps.iter().map(|step| step.completions.as_deref());
    said.collect()
}

pub(crate) async fn what_it_says_is_kept(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = written(bench).await;
    assert_eq!(all_said(&a.steps("w").await), SAID);
    let answer = a.record("w", owner, step(0, "again")).await;
    assert_eq!(answer, RecordOutcome::AlreadyRecorded(outcome(0)));

    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let claimed = b.claim_as(b.claiming()).await.claimed;
    let one = claimed.iter().find(|one| one.record.id == "w");
    assert_eq!(all_said(&one.expect("is claimed").history), SAID);
}

pub(crate) async fn a_fork_and_an_archive_have_what_it_says(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = written(bench).await;
    a.fork(forking("w", "fork", 7)).await;
    assert_eq!(all_said(&a.steps("fork").await), SAID[..7]);

    a.finish("w", owner, success("done")).await;
    let archive = a.export("w").await;
    assert_eq!(all_said(&archive.steps), SAID);
    a.delete(deleting(&["w"])).await;
    a.import(archive).await;
    assert_eq!(all_said(&a.steps("w").await), SAID);
}

pub(crate) async fn what_is_taken_from_a_queue_has_it(bench: &Bench<'_, impl Backend>) {
    let (a, _) = written(bench).await;
    let mut request = forking("w", "fork", 10);
    request.queue = Some(QUEUE.to_owned());
    a.fork(request).await;
    let b = Executor::launch(bench, "b").await;
    let taken = b.dequeue_as(b.dequeuing()).await.taken;
    let one = taken.iter().find(|one| one.record.id == "fork");
    assert_eq!(all_said(&one.expect("is taken").history), SAID);
}
