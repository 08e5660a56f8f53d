//! A row that was damaged by hand troubles nobody but itself.
mod support;

use durable_api::store::{
    AdministrationStore as _, ClaimedWorkflows, ExecutorStore as _, InsertOutcome, Owner,
    ParentCheckpoint, Payloads, StepStore as _, StoreErrorKind, StoreResult, WorkflowFilter,
    WorkflowStore as _,
};
use store_redis::RedisStore;
use support::{clean, fresh_prefix, run, shared_url, work};

/// A store with two workflows, `good` and `bad`, of one owner.
struct Bench {
    prefix: String,
    url: String,
    store: RedisStore,
    owner: Owner,
}

impl Bench {
    async fn new() -> Self {
        let prefix = fresh_prefix();
        let url = shared_url(&prefix);
        let store = work::open(&url).await;
        let owner = work::owner(&store).await;
        for id in ["bad", "good"] {
            work::insert(&store, id, owner).await;
            store
                .record_step(work::step(id, owner, 0))
                .await
                .expect("records");
        }
        Self {
            prefix,
            url,
            store,
            owner,
        }
    }

    /// Runs a command whose second word is a key without its prefix.
    async fn damage(&self, words: &[&str]) {
        let key = format!("{{{}}}:{}", self.prefix, words[1]);
        let mut words = words.to_vec();
        words[1] = &key;
        let _: redis::Value = run(&self.url, &words).await;
    }

    /// Claims what the owner leaves when it is expelled.
    async fn claim(&self) -> ClaimedWorkflows {
        let beat = self.store.list_executors(work::APP).await.expect("lists")[0].beat;
        let expel = durable_api::store::ExpelExecutor::new(self.owner.incarnation, beat);
        self.store.expel_executor(expel).await.expect("expels");
        let heir = Owner::new(work::register(&self.store).await, 1);
        self.store
            .claim_workflows(work::claiming(heir))
            .await
            .expect("claims")
    }

    async fn end(self) {
        clean(&self.url, &self.prefix).await;
    }
}

fn assert_names_bad<T: std::fmt::Debug>(result: StoreResult<T>) {
    let error = result.expect_err("is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("`bad`"), "{error}");
}

/// Ways to make a row unreadable.
const DAMAGES: [&[&str]; 8] = [
    &["HSET", "wf:bad", "status", "ASLEEP"],
    &["HDEL", "wf:bad", "name"],
    &["HSET", "wf:bad", "created", "yesterday"],
    &["HSET", "wf:bad", "owner", "me"],
    &["HSET", "wf:bad", "attempts", "-1"],
    &["HSET", "wf:bad", "parent", "half"],
    &["HDEL", "wf:bad", "input"],
    &["SET", "wf:bad", "text"],
];

#[tokio::test]
async fn a_damaged_row_is_named_when_it_is_read() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        assert_names_bad(bench.store.get_workflow("bad", Payloads::Load).await);
        let good = bench.store.get_workflow("good", Payloads::Load).await;
        assert!(good.expect("reads").is_some());
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_row_is_listed_apart() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        for filter in [
            WorkflowFilter::new(),
            WorkflowFilter::new().id("bad").id("good"),
        ] {
            let page = bench
                .store
                .list_workflows(filter.with_payloads())
                .await
                .expect("lists");
            assert_eq!(page.workflows.len(), 1, "{damage:?}");
            assert_eq!(page.workflows[0].id, "good");
            assert_eq!(page.damaged.len(), 1, "{damage:?}");
            assert_eq!(page.damaged[0].workflow_id, "bad");
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_row_is_not_claimed_and_left_as_it_is() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        let dump = ["DUMP", &format!("{{{}}}:wf:bad", bench.prefix)];
        let before: Vec<u8> = run(&bench.url, &dump).await;
        let claimed = bench.claim().await;
        assert_eq!(claimed.claimed.len(), 1, "{damage:?}");
        assert_eq!(claimed.claimed[0].record.id, "good");
        assert_eq!(claimed.damaged.len(), 1, "{damage:?}");
        assert_eq!(claimed.damaged[0].workflow_id, "bad");
        let after: Vec<u8> = run(&bench.url, &dump).await;
        assert_eq!(before, after);
        bench.end().await;
    }
}

#[tokio::test]
async fn damaged_checkpoints_are_named_and_keep_their_workflow_from_being_claimed() {
    let damages: [&[&str]; 4] = [
        &["HSET", "steps:bad", "0", "rubbish"],
        &["HSET", "steps:bad", "0", ""],
        &["HSET", "steps:bad", "first", "rubbish"],
        &["SET", "steps:bad", "text"],
    ];
    for damage in damages {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        assert_names_bad(bench.store.list_steps("bad").await);
        assert_eq!(
            bench.store.list_steps("good").await.expect("lists").len(),
            1
        );
        let claimed = bench.claim().await;
        assert_eq!(claimed.claimed.len(), 1, "{damage:?}");
        assert_eq!(claimed.damaged.len(), 1, "{damage:?}");
        assert_eq!(claimed.damaged[0].workflow_id, "bad");
        bench.end().await;
    }
}

#[tokio::test]
async fn an_id_whose_row_is_damaged_is_not_started_again_and_its_parent_is_not_told() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        let mut request = work::insertion("bad", bench.owner);
        request.parent = Some(ParentCheckpoint::new("good", bench.owner, 9, "child"));
        let outcome = bench.store.insert_workflow(request).await;
        let steps = bench.store.list_steps("good").await.expect("lists");
        if damage[0] == "HDEL" && damage[2] == "input" {
            // Whether the input is there does not matter to an answer without payloads.
            assert_eq!(outcome.expect("answers"), InsertOutcome::Inserted);
            assert_eq!(steps.len(), 2);
        } else {
            assert_names_bad(outcome);
            assert_eq!(steps.len(), 1, "{damage:?}");
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn a_row_that_is_missing_is_named_by_listings_and_claims() {
    let bench = Bench::new().await;
    bench.damage(&["DEL", "wf:bad"]).await;
    let page = bench
        .store
        .list_workflows(WorkflowFilter::new())
        .await
        .expect("lists");
    assert_eq!(page.damaged[0].workflow_id, "bad");
    let claimed = bench.claim().await;
    assert_eq!(claimed.damaged[0].workflow_id, "bad");
    assert_eq!(claimed.claimed.len(), 1);
    bench.end().await;
}

#[tokio::test]
async fn a_damaged_workflow_does_not_keep_its_executor_from_retiring() {
    let bench = Bench::new().await;
    bench.damage(&["HDEL", "wf:bad", "name"]).await;
    let retired = bench.store.retire_executor(bench.owner.incarnation).await;
    assert_eq!(retired.expect("retires").released, 1);
    let heir = Owner::new(work::register(&bench.store).await, 1);
    let claimed = bench
        .store
        .claim_workflows(work::claiming(heir))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
    assert_eq!(claimed.damaged.len(), 1);
    let again = bench
        .store
        .insert_workflow(work::insertion("good", heir))
        .await;
    assert_eq!(again.expect("answers"), InsertOutcome::Inserted);
    bench.end().await;
}
