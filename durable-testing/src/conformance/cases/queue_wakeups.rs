//! Hints about queues. As of all hints: whoever looks again at every one sees every change.
use durable_api::{
    WorkflowStatus,
    store::{Debounce, Wakeup},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, ROUNDS, at, cancelling, deleting, firing, forking, pair, queue, resuming,
        schedule, text, wakes,
    },
};

pub(crate) async fn an_enqueueing_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let change = async { a.enqueue(&[&id]).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_child_that_is_enqueued_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    let owner = a.start("parent").await;
    for round in 0..3 {
        let id = format!("w{round}");
        let mut request = a.child_insertion(&id, "parent", owner, round);
        request.enqueue = a.enqueueing(&id).enqueue;
        let change = async { a.start_as(request).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_delayed_enqueueing_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let until = 9_000 - i64::try_from(round).expect("is small");
        let change = async { a.delay(&id, until).await };
        let done = || async { b.release(0).await == (0, Some(at(until))) };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_push_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    let push = |id: &str, until| {
        let mut request = a.enqueueing_so(id, |enqueue| {
            enqueue.delayed_until = Some(at(until));
            enqueue.debounce = Some(Debounce::new("key", at(90_000)));
        });
        request.input = text(id);
        request
    };
    a.start_as(push("first", 1_000)).await;
    for round in 0..5 {
        let until = 2_000 + round;
        let request = push("push", until);
        let change = async { a.insert(request).await };
        let done = || async { b.release(0).await == (0, Some(at(until))) };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_change_of_a_delay_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    a.delay("w", 9_000).await;
    for round in 0..5 {
        let until = 2_000 + round;
        let change = async { a.set_delay("w", until).await };
        let done = || async { b.release(0).await == (0, Some(at(until))) };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_release_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..5 {
        let id = format!("w{round}");
        a.delay(&id, 100).await;
        let change = async { a.release(100).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_configuration_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..5 {
        let id = format!("w{round}");
        a.put_queue(queue(|record| record.limits.concurrency = Some(0)))
            .await;
        a.enqueue(&[&id]).await;
        let change = async { a.put_queue(queue(|_| {})).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_retirement_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (process, b) = pair(bench).await;
    for round in 0..5 {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        a.enqueue(&[&id]).await;
        a.take(&id).await;
        let change = async { a.retire().await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_claim_that_puts_back_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    let process = Executor::unregistered(bench, "lost").await;
    for round in 0..5 {
        let id = format!("w{round}");
        let lost = process.relaunch().await;
        lost.enqueue(&[&id]).await;
        lost.take(&id).await;
        a.expel(&lost).await;
        let change = async { a.claim_as(a.claiming()).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn an_expulsion_wakes_who_claims(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    let process = Executor::unregistered(bench, "lost").await;
    for round in 0..5 {
        let id = format!("w{round}");
        let lost = process.relaunch().await;
        lost.start(&id).await;
        let change = async { a.expel(&lost).await };
        let done = || async { b.claim().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Claimable, change, done).await;
    }
}

pub(crate) async fn a_resumption_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..6 {
        let id = format!("w{round}");
        let mut request = resuming(&[&id]);
        if round % 2 == 0 {
            a.enqueue(&[&id]).await;
        } else {
            a.start(&id).await;
            request.queue = Some("other".to_owned());
        }
        a.cancel(cancelling(&[&id])).await;
        let change = async { a.resume(request).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_fork_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    a.start("w").await;
    for round in 0..5 {
        let id = format!("fork {round}");
        let mut request = forking("w", &id, 0);
        request.queue = Some("other".to_owned());
        let change = async { a.fork(request).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_tick_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..5 {
        let seen = a.schedule(schedule(&format!("s{round}"))).await;
        let request = firing(&a, &seen, 1_000);
        let id = format!("s{round} 1000");
        let change = async { a.fire(request).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn an_import_wakes_who_dequeues(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..6 {
        let id = format!("w{round}");
        a.enqueue(&[&id]).await;
        if round % 2 == 0 {
            a.take(&id).await;
        }
        let archive = a.store.export_workflow(&id).await;
        let archive = archive.expect("exports").expect("exists");
        a.delete(deleting(&[&id])).await;
        let change = async { a.store.import_workflow(archive).await };
        let done = || async { b.dequeue().await == [id.clone()] };
        wakes(bench, &a, Wakeup::Enqueued, change, done).await;
    }
}

pub(crate) async fn a_cancellation_of_what_waits_wakes(bench: &Bench<'_, impl Backend>) {
    let (a, b) = pair(bench).await;
    for round in 0..6 {
        let id = format!("w{round}");
        if round % 2 == 0 {
            a.enqueue(&[&id]).await;
        } else {
            a.delay(&id, 9_000).await;
        }
        let change = async { a.cancel(cancelling(&[&id])).await };
        let done = || async { b.get(&id).await.status == WorkflowStatus::Cancelled };
        wakes(bench, &a, Wakeup::workflow(&id), change, done).await;
    }
}
