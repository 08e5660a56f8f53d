use durable::{Ctx, Result};

async fn double(_: Ctx, number: u64) -> Result<u64> {
    Ok(2 * number)
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, double, "21").await;
}

fn main() {}
