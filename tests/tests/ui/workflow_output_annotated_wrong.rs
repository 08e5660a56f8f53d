use durable::{Ctx, Result};

async fn greet(_: Ctx, name: String) -> Result<String> {
    Ok(name)
}

async fn start(ctx: Ctx) -> Result<()> {
    let handle = durable::run_workflow(&ctx, greet, "Ann").await?;
    let _length: usize = handle.get_result().await?;
    Ok(())
}

fn main() {}
