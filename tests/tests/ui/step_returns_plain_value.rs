use durable::{Ctx, Result};

async fn count(ctx: Ctx, _: String) -> Result<u64> {
    durable::run_as_step(&ctx, || async { 5u64 }).await
}

fn main() {}
