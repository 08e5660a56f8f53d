//! What starts by itself.
use std::sync::Arc;

use durable_api::{
    WorkflowStatus,
    store::{
        CreateScheduleOutcome, FireOutcome, FireSchedule, PauseSchedule, ScheduleOutcome,
        ScheduleRecord, WorkflowFilter,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, HOSTILE_TEXTS, ROUNDS, accepted, at, both, firing, persist, race, schedule,
        success, text,
    },
};

pub(crate) async fn a_schedule_is_kept_as_it_was_given(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (number, flag) in [false, true].into_iter().enumerate() {
        let mut given = schedule(&format!("s{number}"));
        given.timezone = "Europe/Zurich".to_owned();
        given.backfill = flag;
        given.paused = !flag;
        given.last_tick = at(-1_234);
        given.revision = 77;
        let mut stored = a.schedule(given.clone()).await;
        assert_eq!(b.schedule_named(&given.name).await, stored);
        stored.revision = given.revision;
        assert_eq!(stored, given, "but for the revision");
    }
}

pub(crate) async fn creating_the_same_again_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut stored = a.schedule(schedule("s")).await;
    for _ in 0..2 {
        let mut again = schedule("s");
        again.paused = true;
        again.last_tick = at(90_000);
        again.revision = 5;
        let answer = a.create_schedule(again).await;
        assert_eq!(answer, CreateScheduleOutcome::Created);
        assert_eq!(a.schedules().await, std::slice::from_ref(&stored));
        stored = a.pause("s", true, Some(5_000)).await;
    }
}

pub(crate) async fn a_name_that_another_one_has_is_refused(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let stored = a.schedule(schedule("s")).await;
    for other in variations("s") {
        let answer = a.create_schedule(other).await;
        assert_eq!(
            answer,
            CreateScheduleOutcome::Exists(Box::new(stored.clone()))
        );
        assert_eq!(a.schedules().await, std::slice::from_ref(&stored));
    }
}

pub(crate) async fn schedules_are_listed_by_name(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    assert_eq!(a.schedules().await, []);
    let names = [
        "b",
        "A",
        "\u{e9}",
        "a",
        "a:b",
        "Z",
        "_",
        "a b",
        "\u{1F980}",
        "\u{ffff}",
    ];
    for name in names {
        a.schedule(schedule(name)).await;
    }
    let mut other = schedule("c");
    other.app = "warehouse".to_owned();
    a.create_schedule(other).await;
    let mut expected = names;
    expected.sort_unstable();
    let listed: Vec<String> = a
        .schedules()
        .await
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(listed, expected);
    let others = a.store.list_schedules("warehouse").await.expect("lists");
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].name, "c");
}

pub(crate) async fn every_text_is_in_a_schedule(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for hostile in HOSTILE_TEXTS {
        let mut given = schedule(hostile);
        for field in [
            &mut given.workflow,
            &mut given.cron,
            &mut given.timezone,
            &mut given.queue,
        ] {
            *field = (*hostile).to_owned();
        }
        given.input = text(hostile);
        let stored = a.schedule(given.clone()).await;
        assert!(stored.says_the_same(&given), "{hostile:?}");
    }
    for hostile in HOSTILE_TEXTS {
        let seen = a.schedule_named(hostile).await;
        assert_eq!(a.fire(firing(&a, &seen, 1_000)).await, FireOutcome::Fired);
        assert_eq!(a.pause(hostile, true, None).await.last_tick, at(1_000));
        assert_eq!(a.delete_schedule(hostile).await, ScheduleOutcome::Done);
    }
    assert_eq!(a.schedules().await, []);
}

pub(crate) async fn nul_in_a_schedule_is_refused_or_kept_and_never_cut(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut cron = schedule("cron");
    cron.cron = "nul\0nul".to_owned();
    let mut queue = schedule("queue");
    queue.queue = "nul\0nul".to_owned();
    for given in [schedule("nul\0nul"), cron, queue] {
        let before = a.schedules().await;
        match a.store.create_schedule(given.clone()).await {
            Ok(_) => assert!(a.schedule_named(&given.name).await.says_the_same(&given)),
            Err(_) => assert_eq!(a.schedules().await, before),
        }
    }
}

pub(crate) async fn schedules_are_applied_together(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let kept = a.schedule(schedule("kept")).await;
    let same = a.schedule(schedule("same")).await;
    let old = a.schedule(schedule("changed")).await;
    let mut changed = schedule("changed");
    changed.cron = "0 0 * * *".to_owned();
    changed.input = text("another");
    let mut later = schedule("same");
    later.last_tick = at(9_000);
    later.paused = true;
    a.apply(vec![schedule("new"), later, changed.clone()]).await;
    let all = a.schedules().await;
    assert_eq!(all.len(), 4);
    assert!(all.contains(&kept), "what is not named stays");
    assert!(all.contains(&same), "what says the same is unchanged");
    assert!(
        a.schedule_named("new")
            .await
            .says_the_same(&schedule("new"))
    );
    let stored = a.schedule_named("changed").await;
    assert!(stored.says_the_same(&changed));
    assert_ne!(stored.revision, old.revision);
}

