//! The workloads over durable.
use std::{process::ExitCode, time::Duration};

use driver::{APP, After, Failure, Input, Library, Order, Output, QUEUE, VERSION, WORKFLOW};
use durable::{Client, Config, Ctx, RegisterOptions, Result};

fn main() -> ExitCode {
    driver::work::<Ours>()
}

async fn bench(ctx: Ctx, input: Input) -> Result<Output> {
    driver::started(&input);
    for _ in 0..input.steps {
        durable::run_as_step(&ctx, || async { Ok(input.payload.clone()) })
            .named("step")
            .await?;
    }
    let ended = driver::finished(&input).await;
    if input.after == After::Sleep {
        durable::sleep(&ctx, Duration::from_secs(3600)).await?;
    }
    Ok(ended)
}

struct Ours(Ctx);

impl Library for Ours {
    type Client = Client;

    async fn open(order: &Order) -> Result<Self, Failure> {
        let ctx = durable::new_context(config(order).await?).await?;
        let options = RegisterOptions::new().named(WORKFLOW);
        durable::register_workflow_with(&ctx, bench, options)?;
        Ok(Self(ctx))
    }

    async fn launch(&mut self, serve: bool) -> Result<(), Failure> {
        if !serve {
            durable::serve_queues(&self.0, Some(Vec::new()));
        }
        durable::launch(&self.0).await?;
        durable::register_queue(&self.0, QUEUE).await?;
        Ok(())
    }

    async fn run(&self, input: Input) -> Result<Output, Failure> {
        let handle = durable::run_workflow(&self.0, bench, input).await?;
        Ok(handle.get_result().await?)
    }

    async fn start(&self, input: Input) -> Result<(), Failure> {
        durable::run_workflow(&self.0, bench, input).await?;
        Ok(())
    }

    async fn client(order: &Order) -> Result<Client, Failure> {
        Ok(durable::new_client(config(order).await?).await?)
    }

    async fn enqueue(client: &Client, input: Input) -> Result<(), Failure> {
        durable::enqueue_named::<Output>(client, QUEUE, WORKFLOW, input).await?;
        Ok(())
    }

    async fn ask(client: &Client, input: Input) -> Result<Output, Failure> {
        let handle = durable::enqueue_named::<Output>(client, QUEUE, WORKFLOW, input).await?;
        Ok(handle.get_result().await?)
    }
}

async fn config(order: &Order) -> Result<Config, Failure> {
    let mut url = order.url.clone();
    if url.starts_with("postgres") {
        url.push_str(&format!("?max_connections={}", order.pool));
    }
    let store = durable::connect(&url).await?;
    Ok(Config::new(APP, store)
        .executor_id(&order.executor)
        .app_version(VERSION))
}
