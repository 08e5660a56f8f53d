//! Every write about queues, schedules and archives is repeated after its answer was lost, like every other write.
use durable_api::{
    WorkflowStatus,
    store::{
        BulkOutcome, CreateScheduleOutcome, Debounce, DeleteQueueOutcome, FireOutcome, ForkOutcome,
        ImportOutcome, InsertOutcome, InsertWorkflow, ParentCheckpoint, PauseSchedule,
        ReleaseDelayed, ScheduleOutcome, SetDelay, SetDelayOutcome,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, QUEUE, at, cancelling, deleting, firing, forking, queue, rate, repeat,
        resuming, schedule, step, success, taken, text,
    },
};

pub(crate) async fn an_enqueueing_repeated_is_accepted_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, until) in [("enqueued", None), ("delayed", Some(at(5_000)))] {
        let request = a.enqueueing_so(id, |enqueue| {
            enqueue.deduplication_id = Some(id.to_owned());
            enqueue.delayed_until = until;
            enqueue.debounce = until.map(|_| Debounce::new("key", at(9_000)));
        });
        let answer = repeat(bench, async |store| {
            store.insert_workflow(request.clone()).await
        })
        .await;
        // It has no owner by which it could be told from another's.
        let existing = InsertOutcome::Existing(a.get(id).await.without_payloads());
        assert!(
            answer == InsertOutcome::Inserted || answer == existing,
            "{answer:?}"
        );
    }
}

pub(crate) async fn a_push_repeated_pushes_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first")).await;
    let request = push(&a, "second");
    let answer = repeat(bench, async |store| {
        store.insert_workflow(request.clone()).await
    })
    .await;
    assert_eq!(answer, InsertOutcome::Debounced("first".to_owned()));
}

pub(crate) async fn a_push_repeated_after_another_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let all = ["first", "second", "third"].map(|id| push(&a, id));
    for request in &all {
        a.insert(request.clone()).await;
    }
    let before = a.contents().await;
    assert_eq!(a.get("first").await.input, Some(text("third")));
    for request in &all[1..] {
        let answer = a.insert(request.clone()).await;
        assert_eq!(answer, InsertOutcome::Debounced("first".to_owned()));
        assert_eq!(
            a.contents().await,
            before,
            "the last input wins, not the last repetition"
        );
    }
}

pub(crate) async fn a_child_kept_out_by_what_it_could_have_pushed_is_kept_out_again(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let both = |id: &str| {
        let mut request = push(&a, id);
        let enqueue = request.enqueue.as_mut().expect("is enqueued");
        enqueue.deduplication_id = Some("d".to_owned());
        request
    };
    a.start_as(both("parent")).await;
    let release = ReleaseDelayed::new(APP, at(5_000));
    a.store.release_delayed(release).await.unwrap();
    let parent = a.take("parent").await;
    // It is delayed no more, so that nothing is pushed back.
    let mut child = both("child");
    child.parent = Some(ParentCheckpoint::new("parent", parent, 0, "child"));
    for _ in 0..2 {
        let answer = a.insert(child.clone()).await;
        assert_eq!(answer, InsertOutcome::Deduplicated("parent".to_owned()));
    }
}

pub(crate) async fn a_push_repeated_after_the_release_starts_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first")).await;
    let request = push(&a, "second");
    a.insert(request.clone()).await;
    a.release(5_000).await;
    for take in [false, true] {
        if take {
            a.take("first").await;
        }
        let before = a.contents().await;
        let answer = a.insert(request.clone()).await;
        assert_eq!(answer, InsertOutcome::Debounced("first".to_owned()));
        assert_eq!(a.contents().await, before);
    }
    // Another request is another start.
    a.start_as(push(&a, "third")).await;
}

pub(crate) async fn a_childs_push_repeated_names_the_same(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start_as(push(&a, "first")).await;
    let mut request = a.child_insertion("child", "parent", owner, 0);
    request.enqueue = push(&a, "child").enqueue;
    let answer = repeat(bench, async |store| {
        store.insert_workflow(request.clone()).await
    })
    .await;
    assert_eq!(answer, InsertOutcome::Debounced("first".to_owned()));
}

