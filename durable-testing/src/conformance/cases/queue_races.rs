//! Many who take from one queue at once.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use durable_api::{
    WorkflowStatus,
    store::{Debounce, ExpelExecutor, InsertOutcome, QueueRecord, ReleaseDelayed, WorkflowFilter},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, ROUNDS, at, both, cancelling, changed, persist, queue, race, rate, success,
        taken, text,
    },
};

/// How many processes race.
const PROCESSES: usize = 8;

pub(crate) async fn dequeues_never_share_a_workflow(bench: &Bench<'_, impl Backend>) {
    let all = processes(bench).await;
    for number in 0..100 {
        all[0].enqueue(&[&format!("w{number:02}")]).await;
    }
    let mut ids = exhaust(&all).await;
    ids.sort_unstable();
    let expected: Vec<String> = (0..100).map(|number| format!("w{number:02}")).collect();
    assert_eq!(ids, expected, "each once, and none is left");
}

pub(crate) async fn never_more_than_the_concurrency_run(bench: &Bench<'_, impl Backend>) {
    let limited = queue(|record| record.limits.concurrency = Some(3));
    never_more(bench, limited, |_, _| String::new(), 3).await;
}

pub(crate) async fn never_more_than_a_partitions_concurrency_run(bench: &Bench<'_, impl Backend>) {
    let limited = queue(|record| record.partition_limits.concurrency = Some(2));
    let partition = |_: &str, id: &str| id[..1].to_owned();
    never_more(bench, limited, partition, 2).await;
}

pub(crate) async fn never_more_than_an_executors_concurrency_run(bench: &Bench<'_, impl Backend>) {
    let limited = queue(|record| record.limits.executor_concurrency = Some(2));
    never_more(bench, limited, |executor, _| executor.to_owned(), 2).await;
}

pub(crate) async fn never_more_than_the_rate_start(bench: &Bench<'_, impl Backend>) {
    let all = processes(bench).await;
    all[0]
        .put_queue(queue(|record| record.limits.rate = rate(5, 1_000)))
        .await;
    for number in 0..40 {
        all[0].enqueue(&[&format!("w{number:02}")]).await;
    }
    for round in 0..4 {
        let racers = all.iter().map(|one| {
            let one = Arc::clone(one);
            async move { one.dequeue_at(10_000 + 1_000 * round).await.len() }
        });
        let counts = race(racers.collect()).await;
        let mut started: usize = counts.into_iter().sum();
        assert!(started <= 5, "in round {round}");
        // Who was in the way of another may have left it something.
        started += all[0].dequeue_at(10_000 + 1_000 * round).await.len();
        assert_eq!(started, 5, "in round {round}");
    }
}

pub(crate) async fn a_configuration_put_during_dequeues_holds_for_those_after(
    bench: &Bench<'_, impl Backend>,
) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let name = format!("queue {round}");
        for number in 0..4 {
            all[0]
                .enqueue_so(&format!("{round} {number}"), |enqueue| {
                    enqueue.queue.clone_from(&name);
                })
                .await;
        }
        let mut record = QueueRecord::new(APP, &name);
        record.limits.concurrency = Some(1);
        let putter = Arc::clone(&all[0]);
        let put = async move { putter.put_queue(record).await };
        let taker = Arc::clone(&all[1]);
        let from = name.clone();
        let take = async move { from_queue(&taker, &from).await.len() };
        let ((), before) = both(put, take).await;
        let after = from_queue(&all[2], &name).await.len();
        assert!(before + after <= 1 || before == 4, "{before} and {after}");
        assert!(before + after >= 1);
    }
}

