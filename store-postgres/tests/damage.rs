//! Rows damaged by hand.
mod support;

use durable_api::store::{
    AdministrationStore, AggregateStore, AggregateWorkflows, CancelWorkflows, DeleteWorkflows,
    ExecutorStore, ExpelExecutor, ManagementStore, Owner, Payloads, StepStore, StoreErrorKind,
    WorkflowFilter, WorkflowStore,
};
use store_postgres::PostgresStore;
use support::{
    claim, dequeue, drop_schema, enqueue, fresh_schema, ids, insert, number, open_migrated,
    register, run, step,
};

/// Orphaned workflows `a` and `b`, each with a step, and an executor to claim them.
async fn orphans(schema: &str) -> (PostgresStore, Owner) {
    let store = open_migrated(schema).await;
    let lost = register(&store, "lost").await;
    let owner = Owner::new(lost, 1);
    for id in ["a", "b"] {
        insert(&store, id, owner).await;
        store
            .record_step(step(id, owner, 0))
            .await
            .expect("records");
    }
    let expelled = store.expel_executor(ExpelExecutor::new(lost, 0)).await;
    expelled.expect("expels");
    let heir = register(&store, "heir").await;
    (store, Owner::new(heir, 1))
}

#[tokio::test]
async fn a_damaged_workflow_is_named_and_takes_nothing_from_the_others() {
    for damage in [
        "status = 'FROZEN'",
        "recovery_attempts = -1",
        "owner_execution = NULL",
        "owner_execution = -1",
        "parent_id = 'p'",
        "parent_id = 'p', parent_step = 5000000000",
        "caller_roles = '{}'",
        "caller_roles = '[1]'",
        "attributes = '[]'",
        "attributes = '{\"a\": 1}'",
        "input_encoding = NULL",
    ] {
        let schema = fresh_schema();
        let (store, heir) = orphans(&schema).await;
        run(&format!(
            "UPDATE {schema}.workflows SET {damage} WHERE id = 'a'"
        ))
        .await;

        let error = store
            .get_workflow("a", Payloads::Load)
            .await
            .expect_err(damage);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        assert!(error.to_string().contains("`a`"), "{damage}: {error}");
        assert!(
            store
                .get_workflow("b", Payloads::Load)
                .await
                .expect("is sound")
                .is_some()
        );

        let filter = WorkflowFilter::new().with_payloads();
        let page = store.list_workflows(filter).await.expect("lists");
        assert_eq!(page.damaged.len(), 1, "{damage}");
        assert_eq!(page.damaged[0].workflow_id, "a", "{damage}");
        assert_eq!(page.workflows.len(), 1, "{damage}");
        // What is counted has no payloads.
        let all = AggregateWorkflows::new(WorkflowFilter::new());
        let groups = store.aggregate_workflows(all).await.expect("counts");
        let readable = if damage.starts_with("input") { 2 } else { 1 };
        assert_eq!(groups.len(), 1, "{damage}");
        assert_eq!(groups[0].count, readable, "{damage}");

        // The damaged one is the older one, and takes no place from the sound one.
        let mut request = claim(heir);
        request.limit = 1;
        let answer = store.claim_workflows(request).await.expect("claims");
        assert_eq!(answer.claimed.len(), 1, "{damage}");
        assert_eq!(answer.claimed[0].record.id, "b", "{damage}");
        if !damage.starts_with("status") {
            assert_eq!(answer.damaged.len(), 1, "{damage}");
            assert_eq!(answer.damaged[0].workflow_id, "a", "{damage}");
        }
        drop_schema(&schema).await;
    }
}

#[tokio::test]
async fn a_damaged_step_is_named_with_its_workflow_which_stays_as_it_was() {
    for damage in ["failed = NULL", "outcome_encoding = NULL", "step_id = -1"] {
        let schema = fresh_schema();
        let (store, heir) = orphans(&schema).await;
        run(&format!(
            "UPDATE {schema}.steps SET {damage} WHERE workflow_id = 'a'"
        ))
        .await;

        let error = store.list_steps("a").await.expect_err(damage);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        assert!(error.to_string().contains("`a`"), "{damage}: {error}");

        let before = store
            .get_workflow("a", Payloads::Load)
            .await
            .expect("is sound");
        let answer = store.claim_workflows(claim(heir)).await.expect("claims");
        assert_eq!(answer.claimed.len(), 1, "{damage}");
        assert_eq!(answer.claimed[0].record.id, "b", "{damage}");
        assert_eq!(answer.damaged[0].workflow_id, "a", "{damage}");
        let after = store
            .get_workflow("a", Payloads::Load)
            .await
            .expect("is sound");
        assert_eq!(before, after, "{damage}");
        drop_schema(&schema).await;
    }
}