pub(crate) async fn schedules_are_applied_all_or_none(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("old")).await;
    let before = a.schedules().await;
    let mut changed = schedule("old");
    changed.cron = "0 0 * * *".to_owned();
    let all = vec![schedule("new"), changed, schedule("nul\0nul")];
    match a.store.apply_schedules(all).await {
        Ok(()) => assert_eq!(a.schedules().await.len(), 3),
        Err(_) => assert_eq!(a.schedules().await, before),
    }
    a.apply(Vec::new()).await;
}

pub(crate) async fn what_is_applied_keeps_its_pause_and_its_last_tick(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("s")).await;
    let mut last = a.pause("s", true, Some(5_000)).await;
    for (mut other, (tick, expected)) in variations("s")
        .into_iter()
        .zip([(0, 5_000), (4_999, 5_000), (7_000, 7_000)].repeat(2))
    {
        other.paused = false;
        other.last_tick = at(tick);
        a.apply(vec![other.clone()]).await;
        let stored = a.schedule_named("s").await;
        assert!(stored.says_the_same(&other));
        assert!(stored.paused, "it still rests");
        let expected = at(expected).max(last.last_tick);
        assert_eq!(stored.last_tick, expected, "it never goes back");
        assert_ne!(stored.revision, last.revision);
        last = stored;
    }
}

pub(crate) async fn a_schedule_is_paused_and_goes_on(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let running = a.schedule(schedule("s")).await;
    let resting = a.pause("s", true, None).await;
    assert!(resting.paused);
    assert_ne!(resting.revision, running.revision);
    assert_eq!(resting.last_tick, running.last_tick);
    assert!(resting.says_the_same(&running));
    assert_eq!(a.pause("s", true, None).await, resting, "it rests already");
    let on = a.pause("s", false, None).await;
    assert!(!on.paused);
    assert_ne!(on.revision, resting.revision);
    assert_ne!(on.revision, running.revision, "each change has its own");
}

pub(crate) async fn the_last_tick_only_moves_forward(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let before = a.schedule(schedule("s")).await;
    for (paused, tick, expected) in [
        (true, Some(5_000), 5_000),
        (true, Some(4_000), 5_000),
        (false, Some(6_000), 6_000),
        (false, None, 6_000),
        (false, Some(7_000), 7_000),
    ] {
        let stored = a.pause("s", paused, tick).await;
        assert_eq!(stored.last_tick, at(expected));
        assert_eq!(stored.paused, paused);
    }
    let stored = a.schedule_named("s").await;
    a.pause("s", false, Some(8_000)).await;
    let moved = a.schedule_named("s").await;
    assert_eq!(moved.revision, stored.revision, "a tick alone is no change");
    assert_ne!(moved.revision, before.revision);
}

pub(crate) async fn what_does_not_exist_is_unknown(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut other = schedule("s");
    other.app = "warehouse".to_owned();
    a.create_schedule(other).await;
    let answer = a
        .store
        .pause_schedule(PauseSchedule::new(APP, "s", true))
        .await;
    assert_eq!(answer.expect("judges"), ScheduleOutcome::Unknown);
    assert_eq!(a.delete_schedule("s").await, ScheduleOutcome::Unknown);
    let answer = a.fire(firing(&a, &schedule("s"), 1_000)).await;
    assert_eq!(answer, FireOutcome::Stale);
    assert_eq!(a.find("s 1000").await, None);
    let others = a.store.list_schedules("warehouse").await.expect("lists");
    assert!(!others[0].paused);
}

pub(crate) async fn a_deleted_schedule_is_gone_and_its_runs_stay(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    a.schedule(schedule("other")).await;
    a.fire(firing(&a, &seen, 1_000)).await;
    let run = a.get("s 1000").await;
    let seen = a.schedule_named("s").await;
    assert_eq!(a.delete_schedule("s").await, ScheduleOutcome::Done);
    assert_eq!(a.schedules().await.len(), 1);
    assert_eq!(a.get("s 1000").await, run);
    assert_eq!(a.fire(firing(&a, &seen, 2_000)).await, FireOutcome::Stale);
    assert_eq!(a.find("s 2000").await, None);
    a.take("s 1000").await;
}

