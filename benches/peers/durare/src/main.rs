//! The workloads over durare.
use std::{process::ExitCode, sync::Arc, time::Duration};

use driver::{After, Failure, Input, Library, Order, Output, QUEUE, VERSION, WORKFLOW};
use durare::{
    Client, DurableContext, DurableEngine, InMemoryProvider, PostgresProvider, SqliteProvider,
    StateProvider, WorkflowOptions, WorkflowQueue,
};
use sqlx::postgres::PgPoolOptions;

/// A second by default: with that, what it does would hide behind what it waits.
const POLLING: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    driver::work::<Durare>()
}

async fn bench(ctx: DurableContext, input: Input) -> durare::Result<Output> {
    driver::started(&input);
    for _ in 0..input.steps {
        ctx.step("step", || async { Ok(input.payload.clone()) })
            .await?;
    }
    let ended = driver::finished(&input).await;
    if input.after == After::Sleep {
        ctx.sleep(Duration::from_secs(3600)).await?;
    }
    Ok(ended)
}

struct Durare(DurableEngine);

impl Library for Durare {
    type Client = Client;

    async fn open(order: &Order) -> Result<Self, Failure> {
        let mut builder = DurableEngine::builder(provider(order).await?);
        builder
            .register(WORKFLOW, bench)
            .app_version(VERSION)
            .executor_id(&order.executor);
        builder.register_queue(
            WorkflowQueue::new(QUEUE)
                .base_polling_interval(POLLING)
                .max_tasks_per_iteration(1_000),
        );
        Ok(Self(builder.build().await?))
    }

    async fn launch(&mut self, serve: bool) -> Result<(), Failure> {
        if serve {
            self.0.recover().await?;
        } else {
            self.0.listen_queues(Vec::<String>::new());
        }
        self.0.launch().await?;
        Ok(())
    }

    async fn run(&self, input: Input) -> Result<Output, Failure> {
        let options = WorkflowOptions::default();
        let handle = self.0.start::<_, Output>(WORKFLOW, input, options).await?;
        Ok(handle.await?)
    }

    async fn start(&self, input: Input) -> Result<(), Failure> {
        let options = WorkflowOptions::default();
        self.0.start::<_, Output>(WORKFLOW, input, options).await?;
        Ok(())
    }

    async fn client(order: &Order) -> Result<Client, Failure> {
        Ok(Client::new(provider(order).await?).with_app_version(VERSION))
    }

    async fn enqueue(client: &Client, input: Input) -> Result<(), Failure> {
        let options = WorkflowOptions::default();
        client
            .enqueue::<_, Output>(QUEUE, WORKFLOW, input, options)
            .await?;
        Ok(())
    }

    async fn ask(client: &Client, input: Input) -> Result<Output, Failure> {
        let options = WorkflowOptions::default();
        let handle = client
            .enqueue::<_, Output>(QUEUE, WORKFLOW, input, options)
            .await?;
        Ok(handle.result().await?)
    }
}

async fn provider(order: &Order) -> Result<Arc<dyn StateProvider>, Failure> {
    if order.url.starts_with("memory") {
        return Ok(Arc::new(InMemoryProvider::new()));
    }
    if order.url.starts_with("sqlite") {
        // Its own settings: WAL and `synchronous = NORMAL`.
        return Ok(Arc::new(SqliteProvider::connect(&order.url).await?));
    }
    // As its guide says for a pool of another size than its default.
    let pool = PgPoolOptions::new()
        .max_connections(order.pool)
        .connect(&order.url)
        .await?;
    Ok(Arc::new(PostgresProvider::from_pool_with_schema(
        pool, "dbos",
    )?))
}
