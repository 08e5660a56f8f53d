use durable::{Ctx, Result};

struct Receipt;

async fn pay(_: Ctx, _: u64) -> Result<Receipt> {
    Ok(Receipt)
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, pay, 300u64).await;
}

fn main() {}