pub(crate) async fn a_schedule_made_anew_is_not_the_one_that_was_seen(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    a.delete_schedule("s").await;
    let mut anew = schedule("s");
    anew.cron = "0 0 * * *".to_owned();
    let anew = a.schedule(anew).await;
    assert_eq!(a.fire(firing(&a, &seen, 1_000)).await, FireOutcome::Stale);
    assert_eq!(a.find("s 1000").await, None);
    assert_eq!(a.schedule_named("s").await, anew);
}

pub(crate) async fn a_tick_and_its_run_are_written_together(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    let other = a.schedule(schedule("other")).await;
    let request = firing(&a, &seen, 1_000);
    let run = request.run.clone().expect("has a run");
    assert_eq!(a.fire(request).await, FireOutcome::Fired);
    let expected = accepted(&run);
    assert_eq!(expected.status, WorkflowStatus::Enqueued);
    assert_eq!(a.get("s 1000").await, expected);
    let mut moved = seen;
    moved.last_tick = at(1_000);
    assert_eq!(a.schedule_named("s").await, moved, "in the same revision");
    assert_eq!(a.schedule_named("other").await, other);
    assert_eq!(
        a.list(WorkflowFilter::new().schedule("s")).await,
        ["s 1000"]
    );
    a.take("s 1000").await;
}

pub(crate) async fn a_client_that_is_not_registered_may_fire(bench: &Bench<'_, impl Backend>) {
    let client = Executor::unregistered(bench, "client").await;
    let seen = client.schedule(schedule("s")).await;
    let answer = client.fire(firing(&client, &seen, 1_000)).await;
    assert_eq!(answer, FireOutcome::Fired);
    assert_eq!(client.get("s 1000").await.status, WorkflowStatus::Enqueued);
}

pub(crate) async fn a_tick_may_pass_without_a_run(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    let request = FireSchedule::new(&seen, at(1_000), None);
    assert_eq!(a.fire(request).await, FireOutcome::Fired);
    assert_eq!(a.schedule_named("s").await.last_tick, at(1_000));
    assert_eq!(a.list(WorkflowFilter::new()).await, Vec::<String>::new());
}

pub(crate) async fn a_tick_is_fired_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    assert_eq!(a.fire(firing(&a, &seen, 1_000)).await, FireOutcome::Fired);
    let before = a.contents().await;
    let mut again = firing(&a, &seen, 1_000);
    assert_eq!(a.fire(again.clone()).await, FireOutcome::Stale);
    again.run = Some(a.enqueueing("another id"));
    assert_eq!(a.fire(again).await, FireOutcome::Stale);
    assert_eq!(a.fire(firing(&a, &seen, 2_000)).await, FireOutcome::Stale);
    assert_eq!(a.contents().await, before);
    let seen = a.schedule_named("s").await;
    assert_eq!(a.fire(firing(&a, &seen, 2_000)).await, FireOutcome::Fired);
    assert_eq!(a.dequeue().await, ["s 1000", "s 2000"]);
}

pub(crate) async fn a_tick_that_the_schedule_is_done_with_is_not_fired(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let seen = a.schedule(schedule("s")).await;
    let before = a.contents().await;
    for tick in [0, -1] {
        assert_eq!(a.fire(firing(&a, &seen, tick)).await, FireOutcome::Stale);
    }
    assert_eq!(a.contents().await, before, "the last tick moves forward");
}

pub(crate) async fn who_saw_another_revision_fires_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut views = vec![a.schedule(schedule("s")).await];
    views.push(a.pause("s", true, None).await);
    views.push(a.pause("s", false, None).await);
    let mut changed = schedule("s");
    changed.cron = "0 0 * * *".to_owned();
    a.apply(vec![changed]).await;
    let before = a.contents().await;
    for seen in &views {
        let answer = a.fire(firing(&a, seen, 1_000)).await;
        assert_eq!(answer, FireOutcome::Stale);
    }
    assert_eq!(a.contents().await, before);
    let seen = a.schedule_named("s").await;
    assert_eq!(a.fire(firing(&a, &seen, 1_000)).await, FireOutcome::Fired);
}

pub(crate) async fn a_schedule_that_rests_fires_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.schedule(schedule("s")).await;
    let resting = a.pause("s", true, None).await;
    let before = a.contents().await;
    assert_eq!(
        a.fire(firing(&a, &resting, 1_000)).await,
        FireOutcome::Stale
    );
    assert_eq!(a.contents().await, before);
    let on = a.pause("s", false, Some(3_000)).await;
    let mut forgotten = on.clone();
    forgotten.last_tick = at(0);
    assert_eq!(
        a.fire(firing(&a, &forgotten, 1_000)).await,
        FireOutcome::Stale
    );
    assert_eq!(a.fire(firing(&a, &on, 4_000)).await, FireOutcome::Fired);
}

