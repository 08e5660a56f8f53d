use durable::{Ctx, Result};

async fn greet(_: Ctx, name: String) -> Result<String> {
    Ok(name)
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, greet(ctx.clone(), "Ann".into()), "Ann").await;
}

fn main() {}