pub(crate) async fn a_childs_duplicate_repeated_names_the_same(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let unique = |id: &str| {
        a.enqueueing_so(id, |enqueue| {
            enqueue.deduplication_id = Some("one".to_owned());
        })
    };
    a.start_as(unique("holder")).await;
    let mut request = a.child_insertion("child", "parent", owner, 0);
    request.enqueue = unique("child").enqueue;
    let answer = repeat(bench, async |store| {
        store.insert_workflow(request.clone()).await
    })
    .await;
    let expected = InsertOutcome::Deduplicated("holder".to_owned());
    assert_eq!(answer, expected);
    // Also when the holder has ended by then: the step is done.
    let holder = a.take("holder").await;
    a.finish("holder", holder, success("done")).await;
    let before = a.contents().await;
    assert_eq!(a.insert(request).await, expected);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_dequeue_repeated_answers_the_same_workflows(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    b.enqueue(&["w0", "w1", "w2"]).await;
    let former = b.take("w0").await;
    b.record("w0", former, step(0, "done")).await;
    b.retire().await;
    let request = a.dequeuing();
    let answer = repeat(bench, async |store| {
        store.dequeue_workflows(request.clone()).await
    })
    .await;
    assert_eq!(taken(&answer), ["w0", "w1", "w2"]);
    assert_eq!(answer.taken[0].history, [step(0, "done")]);
    for one in &answer.taken {
        assert_eq!(one.record.owner, Some(request.owner));
        assert_eq!(one.record, a.get(&one.record.id).await);
    }
}

pub(crate) async fn a_dequeue_repeated_takes_no_more_than_its_limits(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(3)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3"]).await;
    let request = a.dequeuing_up_to(2);
    let answer = repeat(bench, async |store| {
        store.dequeue_workflows(request.clone()).await
    })
    .await;
    assert_eq!(taken(&answer), ["w0", "w1"]);
    assert!(answer.more);
    let request = a.dequeuing();
    let answer = repeat(bench, async |store| {
        store.dequeue_workflows(request.clone()).await
    })
    .await;
    assert_eq!(taken(&answer), ["w2"]);
}

pub(crate) async fn a_dequeue_repeated_counts_once_towards_a_rate(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(3, 1_000)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3"]).await;
    let request = a.dequeuing_up_to(1);
    let answer = repeat(bench, async |store| {
        store.dequeue_workflows(request.clone()).await
    })
    .await;
    assert_eq!(taken(&answer), ["w0"]);
    assert_eq!(a.dequeue().await, ["w1", "w2"]);
}

pub(crate) async fn a_dequeue_repeated_leaves_out_what_was_cancelled_since(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w0", "w1"]).await;
    let request = a.dequeuing();
    let answer = a.dequeue_as(request.clone()).await;
    assert_eq!(taken(&answer), ["w0", "w1"]);
    a.cancel(cancelling(&["w0"])).await;
    assert_eq!(taken(&a.dequeue_as(request).await), ["w1"]);
}

pub(crate) async fn a_release_repeated_releases_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w0", 1_000).await;
    a.delay("w1", 9_000).await;
    let answer = repeat(bench, async |store| {
        let request = ReleaseDelayed::new(APP, at(5_000));
        store.release_delayed(request).await
    })
    .await;
    assert_eq!((answer.released, answer.next), (0, Some(at(9_000))));
    assert_eq!(a.dequeue().await, ["w0"]);
}

pub(crate) async fn a_change_of_a_delay_repeated_is_set(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w", 1_000).await;
    let answer = repeat(bench, async |store| {
        let request = SetDelay::new("w", at(5_000), at(70));
        store.set_delay(request).await
    })
    .await;
    assert_eq!(answer, SetDelayOutcome::Set);
}

pub(crate) async fn a_configuration_repeated_is_stored(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let record = queue(|record| record.limits.concurrency = Some(1));
    repeat(bench, async |store| store.put_queue(record.clone()).await).await;
    assert_eq!(a.queues().await, [record]);
}

pub(crate) async fn a_removal_of_a_configuration_repeated_is_done(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|_| {})).await;
    let answer = repeat(bench, async |store| store.delete_queue(APP, QUEUE).await).await;
    assert_eq!(answer, DeleteQueueOutcome::Deleted);
}

pub(crate) async fn a_retirement_repeated_puts_back_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w0", "w1"]).await;
    a.take("w0").await;
    repeat(bench, async |store| {
        store.retire_executor(a.incarnation).await
    })
    .await;
    let owner = b.take("w0").await;
    a.retire().await;
    let record = b.get("w0").await;
    assert_eq!(
        (record.status, record.owner),
        (WorkflowStatus::Pending, Some(owner))
    );
}

