//! A program that tells, before it is deployed, whether it could go on with the workflows that are under way.
//!
//! ```console
//! $ cargo run -p examples --bin verify_replay -- start   # an order is charged, and waits for its approval
//! $ cargo run -p examples --bin verify_replay            # nothing diverges: exits with 0
//! $ cargo run -p examples --bin verify_replay -- renamed # a build in which a step has another name: exits with 1
//! ```
//!
//! The store is `DURABLE_STORE_URL`, or else a local SQLite file.
use std::{env, process::ExitCode, time::Duration};

use durable::{Config, Ctx, RegisterOptions, Result};

/// How the build calls the step that charges: what stands for two builds of a program here.
struct Charge(&'static str);

async fn order(ctx: Ctx, item: String) -> Result<String> {
    let charge = ctx.value::<Charge>().map_or("charge", |name| name.0);
    durable::run_as_step(&ctx, || async { Ok(499_u64) })
        .named(charge)
        .await?;
    let approved = durable::recv::<bool>(&ctx, "approval", Duration::from_secs(86_400)).await?;
    Ok(format!("{item}: {}", approved.unwrap_or(false)))
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let command = env::args().nth(1).unwrap_or_default();
    let url = env::var("DURABLE_STORE_URL").unwrap_or_else(|_| "sqlite:verify_replay.db".into());
    let store = durable::connect(&url).await?;
    // A look at a store that another version works with must not change its schema.
    let config = Config::new("orders", store).migrate(command == "start");
    let ctx = durable::new_context(config).await?;
    let charge = match command.as_str() {
        "renamed" => Charge("take payment"),
        _ => Charge("charge"),
    };
    let named = RegisterOptions::new().named("order");
    durable::register_workflow_with(&ctx.with_value(charge), order, named)?;

    if command == "start" {
        durable::launch(&ctx).await?;
        durable::run_workflow(&ctx, order, "tea")
            .id("order-7")
            .await?;
        durable::shutdown(&ctx, Duration::from_secs(10)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = durable::verify_replay(&ctx).await?;
    println!("{report}");
    Ok(match report.is_compatible() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
