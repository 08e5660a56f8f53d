#![deny(unused_must_use)]
use durable::{Ctx, Result};

async fn charge() -> Result<u64> {
    Ok(300)
}

async fn pay(ctx: Ctx, _: u64) -> Result<()> {
    durable::run_as_step(&ctx, charge).named("charge");
    Ok(())
}

fn main() {}
