//! Several processes, one file. The other processes are this test binary again.
mod common;

use std::{
    collections::HashSet,
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{
    File, NOW, executor, insert, payload,
    queues::{configure, dequeue, enqueue},
    ready, step, workflow,
};
use durable_api::{
    WorkflowStatus,
    store::{
        AdministrationStore as _, ClaimWorkflows, ClaimableWorkflow, ExecutorStore as _,
        ExpelExecutor, FinishOutcome, FinishWorkflow, Incarnation, InsertOutcome,
        MessageStore as _, Outcome, Owner, Payloads, ReceiveMessage, ReceiveOutcome, RecordOutcome,
        SendMessage, SendOutcome, StepRef, StepStore as _, StoreErrorKind, Wakeup,
        WakeupStore as _, WorkflowFilter, WorkflowStore as _,
    },
};
use futures::{StreamExt as _, future::join_all};
use store_sqlite::{SqliteOptions, SqliteStore};

/// Tells a process which file to work on.
const FILE: &str = "STORE_SQLITE_TEST_FILE";

const CALLERS: u32 = 8;
const WORKFLOWS: u32 = 25;
const STEPS: u32 = 3;

/// Runs the test of that name in a process of its own.
fn spawn(test: &str, path: &Path) -> Child {
    Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn assigned() -> Option<SqliteOptions> {
    Some(SqliteOptions::new(env::var_os(FILE)?))
}

/// Migrates and writes, by several callers at once. Every write must succeed.
async fn hammer(options: SqliteOptions) {
    let store = ready(options).await;
    let incarnation = executor(&store).await;
    let callers = (0..CALLERS).map(|caller| {
        let store = store.clone();
        let owner = Owner::new(incarnation, caller.into());
        tokio::spawn(async move {
            for n in 0..WORKFLOWS {
                let id = format!("{incarnation}-{caller}-{n}");
                insert(&store, &id, owner).await;
                for step_id in 0..STEPS {
                    let recorded = store.record_step(step(&id, owner, step_id)).await;
                    assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
                }
                let read = store.get_workflow(&id, Payloads::Load).await;
                assert!(read.expect("reads").is_some());
            }
        })
    });
    for caller in join_all(callers).await {
        caller.expect("no caller panics");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_and_write_together_lose_nothing_and_meet_no_lock() {
    if let Some(options) = assigned() {
        return hammer(options).await;
    }
    let file = File::new();
    let name = "processes_that_start_and_write_together_lose_nothing_and_meet_no_lock";
    let others: Vec<Child> = (0..2).map(|_| spawn(name, &file.path())).collect();
    hammer(file.options()).await;
    for other in others {
        let output = other.wait_with_output().expect("ends");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
        assert!(printed.contains("1 passed"), "{printed}");
    }

    let store = file.open().await;
    let page = store
        .list_workflows(WorkflowFilter::new().limit(10_000))
        .await
        .expect("lists");
    assert_eq!(page.workflows.len() as u32, 3 * CALLERS * WORKFLOWS);
    for row in page.workflows {
        let steps = store.list_steps(&row.id).await.expect("lists");
        assert_eq!(steps.len() as u32, STEPS, "{}", row.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_kill_of_the_process() {
    if let Some(options) = assigned() {
        let store = ready(options).await;
        let owner = Owner::new(executor(&store).await, 1);
        for n in 0.. {
            let id = format!("w-{n}");
            insert(&store, &id, owner).await;
            println!("acknowledged {id}");
        }
    }
    let file = File::new();
    let name = "what_was_acknowledged_survives_the_kill_of_the_process";
    let mut other = spawn(name, &file.path());
    let lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let mut acknowledged = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let Some((_, id)) = line.split_once("acknowledged ") {
            acknowledged.push(id.to_owned());
        }
        if acknowledged.len() == 200 {
            other.kill().expect("is killed");
        }
    }
    other.wait().expect("ends");
    assert!(acknowledged.len() >= 200);

    let store = file.open().await;
    for id in acknowledged {
        let found = store.get_workflow(&id, Payloads::Omit).await;
        assert!(found.expect("reads").is_some(), "{id} is lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_took_from_a_queue_counts_until_it_is_back_there_and_none_is_lost() {
    const QUEUED: usize = 60;
    if let Some(options) = assigned() {
        let store = ready(options).await;
        let incarnation = executor(&store).await;
        println!("incarnation {incarnation}");
        for execution in 0.. {
            let owner = Owner::new(incarnation, execution);
            for id in dequeue(&store, owner, 2).await {
                let outcome = Outcome::Success(payload("done"));
                let request = FinishWorkflow::new(&id, owner, outcome, NOW);
                let finished = store.finish_workflow(request).await;
                assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
                println!("finished {id}");
            }
        }
    }
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| queue.limits.concurrency = Some(3)).await;
    for n in 0..QUEUED {
        enqueue(&store, &format!("w-{n:02}")).await;
    }
    let name =
        "what_a_killed_process_took_from_a_queue_counts_until_it_is_back_there_and_none_is_lost";
    let mut other = spawn(name, &file.path());
    let lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let mut finished = HashSet::new();
    let mut dead = None;
    for line in lines.map_while(Result::ok) {
        if let Some((_, life)) = line.split_once("incarnation ") {
            dead = Some(Incarnation(life.parse().expect("a life")));
        }
        if let Some((_, id)) = line.split_once("finished ") {
            finished.insert(id.to_owned());
        }
        if finished.len() == 20 {
            other.kill().expect("is killed");
        }
    }
    other.wait().expect("ends");

    let pending = WorkflowFilter::new().status(WorkflowStatus::Pending);
    let held = store.list_workflows(pending).await.expect("lists");
    let owner = Owner::new(executor(&store).await, 1);
    let taken = dequeue(&store, owner, 100).await;
    assert_eq!(taken.len() + held.workflows.len(), 3, "one limit for all");
    let dead = ExpelExecutor::new(dead.expect("has registered"), 0);
    store.expel_executor(dead).await.expect("expels");
    let names = vec![ClaimableWorkflow::new("work", 10)];
    let claim = ClaimWorkflows::new("app", "1", names, owner, NOW);
    let claimed = store.claim_workflows(claim).await.expect("claims");
    assert_eq!(claimed.requeued.len(), held.workflows.len());

    let mut seen: HashSet<String> = taken.iter().cloned().collect();
    let mut running = taken;
    for execution in 2.. {
        for id in running {
            let row = store.get_workflow(&id, Payloads::Omit).await;
            let owner = row.expect("reads").expect("is there").owner;
            let outcome = Outcome::Success(payload("done"));
            let request = FinishWorkflow::new(&id, owner.expect("has one"), outcome, NOW);
            store.finish_workflow(request).await.expect("finishes");
        }
        running = dequeue(&store, Owner::new(owner.incarnation, execution), 100).await;
        assert!(running.len() <= 3, "{running:?}");
        if running.is_empty() {
            break;
        }
        seen.extend(running.iter().cloned());
    }
    assert!(
        seen.is_disjoint(&finished),
        "none runs again that has ended"
    );
    let done = WorkflowFilter::new().status(WorkflowStatus::Success);
    let done = store.list_workflows(done).await.expect("lists");
    assert_eq!(done.workflows.len(), QUEUED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_another_process_wakes_the_receiver_and_is_received() {
    const MESSAGES: u32 = 5;
    if let Some(options) = assigned() {
        let store = ready(options).await;
        for n in 0..MESSAGES {
            let text = payload(format!("message {n}"));
            let message = SendMessage::new("receiver", "topic", n.to_string(), text, NOW);
            let sent = store.send_message(message).await;
            assert_eq!(sent.expect("sends"), SendOutcome::Sent);
        }
        return;
    }
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "receiver", owner).await;
    let mut hints = store.subscribe().await.expect("subscribes").into_stream();
    let name = "a_message_of_another_process_wakes_the_receiver_and_is_received";
    let mut other = spawn(name, &file.path());

    let mut received = 0;
    while received < MESSAGES {
        let step = StepRef::recorded("receiver", owner, received, "recv", NOW);
        let request = ReceiveMessage::new(step, "topic", NOW);
        match store.receive_message(request).await.expect("receives") {
            ReceiveOutcome::Received(text) => {
                assert_eq!(text, payload(format!("message {received}")));
                received += 1;
            }
            ReceiveOutcome::Empty => {
                let hint = tokio::time::timeout(Duration::from_secs(20), hints.next()).await;
                assert_eq!(hint.expect("a hint comes"), Some(Wakeup::Everything));
            }
            outcome => panic!("{outcome:?}"),
        }
    }
    assert!(other.wait().expect("ends").success());
}

#[tokio::test]
async fn a_writer_waits_for_one_that_holds_the_file() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    let mut other = file.raw().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("begins");

    let (outcome, ()) = futures::join!(store.insert_workflow(workflow("w", owner)), async {
        // Long enough for sqlite to give up a few times.
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqlx::query("ROLLBACK")
            .execute(&mut other)
            .await
            .expect("ends");
    });

    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted);
}

#[tokio::test]
async fn a_file_that_is_held_for_too_long_is_contention_and_nothing_is_applied() {
    let file = File::new();
    let store: SqliteStore = ready(file.options().busy_timeout(Duration::from_millis(50))).await;
    let owner = Owner::new(executor(&store).await, 1);
    let mut other = file.raw().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("begins");

    let outcome = store.insert_workflow(workflow("w", owner)).await;

    let error = outcome.expect_err("the file is held");
    assert_eq!(error.kind(), StoreErrorKind::Contention, "{error}");
    // Readers do not wait for a writer.
    let found = store.get_workflow("w", Payloads::Omit).await;
    assert_eq!(found.expect("reads"), None);
    sqlx::query("ROLLBACK")
        .execute(&mut other)
        .await
        .expect("ends");
    insert(&store, "w", owner).await;
}
