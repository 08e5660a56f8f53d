use durable::{Ctx, Result};

async fn pay(ctx: Ctx, _: u64) -> Result<u64> {
    durable::run_as_transaction(&ctx, |_tx| async { Ok(7_u64) }).await
}

fn main() {}
