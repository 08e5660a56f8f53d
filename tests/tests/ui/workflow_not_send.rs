use std::rc::Rc;

use durable::{Ctx, Result};

async fn greet(ctx: Ctx, name: String) -> Result<String> {
    let name = Rc::new(name);
    durable::run_as_step(&ctx, step).await?;
    Ok(name.to_string())
}

async fn step() -> Result<()> {
    Ok(())
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, greet);
}

fn main() {}
