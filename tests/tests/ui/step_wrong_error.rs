use durable::{Ctx, Result};

async fn fetch() -> std::io::Result<u64> {
    Ok(5)
}

async fn count(ctx: Ctx, _: String) -> Result<u64> {
    durable::run_as_step(&ctx, fetch).await
}

fn main() {}
