//! Simulations of engines that run workflows of all kinds over a faulty store, from seeds.
mod arguments;
mod book;
mod crooked;
mod load;

use std::{
    fs,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use durable::{Ctx, Error, StepContext};
use durable_testing::simulation::{Host, Simulation, SimulationReport};
use futures::future::BoxFuture;

use crate::flows::{self, Place};

use book::Book;
use crooked::Crooked;
pub use crooked::Lie;

/// The simulation of a seed.
pub fn simulation(seed: u64) -> Simulation {
    let book = Book::default();
    let (working, ended) = (book.clone(), book);
    Simulation::new(seed)
        .set_up(register)
        .scenario(move |outside| load::work(outside, working))
        .at_the_end("everything has come to what it must", move |view| {
            ended.check(view)
        })
        .at_the_end("every tick has its one run", book::ticks)
}

fn register(ctx: &Ctx) -> Result<(), Error> {
    let host = ctx.value::<Host>().expect("every context has its host");
    flows::register(ctx, host)
}

impl Place for Host {
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.sleep(time))
    }

    fn begin(&self, _: &StepContext) -> Box<dyn FnOnce() -> u64 + Send + '_> {
        Box::new(move || self.random(..))
    }
}

/// The simulation of a seed, over a store that lies.
pub fn sabotaged(seed: u64, lie: Lie) -> Simulation {
    simulation(seed).store(Arc::new(Crooked::new(lie)))
}

/// The program: runs seed after seed until its time is over, it is interrupted, or a promise is broken.
pub fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    let (mut runs, mut events) = (0_u64, 0);
    for seed in arguments.seeds.clone() {
        if arguments.time.is_some_and(|time| begun.elapsed() > time) {
            break;
        }
        let report = simulation(seed).run();
        runs += 1;
        events += report.trace.events().len();
        if arguments.trace {
            print!("{}", report.trace);
        }
        if !report.is_kept() {
            return failed(&report);
        }
        if runs.is_multiple_of(1_000) {
            println!("{runs} runs, the last of seed {seed}");
        }
    }
    println!(
        "{runs} runs, {events} events, {:.1} s: every promise is kept",
        begun.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}

fn failed(report: &SimulationReport) -> ExitCode {
    println!("{report}");
    let file = std::env::temp_dir().join(format!("simulation-{}.trace", report.seed));
    match fs::write(&file, report.trace.to_string()) {
        Ok(()) => println!("the whole trace: {}", file.display()),
        Err(error) => println!("the whole trace cannot be written: {error}"),
    }
    println!(
        "again: cargo run -p tests --bin simulation -- --seed {}",
        report.seed
    );
    ExitCode::FAILURE
}
