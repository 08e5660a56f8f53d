use durable::{Ctx, Result};

async fn charge(cents: u64) -> Result<u64> {
    Ok(cents)
}

async fn pay(ctx: Ctx, cents: u64) -> Result<u64> {
    durable::run_as_step(&ctx, charge(cents)).await
}

fn main() {}
