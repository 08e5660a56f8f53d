use durable::{Ctx, Result};

fn greet(_: Ctx, name: String) -> Result<String> {
    Ok(name)
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, greet);
}

fn main() {}
