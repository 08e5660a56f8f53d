//! Messages, events and streams: shared commits, and what happens at the same time.
mod support;

use std::collections::BTreeSet;

use durable_api::store::{
    AppendOutcome, AppendStream, DeleteWorkflows, EventLookup, EventStore, ManagementStore,
    MessageStore, Owner, ReadStream, ReceiveMessage, ReceiveOutcome, SendOutcome, SetEvent,
    SetEventOutcome, StepRef, StepStore, StoreErrorKind, StreamStore,
};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _};
use store_postgres::PostgresStore;
use support::{
    drop_schema, effect, fresh_schema, insert, message, now, number, open_migrated, payload,
    register,
};
use uuid::Uuid;

const MANY: usize = 200;

/// Two stores on one schema, and the owner of workflow `w`.
async fn two_stores(schema: &str) -> (PostgresStore, PostgresStore, Owner) {
    let (one, other) = (open_migrated(schema).await, open_migrated(schema).await);
    let owner = Owner::new(register(&one, "one").await, 1);
    insert(&one, "w", owner).await;
    (one, other, owner)
}

/// Message `n` from outside.
async fn send(store: &PostgresStore, n: usize) -> SendOutcome {
    let sent = store
        .send_message(message("w", format!("m{n}"), &n.to_string()))
        .await;
    sent.expect("sends")
}

async fn receive(store: &PostgresStore, owner: Owner, step_id: u32) -> ReceiveOutcome {
    let request = ReceiveMessage::new(effect("w", owner, step_id), "topic", now());
    store.receive_message(request).await.expect("receives")
}

fn value(step: StepRef, text: &str) -> AppendStream {
    AppendStream::value(step, "key", payload(text), Uuid::new_v4(), now())
}

