use std::fmt::Debug;

use durable_testing::{Backend, Bench, Trial, crash_points, crash_points_of, zombies, zombies_of};

use super::mix::{branches, caretaker, errand, family_reunion, manager, registered};

/// On the bench, with what all of them need.
async fn on<'b, T>(bench: &'b Bench<'b, impl Backend>, trial: Trial<'static, T>)
where
    T: PartialEq + Debug + Send + Sync + 'static,
{
    meets(9, bench, trial).await;
}

/// As [`on`], of a program in which time decides which calls there are: some of those of the run without crashes are not met.
async fn on_in_any_order<'b, T>(bench: &'b Bench<'b, impl Backend>, trial: Trial<'static, T>)
where
    T: PartialEq + Debug + Send + Sync + 'static,
{
    meets(7, bench, trial.numbers_may_differ()).await;
}

/// At least so many in ten of the calls that are planned are met.
async fn meets<'b, T>(tenths: usize, bench: &'b Bench<'b, impl Backend>, trial: Trial<'static, T>)
where
    T: PartialEq + Debug + Send + Sync + 'static,
{
    let memory = bench.open().await.describe().backend == "memory";
    let mut trial = trial
        .set_up(registered)
        .stores(|| Box::pin(bench.fresh()))
        .pairs(if memory { 60 } else { 8 })
        .parallel(4);
    // Every call on the store that takes no time; every change on the others.
    if !memory {
        trial = trial.changes_only();
    }
    let report = trial.await.unwrap_or_else(|broken| panic!("{broken}"));
    assert!(report.runs() > 8, "{report}");
    assert!(report.stops() * 10 > report.runs() * tenths, "{report}");
}

pub(super) async fn branches_side_by_side_survive_every_crash(bench: &Bench<'_, impl Backend>) {
    on_in_any_order(bench, crash_points(branches, 1u32)).await;
}

pub(super) async fn a_zombie_with_branches_writes_nothing(bench: &Bench<'_, impl Backend>) {
    on_in_any_order(bench, zombies(branches, 1u32)).await;
}

pub(super) async fn steps_time_and_streams_survive_every_crash(bench: &Bench<'_, impl Backend>) {
    on(bench, crash_points(errand, 1u32)).await;
}

pub(super) async fn a_zombie_among_steps_time_and_streams_writes_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    on(bench, zombies(errand, 1u32)).await;
}

pub(super) async fn children_queues_and_messages_survive_every_crash(
    bench: &Bench<'_, impl Backend>,
) {
    on(bench, crash_points_of(family_reunion)).await;
}

pub(super) async fn a_zombie_among_children_queues_and_messages_writes_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    on(bench, zombies_of(family_reunion)).await;
}

pub(super) async fn management_survives_every_crash(bench: &Bench<'_, impl Backend>) {
    on(bench, crash_points(manager, 1u32)).await;
    on(bench, crash_points(caretaker, 1u32)).await;
}

pub(super) async fn a_zombie_that_manages_writes_nothing(bench: &Bench<'_, impl Backend>) {
    on(bench, zombies(manager, 1u32)).await;
    on(bench, zombies(caretaker, 1u32)).await;
}
