use durable::{Ctx, Result};

async fn wait(ctx: Ctx) -> Result<()> {
    let handle = durable::retrieve_workflow(&ctx, "order-7").await?;
    handle.get_result().await?;
    Ok(())
}

fn main() {}
