#![deny(unused_must_use)]
use durable::{Ctx, Result};

async fn greet(_: Ctx, name: String) -> Result<String> {
    Ok(name)
}

fn start(ctx: Ctx) {
    durable::run_workflow(&ctx, greet, "Ann").id("greet-ann");
}

fn main() {}
