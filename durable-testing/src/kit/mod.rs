//! Testing workflows: the real engine, time that skips, and a crash at every point.
mod builder;
mod clock;
mod drive;
mod env;
mod history;
mod ids;
mod inject;
mod life;
mod mocks;
mod run;
mod stand_ins;
mod steps;
mod timeline;
mod trial;
mod wait_for;
mod world;

pub use builder::TestEnvBuilder;
pub use env::TestEnv;
pub use history::{History, HistoryStep};
pub(crate) use ids::SeededIds;
pub use mocks::MockStep;
pub use run::{StartRun, TestRun};
pub use trial::{
    Broken, Ending, Report, Trial, crash_points, crash_points_of, zombies, zombies_of,
};
pub use wait_for::WaitFor;
