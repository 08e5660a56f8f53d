//! A workflow with one step, on any store: set `DURABLE_STORE_URL` to `memory:`, `sqlite:app.db`,
//! `postgres://…` or `redis://…` (the last two with the features `postgres` and `redis`).
use std::time::Duration;

use durable::{Config, Ctx, Result};

// A workflow with one step.
async fn example_workflow(ctx: Ctx, _input: String) -> Result<String> {
    durable::run_as_step(&ctx, step).await
}

async fn step() -> Result<String> {
    Ok("Step completed".into())
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("DURABLE_STORE_URL").unwrap_or_else(|_| "sqlite:starter.db".into());
    let store = durable::connect(&url).await?;
    let ctx = durable::new_context(Config::new("rust-starter", store)).await?;
    durable::register_workflow(&ctx, example_workflow)?;
    durable::launch(&ctx).await?;

    let handle = durable::run_workflow(&ctx, example_workflow, "some-input").await?;
    println!("{}", handle.get_result().await?);
    durable::shutdown(&ctx, Duration::from_secs(10)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use durable_testing::{crash_points, zombies};

    use super::*;

    #[tokio::test]
    async fn it_survives_a_crash_at_every_call() {
        let report = crash_points(example_workflow, "some-input")
            .pairs(usize::MAX)
            .await;
        assert_eq!(report.expect("survives").missed(), 0);
    }

    #[tokio::test]
    async fn its_zombie_writes_nothing() {
        zombies(example_workflow, "some-input")
            .await
            .expect("writes nothing");
    }
}
