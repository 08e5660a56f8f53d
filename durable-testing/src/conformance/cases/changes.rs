//! What an execution changes that is not its own: while it owns its workflow, and not after that.
use std::sync::Arc;

use durable_api::{
    WorkflowStatus,
    store::{
        Change, Changed, CreateScheduleOutcome, DeleteQueueOutcome, Fenced, ForkOutcome,
        ImportOutcome, InsertOutcome, ScheduleOutcome, SetAttributesOutcome, SetDelayOutcome,
        SetLatestOutcome,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, ROUNDS, cancelling, changed, deleting, end_in_every_way, every_change,
        prepare, race, success,
    },
};

pub(crate) async fn an_owner_makes_every_change(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    prepare(&a).await;
    let owner = a.start("w").await;
    let mut answers = Vec::new();
    for change in every_change(&a).await {
        let operation = change.operation();
        let before = a.contents().await;
        match a.change("w", owner, change).await {
            Fenced::Done(answer) => answers.push(answer),
            Fenced::NotOwner => panic!("{operation} was refused"),
        }
        assert_ne!(a.contents().await, before, "{operation} changes something");
    }
    let expected: [Changed; 16] = [
        SetAttributesOutcome::Set.into(),
        changed(&["running"]).into(),
        changed(&["cancelled"]).into(),
        vec![ForkOutcome::Forked].into(),
        changed(&["unwanted"]).into(),
        2_u64.into(),
        SetLatestOutcome::Set.into(),
        CreateScheduleOutcome::Created.into(),
        ().into(),
        ScheduleOutcome::Done.into(),
        ScheduleOutcome::Done.into(),
        ().into(),
        DeleteQueueOutcome::Deleted.into(),
        SetDelayOutcome::Set.into(),
        ImportOutcome::Imported.into(),
        Box::new(InsertOutcome::Inserted).into(),
    ];
    assert_eq!(answers, expected);
}

pub(crate) async fn a_former_owner_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    prepare(&b).await;
    let former = a.start("w").await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    b.changes_nothing("w", former).await;
    let attributes = every_change(&b).await.swap_remove(0);
    let answer = b.change("w", owner, attributes).await;
    assert_eq!(answer, Fenced::Done(SetAttributesOutcome::Set.into()));
}

pub(crate) async fn another_execution_of_the_executor_changes_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    prepare(&a).await;
    a.start("w").await;
    a.changes_nothing("w", a.owner()).await;
}

pub(crate) async fn an_execution_whose_workflow_ended_changes_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    prepare(&a).await;
    for end in ["finish", "cancel", "delete"] {
        let owner = a.start(end).await;
        match end {
            "finish" => drop(a.finish(end, owner, success("done")).await),
            "cancel" => drop(a.cancel(cancelling(&[end])).await),
            _ => drop(a.delete(deleting(&[end])).await),
        }
        a.changes_nothing(end, owner).await;
    }
}

pub(crate) async fn nobody_changes_anything_for_a_workflow_that_does_not_run(
    bench: &Bench<'_, impl Backend>,
) {
    let a = end_in_every_way(bench, async |_, _, _| {}).await;
    let former = ENDINGS.map(|(id, _)| id);
    let owner = a.start("w").await;
    let change = Change::CancelWorkflows(cancelling(&["w"]));
    a.enqueue(&["waiting"]).await;
    for id in former.into_iter().chain(["nowhere", "waiting"]) {
        let answer = a.change(id, owner, change.clone()).await;
        assert_eq!(answer, Fenced::NotOwner, "for {id}");
    }
    assert_eq!(a.get("w").await.status, WorkflowStatus::Pending);
}

pub(crate) async fn an_execution_that_ends_its_own_workflow_does_so_once(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for change in [
        Change::CancelWorkflows(cancelling(&["w"])),
        Change::DeleteWorkflows(deleting(&["w"])),
    ] {
        let owner = a.start("w").await;
        let answer = a.change("w", owner, change.clone()).await;
        assert_eq!(answer, Fenced::Done(changed(&["w"]).into()));
        let answer = a.change("w", owner, change).await;
        assert_eq!(answer, Fenced::NotOwner);
        a.delete(deleting(&["w"])).await;
    }
}

pub(crate) async fn of_two_that_cancel_each_other_one_does(bench: &Bench<'_, impl Backend>) {
    let a = Arc::new(Executor::launch(bench, "a").await);
    for round in 0..ROUNDS {
        let (one, other) = (format!("{round} one"), format!("{round} other"));
        let mut contenders = Vec::new();
        for (by, of) in [(&one, &other), (&other, &one)] {
            let (a, by, owner) = (Arc::clone(&a), by.clone(), a.start(by).await);
            let change = Change::CancelWorkflows(cancelling(&[of]));
            contenders.push((a, by, owner, change));
        }
        let contenders = contenders
            .into_iter()
            .map(|(a, by, owner, change)| async move { a.change(&by, owner, change).await });
        let answers = race(contenders.collect()).await;
        let refused = answers.iter().filter(|one| **one == Fenced::NotOwner);
        assert_eq!(refused.count(), 1, "{answers:?}");
    }
}
