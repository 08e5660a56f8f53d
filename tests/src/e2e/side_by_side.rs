//! Branches of several durable calls each, side by side: a replay takes them up in the order in which they went.
use std::future::IntoFuture;

use durable::{Ctx, Error, Failure, Result, WorkflowStatus};
use durable_testing::{Backend, Bench};
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

use super::support::{Counter, Flow, Gate, Log, life, register, row, stop};

/// What the workflows of a case share with the test.
#[derive(Clone)]
struct World {
    /// The bodies of steps, as they ran.
    ran: Log,
    /// How far the workflow came.
    arrived: Counter,
    slow: Gate,
    last: Gate,
}

impl World {
    fn new() -> Self {
        Self {
            ran: Log::default(),
            arrived: Counter::default(),
            slow: Gate::closed(),
            last: Gate::closed(),
        }
    }

    /// A step like all others, but for what it returns, which is `text`, and the gate it waits at.
    fn step<'c>(
        &'c self,
        ctx: &'c Ctx,
        text: impl Into<String>,
        gate: Option<&'c Gate>,
    ) -> BoxFuture<'c, Result<String>> {
        let text = text.into();
        let body = move || {
            let text = text.clone();
            async move {
                if let Some(gate) = gate {
                    gate.pass().await;
                }
                self.ran.add(&text);
                Ok(text)
            }
        };
        durable::run_as_step(ctx, body).named("step").into_future()
    }

    /// Runs the workflow in one life until it has come so far, and ends it in the next. Whatever happens in the first happens once the right branch is through.
    async fn in_two_lives<W>(&self, bench: &Bench<'_, impl Backend>, flow: W, far: u32) -> String
    where
        W: Fn(Ctx, ()) -> Flow<String> + Clone + Send + Sync + 'static,
    {
        let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
        let handle = durable::run_workflow(&first, flow.clone(), ()).id("w");
        handle.await.unwrap();
        self.arrived.reaches(1).await;
        self.slow.open();
        self.arrived.reaches(far).await;
        self.last.open();
        let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
        let handle = durable::retrieve_workflow::<String>(&second, "w").await;
        let result = handle.unwrap().get_result().await.unwrap();
        stop(&first).await;
        stop(&second).await;
        let mut ran = self.ran.lines();
        ran.sort_unstable();
        let count = ran.len();
        ran.dedup();
        assert_eq!(
            ran.len(),
            count,
            "each step ran once: {:?}",
            self.ran.lines()
        );
        result
    }
}

pub(super) async fn branches_keep_their_calls(bench: &Bench<'_, impl Backend>) {
    let world = World::new();
    let shared = world.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<String> {
        let world = shared.clone();
        Box::pin(async move {
            let branch = async |name: &str, gate: Option<&Gate>| {
                let one = world.step(&ctx, format!("{name} 1"), gate).await?;
                let two = world.step(&ctx, format!("{name} 2"), None).await?;
                world.arrived.up();
                Ok::<_, Failure>(format!("{one}, {two}"))
            };
            // The left one begins, and the right one is through first.
            let (left, right) =
                tokio::join!(branch("left", Some(&world.slow)), branch("right", None),);
            world.last.pass().await;
            Ok(format!("{}; {}", left?, right?))
        })
    };
    let result = world.in_two_lives(bench, flow, 2).await;
    assert_eq!(result, "left 1, left 2; right 1, right 2");
    assert_eq!(world.ran.lines().len(), 4);
}

pub(super) async fn a_call_kept_over_rounds_of_select_wins_the_same_round(
    bench: &Bench<'_, impl Backend>,
) {
    let world = World::new();
    let shared = world.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<String> {
        let world = shared.clone();
        Box::pin(async move {
            let mut slow = world.step(&ctx, "slow", Some(&world.slow));
            let mut rounds = 0;
            let won = loop {
                if rounds == 3 {
                    world.arrived.up();
                    break slow.await?;
                }
                tokio::select! {
                    won = &mut slow => break won?,
                    tick = world.step(&ctx, format!("tick {rounds}"), None) => tick?,
                };
                rounds += 1;
            };
            let after = world.step(&ctx, format!("{won} after {rounds}"), None);
            let after = after.await?;
            world.arrived.up();
            world.last.pass().await;
            Ok(after)
        })
    };
    let result = world.in_two_lives(bench, flow, 2).await;
    assert_eq!(result, "slow after 3");
    assert_eq!(world.ran.lines().len(), 5);
}

pub(super) async fn what_arrived_first_arrives_first_again(bench: &Bench<'_, impl Backend>) {
    let world = World::new();
    let shared = world.clone();
    let flow = move |ctx: Ctx, (): ()| -> Flow<String> {
        let world = shared.clone();
        Box::pin(async move {
            let steps = [
                ("a", Some(&world.slow)),
                ("b", None),
                ("c", Some(&world.slow)),
            ];
            let steps = steps.map(|(text, gate)| world.step(&ctx, text, gate));
            let mut steps: FuturesUnordered<_> = steps.into_iter().collect();
            let mut order = String::new();
            while let Some(step) = steps.next().await {
                order.push_str(&step?);
                world.arrived.up();
            }
            let recorded = world.step(&ctx, order.clone(), None).await?;
            world.arrived.up();
            world.last.pass().await;
            Ok(format!("{recorded} {order}"))
        })
    };
    let result = world.in_two_lives(bench, flow, 4).await;
    let (recorded, order) = result.split_once(' ').expect("both");
    assert_eq!(recorded, order);
    assert!(order.starts_with('b'), "{order}");
}

pub(super) async fn a_branch_that_is_gone_from_the_code_is_reported(
    bench: &Bench<'_, impl Backend>,
) {
    let world = World::new();
    let both = |with_right: bool| {
        let world = world.clone();
        move |ctx: Ctx, (): ()| -> Flow<String> {
            let world = world.clone();
            Box::pin(async move {
                let right = async {
                    if with_right {
                        world.step(&ctx, "right", None).await?;
                        let two = durable::run_as_step(&ctx, || async { Ok(2) });
                        two.named("other").await?;
                        world.arrived.up();
                    }
                    Ok::<_, Failure>(())
                };
                let left = async {
                    let one = world.step(&ctx, "left", Some(&world.slow)).await?;
                    let two = world.step(&ctx, "left", None).await?;
                    let three = world.step(&ctx, "left", None).await?;
                    Ok::<_, Failure>(one + &two + &three)
                };
                let (left, right) = tokio::join!(left, right);
                right?;
                left
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &both(true))).await;
    let start = durable::run_workflow(&first, both(true), ()).id("w");
    start.await.unwrap();
    world.arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &both(false))).await;
    // Before it goes on: a handle that comes after the end of an interrupted execution waits for the next one.
    let handle = durable::retrieve_workflow::<String>(&second, "w").await;
    world.slow.open();
    let error = handle.unwrap().get_result().await.unwrap_err();
    let told = matches!(
        error,
        Error::UnexpectedStep { step_id: 2, .. } | Error::Interrupted { .. }
    );
    assert!(told, "{error}");
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);
    stop(&first).await;
    stop(&second).await;
}
