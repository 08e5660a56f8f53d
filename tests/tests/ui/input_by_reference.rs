use durable::{Ctx, Result};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order;

async fn ship(_: Ctx, _: Order) -> Result<()> {
    Ok(())
}

async fn start(ctx: Ctx, order: Order) {
    let _ = durable::run_workflow(&ctx, ship, &order).await;
}

fn main() {}