pub(crate) async fn what_is_enqueued_during_dequeues_is_not_lost(bench: &Bench<'_, impl Backend>) {
    let all = processes(bench).await;
    let racers = all.iter().enumerate().map(|(number, one)| {
        let one = Arc::clone(one);
        async move {
            let mut ids = Vec::new();
            for turn in 0..10 {
                one.enqueue(&[&format!("{number} {turn}")]).await;
                ids.extend(one.dequeue().await);
            }
            ids
        }
    });
    let mut ids: Vec<String> = race(racers.collect()).await.concat();
    ids.extend(exhaust(&all).await);
    assert_eq!(ids.len(), PROCESSES * 10);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), PROCESSES * 10);
}

pub(crate) async fn of_enqueueings_with_one_deduplication_id_one_is_accepted(
    bench: &Bench<'_, impl Backend>,
) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let racers = all.iter().enumerate().map(|(number, one)| {
            let one = Arc::clone(one);
            let request = one.enqueueing_so(&format!("{round} {number}"), |enqueue| {
                enqueue.deduplication_id = Some(format!("one of {round}"));
            });
            async move { persist(|| one.store.insert_workflow(request.clone())).await }
        });
        one_of(&all[0], round, race(racers.collect()).await, |id| {
            InsertOutcome::Deduplicated(id)
        })
        .await;
    }
}

pub(crate) async fn of_enqueueings_with_one_debounce_key_one_is_accepted(
    bench: &Bench<'_, impl Backend>,
) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let racers = all.iter().enumerate().map(|(number, one)| {
            let one = Arc::clone(one);
            let id = format!("{round} {number}");
            let mut request = one.enqueueing_so(&id, |enqueue| {
                enqueue.delayed_until = Some(at(5_000));
                enqueue.debounce = Some(Debounce::new(format!("{round}"), at(9_000)));
            });
            request.input = text(&id);
            async move { persist(|| one.store.insert_workflow(request.clone())).await }
        });
        one_of(&all[0], round, race(racers.collect()).await, |id| {
            InsertOutcome::Debounced(id)
        })
        .await;
    }
}

pub(crate) async fn a_push_during_a_release_is_a_push_or_a_start(bench: &Bench<'_, impl Backend>) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let push = |executor: &Executor, id: &str| {
            let mut request = executor.enqueueing_so(&format!("{id} {round}"), |enqueue| {
                enqueue.delayed_until = Some(at(5_000));
                enqueue.debounce = Some(Debounce::new("key", at(9_000)));
            });
            request.input = text(id);
            request
        };
        all[0].start_as(push(&all[0], "first")).await;
        let request = push(&all[1], "second");
        let store = Arc::clone(&all[1].store);
        let pushing = async move { persist(|| store.insert_workflow(request.clone())).await };
        let releaser = Arc::clone(&all[2]);
        let release = async move { releaser.release(5_000).await.0 };
        let (answer, _) = both(pushing, release).await;
        all[0].release(5_000).await;
        let answers = all[0].dequeue_as(all[0].dequeuing()).await;
        let mut ids = taken(&answers);
        ids.sort_unstable();
        let (first, second) = (format!("first {round}"), format!("second {round}"));
        match answer {
            InsertOutcome::Debounced(id) => {
                assert_eq!((&id, ids), (&first, vec![first.as_str()]));
                let input = answers.taken[0].record.input.clone();
                assert_eq!(input, Some(text("second")), "the last input is not lost");
            }
            InsertOutcome::Inserted => assert_eq!(ids, [first, second]),
            other => panic!("{other:?} is no answer to this"),
        }
        for one in answers.taken {
            let owner = one.record.owner.expect("was taken");
            all[0].finish(&one.record.id, owner, success("done")).await;
        }
    }
}

pub(crate) async fn releases_at_once_release_each_once(bench: &Bench<'_, impl Backend>) {
    let all = processes(bench).await;
    for number in 0..40 {
        all[0].delay(&format!("w{number:02}"), number).await;
    }
    let racers = all.iter().map(|one| {
        let store = Arc::clone(&one.store);
        async move {
            let request = ReleaseDelayed::new(APP, at(5_000));
            persist(|| store.release_delayed(request.clone()))
                .await
                .released
        }
    });
    let released: u32 = race(racers.collect()).await.into_iter().sum();
    let (rest, next) = all[0].release(5_000).await;
    assert_eq!((released + rest, next), (40, None));
    assert_eq!(all[0].dequeue().await.len(), 40);
}

