use durable::{Ctx, Result};

async fn greet(_: Ctx, name: String, _age: u8) -> Result<String> {
    Ok(name)
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, greet);
}

fn main() {}
