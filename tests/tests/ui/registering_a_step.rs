use durable::{Ctx, Result};

async fn step() -> Result<String> {
    Ok(String::new())
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, step);
}

fn main() {}