pub(crate) async fn a_dequeue_during_a_cancellation_is_empty_or_fenced_out(
    bench: &Bench<'_, impl Backend>,
) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        all[0].enqueue(&[&id]).await;
        let taker = Arc::clone(&all[1]);
        let take = async move { taker.dequeue_as(taker.dequeuing()).await };
        let store = Arc::clone(&all[2].store);
        let cancelled = id.clone();
        let cancel = async move {
            let request = cancelling(&[&cancelled]);
            persist(|| store.cancel_workflows(request.clone())).await
        };
        let (answer, cancelled) = both(take, cancel).await;
        assert_eq!(cancelled, changed(&[&id]));
        let record = all[0].get(&id).await;
        assert_eq!(record.status, WorkflowStatus::Cancelled);
        assert_eq!(record.owner, None);
        assert_eq!(record.started_at.is_some(), !answer.taken.is_empty());
        assert_eq!(all[3].dequeue().await, Vec::<String>::new());
    }
}

pub(crate) async fn a_dequeue_during_an_expulsion_is_empty_or_goes_back(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Executor::launch(bench, "b").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        b.enqueue(&[&id]).await;
        let a = Arc::new(process.relaunch().await);
        let request = ExpelExecutor::new(a.incarnation, 0);
        let taker = Arc::clone(&a);
        let take = async move { taker.dequeue().await.len() };
        let store = Arc::clone(&b.store);
        let expel = async move { persist(|| store.expel_executor(request.clone())).await };
        let (count, _) = both(take, expel).await;
        assert_eq!(b.claim_as(b.claiming()).await.requeued.len(), count);
        let owner = b.take(&id).await;
        let record = b.get(&id).await;
        assert_eq!(record.recovery_attempts as usize, count);
        b.finish(&id, owner, success("done")).await;
    }
}

pub(crate) async fn a_dequeue_during_a_retirement_is_empty_or_goes_back(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Executor::launch(bench, "b").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        b.enqueue(&[&id]).await;
        let a = Arc::new(process.relaunch().await);
        let incarnation = a.incarnation;
        let taker = Arc::clone(&a);
        let take = async move { taker.dequeue().await.len() };
        let store = Arc::clone(&b.store);
        let retire = async move { persist(|| store.retire_executor(incarnation)).await };
        let (count, retired) = both(take, retire).await;
        assert_eq!(retired.released as usize, count);
        let owner = b.take(&id).await;
        assert_eq!(b.get(&id).await.recovery_attempts, 0);
        b.finish(&id, owner, success("done")).await;
    }
}

pub(crate) async fn a_queue_deleted_during_an_enqueueing_keeps_what_waits(
    bench: &Bench<'_, impl Backend>,
) {
    let all = processes(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        all[0]
            .put_queue(queue(|record| record.limits.concurrency = Some(1)))
            .await;
        let request = all[0].enqueueing(&id);
        let store = Arc::clone(&all[0].store);
        let enqueue = async move { persist(|| store.insert_workflow(request.clone())).await };
        let store = Arc::clone(&all[1].store);
        let delete = async move { persist(|| store.delete_queue(APP, "mail")).await };
        let (inserted, _) = both(enqueue, delete).await;
        assert_eq!(inserted, InsertOutcome::Inserted);
        let owner = all[2].take(&id).await;
        all[2].finish(&id, owner, success("done")).await;
    }
}

async fn processes(bench: &Bench<'_, impl Backend>) -> Vec<Arc<Executor>> {
    let mut all = Vec::new();
    for number in 0..PROCESSES {
        let one = Executor::launch(bench, &format!("process {number}")).await;
        all.push(Arc::new(one));
    }
    all
}

