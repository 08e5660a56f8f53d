use durable::{Ctx, Result};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order;

#[derive(Serialize, Deserialize)]
struct Invoice;

async fn ship(_: Ctx, _: Order) -> Result<()> {
    Ok(())
}

async fn start(ctx: Ctx) {
    let _ = durable::run_workflow(&ctx, ship, Invoice).await;
}

fn main() {}
