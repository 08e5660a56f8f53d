use std::sync::Arc;

use durable::{Ctx, Instance, Result};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, life, process, register, row, stop};

/// The code before a change: one step, then a gate, then a step.
fn old_code(
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, ()) -> Flow<String> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let way = durable::run_as_step(&ctx, || async { Ok("old".to_owned()) })
                .named("way")
                .await?;
            durable::run_as_step(&ctx, || async { Ok(()) })
                .named("more")
                .await?;
            arrived.up();
            gate.pass().await;
            durable::run_as_step(&ctx, || async { Ok(()) })
                .named("end")
                .await?;
            Ok(way)
        })
    }
}

/// The code after it: new workflows go another way.
fn new_code(
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, ()) -> Flow<String> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let way = match durable::patch(&ctx, "another-way").await? {
                true => {
                    durable::run_as_step(&ctx, || async { Ok(()) })
                        .named("extra")
                        .await?;
                    "new".to_owned()
                }
                false => {
                    durable::run_as_step(&ctx, || async { Ok("old".to_owned()) })
                        .named("way")
                        .await?
                }
            };
            durable::run_as_step(&ctx, || async { Ok(()) })
                .named("more")
                .await?;
            arrived.up();
            gate.pass().await;
            durable::run_as_step(&ctx, || async { Ok(()) })
                .named("end")
                .await?;
            Ok(way)
        })
    }
}

pub(super) async fn a_patch_lets_old_workflows_finish_the_old_way(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let (old, new) = (old_code(&arrived, &gate), new_code(&arrived, &gate));
    let first = life(bench, |ctx| register(ctx, "flow", &old)).await;
    durable::run_workflow(&first, old, ())
        .id("before")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &new)).await;
    durable::run_workflow(&second, new.clone(), ())
        .id("after")
        .await
        .unwrap();
    arrived.reaches(3).await;
    // Once more, so that the new one replays its mark.
    let third = life(bench, |ctx| register(ctx, "flow", &new)).await;
    arrived.reaches(5).await;
    gate.open();
    for (id, way) in [("before", "old"), ("after", "new")] {
        let handle = durable::retrieve_workflow::<String>(&third, id)
            .await
            .unwrap();
        assert_eq!(handle.get_result().await.unwrap(), way, "{id}");
    }
    for ctx in [&first, &second, &third] {
        stop(ctx).await;
    }
}

pub(super) async fn a_deprecated_patch_accepts_its_mark_and_leaves_none(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let new = new_code(&arrived, &gate);
    let newest = {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<String> {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Box::pin(async move {
                durable::deprecate_patch(&ctx, "another-way").await?;
                durable::run_as_step(&ctx, || async { Ok(()) })
                    .named("extra")
                    .await?;
                durable::run_as_step(&ctx, || async { Ok(()) })
                    .named("more")
                    .await?;
                arrived.up();
                gate.pass().await;
                durable::run_as_step(&ctx, || async { Ok(()) })
                    .named("end")
                    .await?;
                Ok("newest".to_owned())
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &new)).await;
    durable::run_workflow(&first, new, ())
        .id("before")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &newest)).await;
    gate.open();
    let handle = durable::retrieve_workflow::<String>(&second, "before")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "newest");
    let handle = durable::run_workflow(&second, newest, ())
        .id("after")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    let names = async |id: &str| -> Vec<String> {
        let steps = bench.open().await.list_steps(id).await.unwrap();
        steps.into_iter().map(|step| step.name).collect()
    };
    assert_eq!(
        names("before").await,
        ["durable.patch.another-way", "extra", "more", "end"]
    );
    assert_eq!(names("after").await, ["extra", "more", "end"]);
    stop(&first).await;
    stop(&second).await;
}

struct Shop {
    country: String,
    arrived: Counter,
    gate: Gate,
}

impl Instance for Shop {
    fn instance_name(&self) -> &str {
        &self.country
    }
}

impl Shop {
    async fn checkout(self: Arc<Self>, _ctx: Ctx, item: String) -> Result<String> {
        self.arrived.up();
        self.gate.pass().await;
        Ok(format!("{item} from {}", self.country))
    }
}

pub(super) async fn instances_are_told_apart_also_at_recovery(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let shop = |country: &str| {
        Arc::new(Shop {
            country: country.to_owned(),
            arrived: arrived.clone(),
            gate: gate.clone(),
        })
    };
    let (fr, de) = (shop("fr"), shop("de"));
    let registered = |ctx: &Ctx| {
        durable::register_workflow(ctx, durable::method(&fr, Shop::checkout)).unwrap();
        durable::register_workflow(ctx, durable::method(&de, Shop::checkout)).unwrap();
    };
    let first = life(bench, registered).await;
    let in_germany = durable::method(&de, Shop::checkout);
    durable::run_workflow(&first, in_germany, "tea")
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    assert!(row(bench, "w").await.name.ends_with("checkout@de"));
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<String>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "tea from de");
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn values_of_the_registering_context_are_there_in_each_execution(
    bench: &Bench<'_, impl Backend>,
) {
    #[derive(Debug)]
    struct Rate(u32);
    async fn price(ctx: Ctx, count: u32) -> Result<u32> {
        let rate = ctx.value::<Rate>().map_or(0, |rate| rate.0);
        durable::run_as_step(&ctx, || async { Ok(count * rate) }).await
    }
    let ctx = process(bench, |ctx| {
        register(
            &ctx.with_value(Rate(3)).with_value("another type"),
            "price",
            &price,
        );
    })
    .await;
    let handle = durable::run_workflow(&ctx, price, 5u32).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 15);
    stop(&ctx).await;
}
