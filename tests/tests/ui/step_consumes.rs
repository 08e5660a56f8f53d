use durable::{Ctx, Result};

async fn charge(_card: String) -> Result<u64> {
    Ok(300)
}

async fn pay(ctx: Ctx, card: String) -> Result<u64> {
    durable::run_as_step(&ctx, || async move { charge(card).await }).await
}

fn main() {}
