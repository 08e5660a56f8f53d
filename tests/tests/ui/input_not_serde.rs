use durable::{Ctx, Result};

struct Order;

async fn ship(_: Ctx, _: Order) -> Result<()> {
    Ok(())
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, ship, Order).await;
}

fn main() {}