#[tokio::test]
async fn a_workflow_of_unknown_status_is_not_cancelled_and_can_be_deleted() {
    let schema = fresh_schema();
    let (store, _) = orphans(&schema).await;
    run(&format!(
        "UPDATE {schema}.workflows SET status = 'FROZEN' WHERE id = 'a'"
    ))
    .await;
    let both = vec!["a".to_owned(), "b".to_owned()];
    let cancel = CancelWorkflows::new(both.clone(), support::now());
    let error = store.cancel_workflows(cancel).await.expect_err("is damage");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("`a`"), "{error}");
    let other = store.get_workflow("b", Payloads::Omit).await;
    let other = other.expect("is sound").expect("is there");
    assert!(!other.status.is_final(), "one transaction");

    let deleted = store.delete_workflows(DeleteWorkflows::new(both.clone()));
    assert_eq!(deleted.await.expect("deletes").changed, both);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_damaged_workflow_that_waits_is_named_stays_as_it_was_and_holds_nobody_up() {
    for damage in [
        "recovery_attempts = -1",
        "owner_execution = 1",
        "parent_id = 'p', parent_step = 5000000000",
        "parent_id = 'p'",
        "caller_roles = '{}'",
        "caller_roles = '[1]'",
        "attributes = '[]'",
        "attributes = '{\"a\": 1}'",
        "attributes = '{\"a\": \"{\"}'",
        "timeout = -1",
        "debounce_key = 'k'",
        "input_encoding = NULL",
        "outcome = ''",
    ] {
        let schema = fresh_schema();
        let store = open_migrated(&schema).await;
        let executor = register(&store, "one").await;
        for id in ["a", "b"] {
            enqueue(&store, id, "queue").await;
        }
        run(&format!(
            "UPDATE {schema}.workflows SET {damage} WHERE id = 'a'"
        ))
        .await;
        for execution in [1, 2] {
            let answer = dequeue(&store, Owner::new(executor, execution), 1).await;
            let expected: &[&str] = if execution == 1 { &["b"] } else { &[] };
            assert_eq!(ids(&answer), expected, "{damage}");
            assert_eq!(answer.damaged.len(), 1, "{damage}");
            assert_eq!(answer.damaged[0].workflow_id, "a", "{damage}");
        }
        let waiting = format!(
            "SELECT count(*) FROM {schema}.workflows
             WHERE id = 'a' AND status = 'ENQUEUED' AND owner_incarnation IS NULL AND updated_at = 1000"
        );
        assert_eq!(number(&waiting).await, 1, "{damage}");
        drop_schema(&schema).await;
    }
}

#[tokio::test]
async fn a_damaged_history_is_found_before_the_workflow_is_taken() {
    for damage in ["failed = NULL", "outcome_encoding = NULL", "step_id = -1"] {
        let schema = fresh_schema();
        let store = open_migrated(&schema).await;
        let first = register(&store, "first").await;
        for id in ["a", "b"] {
            enqueue(&store, id, "queue").await;
        }
        let owner = Owner::new(first, 1);
        assert_eq!(ids(&dequeue(&store, owner, 2).await), ["a", "b"]);
        for id in ["a", "b"] {
            let recorded = store.record_step(step(id, owner, 0)).await;
            recorded.expect("records");
        }
        store.retire_executor(first).await.expect("retires");
        run(&format!(
            "UPDATE {schema}.steps SET {damage} WHERE workflow_id = 'a'"
        ))
        .await;
        let second = register(&store, "second").await;
        let answer = dequeue(&store, Owner::new(second, 1), 1).await;
        assert_eq!(ids(&answer), ["b"], "{damage}");
        assert_eq!(answer.taken[0].history.len(), 1, "{damage}");
        assert_eq!(answer.damaged[0].workflow_id, "a", "{damage}");
        assert!(answer.damaged[0].reason.contains("step"), "{damage}");
        let record = store.get_workflow("a", Payloads::Load).await;
        let record = record.expect("is sound").expect("is there");
        assert!(record.is_waiting() && record.owner.is_none(), "{damage}");
        drop_schema(&schema).await;
    }
}
