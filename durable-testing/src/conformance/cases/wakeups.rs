//! Hints of a handle about the changes made through itself. A hint may be missing across processes, repeated or wrong;
//! but whoever looks again at every hint sees every change, because none comes before its change is visible.
use durable_api::{
    WorkflowStatus,
    store::{EventLookup, ReceiveOutcome, StreamState, Wakeup, WorkflowFilter},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ROUNDS, STREAM, appending, at, cancelling, cancelling_with_children, closing, deleting,
        expiring, forking, message, next, pair, receiving, recorded, resuming, subscribe, success,
        wakes,
    },
};

pub(crate) async fn an_outcome_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let change = async { a.finish(&id, owner, success("done")).await };
        let done = || async { b.get(&id).await.status == WorkflowStatus::Success };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn a_message_wakes_its_destination(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let change = async { a.send(message(&id, "topic", "m")).await };
        let done = || async {
            let request = receiving(recorded(&id, owner, 0), "topic");
            b.receive(request).await != ReceiveOutcome::Empty
        };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn an_event_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let change = async { a.set_event(recorded(&id, owner, 0), "key", "v").await };
        let done = || async { b.event(&id, "key").await != EventLookup::Absent };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn a_value_of_a_stream_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let change = async { a.append(appending(recorded(&id, owner, 0), "v")).await };
        let done = || async { b.read(&id, STREAM).await.values.len() == 1 };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn the_end_of_a_stream_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let change = async { a.append(closing(recorded(&id, owner, 0))).await };
        let done = || async { b.read(&id, STREAM).await.state == StreamState::Closed };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn a_cancellation_wakes_parent_and_child(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let (parent, child) = (format!("parent {round}"), format!("child {round}"));
        let owner = a.start(&parent).await;
        a.start_as(a.child_insertion(&child, &parent, owner, 0))
            .await;
        let woken = if round % 2 == 0 { &parent } else { &child };
        let change = async { a.cancel(cancelling_with_children(&[&parent])).await };
        let done = || async { b.get(woken).await.status == WorkflowStatus::Cancelled };
        wakes(bench, &a, Wakeup::workflow(woken), change, done).await;
    }
}

pub(crate) async fn a_deadline_that_is_over_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let mut request = a.insertion(&id);
        request.deadline = Some(at(5));
        a.start_as(request).await;
        let change = async { a.cancel_expired(expiring(10)).await };
        let done = || async { b.get(&id).await.status == WorkflowStatus::Cancelled };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn a_deletion_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        a.start(&id).await;
        let change = async { a.delete(deleting(&[&id])).await };
        let done = || async { b.find(&id).await.is_none() };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}

pub(crate) async fn a_resumption_wakes_who_claims(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        a.start(&id).await;
        a.cancel(cancelling(&[&id])).await;
        let change = async { a.resume(resuming(&[&id])).await };
        let done = || async { b.claim().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Claimable, change, done).await;
    }
}

pub(crate) async fn a_fork_wakes_who_claims(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    a.start("w").await;
    for round in 0..ROUNDS {
        let id = format!("fork {round}");
        let change = async { a.fork(forking("w", &id, 0)).await };
        let done = || async { b.claim().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Claimable, change, done).await;
    }
}

pub(crate) async fn a_retirement_wakes_who_claims(bench: &Bench<'_, impl Backend>) {
    let (process, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        a.start(&id).await;
        let change = async { a.retire().await };
        let done = || async { b.claim().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Claimable, change, done).await;
    }
}

pub(crate) async fn every_subscriber_is_told_of_every_change<B: Backend>(bench: &Bench<'_, B>) {
    let (a, b) = pair(bench).await;
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        subscriptions.push(subscribe(&a).await);
    }
    drop(subscriptions.pop());
    let ids: Vec<_> = (0..ROUNDS).map(|round| format!("w{round}")).collect();
    for id in &ids {
        let owner = a.start(id).await;
        a.finish(id, owner, success("done")).await;
    }
    let finished = WorkflowFilter::new().status(WorkflowStatus::Success);
    assert_eq!(b.list(finished).await.len(), ROUNDS);
    for subscription in subscriptions {
        let mut hints = subscription.into_stream();
        let mut missing: Vec<_> = ids.iter().map(|id| Wakeup::workflow(id)).collect();
        while !missing.is_empty() {
            match next(&mut hints).await {
                Some(Wakeup::Everything) => missing.clear(),
                Some(hint) => missing.retain(|one| *one != hint),
                None if B::HINTS => panic!("the hints ended; missing: {missing:?}"),
                None => break,
            }
        }
    }
}
