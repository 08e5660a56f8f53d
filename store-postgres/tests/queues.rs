//! Queues: limits under races, locks, what a dequeue reads, and what a queue leaves behind.
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use durable_api::{
    Timestamp,
    store::{
        CancelWorkflows, Debounce, DeleteWorkflows, ExecutorStore, Incarnation, InsertOutcome,
        ManagementStore, Owner, QueueRecord, QueueStore, RateLimit, WorkflowStore,
    },
};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use store_postgres::{PostgresOptions, PostgresStore};
use support::{
    APP, NAME, VERSION, dequeue, dequeuing, drop_schema, enqueue, enqueue_in, finish, fresh_schema,
    ids, now, number, open_migrated, queued, register, run,
};

const HANDLES: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_no_instant_do_more_run_than_may_however_many_handles_race() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let mut record = QueueRecord::new(APP, "queue");
    record.limits.concurrency = Some(3);
    record.partition_limits.concurrency = Some(2);
    store.put_queue(record).await.expect("configures");
    for n in 0..60 {
        enqueue_in(&store, format!("w{n}"), "queue", ["a", "b", "c"][n % 3]).await;
    }

    // One statement sees one instant.
    let over = Arc::new(AtomicBool::new(false));
    let watch = {
        let (schema, over) = (schema.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let running = format!(
                "SELECT coalesce(max(o.total + 100 * o.most), 0)::bigint
                 FROM (SELECT sum(p.running) AS total, max(p.running) AS most
                       FROM (SELECT count(*) AS running FROM {schema}.workflows
                             WHERE status = 'PENDING' GROUP BY partition_key) AS p) AS o"
            );
            let mut connection = support::connect().await;
            let mut highest = (0, 0);
            while !over.load(Ordering::SeqCst) {
                let row = sqlx::query_scalar(AssertSqlSafe(running.as_str()));
                let found: i64 = row.fetch_one(&mut connection).await.expect("counts");
                highest = (highest.0.max(found % 100), highest.1.max(found / 100));
            }
            connection.close().await.expect("closes");
            highest
        })
    };
    let racers = (0..HANDLES).map(|n| {
        let schema = schema.clone();
        tokio::spawn(async move {
            let store = open_migrated(&schema).await;
            let executor = register(&store, &format!("e{n}")).await;
            let mut ended = 0;
            for execution in 1.. {
                let owner = Owner::new(executor, execution);
                let answer = dequeue(&store, owner, 10).await;
                assert!(answer.taken.len() <= 3, "no more than may run");
                for id in ids(&answer) {
                    finish(&store, id, owner).await;
                    ended += 1;
                }
                let left =
                    format!("SELECT count(*) FROM {schema}.workflows WHERE status <> 'SUCCESS'");
                if number(&left).await == 0 {
                    break;
                }
            }
            ended
        })
    });
    let ended = join_all(racers).await;
    over.store(true, Ordering::SeqCst);
    let (total, most) = watch.await.expect("does not panic");
    let ended: i32 = ended.into_iter().map(|one| one.expect("races")).sum();
    drop_schema(&schema).await;
    assert_eq!(ended, 60, "each once");
    assert!(
        total <= 3 && most <= 2,
        "{total} at once, {most} of a partition"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_race_start_no_more_than_a_rate_allows() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let mut record = QueueRecord::new(APP, "queue");
    record.limits.rate = Some(RateLimit {
        starts: 7,
        period_millis: 1_000,
    });
    store.put_queue(record).await.expect("configures");
    for n in 0..40 {
        enqueue(&store, format!("w{n}"), "queue").await;
    }
    let racers = (0..HANDLES).map(|n| {
        let schema = schema.clone();
        tokio::spawn(async move {
            let store = open_migrated(&schema).await;
            let executor = register(&store, &format!("e{n}")).await;
            // The clocks of some are behind.
            let mut request = dequeuing(Owner::new(executor, 1), 10);
            request.now = Timestamp::from_millis(5_000 - 100 * (n as i64 % 3));
            let answer = store.dequeue_workflows(request).await;
            answer.expect("dequeues").taken.len()
        })
    });
    let taken = join_all(racers).await;
    let taken: usize = taken.into_iter().map(|one| one.expect("races")).sum();
    drop_schema(&schema).await;
    assert_eq!(taken, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_handles_share_what_waits_in_a_queue_without_limits() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let requests = (0..200).map(|n| store.insert_workflow(queued(format!("w{n}"), "queue")));
    for outcome in join_all(requests).await {
        assert_eq!(outcome.expect("enqueues"), InsertOutcome::Inserted);
    }
    let racers = (0..HANDLES).map(|n| {
        let schema = schema.clone();
        tokio::spawn(async move {
            let store = open_migrated(&schema).await;
            let executor = register(&store, &format!("e{n}")).await;
            let mut taken = Vec::new();
            for execution in 1.. {
                let answer = dequeue(&store, Owner::new(executor, execution), 10).await;
                taken.extend(ids(&answer).into_iter().map(str::to_owned));
                if !answer.more {
                    return taken;
                }
            }
            taken
        })
    });
    let taken = join_all(racers).await;
    let mut taken: Vec<String> = taken
        .into_iter()
        .flat_map(|one| one.expect("races"))
        .collect();
    taken.sort_unstable();
    let all = taken.len();
    taken.dedup();
    let left = format!("SELECT count(*) FROM {schema}.workflows WHERE status <> 'PENDING'");
    let left = number(&left).await;
    drop_schema(&schema).await;
    assert_eq!((all, taken.len(), left), (200, 200, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_set_while_something_is_being_taken_counts_it() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let executor = register(&store, "one").await;
    for id in ["a", "b", "c"] {
        enqueue(&store, id, "queue").await;
    }
    let mut other = support::connect().await;
    let taking = taking(&schema, executor, 2);
    let taken = sqlx::raw_sql(AssertSqlSafe(taking));
    taken.execute(&mut other).await.expect("dequeues");

    let configuring = store.clone();
    let put = tokio::spawn(async move {
        let mut record = QueueRecord::new(APP, "queue");
        record.limits.concurrency = Some(2);
        configuring.put_queue(record).await
    });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;
    sqlx::raw_sql("COMMIT")
        .execute(&mut other)
        .await
        .expect("commits");
    other.close().await.expect("closes");
    put.await.expect("does not panic").expect("configures");
    let answer = dequeue(&store, Owner::new(executor, 8), 10).await;
    drop_schema(&schema).await;
    assert_eq!(ids(&answer), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_alone_is_not_taken_past_a_limit_that_is_just_being_set() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let executor = register(&store, "one").await;
    enqueue(&store, "alone", "queue").await;
    let mut other = support::connect().await;
    let configuring = format!(
        "BEGIN;
         SELECT pg_advisory_xact_lock({schema}.queue_key('{APP}', 'queue'));
         INSERT INTO {schema}.queues (app, name, concurrency, weights) VALUES ('{APP}', 'queue', 0, '{{}}')"
    );
    let configured = sqlx::raw_sql(AssertSqlSafe(configuring));
    configured.execute(&mut other).await.expect("configures");
    let dequeuing = store.clone();
    let waits = tokio::spawn(async move { dequeue(&dequeuing, Owner::new(executor, 8), 10).await });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;
    let committed = sqlx::raw_sql("COMMIT").execute(&mut other).await;
    committed.expect("commits");
    other.close().await.expect("closes");
    let answer = waits.await.expect("does not panic");
    drop_schema(&schema).await;
    assert_eq!(ids(&answer), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_whatever_isolation_level_a_role_has() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let executor = register(&store, "one").await;
    let mut record = QueueRecord::new(APP, "queue");
    record.limits.concurrency = Some(1);
    store.put_queue(record).await.expect("configures");
    for level in ["repeatable read", "serializable"] {
        for id in ["a", "b"] {
            enqueue(&store, format!("{id} {level}"), "queue").await;
        }
        let mut other = support::connect().await;
        let taking = taking(&schema, executor, 1);
        let taken = sqlx::raw_sql(AssertSqlSafe(taking));
        taken.execute(&mut other).await.expect("dequeues");

        let mut url = url::Url::parse(&support::url()).expect("is a url");
        let parameter = "options[default_transaction_isolation]";
        url.query_pairs_mut().append_pair(parameter, level);
        let options = PostgresOptions::from_url(url.as_str()).expect("is a url");
        let strict = PostgresStore::connect_with(options.schema(&schema)).await;
        let strict = strict.expect("connects");
        let waits =
            tokio::spawn(async move { dequeue(&strict, Owner::new(executor, 8), 10).await });
        support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;
        let committed = sqlx::raw_sql("COMMIT").execute(&mut other).await;
        committed.expect("commits");
        other.close().await.expect("closes");
        let answer = waits.await.expect("does not panic");
        assert_eq!(ids(&answer), Vec::<&str>::new(), "{level}");

        let both = ["a", "b"].map(|id| format!("{id} {level}"));
        let cancel = CancelWorkflows::new(both.to_vec(), now());
        store.cancel_workflows(cancel).await.expect("cancels");
    }
    drop_schema(&schema).await;
}

/// A dequeue that has not committed yet.
fn taking(schema: &str, executor: Incarnation, limit: u32) -> String {
    format!(
        "BEGIN;
         SELECT count(*) FROM \"{schema}\".dequeue('{APP}', '{{.{VERSION}}}', '{{{NAME}}}', NULL, 'one',
                                               '{}', 7, {limit}, 0, 1000)",
        executor.0
    )
}

/// How many pages a dequeue looks at.
async fn pages_of_a_dequeue(schema: &str, names: &str, owner: Owner) -> i64 {
    let mut connection = support::connect().await;
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
         SELECT * FROM {schema}.dequeue('{APP}', '{{.{VERSION}}}', '{names}', NULL, 'one', '{}', {}, 10, 0, 1000)",
        owner.incarnation.0, owner.execution
    );
    // The first call reads the catalogs, too.
    let mut pages = 0;
    for _ in 0..2 {
        let row = sqlx::raw_sql(AssertSqlSafe(explain.as_str()));
        let row = row.fetch_one(&mut connection).await.expect("explains");
        let plan: String = row.get_unchecked(0);
        let plan: serde_json::Value = serde_json::from_str(&plan).expect("is json");
        let plan = &plan[0]["Plan"];
        let count = |name: &str| plan[name].as_i64().expect("counts");
        pages = count("Shared Hit Blocks") + count("Shared Read Blocks");
        let give_back = format!(
            "UPDATE {schema}.workflows SET status = 'ENQUEUED', owner_incarnation = NULL, owner_execution = NULL
             WHERE status = 'PENDING'"
        );
        let given = sqlx::raw_sql(AssertSqlSafe(give_back));
        given.execute(&mut connection).await.expect("gives back");
    }
    connection.close().await.expect("closes");
    pages
}

#[tokio::test]
async fn a_dequeue_costs_the_same_however_much_waits_or_has_ended() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let executor = register(&store, "one").await;
    let fill = |rows: i64| {
        format!(
            "INSERT INTO {schema}.workflows
                 (id, app, name, status, version, created_at, updated_at, input_encoding, input,
                  queue, priority, place, partition_key)
             SELECT kind || n, '{APP}', kind, 'ENQUEUED', '{VERSION}', n, n, 'json', '1', 'queue', 0,
                    nextval('{schema}.numbers'), 'noisy'
             FROM unnest(ARRAY['{NAME}', 'unknown']) AS kind CROSS JOIN generate_series(1, {rows}) AS n;
             INSERT INTO {schema}.workflows
                 (id, app, name, status, version, created_at, updated_at, completed_at, queue, priority, place)
             SELECT 'done' || n, '{APP}', '{NAME}', 'SUCCESS', '{VERSION}', n, n, n, 'queue', 0, 0
             FROM generate_series(1, {rows}) AS n;
             ANALYZE {schema}.workflows"
        )
    };
    enqueue_in(&store, "quiet", "queue", "quiet").await;
    run(&fill(20)).await;
    let nobodys = "{nobodys}";
    let few = pages_of_a_dequeue(&schema, &format!("{{{NAME}}}"), Owner::new(executor, 1)).await;
    let none = pages_of_a_dequeue(&schema, nobodys, Owner::new(executor, 2)).await;
    run(&format!(
        "DELETE FROM {schema}.workflows WHERE id <> 'quiet'"
    ))
    .await;
    run(&fill(20_000)).await;
    let many = pages_of_a_dequeue(&schema, &format!("{{{NAME}}}"), Owner::new(executor, 3)).await;
    let none_of_many = pages_of_a_dequeue(&schema, nobodys, Owner::new(executor, 4)).await;
    drop_schema(&schema).await;
    // Deeper indexes, and what was deleted but not swept, account for some.
    assert!(many < 4 * few + 200, "{few} pages, then {many}");
    assert!(
        none_of_many < 4 * none + 100,
        "{none} pages, then {none_of_many}"
    );
}

#[tokio::test]
async fn nothing_is_left_of_what_has_ended_but_the_workflows() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let executor = register(&store, "one").await;
    let mut record = QueueRecord::new(APP, "queue");
    record.limits.rate = Some(RateLimit {
        starts: 100,
        period_millis: 10,
    });
    store.put_queue(record).await.expect("configures");
    for n in 0..8 {
        enqueue_in(&store, format!("w{n}"), "queue", &format!("p{n}")).await;
    }
    for execution in 1..=4 {
        let owner = Owner::new(executor, execution);
        let mut request = dequeuing(owner, 2);
        request.now = Timestamp::from_millis(1_000 * execution.cast_signed());
        let answer = store.dequeue_workflows(request).await.expect("dequeues");
        assert_eq!(answer.taken.len(), 2);
        for id in ids(&answer) {
            finish(&store, id, owner).await;
        }
    }
    dequeue(&store, Owner::new(executor, 5), 10).await;
    let partitions = number(&format!("SELECT count(*) FROM {schema}.queue_partitions")).await;
    let starts = format!("SELECT count(*) FROM {schema}.queue_starts WHERE at < 4000");
    let starts = number(&starts).await;

    let pushes = ["first", "second"].map(|id| {
        let mut request = queued(id, "queue");
        let enqueue = request.enqueue.as_mut().expect("has a queue");
        enqueue.delayed_until = Some(Timestamp::from_millis(9_000));
        enqueue.debounce = Some(Debounce::new("key", Timestamp::from_millis(9_000)));
        request
    });
    for request in pushes {
        store.insert_workflow(request).await.expect("is pushed");
    }
    let deleted = DeleteWorkflows::new(vec!["first".to_owned()]);
    store.delete_workflows(deleted).await.expect("deletes");
    let pushed = number(&format!("SELECT count(*) FROM {schema}.debounced")).await;
    drop_schema(&schema).await;
    assert_eq!((partitions, starts, pushed), (0, 0, 0));
}

#[tokio::test]
async fn a_push_that_is_repeated_after_the_start_starts_nothing() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let push = |id: &str, until| {
        let mut request = queued(id, "queue");
        let enqueue = request.enqueue.as_mut().expect("has a queue");
        enqueue.delayed_until = Some(Timestamp::from_millis(until));
        enqueue.debounce = Some(Debounce::new("key", Timestamp::from_millis(9_000)));
        request
    };
    let first = store.insert_workflow(push("first", 2_000)).await;
    assert_eq!(first.expect("is delayed"), InsertOutcome::Inserted);
    let pushed = InsertOutcome::Debounced("first".to_owned());
    for _ in 0..2 {
        let answer = store.insert_workflow(push("second", 3_000)).await;
        assert_eq!(answer.expect("is pushed"), pushed);
        let release = durable_api::store::ReleaseDelayed::new(APP, Timestamp::from_millis(3_000));
        store.release_delayed(release).await.expect("releases");
    }
    let all = number(&format!("SELECT count(*) FROM {schema}.workflows")).await;
    drop_schema(&schema).await;
    assert_eq!(all, 1);
}

#[tokio::test]
async fn an_executor_that_retires_while_it_takes_hands_everything_back() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    for round in 0..20 {
        let executor = register(&store, "one").await;
        let id = format!("w{round}");
        enqueue(&store, &id, "queue").await;
        let taking = dequeue(&store, Owner::new(executor, 1), 10);
        let (_, retired) = tokio::join!(taking, store.retire_executor(executor));
        retired.expect("retires");
        let stuck = format!("SELECT count(*) FROM {schema}.workflows WHERE status = 'PENDING'");
        assert_eq!(number(&stuck).await, 0, "round {round}");
        let cancel = CancelWorkflows::new(vec![id], now());
        store.cancel_workflows(cancel).await.expect("cancels");
    }
    drop_schema(&schema).await;
}
