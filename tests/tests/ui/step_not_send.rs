use std::rc::Rc;

use durable::{Ctx, Result};

async fn fetch() -> Result<u64> {
    let number = Rc::new(5);
    std::future::ready(()).await;
    Ok(*number)
}

async fn count(ctx: Ctx, _: String) -> Result<u64> {
    durable::run_as_step(&ctx, fetch).await
}

fn main() {}
