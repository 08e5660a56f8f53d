use durable::{Ctx, Result};

fn charge() -> Result<u64> {
    Ok(300)
}

async fn pay(ctx: Ctx, _: u64) -> Result<u64> {
    durable::run_as_step(&ctx, charge).await
}

fn main() {}
