use durable::{Ctx, Result};

struct Receipt;

async fn pay(ctx: Ctx, _: u64) -> Result<()> {
    let _receipt = durable::run_as_step(&ctx, || async { Ok(Receipt) }).await?;
    Ok(())
}

fn main() {}
