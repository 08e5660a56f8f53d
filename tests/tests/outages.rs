//! A store that is away for half a minute costs the workflows time, and nothing else.
use std::{
    future::IntoFuture as _,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use durable::{Config, Ctx, RegisterOptions, Result, store::Payloads};
use futures::future::join_all;
use tests::servers::{Kind, Server};

/// How long the server is away.
const AWAY: Duration = Duration::from_secs(30);

/// How long all may take once it is back.
const PATIENCE: Duration = Duration::from_secs(60);

/// Steps of a workflow that is in their midst when the server goes.
const STEPS: u32 = 50;

/// Workflows in the queue.
const QUEUED: u32 = 20;

/// How many bodies of steps have run, in all workflows.
static POSTGRES: AtomicU32 = AtomicU32::new(0);
static REDIS: AtomicU32 = AtomicU32::new(0);

async fn step(bodies: &AtomicU32, length: Duration) -> Result<u32> {
    tokio::time::sleep(length).await;
    bodies.fetch_add(1, Ordering::Relaxed);
    Ok(1)
}

/// Many short steps.
async fn walk(ctx: Ctx, bodies: &AtomicU32) -> Result<u32> {
    let mut sum = 0;
    for _ in 0..STEPS {
        let next = || step(bodies, Duration::from_millis(100));
        sum += durable::run_as_step(&ctx, next).named("step").await?;
    }
    Ok(sum)
}

/// Sleeps until the server is away, and awakes meanwhile.
async fn sleep(ctx: Ctx, bodies: &AtomicU32) -> Result<u32> {
    durable::sleep(&ctx, AWAY / 2).await?;
    let after = || step(bodies, Duration::ZERO);
    durable::run_as_step(&ctx, after).named("step").await
}

/// Waits for a message that is sent while the server is away.
async fn wait(ctx: Ctx, bodies: &AtomicU32) -> Result<u32> {
    let message: Option<u32> = durable::recv(&ctx, "topic", AWAY + PATIENCE).await?;
    let after = || step(bodies, Duration::ZERO);
    let one = durable::run_as_step(&ctx, after).named("step").await?;
    Ok(message.unwrap_or(0) + one)
}

/// Waits in a queue.
async fn queued(ctx: Ctx, bodies: &AtomicU32) -> Result<u32> {
    let work = || step(bodies, Duration::from_millis(300));
    durable::run_as_step(&ctx, work).named("step").await
}

/// Stands for a workflow that is started by its name.
async fn by_name(_: Ctx, (): ()) -> Result<u32> {
    unreachable!("the registered code runs")
}

/// An executor, with the intervals that are the defaults.
async fn executor(url: &str, bodies: &'static AtomicU32) -> Ctx {
    let store = durable::connect(url).await.expect("connects");
    let config = Config::new("outages", store).app_version("1");
    let ctx = durable::new_context(config).await.expect("a context");
    macro_rules! register {
        ($($workflow:ident),*) => {$(
            let named = RegisterOptions::new().named(stringify!($workflow));
            let workflow = move |ctx: Ctx, (): ()| $workflow(ctx, bodies);
            durable::register_workflow_with(&ctx, workflow, named).expect("registers");
        )*};
    }
    register!(walk, sleep, wait, queued);
    durable::launch(&ctx).await.expect("launches");
    ctx
}

async fn costs_time_alone(kind: Kind, bodies: &'static AtomicU32) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(kind, directory.path()).await.expect("starts");
    let executors = [
        executor(&server.url(), bodies).await,
        executor(&server.url(), bodies).await,
    ];
    let ctx = &executors[0];
    durable::register_queue(ctx, "queue")
        .concurrency(2)
        .await
        .expect("registers");
    let mut handles = Vec::new();
    for (number, executor) in executors.iter().enumerate() {
        for name in ["walk", "sleep", "wait"] {
            let start = durable::run_workflow(executor, by_name, ()).name(name);
            handles.push(start.id(format!("{name}-{number}")).await.expect("starts"));
        }
    }
    for number in 0..QUEUED {
        let enqueued = durable::enqueue_named::<u32>(ctx, "queue", "queued", ());
        handles.push(
            enqueued
                .id(format!("queued-{number}"))
                .await
                .expect("is enqueued"),
        );
    }
    while bodies.load(Ordering::Relaxed) < 10 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    server.crash().expect("crashes");
    let sent = tokio::spawn({
        let ctx = ctx.clone();
        async move {
            for number in 0..2 {
                let message = durable::send(&ctx, format!("wait-{number}"), 41u32);
                message.topic("topic").await.expect("is sent");
            }
        }
    });
    tokio::time::sleep(AWAY).await;
    server.launch().await.expect("is back");

    let all = join_all(
        handles
            .iter()
            .map(|handle| handle.get_result().into_future()),
    );
    let results = tokio::time::timeout(PATIENCE, all)
        .await
        .expect("all go on");
    sent.await.expect("the messages are sent");
    let store = durable::connect(&server.url()).await.expect("connects");
    for (handle, result) in handles.iter().zip(results) {
        let id = &handle.workflow_id();
        let expected = match id.split('-').next() {
            Some("walk") => STEPS,
            Some("wait") => 42,
            _ => 1,
        };
        assert_eq!(result.expect(id), expected, "{id}");
        let row = store
            .get_workflow(id, Payloads::Omit)
            .await
            .expect("reads")
            .expect("exists");
        assert_eq!(row.recovery_attempts, 0, "{id} was not lost");
    }
    assert_eq!(
        bodies.load(Ordering::Relaxed),
        2 * (STEPS + 2) + QUEUED,
        "each step ran once"
    );
    for ctx in &executors {
        durable::shutdown(ctx, PATIENCE).await.expect("shuts down");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_be_away_for_half_a_minute() {
    costs_time_alone(Kind::Postgres, &POSTGRES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_away_for_half_a_minute() {
    costs_time_alone(Kind::Redis, &REDIS).await;
}
