//! Engines over a faulty store, simulated from seeds: every promise is kept, each run can be repeated, and a store that lies is found out.
use tests::simulation::{Lie, sabotaged, simulation};

/// How many seeds are run each time; `cargo run -p tests --bin simulation` goes on.
const SEEDS: u64 = 240;

#[test]
fn every_promise_is_kept() {
    let (mut events, mut recoveries) = (0, 0);
    for seed in 0..SEEDS {
        let report = simulation(seed).run();
        report.assert_kept();
        events += report.trace.events().len();
        let rows = report.view.workflows.values();
        recoveries += rows.map(|row| row.recovery_attempts).sum::<u32>();
    }
    // Seeds under which nothing happens prove nothing.
    assert!(events > 200_000, "{events}");
    assert!(recoveries > 500, "{recoveries}");
}

#[test]
fn the_same_seed_makes_the_same_run() {
    for seed in 1_000..1_016 {
        let (one, other) = (simulation(seed).run().trace, simulation(seed).run().trace);
        let mut pairs = one.events().iter().zip(other.events());
        if let Some((one, other)) = pairs.find(|(one, other)| one != other) {
            panic!("seed {seed}: {one} is not {other}");
        }
        assert_eq!(one.events().len(), other.events().len(), "seed {seed}");
    }
}

#[test]
fn other_seeds_make_other_runs() {
    assert_ne!(simulation(1).run().trace, simulation(2).run().trace);
}

/// Within how many seeds a lie must be found out.
const ENOUGH: u64 = 60;

fn is_found_out(lie: Lie) {
    let found = (0..ENOUGH).find_map(|seed| {
        let report = sabotaged(seed, lie).run();
        report.broken.first().map(|what| (seed, what.clone()))
    });
    match found {
        Some((seed, what)) => println!("{lie:?}: seed {seed}: {what}"),
        None => panic!("{lie:?} is not found out within {ENOUGH} seeds"),
    }
}

macro_rules! lies_are_found_out {
    ($($name:ident => $lie:ident,)*) => {
        $(#[test]
        fn $name() {
            is_found_out(Lie::$lie);
        })*
    };
}

lies_are_found_out! {
    a_store_without_fences_is_found_out => NoFence,
    a_store_that_lets_anyone_finish_is_found_out => AnyoneFinishes,
    a_store_that_loses_checkpoints_is_found_out => CheckpointsLost,
    a_store_that_rewrites_checkpoints_is_found_out => CheckpointsRewritten,
    a_store_that_loses_messages_is_found_out => MessagesLost,
    a_store_that_doubles_messages_is_found_out => MessagesTwice,
    a_store_that_lets_one_more_through_is_found_out => OneMore,
    a_store_that_minds_no_rate_is_found_out => AnyRate,
    a_store_that_forgets_delays_is_found_out => DelaysForgotten,
    a_store_that_loses_ticks_is_found_out => TicksLost,
    a_store_that_settles_nothing_is_found_out => NothingSettled,
}