pub(crate) async fn a_run_whose_id_exists_is_as_good_as_started(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut seen = a.schedule(schedule("s")).await;
    a.enqueue(&["s 1000"]).await;
    let owner = a.start("s 2000").await;
    a.finish("s 2000", owner, success("done")).await;
    for (tick, id) in [(1_000, "s 1000"), (2_000, "s 2000")] {
        let expected = a.get(id).await;
        let answer = a.fire(firing(&a, &seen, tick)).await;
        assert_eq!(answer, FireOutcome::Fired);
        assert_eq!(a.get(id).await, expected);
        seen = a.schedule_named("s").await;
        assert_eq!(seen.last_tick, at(tick));
    }
}

pub(crate) async fn of_many_who_fire_a_tick_one_does(bench: &Bench<'_, impl Backend>) {
    let mut all = Vec::new();
    for number in 0..8 {
        let one = Executor::launch(bench, &format!("process {number}")).await;
        all.push(Arc::new(one));
    }
    all[0].schedule(schedule("s")).await;
    for round in 1..=ROUNDS {
        let seen = all[0].schedule_named("s").await;
        let tick = i64::try_from(round).expect("is small") * 1_000;
        let racers = all.iter().enumerate().map(|(number, one)| {
            let one = Arc::clone(one);
            let mut request = firing(&one, &seen, tick);
            // Each has a run of its own, so that a second one would show.
            let run = request.run.as_mut().expect("has a run");
            run.id = format!("{tick} by {number}");
            async move { one.fire(request).await }
        });
        let answers = race(racers.collect()).await;
        let fired = answers.iter().filter(|one| **one == FireOutcome::Fired);
        assert_eq!(fired.count(), 1);
        let runs = WorkflowFilter::new().id_prefix(format!("{tick} "));
        let number = answers.iter().position(|one| *one == FireOutcome::Fired);
        let expected = format!("{tick} by {}", number.expect("one fired"));
        assert_eq!(all[0].list(runs).await, [expected]);
        assert_eq!(all[0].schedule_named("s").await.last_tick, at(tick));
    }
}

pub(crate) async fn of_schedules_with_one_name_one_is_created(bench: &Bench<'_, impl Backend>) {
    let a = Arc::new(Executor::launch(bench, "a").await);
    let b = Arc::new(Executor::launch(bench, "b").await);
    for round in 0..ROUNDS {
        let name = format!("s{round}");
        let creations = [&a, &b].into_iter().zip(["0 0 * * *", "1 1 * * *"]);
        let racers = creations.map(|(one, cron)| {
            let one = Arc::clone(one);
            let mut given = schedule(&name);
            given.cron = cron.to_owned();
            async move { (one.create_schedule(given).await, cron) }
        });
        let answers = race(racers.collect()).await;
        let stored = a.schedule_named(&name).await;
        for (answer, cron) in answers {
            let expected = if cron == stored.cron {
                CreateScheduleOutcome::Created
            } else {
                CreateScheduleOutcome::Exists(Box::new(stored.clone()))
            };
            assert_eq!(answer, expected);
        }
    }
}

pub(crate) async fn a_tick_during_a_pause_is_fired_or_not(bench: &Bench<'_, impl Backend>) {
    let a = Arc::new(Executor::launch(bench, "a").await);
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let name = format!("s{round}");
        let seen = a.schedule(schedule(&name)).await;
        let request = firing(&a, &seen, 1_000);
        let one = Arc::clone(&a);
        let fire = async move { one.fire(request).await };
        let store = Arc::clone(&b.store);
        let request = PauseSchedule::new(APP, &name, true);
        let pause = async move { persist(|| store.pause_schedule(request.clone())).await };
        let (fired, paused) = both(fire, pause).await;
        assert_eq!(paused, ScheduleOutcome::Done);
        let stored = b.schedule_named(&name).await;
        assert!(stored.paused);
        let ran = fired == FireOutcome::Fired;
        assert_eq!(b.find(&format!("{name} 1000")).await.is_some(), ran);
        assert_eq!(stored.last_tick == at(1_000), ran);
    }
}

/// Schedules of one name that say something else, each in another way.
fn variations(name: &str) -> Vec<ScheduleRecord> {
    let changes: [fn(&mut ScheduleRecord); 6] = [
        |one| one.workflow = "refund".to_owned(),
        |one| one.cron = "0 0 * * *".to_owned(),
        |one| one.timezone = "Europe/Zurich".to_owned(),
        |one| one.input = text("another"),
        |one| one.queue = "other".to_owned(),
        |one| one.backfill = true,
    ];
    let all = changes.into_iter().map(|change| {
        let mut one = schedule(name);
        change(&mut one);
        one
    });
    all.collect()
}
