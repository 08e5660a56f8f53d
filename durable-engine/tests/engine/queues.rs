//! When work is asked for.
use std::any::type_name_of_val;

use crate::support::{HandClock, Journal, greet, launched, ready, record};
use durable_api::{
    Encoding, MockSystemStore, WorkflowStatus,
    store::{ClaimedWorkflow, DequeuedWorkflows, FinishOutcome, RecordOutcome},
};

/// How often work is asked for, when the first answer is one workflow, which ends at once, and all others are nothing; `held` is what the
/// first answer says of others.
async fn requests_around_an_end(held: bool) -> usize {
    let requests = Journal::new();
    let journal = requests.clone();
    let mut store = MockSystemStore::new();
    store.expect_dequeue_workflows().returning(move |request| {
        let mut answer = DequeuedWorkflows::new();
        if journal.add(request.owner) == 0 {
            let mut row = record("w", type_name_of_val(&greet), WorkflowStatus::Pending);
            row.input = Some(Encoding::default().encode("Ann").unwrap());
            answer.taken = vec![ClaimedWorkflow::new(row, Vec::new())];
            answer.held = held;
        }
        Ok(answer)
    });
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::Recorded));
    store
        .expect_finish_workflow()
        .times(1)
        .returning(|_| Ok(FinishOutcome::Finished));
    let _ctx = launched(ready(store), &HandClock::new()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    requests.entries().len()
}

#[tokio::test]
async fn an_end_asks_for_what_waited_for_it() {
    assert_eq!(requests_around_an_end(true).await, 2);
}

#[tokio::test]
async fn an_end_for_which_nothing_waits_asks_for_nothing() {
    assert_eq!(requests_around_an_end(false).await, 1);
}