pub(crate) async fn a_claim_that_put_back_repeated_costs_one_attempt(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w"]).await;
    a.take("w").await;
    b.expel(&a).await;
    let request = b.claiming();
    let answer = repeat(bench, async |store| {
        store.claim_workflows(request.clone()).await
    })
    .await;
    assert_eq!(answer.claimed, []);
    assert_eq!(b.get("w").await.recovery_attempts, 1);
    let owner = b.take("w").await;
    b.claim_as(request).await;
    assert_eq!(b.get("w").await.owner, Some(owner));
}

pub(crate) async fn a_resumption_into_a_queue_repeated_resumes_once(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    a.cancel(cancelling(&["w"])).await;
    let mut request = resuming(&["w"]);
    request.queue = Some(QUEUE.to_owned());
    let answer = repeat(bench, async |store| {
        store.resume_workflows(request.clone()).await
    })
    .await;
    let mut expected = BulkOutcome::new();
    expected.unchanged = vec![("w".to_owned(), WorkflowStatus::Enqueued)];
    assert_eq!(answer, expected);
    a.take("w").await;
    a.resume(request).await;
    assert_eq!(a.get("w").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn a_fork_into_a_queue_repeated_is_forked_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let mut request = forking("w", "fork", 0);
    request.queue = Some(QUEUE.to_owned());
    let answer = repeat(bench, async |store| {
        store.fork_workflows(vec![request.clone()]).await
    })
    .await;
    assert_eq!(answer, [ForkOutcome::Forked]);
    a.take("fork").await;
    assert_eq!(a.dequeue().await, Vec::<String>::new());
}

pub(crate) async fn a_schedule_created_repeatedly_is_created(bench: &Bench<'_, impl Backend>) {
    let answer = repeat(bench, async |store| {
        store.create_schedule(schedule("s")).await
    })
    .await;
    assert_eq!(answer, CreateScheduleOutcome::Created);
}

pub(crate) async fn schedules_applied_repeatedly_change_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("old")).await;
    let mut changed = schedule("old");
    changed.cron = "0 0 * * *".to_owned();
    let all = vec![changed, schedule("new")];
    repeat(bench, async |store| {
        store.apply_schedules(all.clone()).await
    })
    .await;
    assert_eq!(a.schedules().await.len(), 2);
}

pub(crate) async fn a_pause_repeated_is_one(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("s")).await;
    for paused in [true, false] {
        let answer = repeat(bench, async |store| {
            let mut request = PauseSchedule::new(APP, "s", paused);
            request.last_tick = Some(at(5_000));
            store.pause_schedule(request).await
        })
        .await;
        assert_eq!(answer, ScheduleOutcome::Done);
    }
}

pub(crate) async fn a_schedule_deleted_repeatedly_is_gone(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("s")).await;
    repeat(bench, async |store| store.delete_schedule(APP, "s").await).await;
    assert_eq!(a.schedules().await, []);
}

pub(crate) async fn a_tick_repeated_is_fired_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    let request = firing(&a, &seen, 1_000);
    let answer = repeat(bench, async |store| {
        store.fire_schedule(request.clone()).await
    })
    .await;
    // The caller looks again, and sees that the tick is done with.
    assert_eq!(answer, FireOutcome::Stale);
    assert_eq!(a.schedule_named("s").await.last_tick, at(1_000));
    a.take("s 1000").await;
    a.fire(request).await;
    assert_eq!(a.get("s 1000").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn an_import_repeated_is_imported_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    let archive = a.store.export_workflow("w").await;
    let archive = archive.expect("exports").expect("exists");
    a.delete(deleting(&["w"])).await;
    let answer = repeat(bench, async |store| {
        store.import_workflow(archive.clone()).await
    })
    .await;
    // It does not say whose it is.
    assert!(matches!(
        answer,
        ImportOutcome::Imported | ImportOutcome::Exists
    ));
    let owner = a.take_over("w").await;
    a.store.import_workflow(archive).await.expect("judges");
    assert_eq!(a.get("w").await.owner, Some(owner));
}

/// A request whose input is its id, that may push back or be pushed back; each to another time.
fn push(a: &Executor, id: &str) -> InsertWorkflow {
    let mut request = a.enqueueing_so(id, |enqueue| {
        enqueue.debounce = Some(Debounce::new("key", at(9_000)));
    });
    request.input = text(id);
    let order = request.now.as_millis() - at(0).as_millis();
    let enqueue = request.enqueue.as_mut().expect("is enqueued");
    enqueue.delayed_until = Some(at(1_000 + order));
    request
}
