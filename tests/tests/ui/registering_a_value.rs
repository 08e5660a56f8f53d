use durable::Ctx;

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, "greet");
}

fn main() {}
