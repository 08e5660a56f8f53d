use durable::{Ctx, Result};

async fn greet(_: Ctx, name: &str) -> Result<String> {
    Ok(name.to_owned())
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, greet, "Ann").await;
}

fn main() {}
