use durable::{Ctx, Result};

async fn tick(_: Ctx) -> Result<()> {
    Ok(())
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, tick);
}

fn main() {}