/// How many transactions wrote a table.
async fn transactions(schema: &str, table: &str) -> i64 {
    number(&format!(
        "SELECT count(DISTINCT xmin::text) FROM {schema}.{table}"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_effects_share_commits() {
    let schema = fresh_schema();
    let (one, _, owner) = two_stores(&schema).await;
    let store = &one;
    join_all((0..MANY).map(|n| insert(store, format!("w{n}"), owner))).await;
    join_all((0..MANY).map(|n| async move {
        let id = format!("w{n}");
        let mut message = message(&id, "m", "1");
        message.sender = Some(effect(&id, owner, 0));
        let sent = store.send_message(message).await;
        assert_eq!(sent.expect("sends"), SendOutcome::Sent);
    }))
    .await;
    join_all((0..MANY).map(|n| async move {
        let step = effect(format!("w{n}"), owner, 1);
        let set = store
            .set_event(SetEvent::new(step, "key", payload("1"), now()))
            .await;
        assert_eq!(set.expect("sets"), SetEventOutcome::Set);
    }))
    .await;
    join_all((0..MANY).map(|n| async move {
        let appended = store
            .append_stream(value(effect(format!("w{n}"), owner, 2), "1"))
            .await;
        let first = AppendOutcome::Appended { offset: 0 };
        assert_eq!(appended.expect("appends"), first);
    }))
    .await;
    for table in ["messages", "events", "stream_values"] {
        let commits = transactions(&schema, table).await;
        assert!(commits < 20, "{commits} transactions for {MANY} {table}");
    }
    let before = transactions(&schema, "steps").await;
    join_all((0..MANY).map(|n| async move {
        let step = effect(format!("w{n}"), owner, 3);
        let received = store
            .receive_message(ReceiveMessage::new(step, "topic", now()))
            .await;
        let message = ReceiveOutcome::Received(payload("1"));
        assert_eq!(received.expect("receives"), message);
    }))
    .await;
    let commits = transactions(&schema, "steps").await - before;
    assert!(commits < 20, "{commits} transactions for {MANY} receptions");
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_each_sender_are_received_in_its_order_and_once() {
    const SENDERS: usize = 4;
    const EACH: usize = 30;

    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    let senders = (0..SENDERS).map(|sender| {
        let store = if sender % 2 == 0 { &one } else { &other };
        async move {
            for n in 0..EACH {
                assert_eq!(send(store, sender * EACH + n).await, SendOutcome::Sent);
            }
        }
    });
    join_all(senders).await;
    let mut received: Vec<Vec<usize>> = vec![Vec::new(); SENDERS];
    for step_id in 0..(SENDERS * EACH) as u32 {
        let ReceiveOutcome::Received(payload) = receive(&one, owner, step_id).await else {
            panic!("there is a message");
        };
        let n: usize = str::from_utf8(&payload.bytes)
            .expect("is text")
            .parse()
            .expect("is a number");
        received[n / EACH].push(n % EACH);
    }
    assert_eq!(received, vec![Vec::from_iter(0..EACH); SENDERS]);
    let next = receive(&one, owner, 1_000).await;
    assert_eq!(next, ReceiveOutcome::Empty);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_at_the_same_time_never_share_a_message() {
    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    join_all((0..40).map(|n| send(&one, n))).await;
    let receivers = (0..40).map(|n| {
        let store = if n % 2 == 0 { &one } else { &other };
        receive(store, owner, n)
    });
    let mut received = BTreeSet::new();
    for outcome in join_all(receivers).await {
        match outcome {
            ReceiveOutcome::Received(payload) => {
                assert!(received.insert(payload.bytes.to_vec()), "{payload:?} twice");
            }
            other => panic!("there were enough messages: {other:?}"),
        }
    }
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_step_that_is_repeated_at_once_receives_once() {
    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    for step_id in 0..10 {
        send(&one, step_id as usize).await;
        let stores = [&one, &other, &one, &other];
        let calls = stores.map(|store| receive(store, owner, step_id));
        let outcomes = join_all(calls).await;
        let received = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, ReceiveOutcome::Received(_)));
        assert_eq!(received.count(), 1, "{outcomes:?}");
        let told = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, ReceiveOutcome::AlreadyRecorded(_)));
        assert_eq!(told.count(), 3, "{outcomes:?}");
    }
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_at_the_same_time_get_offsets_without_a_gap() {
    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    let writers = (0..60_u32).map(|n| {
        let store = if n % 2 == 0 { &one } else { &other };
        let step = StepRef::inside("w", owner, n, now());
        store.append_stream(value(step, &n.to_string()))
    });
    let mut offsets = BTreeSet::new();
    for appended in join_all(writers).await {
        match appended.expect("appends") {
            AppendOutcome::Appended { offset } => assert!(offsets.insert(offset)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(offsets, BTreeSet::from_iter(0..60));
    let page = one.read_stream(ReadStream::new("w", "key", 0)).await;
    assert_eq!(page.expect("reads").values.len(), 60);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_repeated_at_once_stands_at_one_offset() {
    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    for n in 0..10 {
        let write = value(StepRef::inside("w", owner, n, now()), "1");
        let stores = [&one, &other, &one, &other];
        let calls = stores.map(|store| store.append_stream(write.clone()));
        for appended in join_all(calls).await {
            let offset = u64::from(n);
            let here = AppendOutcome::Appended { offset };
            assert_eq!(appended.expect("appends"), here);
        }
    }
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_is_repeated_at_once_closes_once_and_for_all_callers() {
    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    for n in 0..10 {
        let step = StepRef::inside("w", owner, n, now());
        let close = AppendStream::close(step, format!("key{n}"), Uuid::new_v4(), now());
        let stores = [&one, &other, &one, &other];
        let calls = stores.map(|store| store.append_stream(close.clone()));
        for closed in join_all(calls).await {
            let here = AppendOutcome::Appended { offset: 0 };
            assert_eq!(closed.expect("closes"), here);
        }
    }
    drop_schema(&schema).await;
}

#[tokio::test]
async fn an_effect_that_the_server_refuses_fails_alone() {
    let schema = fresh_schema();
    let (store, _, _) = two_stores(&schema).await;
    // Longer than an index entry can be, and not compressible.
    let endless: String = (0..400)
        .map(|_| Uuid::new_v4().simple().to_string())
        .collect();
    let sends = (0..30).map(|n| {
        let id = if n == 7 {
            endless.clone()
        } else {
            format!("m{n}")
        };
        store.send_message(message("w", id, "1"))
    });
    for (n, sent) in join_all(sends).await.into_iter().enumerate() {
        match sent {
            Ok(outcome) => assert_eq!(outcome, SendOutcome::Sent),
            Err(error) => {
                assert_eq!(n, 7);
                assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            }
        }
    }
    let rows = number(&format!("SELECT count(*) FROM {schema}.messages")).await;
    drop_schema(&schema).await;
    assert_eq!(rows, 29);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effects_that_wait_for_a_takeover_are_refused_when_it_commits() {
    let schema = fresh_schema();
    let (store, _, owner) = two_stores(&schema).await;
    insert(&store, "destination", owner).await;
    send(&store, 0).await;
    let mut takeover = support::connect().await;
    let taken = format!("BEGIN; UPDATE {schema}.workflows SET owner_execution = 2 WHERE id = 'w'");
    sqlx::raw_sql(AssertSqlSafe(taken))
        .execute(&mut takeover)
        .await
        .expect("takes over");

    let late = store.clone();
    let received = tokio::spawn(async move { receive(&late, owner, 0).await });
    let late = store.clone();
    let sent = tokio::spawn(async move {
        let mut message = message("destination", "m", "1");
        message.sender = Some(effect("w", owner, 1));
        late.send_message(message).await
    });
    let late = store.clone();
    let set = tokio::spawn(async move {
        let step = effect("w", owner, 2);
        late.set_event(SetEvent::new(step, "key", payload("1"), now()))
            .await
    });
    let late = store.clone();
    let appended = tokio::spawn(async move {
        let step = StepRef::inside("w", owner, 3, now());
        late.append_stream(value(step, "1")).await
    });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 4).await;
    sqlx::raw_sql("COMMIT")
        .execute(&mut takeover)
        .await
        .expect("commits");
    takeover.close().await.expect("closes");

    let received = received.await.expect("does not panic");
    assert_eq!(received, ReceiveOutcome::NotOwner);
    let sent = sent.await.expect("does not panic").expect("answers");
    assert_eq!(sent, SendOutcome::NotOwner);
    let set = set.await.expect("does not panic").expect("answers");
    assert_eq!(set, SetEventOutcome::NotOwner);
    let appended = appended.await.expect("does not panic").expect("answers");
    assert_eq!(appended, AppendOutcome::NotOwner);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    let left = number(&format!(
        "SELECT (SELECT count(*) FROM {schema}.events) + (SELECT count(*) FROM {schema}.streams)
              + (SELECT count(*) FROM {schema}.messages WHERE workflow_id <> 'w' OR consumed)"
    ))
    .await;
    assert_eq!(left, 0);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_leaves_nothing_for_a_workflow_of_the_same_id() {
    const ROUNDS: u32 = 30;

    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    for round in 0..ROUNDS {
        let effects = async {
            let message = message("w", format!("m{round}"), "1");
            let event = SetEvent::new(effect("w", owner, 0), "key", payload("1"), now());
            let write = value(effect("w", owner, 1), "1");
            tokio::join!(
                one.send_message(message),
                one.set_event(event),
                one.append_stream(write)
            )
        };
        let delete = other.delete_workflows(DeleteWorkflows::new(vec!["w".to_owned()]));
        let ((sent, set, appended), deleted) = tokio::join!(effects, delete);
        sent.expect("answers");
        set.expect("answers");
        appended.expect("answers");
        assert_eq!(deleted.expect("deletes").changed, ["w"]);
        let left: i64 = number(&format!(
            "SELECT (SELECT count(*) FROM {schema}.steps) + (SELECT count(*) FROM {schema}.events)
                  + (SELECT count(*) FROM {schema}.streams)
                  + (SELECT count(*) FROM {schema}.stream_values)
                  + (SELECT count(*) FROM {schema}.messages)"
        ))
        .await;
        assert_eq!(left, 0, "round {round}");
        insert(&one, "w", owner).await;
    }
    let event = one.get_event("w", "key").await.expect("answers");
    assert_eq!(event, EventLookup::Absent);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workflows_that_send_to_each_other_all_come_through() {
    const ROUNDS: u32 = 40;

    let schema = fresh_schema();
    let (one, other, owner) = two_stores(&schema).await;
    insert(&one, "v", owner).await;
    let run = |store: PostgresStore, from: &'static str, to: &'static str| async move {
        for round in 0..ROUNDS {
            let mut message = message(to, format!("m{round}"), "1");
            message.sender = Some(effect(from, owner, 2 * round));
            let sent = store.send_message(message).await;
            assert_eq!(sent.expect("sends"), SendOutcome::Sent);
            let step = effect(from, owner, 2 * round + 1);
            let request = ReceiveMessage::new(step, "topic", now());
            store.receive_message(request).await.expect("receives");
        }
    };
    tokio::join!(run(one.clone(), "v", "w"), run(other, "w", "v"));
    let sent = number(&format!("SELECT count(*) FROM {schema}.messages")).await;
    drop_schema(&schema).await;
    assert_eq!(sent, i64::from(2 * ROUNDS));
}
