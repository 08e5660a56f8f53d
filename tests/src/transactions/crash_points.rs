use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable::{Ctx, WorkflowStatus};
use durable_testing::{Fault, FaultPlan, FaultyStore};

use super::{Database, Desk, desk::Book};
use crate::e2e::support::{Flow, PATIENCE, config, launched, register, row, stop};

const HOUR: Duration = Duration::from_secs(3600);

/// Two transactional steps, each of which makes an entry of its workflow's; the second also sends a message to its own workflow, which is
/// then received, and no other. Returns what each came to.
fn spend<D: Database>(
    book: &Book<D>,
) -> impl Fn(Ctx, ()) -> Flow<Spent> + Clone + Send + Sync + 'static {
    let book = book.clone();
    move |ctx, ()| {
        let book = book.clone();
        Box::pin(async move {
            let id = ctx.workflow_id().expect("is in a workflow").to_owned();
            let (ctx, book, id) = (&ctx, &book, &id);
            let debited = durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, &format!("{id} debit")).await?;
                Ok(1)
            })
            .named("debit")
            .await?;
            let credited = durable::run_as_transaction(ctx, |mut tx: D::Transaction| async move {
                book.enter(&mut tx, &format!("{id} credit")).await?;
                let message = "paid".to_owned();
                durable::send(ctx, id, message).within(&mut *tx).await?;
                Ok(2)
            })
            .named("credit")
            .await?;
            let first = durable::recv(ctx, "", PATIENCE).await?;
            let second = durable::recv(ctx, "", Duration::ZERO).await?;
            Ok((debited, credited, first, second))
        })
    }
}

type Spent = (u32, u32, Option<String>, Option<String>);

/// Checks that all of it happened once.
async fn happened_once<D: Database>(desk: &Desk<'_, D>, id: &str, spent: Spent, when: &str) {
    assert_eq!(spent, (1, 2, Some("paid".into()), None), "{when}");
    let mut entries = desk.book.entries().await;
    entries.retain(|entry| entry.starts_with(&format!("{id} ")));
    let once = [format!("{id} credit"), format!("{id} debit")];
    assert_eq!(entries, once, "{when}");
    assert_eq!(row(desk.bench, id).await.status, WorkflowStatus::Success);
    assert_eq!(desk.steps(id).await[..2], ["debit", "credit"], "{when}");
}

/// The process dies at call after call, before or after it takes effect; the next one must finish.
pub(super) async fn every_crash_point_recovers<D: Database>(desk: &Desk<'_, D>) {
    let flow = spend(&desk.book);
    at_every_crash_point(desk, &flow, 6, async |id, spent, when| {
        happened_once(desk, id, spent, when).await;
    })
    .await;
}

/// Runs a workflow that makes at least `calls` calls, lets the process die at each of them, and checks what the next one makes of it.
pub(super) async fn at_every_crash_point<D: Database, O: durable::Durable>(
    desk: &Desk<'_, D>,
    flow: &(impl Fn(Ctx, ()) -> Flow<O> + Clone + Send + Sync + 'static),
    calls: usize,
    check: impl AsyncFn(&str, O, &str),
) {
    let registered = |ctx: &Ctx| register(ctx, "flow", flow);
    let phoenix = |store| config(store).executor_id("phoenix");
    for after in [false, true] {
        for at in 0.. {
            let id = format!("{}{at}", if after { "after" } else { "before" });
            let store = FaultyStore::new(desk.bench.open().await);
            // No background loop: every call is the workflow's.
            let rare = phoenix(Arc::new(store.clone())).takeover_interval(HOUR);
            let first = launched(rare, registered).await;
            store.set_plan(match after {
                false => FaultPlan::crash_before(at),
                true => FaultPlan::crash_after(at),
            });
            let run = async {
                let handle = durable::run_workflow(&first, flow.clone(), ())
                    .id(&id)
                    .await?;
                handle.get_result().await
            };
            // Dead, an engine tries for ever: it is left alone as soon as it meets the crash.
            let finished = tokio::select! {
                result = run => Some(result.unwrap()),
                () = crashed(&store, at) => None,
            };
            let second = launched(phoenix(desk.bench.open().await), registered).await;
            let handle = durable::run_workflow(&second, flow.clone(), ()).id(&id);
            let result = handle.await.unwrap().get_result().await.unwrap();
            let when = format!("crash at call {at}, after it: {after}");
            check(&id, result, &when).await;
            store.set_plan(FaultPlan::none());
            stop(&first).await;
            stop(&second).await;
            if finished.is_some() {
                assert!(at >= calls, "the workflow makes at least {calls} calls");
                break;
            }
        }
    }
}

/// Completes when the store has met its crash.
async fn crashed(store: &FaultyStore, at: usize) {
    while store.call_count() <= at + 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Runs the workflow with one fault at call after call of the workflow's, and checks that nothing shows.
async fn with_each_call<D: Database>(desk: &Desk<'_, D>, fault: Fault) {
    let flow = spend(&desk.book);
    for number in 0.. {
        let id = format!("w{number}");
        let store = FaultyStore::new(desk.bench.open().await);
        let faulty = config(Arc::new(store.clone())).takeover_interval(HOUR);
        let ctx = launched(faulty, |ctx| register(ctx, "flow", &flow)).await;
        let fired = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&fired);
        store.set_plan(FaultPlan::new(move |call| {
            let meant = CALLS.contains(&call.operation) && call.number >= number;
            match meant && !seen.swap(true, Ordering::SeqCst) {
                true => fault,
                false => Fault::PassThrough,
            }
        }));
        let handle = durable::run_workflow(&ctx, flow.clone(), ()).id(&id);
        let result = handle.await.unwrap().get_result().await;
        let when = format!("fault at call {number} of {:?}", store.calls());
        let spent = result.unwrap_or_else(|error| panic!("{error}; {when}"));
        happened_once(desk, &id, spent, &when).await;
        stop(&ctx).await;
        if !fired.load(Ordering::SeqCst) {
            assert!(number >= CALLS.len(), "the plan fires at all");
            return;
        }
    }
}

/// What the workflow itself calls.
const CALLS: [&str; 4] = [
    "insert_workflow",
    "run_transaction",
    "receive_message",
    "finish_workflow",
];

pub(super) async fn a_lost_answer_to_any_call_changes_nothing<D: Database>(desk: &Desk<'_, D>) {
    with_each_call(desk, Fault::LoseAnswer).await;
}

pub(super) async fn a_lost_request_of_any_call_changes_nothing<D: Database>(desk: &Desk<'_, D>) {
    with_each_call(desk, Fault::LoseRequest).await;
}
