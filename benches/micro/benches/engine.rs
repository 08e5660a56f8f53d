//! Time and allocations of the engine over the memory store, on one thread.
use std::{
    cell::OnceCell,
    future::pending,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use durable::{Config, Ctx, Result, SystemStore};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Whether [`interrupted`] runs to its end.
static RECOVERING: AtomicBool = AtomicBool::new(false);

fn main() {
    divan::main();
}

async fn steps(ctx: Ctx, count: u32) -> Result<()> {
    for _ in 0..count {
        durable::run_as_step(&ctx, step).await?;
    }
    Ok(())
}

async fn step() -> Result<u32> {
    Ok(7)
}

async fn parent(ctx: Ctx, (): ()) -> Result<()> {
    durable::run_workflow(&ctx, steps, 0_u32)
        .await?
        .get_result()
        .await?;
    Ok(())
}

async fn correspondent(ctx: Ctx, count: u32) -> Result<()> {
    let own = ctx.workflow_id().expect("runs in a workflow").to_owned();
    for number in 0..count {
        durable::send(&ctx, &own, number).topic("letters").await?;
        let _: Option<u32> = durable::recv(&ctx, "letters", Duration::from_secs(60)).await?;
    }
    Ok(())
}

async fn interrupted(ctx: Ctx, count: u32) -> Result<()> {
    steps(ctx, count).await?;
    if !RECOVERING.load(Ordering::Relaxed) {
        pending::<()>().await;
    }
    Ok(())
}

/// An engine, and the thread that it runs on.
struct Engine {
    runtime: Runtime,
    ctx: Ctx,
}

impl Engine {
    fn launch() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let ctx = runtime.block_on(async {
            let store = durable::connect("memory:").await.expect("connects");
            launch(store).await
        });
        Self { runtime, ctx }
    }

    fn run<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        self.runtime.block_on(future).expect("succeeds")
    }
}

async fn launch(store: std::sync::Arc<dyn SystemStore>) -> Ctx {
    let config = Config::new("micro", store).executor_id("micro");
    let ctx = durable::new_context(config).await.expect("is set up");
    durable::register_workflow(&ctx, steps).expect("registers");
    durable::register_workflow(&ctx, parent).expect("registers");
    durable::register_workflow(&ctx, correspondent).expect("registers");
    durable::register_workflow(&ctx, interrupted).expect("registers");
    durable::launch(&ctx).await.expect("launches");
    ctx
}

/// One workflow without steps, start to result.
#[divan::bench]
fn a_workflow(bencher: Bencher) {
    let engine = Engine::launch();
    bencher.bench_local(|| run_steps(&engine, 0));
}

/// One workflow of 100 steps; an item is a step.
#[divan::bench]
fn a_step(bencher: Bencher) {
    let engine = Engine::launch();
    bencher
        .counter(ItemsCount::new(100_u32))
        .bench_local(|| run_steps(&engine, 100));
}

fn run_steps(engine: &Engine, count: u32) {
    engine.run(async {
        let handle = durable::run_workflow(&engine.ctx, steps, count).await?;
        Ok(handle.get_result().await?)
    });
}

/// One workflow that starts another and waits for its result.
#[divan::bench]
fn a_child(bencher: Bencher) {
    let engine = Engine::launch();
    bencher.bench_local(|| {
        engine.run(async {
            let handle = durable::run_workflow(&engine.ctx, parent, ()).await?;
            Ok(handle.get_result().await?)
        });
    });
}

/// One workflow that sends itself 100 messages and receives each; an item is a message.
#[divan::bench]
fn a_message(bencher: Bencher) {
    let engine = Engine::launch();
    bencher.counter(ItemsCount::new(100_u32)).bench_local(|| {
        engine.run(async {
            let handle = durable::run_workflow(&engine.ctx, correspondent, 100_u32).await?;
            Ok(handle.get_result().await?)
        });
    });
}

/// A launch that recovers one workflow of 1,000 recorded steps; an item is a step.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn a_replayed_step(bencher: Bencher) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    // Recovered contexts live until the end: their shutdown is not what is measured.
    let recovered = OnceCell::from(std::cell::RefCell::new(Vec::new()));
    bencher
        .counter(ItemsCount::new(1_000_u32))
        .with_inputs(|| {
            RECOVERING.store(false, Ordering::Relaxed);
            let store = runtime.block_on(interrupted_store());
            RECOVERING.store(true, Ordering::Relaxed);
            store
        })
        .bench_local_values(|store| {
            runtime.block_on(async {
                let ctx = launch(store).await;
                let handle = durable::retrieve_workflow::<()>(&ctx, "interrupted").await;
                handle.expect("is there").get_result().await.expect("ends");
                recovered.get().expect("is filled").borrow_mut().push(ctx);
            });
        });
}

/// A store that holds one workflow, interrupted after 1,000 steps.
async fn interrupted_store() -> std::sync::Arc<dyn SystemStore> {
    let store = durable::connect("memory:").await.expect("connects");
    let ctx = launch(std::sync::Arc::clone(&store)).await;
    let started = durable::run_workflow(&ctx, interrupted, 1_000_u32).id("interrupted");
    started.await.expect("starts");
    while durable::list_steps(&ctx, "interrupted")
        .await
        .expect("lists")
        .len()
        < 1_000
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    durable::shutdown(&ctx, Duration::ZERO)
        .await
        .expect("shuts down");
    store
}
