//! Simulations are what they say.
use std::time::Duration;

use durable_api::{Ctx, RegisterOptions, Result, enqueue_named, register_queue, run_as_step};
use durable_testing::simulation::{Host, Simulation, SimulationReport};

async fn order(ctx: Ctx, cents: u64) -> Result<u64> {
    let host = ctx.value::<Host>().expect("every context has its host");
    let fee = run_as_step(&ctx, async || {
        host.sleep(Duration::from_millis(50)).await;
        Ok(30)
    });
    let fee = fee.named("fee").await?;
    durable_api::sleep(&ctx, Duration::from_secs(2)).await?;
    run_as_step(&ctx, async || Ok(cents + fee))
        .named("sum")
        .await
}

fn simulation(seed: u64) -> Simulation {
    Simulation::new(seed)
        .set_up(|ctx| {
            let named = RegisterOptions::new().named("order");
            durable_api::register_workflow_with(ctx, order, named)
        })
        .scenario(async |outside| {
            let queue = register_queue(outside.client(), "orders").concurrency(1);
            queue.await.expect("a queue");
            for cents in 0..4 {
                let order = enqueue_named::<u64>(outside.client(), "orders", "order", cents);
                let order = order.await.expect("it is accepted");
                assert_eq!(order.get_result().await.expect("a result"), cents + 30);
            }
        })
}

#[test]
fn the_same_seed_makes_the_same_run() {
    for seed in 0..5 {
        let (one, other) = (simulation(seed).run(), simulation(seed).run());
        one.assert_kept();
        let (one, other) = (one.trace.events(), other.trace.events());
        let place = one.iter().zip(other).position(|(one, other)| one != other);
        if let Some(place) = place {
            panic!("seed {seed}: {} is not {}", one[place], other[place]);
        }
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}

#[test]
fn other_seeds_make_other_runs() {
    assert_ne!(simulation(1).run().trace, simulation(2).run().trace);
}

#[test]
fn an_invariant_that_does_not_hold_ends_the_run_and_is_named_with_the_seed() {
    let nobody_runs = simulation(7).invariant("nobody runs", |view| {
        match view.pending_in("orders").count() {
            0 => Ok(()),
            some => Err(format!("{some} do")),
        }
    });
    let report: SimulationReport = nobody_runs.run();
    assert_eq!(report.broken, ["nobody runs: 1 do"]);
    let told = report.to_string();
    assert!(told.contains("seed 7 breaks promises"), "{told}");
}

#[test]
fn what_does_not_end_is_told() {
    let stuck = Simulation::new(7)
        .set_up(|ctx| {
            let named = RegisterOptions::new().named("order");
            durable_api::register_workflow_with(ctx, order, named)
        })
        .scenario(async |outside| {
            let queue = register_queue(outside.client(), "orders");
            queue.await.expect("a queue");
            let nobodys = enqueue_named::<u64>(outside.client(), "orders", "unheard of", 1u64);
            nobodys.id("held-up").await.expect("it is accepted");
        })
        .patience(Duration::from_secs(30));
    let report = stuck.run();
    assert!(report.broken[0].contains("`held-up`"), "{report}");
}
