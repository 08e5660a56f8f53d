//! A row that was damaged by hand troubles nobody but itself.
mod support;

use durable_api::store::{
    AdministrationStore as _, AggregateStore as _, AggregateWorkflows, CancelWorkflows,
    ClaimedWorkflows, DeleteWorkflows, EventStore as _, ExecutorStore as _, ForkWorkflow,
    InsertOutcome, ManagementStore as _, MessageStore as _, Owner, ParentCheckpoint, Payloads,
    ReadStream, ReceiveMessage, ResumeWorkflows, StepStore as _, StoreErrorKind, StoreResult,
    StreamStore as _, WorkflowFilter, WorkflowStore as _,
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
const DAMAGES: [&[&str]; 13] = [
    &["HSET", "wf:bad", "status", "ASLEEP"],
    &["HDEL", "wf:bad", "name"],
    &["HSET", "wf:bad", "created", "yesterday"],
    &["HSET", "wf:bad", "owner", "me"],
    &["HSET", "wf:bad", "attempts", "-1"],
    &["HSET", "wf:bad", "parent", "half"],
    &["HSET", "wf:bad", "deadline", "tomorrow"],
    &["HSET", "wf:bad", "attributes", "[]"],
    &["HSET", "wf:bad", "attributes", "{\"a\":"],
    &["HSET", "wf:bad", "roles", "{}"],
    &["HSET", "wf:bad", "roles", "[1]"],
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
    // Version, two times, kind of outcome, what there is besides, three lengths; what it says of completions, after its length.
    let [unknown, cut, overlong] = [
        ("\u{4}", ""),
        ("\u{2}", "\0\0\0"),
        ("\u{2}", "\0\0\0\u{5}said"),
    ]
    .map(|(besides, rest)| {
        let (times, lengths) = ("\0".repeat(16), "\0".repeat(12));
        format!("\u{1}{times}\0{besides}{lengths}{rest}")
    });
    let damages: [&[&str]; 7] = [
        &["HSET", "steps:bad", "0", "rubbish"],
        &["HSET", "steps:bad", "0", ""],
        &["HSET", "steps:bad", "0", &unknown],
        &["HSET", "steps:bad", "0", &cut],
        &["HSET", "steps:bad", "0", &overlong],
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

/// A damage that a request without payloads does not meet.
fn is_about_payloads(damage: &[&str]) -> bool {
    damage.last() == Some(&"input")
}

#[tokio::test]
async fn a_request_that_names_a_damaged_workflow_changes_nothing() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        bench.damage(damage).await;
        let store = &bench.store;
        let ids = || vec!["good".to_owned(), "bad".to_owned()];
        if !is_about_payloads(damage) {
            let request = CancelWorkflows::new(ids(), work::now());
            assert_names_bad(store.cancel_workflows(request).await);
            let request = ResumeWorkflows::new(ids(), work::now());
            assert_names_bad(store.resume_workflows(request).await);
            assert_names_bad(store.delete_workflows(DeleteWorkflows::new(ids())).await);
        }
        let forks = ["good", "bad"]
            .map(|source| ForkWorkflow::new(source, format!("fork of {source}"), 9, work::now()));
        assert_names_bad(store.fork_workflows(forks.to_vec()).await);
        let page = store.list_workflows(WorkflowFilter::new()).await;
        let page = page.expect("lists");
        assert_eq!(
            page.workflows.len() + page.damaged.len(),
            2,
            "{damage:?} {page:?}"
        );
        let good = store.get_workflow("good", Payloads::Omit).await;
        let good = good.expect("reads").expect("is there");
        assert_eq!(good.owner, Some(bench.owner), "is still owned");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_child_does_not_keep_the_others_from_being_cancelled_and_deleted() {
    for damage in DAMAGES {
        // A child has a parent's step too.
        if is_about_payloads(damage) || damage[2..].first() == Some(&"parent") {
            continue;
        }
        let bench = Bench::new().await;
        let store = &bench.store;
        work::insert(store, "parent", bench.owner).await;
        for (number, id) in ["bad child", "child"].into_iter().enumerate() {
            let mut request = work::insertion(id, bench.owner);
            let step = u32::try_from(number).expect("is small");
            request.parent = Some(ParentCheckpoint::new("parent", bench.owner, step, "child"));
            store.insert_workflow(request).await.expect("inserts");
        }
        work::insert_child(store, "grandchild", bench.owner, "bad child").await;
        let mut words = damage.to_vec();
        words[1] = "wf:bad child";
        bench.damage(&words).await;

        let mut request = CancelWorkflows::new(vec!["parent".to_owned()], work::now());
        request.children = true;
        let cancelled = store.cancel_workflows(request).await.expect("cancels");
        let others = ["child", "grandchild", "parent"];
        assert_eq!(cancelled.changed, others, "{damage:?}");
        let mut request = DeleteWorkflows::new(vec!["parent".to_owned()]);
        request.children = true;
        let deleted = store.delete_workflows(request).await.expect("deletes");
        assert_eq!(deleted.changed, others, "{damage:?}");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_row_is_left_out_of_aggregates() {
    for damage in DAMAGES {
        if is_about_payloads(damage) {
            continue;
        }
        let bench = Bench::new().await;
        bench.damage(damage).await;
        for filter in [
            WorkflowFilter::new(),
            WorkflowFilter::new().id("bad").id("good"),
        ] {
            let request = AggregateWorkflows::new(filter);
            let groups = bench.store.aggregate_workflows(request).await;
            let groups = groups.expect("aggregates");
            assert_eq!(groups.len(), 1);
            assert_eq!(groups[0].count, 1, "{damage:?}");
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn damaged_belongings_are_named_and_nothing_is_recorded() {
    let damages: [&[&str]; 9] = [
        &["SET", "messages:bad", "text"],
        &["HSET", "messages:bad", "5:topic:0000000000000000001", "xx"],
        &["DEL", "messages:bad"],
        &["SET", "events:bad", "text"],
        &["HSET", "event_values:bad", "1:key", "rubbish"],
        &["DEL", "event_values:bad"],
        &["SET", "streams:bad", "text"],
        &["HSET", "streams:bad", "key", "many"],
        &["HDEL", "stream_values:bad", "0:key"],
    ];
    for damage in damages {
        let bench = Bench::new().await;
        let (store, owner) = (&bench.store, bench.owner);
        for id in ["bad", "good"] {
            let message = store.send_message(work::message(id)).await;
            message.expect("sends");
            let event = store.set_event(work::event(id, owner, 1)).await;
            event.expect("sets");
            let value = store.append_stream(work::value(id, owner, 2)).await;
            value.expect("appends");
        }
        bench.damage(damage).await;
        let receive = |id| ReceiveMessage::new(work::effect(id, owner, 3), "topic", work::now());
        let is_of_another_type = damage[0] == "SET";
        if damage[1].starts_with("messages") {
            assert_names_bad(store.receive_message(receive("bad")).await);
            let mut message = work::message("bad");
            message.sender = Some(work::effect("good", owner, 4));
            if is_of_another_type {
                assert_names_bad(store.send_message(message).await);
            }
        } else if damage[1].starts_with("event") {
            assert_names_bad(store.get_event("bad", "key").await);
            assert_names_bad(store.list_events("bad").await);
            if is_of_another_type {
                assert_names_bad(store.set_event(work::event("bad", owner, 3)).await);
            }
        } else {
            assert_names_bad(store.read_stream(ReadStream::new("bad", "key", 0)).await);
            if damage[0] != "HDEL" {
                assert_names_bad(store.append_stream(work::value("bad", owner, 3)).await);
            }
        }
        for id in ["bad", "good"] {
            let steps = store.list_steps(id).await.expect("lists");
            assert_eq!(steps.len(), 3, "{damage:?} {steps:?}");
        }
        store
            .receive_message(receive("good"))
            .await
            .expect("receives");
        store.get_event("good", "key").await.expect("reads");
        bench.end().await;
    }
}
