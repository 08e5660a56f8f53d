use durable::Ctx;

async fn greet(_: Ctx, name: String) -> std::io::Result<String> {
    Ok(name)
}

fn start(ctx: Ctx) {
    let _ = durable::register_workflow(&ctx, greet);
}

fn main() {}
