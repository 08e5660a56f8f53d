use std::rc::Rc;

use durable::{Ctx, Result};

async fn count(ctx: Ctx, _: String) -> Result<u64> {
    let number = Rc::new(5);
    durable::run_as_step(&ctx, || async { Ok(*number) }).await
}

fn main() {}