/// All processes take, two at a time, until nothing is left.
async fn exhaust(all: &[Arc<Executor>]) -> Vec<String> {
    let racers = all.iter().map(|one| {
        let one = Arc::clone(one);
        async move {
            let mut ids = Vec::new();
            loop {
                let answer = one.dequeue_as(one.dequeuing_up_to(2)).await;
                if answer.taken.is_empty() {
                    return ids;
                }
                ids.extend(taken(&answer).into_iter().map(str::to_owned));
            }
        }
    });
    let mut ids = race(racers.collect()).await.concat();
    // Who was in the way of another may have left it something.
    ids.extend(all[0].dequeue().await);
    ids
}

/// Of what `key` calls one group (by executor and workflow), never more than `limit` run.
async fn never_more(
    bench: &Bench<'_, impl Backend>,
    limited: QueueRecord,
    key: fn(&str, &str) -> String,
    limit: usize,
) {
    const WORKFLOWS: usize = 90;
    let all = processes(bench).await;
    all[0].put_queue(limited).await;
    for number in 0..WORKFLOWS {
        let partition = ["x", "y", "z"][number % 3];
        all[0]
            .enqueue_in(partition, &[&format!("{partition}{number}")])
            .await;
    }
    let running: Arc<Mutex<Running>> = Arc::default();
    let finished = Arc::new(AtomicUsize::new(0));
    let racers = all.iter().map(|one| {
        let (one, running) = (Arc::clone(one), Arc::clone(&running));
        let finished = Arc::clone(&finished);
        async move {
            while finished.load(Ordering::SeqCst) < WORKFLOWS {
                let request = one.dequeuing_up_to(4);
                let owner = request.owner;
                let answer = one.dequeue_as(request).await;
                // Counted only while it certainly runs: after it was taken, and before it is finished.
                for id in taken(&answer) {
                    lock(&running).add(key(&one.id, id));
                }
                tokio::task::yield_now().await;
                for id in taken(&answer) {
                    lock(&running).remove(&key(&one.id, id));
                    one.finish(id, owner, success("done")).await;
                    finished.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    });
    race(racers.collect()).await;
    let most = lock(&running).most;
    assert!(most <= limit, "{most} ran, where {limit} may");
    let ended = WorkflowFilter::new().status(WorkflowStatus::Success);
    assert_eq!(all[0].list(ended).await.len(), WORKFLOWS);
}

/// How many run of each group, and how many of one there ever were.
#[derive(Default)]
struct Running {
    groups: BTreeMap<String, usize>,
    most: usize,
}

impl Running {
    fn add(&mut self, group: String) {
        let count = self.groups.entry(group).or_default();
        *count += 1;
        self.most = self.most.max(*count);
    }

    fn remove(&mut self, group: &str) {
        if let Some(count) = self.groups.get_mut(group) {
            *count -= 1;
        }
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().expect("nobody panicked")
}

/// One of the answers is an insertion, and all others name it.
async fn one_of(
    executor: &Executor,
    round: usize,
    answers: Vec<InsertOutcome>,
    named: impl Fn(String) -> InsertOutcome,
) {
    let winners = answers.iter().enumerate();
    let winners: Vec<String> = winners
        .filter(|(_, answer)| **answer == InsertOutcome::Inserted)
        .map(|(number, _)| format!("{round} {number}"))
        .collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let other = named(winners[0].clone());
    assert!(
        answers
            .iter()
            .all(|one| *one == InsertOutcome::Inserted || *one == other)
    );
    let filter = WorkflowFilter::new().id_prefix(format!("{round} "));
    assert_eq!(executor.list(filter).await, winners);
}

/// What a process takes from one queue.
async fn from_queue(executor: &Executor, name: &str) -> Vec<String> {
    let mut request = executor.dequeuing();
    request.queues = Some(vec![name.to_owned()]);
    let answer = executor.dequeue_as(request).await;
    taken(&answer).into_iter().map(str::to_owned).collect()
}
