use durable::Ctx;

async fn greet(_: Ctx, name: String) -> String {
    name
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, greet);
}

fn main() {}
