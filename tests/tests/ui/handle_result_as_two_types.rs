use durable::{Ctx, Result};

async fn both(ctx: Ctx) -> Result<()> {
    let handle = durable::retrieve_workflow(&ctx, "order-7").await?;
    let _text: String = handle.get_result().await?;
    let _number: u64 = handle.get_result().await?;
    Ok(())
}

fn main() {}
