//! A request for work that was settled takes nothing more, however late it comes.
use std::sync::Arc;

use durable_api::store::{ClaimWorkflows, DequeueWorkflows, Owner, WorkflowFilter};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, ROUNDS, both, persist, success, taken},
};

pub(crate) async fn a_settled_claim_takes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = with_orphans(bench, &["w"]).await;
    let late = a.claiming();
    settle(&a, late.owner).await;
    let answer = a.claim_as(late).await;
    assert!(answer.claimed.is_empty(), "{answer:?}");
    a.take_over("w").await;
}

pub(crate) async fn a_settled_claim_neither_requeues_nor_buries(bench: &Bench<'_, impl Backend>) {
    let lost = Executor::launch(bench, "lost").await;
    lost.start("direct").await;
    lost.enqueue(&["queued"]).await;
    lost.take("queued").await;
    let a = Executor::launch(bench, "a").await;
    a.expel(&lost).await;
    let before = a.contents().await;
    let late = a.claiming_up_to(0);
    settle(&a, late.owner).await;
    let answer = a.claim_as(late).await;
    assert_eq!((answer.requeued.len(), answer.dead_lettered.len()), (0, 0));
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_settled_dequeue_takes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let late = a.dequeuing();
    settle(&a, late.owner).await;
    let answer = a.dequeue_as(late).await;
    assert!(answer.taken.is_empty(), "{answer:?}");
    assert_eq!(a.dequeue().await, ["w"]);
}

pub(crate) async fn a_settled_claim_is_answered_with_what_it_took(bench: &Bench<'_, impl Backend>) {
    let a = with_orphans(bench, &["one"]).await;
    let request = a.claiming();
    let first = a.claim_as(request.clone()).await;
    orphan(bench, &a, &["two"]).await;
    settle(&a, request.owner).await;
    let again = a.claim_as(request).await;
    assert_eq!(again.claimed, first.claimed);
    a.take_over("two").await;
}

pub(crate) async fn a_settled_dequeue_is_answered_with_what_it_took(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["one", "two"]).await;
    let request = a.dequeuing();
    let first = a.dequeue_as(request.clone()).await;
    a.finish("one", request.owner, success("done")).await;
    a.enqueue(&["three"]).await;
    settle(&a, request.owner).await;
    let again = a.dequeue_as(request).await;
    assert_eq!(again.taken, first.taken[1..]);
    assert_eq!(a.dequeue().await, ["three"]);
}

pub(crate) async fn earlier_requests_are_settled_with_a_later_one(bench: &Bench<'_, impl Backend>) {
    let a = with_orphans(bench, &["orphan"]).await;
    a.enqueue(&["queued"]).await;
    let (claim, dequeue) = (a.claiming(), a.dequeuing());
    let (later, between) = (a.owner(), dequeue.owner);
    settle(&a, later).await;
    // What was settled stays so.
    settle(&a, between).await;
    assert!(a.claim_as(claim).await.claimed.is_empty());
    assert!(a.dequeue_as(dequeue).await.taken.is_empty());
    assert_eq!(a.dequeue().await, ["queued"]);
    a.take_over("orphan").await;
}

pub(crate) async fn others_are_not_settled(bench: &Bench<'_, impl Backend>) {
    let a = with_orphans(bench, &["orphan"]).await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["queued"]).await;
    let (claim, dequeue) = (b.claiming(), b.dequeuing());
    settle(&a, Owner::new(a.incarnation, 1_000)).await;
    assert_eq!(b.claim_as(claim).await.claimed.len(), 1);
    assert_eq!(taken(&b.dequeue_as(dequeue).await), ["queued"]);
}

pub(crate) async fn settling_for_nobody_does_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::unregistered(bench, "a").await;
    let before = a.contents().await;
    settle(&a, a.owner()).await;
    assert_eq!(a.contents().await, before);
    assert!(a.executors().await.is_empty());
}

pub(crate) async fn a_settlement_sees_all_that_the_claim_took(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for round in 0..ROUNDS {
        let ids = [format!("{round}a"), format!("{round}b")];
        orphan(bench, &a, &[&ids[0], &ids[1]]).await;
        let request = a.claiming();
        hears_of_all(&a, request.owner, || claimed(&a, request.clone())).await;
        a.claim().await;
    }
}

pub(crate) async fn a_settlement_sees_all_that_the_dequeue_took(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for round in 0..ROUNDS {
        let ids = [format!("{round}a"), format!("{round}b")];
        a.enqueue(&[&ids[0], &ids[1]]).await;
        let request = a.dequeuing();
        hears_of_all(&a, request.owner, || dequeued(&a, request.clone())).await;
        a.dequeue().await;
    }
}

/// Asks for work twice, at once: who settles the request before it repeats it hears of all that was taken.
async fn hears_of_all<F>(executor: &Executor, owner: Owner, ask: impl Fn() -> F)
where
    F: Future<Output = Vec<String>> + Send + 'static,
{
    let (settled, repetition) = (settled(executor, owner), ask());
    let repeated = async move {
        settled.await;
        repetition.await
    };
    let (_, answered) = both(ask(), repeated).await;
    assert_eq!(owned(executor, owner).await, answered);
}

async fn settle(executor: &Executor, owner: Owner) {
    let done = executor.store.settle(owner).await;
    done.expect("settles");
}

fn settled(executor: &Executor, owner: Owner) -> impl Future<Output = ()> + Send + 'static {
    let store = Arc::clone(&executor.store);
    async move { persist(|| store.settle(owner)).await }
}

fn claimed(
    executor: &Executor,
    request: ClaimWorkflows,
) -> impl Future<Output = Vec<String>> + Send + 'static {
    let store = Arc::clone(&executor.store);
    async move {
        let answer = persist(|| store.claim_workflows(request.clone())).await;
        sorted(answer.claimed.into_iter().map(|one| one.record.id))
    }
}

fn dequeued(
    executor: &Executor,
    request: DequeueWorkflows,
) -> impl Future<Output = Vec<String>> + Send + 'static {
    let store = Arc::clone(&executor.store);
    async move {
        let answer = persist(|| store.dequeue_workflows(request.clone())).await;
        sorted(answer.taken.into_iter().map(|one| one.record.id))
    }
}

/// What an execution owns.
async fn owned(executor: &Executor, owner: Owner) -> Vec<String> {
    let page = executor.store.list_workflows(WorkflowFilter::new()).await;
    let rows = page.expect("lists workflows").workflows.into_iter();
    sorted(
        rows.filter(|row| row.owner == Some(owner))
            .map(|row| row.id),
    )
}

fn sorted(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids
}

/// An executor, and workflows that nobody runs any more.
async fn with_orphans(bench: &Bench<'_, impl Backend>, ids: &[&str]) -> Executor {
    let a = Executor::launch(bench, "a").await;
    orphan(bench, &a, ids).await;
    a
}

async fn orphan(bench: &Bench<'_, impl Backend>, a: &Executor, ids: &[&str]) {
    let lost = Executor::launch(bench, "lost").await;
    for id in ids {
        lost.start(id).await;
    }
    a.expel(&lost).await;
}
