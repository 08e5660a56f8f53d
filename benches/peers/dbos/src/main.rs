//! The workloads over dbos.
use std::{process::ExitCode, time::Duration};

use dbos::{
    Client, ClientConfig, Config, DBOS, EngineOnly, EnqueueOptions, QueueConflict, QueueOptions,
    WorkflowHandle, WorkflowRef,
};
use driver::{APP, After, Failure, Input, Library, Order, Output, QUEUE, VERSION, WORKFLOW};

/// Both of its intervals are a second by default: with that, what it does would hide behind what it waits.
const POLLING: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    driver::work::<Dbos>()
}

async fn bench(input: Input) -> dbos::Result<Output> {
    driver::started(&input);
    for _ in 0..input.steps {
        dbos::step("step", || async { dbos::Result::Ok(input.payload.clone()) }).await?;
    }
    let ended = driver::finished(&input).await;
    if input.after == After::Sleep {
        dbos::sleep::<EngineOnly>(Duration::from_secs(3600)).await?;
    }
    Ok(ended)
}

struct Dbos {
    dbos: DBOS,
    bench: WorkflowRef<Input, Output, EngineOnly>,
}

impl Library for Dbos {
    type Client = Client;

    async fn open(order: &Order) -> Result<Self, Failure> {
        let dbos = DBOS::new(Config {
            app_version: Some(VERSION.to_owned()),
            executor_id: Some(order.executor.clone()),
            max_connections: order.pool,
            outcome_poll_interval: Some(POLLING),
            ..Config::new(APP, &order.url)
        });
        let bench = dbos.register_workflow(WORKFLOW, bench)?;
        Ok(Self { dbos, bench })
    }

    async fn launch(&mut self, serve: bool) -> Result<(), Failure> {
        self.dbos.launch().await?;
        // Registering makes this process poll it.
        if serve {
            let options = QueueOptions {
                polling_interval: POLLING,
                ..QueueOptions::default()
            };
            self.dbos
                .register_queue(QUEUE, options, QueueConflict::UpdateIfLatestVersion)
                .await?;
        }
        Ok(())
    }

    async fn run(&self, input: Input) -> Result<Output, Failure> {
        Ok(self.bench.run(input).await?)
    }

    async fn start(&self, input: Input) -> Result<(), Failure> {
        self.bench.start(input).await?;
        Ok(())
    }

    async fn client(order: &Order) -> Result<Client, Failure> {
        let config = ClientConfig {
            app_name: Some(APP.to_owned()),
            max_connections: order.pool,
            outcome_poll_interval: Some(POLLING),
            ..ClientConfig::new(&order.url)
        };
        Ok(Client::connect(config).await?)
    }

    async fn enqueue(client: &Client, input: Input) -> Result<(), Failure> {
        let options = EnqueueOptions::new(QUEUE);
        let _: WorkflowHandle<Output, EngineOnly> =
            client.enqueue_with(WORKFLOW, input, options).await?;
        Ok(())
    }

    async fn ask(client: &Client, input: Input) -> Result<Output, Failure> {
        let options = EnqueueOptions::new(QUEUE);
        let handle: WorkflowHandle<Output, EngineOnly> =
            client.enqueue_with(WORKFLOW, input, options).await?;
        Ok(handle.result().await?)
    }
}
