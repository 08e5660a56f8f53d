use sqlx::{Executor as _, PgConnection};

/// Keeps the plans of batched statements on index lookups, however small the tables were when a
/// connection planned them, and plans each once: left to itself, the server would do so at every execution, since it takes an array of unknown length for a longer one.
/// They affect speed alone, so a session that loses them is none the worse.
const SETTINGS: &str =
    "SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan";

/// Prepares a fresh connection.
pub(crate) async fn steady_plans(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(SETTINGS)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use durable_api::{
        Payload, Timestamp,
        store::{
            AppendStream, ClaimableWorkflow, Debounce, DequeueWorkflows, Enqueue, EventStore as _,
            ExecutorStore as _, FinishWorkflow, Incarnation, InsertOutcome, InsertWorkflow,
            LifecycleStore as _, MessageStore as _, Outcome, Owner, ParentCheckpoint,
            QueueStore as _, ReadStream, ReceiveMessage, RecordStep, RegisterExecutor,
            ReleaseDelayed, SendMessage, SetDelay, SetEvent, StepRecord, StepRef, StepStore as _,
            StoreResult, StreamStore as _, WorkflowStore as _,
        },
    };
    use futures::future::join_all;
    use serde_json::Value;
    use sqlx::{AssertSqlSafe, Executor as _, Row as _};
    use uuid::Uuid;

    use crate::{PostgresOptions, PostgresStore};

    /// The tables that grow.
    const TABLES: [&str; 6] = [
        "workflows",
        "steps",
        "messages",
        "events",
        "streams",
        "stream_values",
    ];

    /// The indexes to look rows up by, each with a column that the lookup must name.
    const LOOKUPS: [(&str, &str); 12] = [
        ("workflows_pkey", "id"),
        ("workflows_pending", "owner_execution"),
        ("workflows_delayed", "delayed_until"),
        ("workflows_deduplication", "deduplication_id"),
        ("workflows_debounce", "debounce_key"),
        ("steps_pkey", "workflow_id"),
        ("messages_waiting", "topic"),
        ("messages_pkey", "message_id"),
        ("events_present", "key"),
        ("streams_pkey", "key"),
        ("stream_values_pkey", "key"),
        ("stream_values_write", "write_id"),
    ];

    /// Every statement of an execution, once, on the only connection: for one, and for two that share a batch.
    async fn run_everything(store: &PostgresStore) {
        let now = Timestamp::from_millis(1);
        let incarnation = Incarnation(Uuid::new_v4());
        let executor = RegisterExecutor::new("app", "one", incarnation, "v1", now);
        store.register_executor(executor).await.expect("registers");
        let owner = Owner::new(incarnation, 1);
        for ids in [&["w"][..], &["x", "y"]] {
            run_everything_of_executions(store, owner, ids).await;
        }
        for ids in [&["q1"][..], &["q3", "q4"]] {
            enqueue_children(store, owner, ids).await;
        }
        run_everything_of_queues(store, owner).await;
    }

    /// Makes a call for each, so that they share a batch: all are asked before the first has a connection.
    async fn together<T, F: Future<Output = StoreResult<T>>>(
        ids: &[&str],
        call: impl Fn(String) -> F,
    ) {
        let calls = ids.iter().map(|id| call((*id).to_owned()));
        let done: StoreResult<Vec<T>> = join_all(calls).await.into_iter().collect();
        done.expect("succeeds");
    }

    async fn run_everything_of_executions(store: &PostgresStore, owner: Owner, ids: &[&str]) {
        let now = Timestamp::from_millis(1);
        let value = || Payload::new("json", "1");
        let step = |workflow: String, id| StepRef::recorded(workflow, owner, id, "step", now);
        let outcome = || Outcome::Success(value());
        together(ids, |id| {
            let request = InsertWorkflow::new(id, "app", "flow", value(), owner, now);
            store.insert_workflow(request)
        })
        .await;
        together(ids, |id| {
            let child = format!("child of {id}");
            let mut request = InsertWorkflow::new(child, "app", "flow", value(), owner, now);
            request.parent = Some(ParentCheckpoint::new(id, owner, 0, "child"));
            store.insert_workflow(request)
        })
        .await;
        together(ids, |id| {
            let record = StepRecord::completed(1, "step", outcome(), now, now);
            store.record_step(RecordStep::new(id, owner, record))
        })
        .await;
        together(ids, |id| {
            let mut message = SendMessage::new(id.clone(), "topic", "m", value(), now);
            message.sender = Some(step(id, 2));
            store.send_message(message)
        })
        .await;
        together(ids, |id| {
            store.receive_message(ReceiveMessage::new(step(id, 3), "topic", now))
        })
        .await;
        together(ids, |id| {
            store.set_event(SetEvent::new(step(id, 4), "key", value(), now))
        })
        .await;
        together(ids, |id| {
            let step = step(id, 5);
            let write = AppendStream::value(step, "key", value(), Uuid::new_v4(), now);
            store.append_stream(write)
        })
        .await;
        for id in ids {
            store.get_event(id, "key").await.expect("gets");
            let read = ReadStream::new(*id, "key", 0);
            store.read_stream(read).await.expect("reads");
            store.list_steps(id).await.expect("lists");
        }
        together(ids, |id| {
            store.finish_workflow(FinishWorkflow::new(id, owner, outcome(), now))
        })
        .await;
    }

    /// Whoever waits in a queue for a parent that has ended is refused, by the same statement.
    async fn enqueue_children(store: &PostgresStore, owner: Owner, ids: &[&str]) {
        let now = Timestamp::from_millis(1);
        together(ids, |id| {
            let child = format!("child {id}");
            let value = Payload::new("json", "1");
            let mut request = InsertWorkflow::new(child, "app", "flow", value, owner, now);
            request.parent = Some(ParentCheckpoint::new("w", owner, 9, "child"));
            request.enqueue = Some(Enqueue::new("other"));
            store.insert_workflow(request)
        })
        .await;
        if let [_, _, ..] = ids {
            together(ids, |id| {
                let value = Payload::new("json", "1");
                let mut request = InsertWorkflow::new(id, "app", "flow", value, owner, now);
                request.enqueue = Some(Enqueue::new("other"));
                store.insert_workflow(request)
            })
            .await;
        }
    }

    async fn run_everything_of_queues(store: &PostgresStore, owner: Owner) {
        let now = Timestamp::from_millis(1);
        let later = Timestamp::from_millis(9);
        let queued = |id: &str| {
            let value = Payload::new("json", "1");
            let mut request = InsertWorkflow::new(id, "app", "flow", value, owner, now);
            request.version = Some("v1".to_owned());
            let mut enqueue = Enqueue::new("queue");
            enqueue.deduplication_id = Some("one".to_owned());
            request.enqueue = Some(enqueue);
            request
        };
        let push = |id: &str| {
            let mut request = queued(id);
            let mut enqueue = Enqueue::new("queue");
            enqueue.delayed_until = Some(later);
            enqueue.debounce = Some(Debounce::new("key", later));
            request.enqueue = Some(enqueue);
            request
        };
        for (request, expected) in [
            (queued("q1"), InsertOutcome::Inserted),
            (queued("q2"), InsertOutcome::Deduplicated("q1".to_owned())),
            (push("p1"), InsertOutcome::Inserted),
            (push("p2"), InsertOutcome::Debounced("p1".to_owned())),
            (push("p2"), InsertOutcome::Debounced("p1".to_owned())),
        ] {
            let outcome = store.insert_workflow(request).await;
            assert_eq!(outcome.expect("enqueues"), expected);
        }
        let delay = SetDelay::new("p1", later, now);
        store.set_delay(delay).await.expect("delays");
        let release = ReleaseDelayed::new("app", later);
        store.release_delayed(release).await.expect("releases");
        let names = vec![ClaimableWorkflow::new("flow", 1)];
        let owner = Owner::new(owner.incarnation, 2);
        let dequeue = DequeueWorkflows::new("app", "v1", names, owner, later);
        let dequeued = store.dequeue_workflows(dequeue).await.expect("dequeues");
        assert_eq!(dequeued.taken.len(), 2);
    }

    /// What the plans of the statements that a connection keeps have in place of index lookups.
    async fn scans(store: &PostgresStore) -> (usize, Vec<String>) {
        let mut connection = store
            .database
            .connections
            .acquire()
            .await
            .expect("a connection");
        let generic = "SET plan_cache_mode = force_generic_plan";
        connection.execute(generic).await.expect("sets");
        let kept = "SELECT name, statement, cardinality(parameter_types) AS arguments
                    FROM pg_prepared_statements WHERE statement LIKE $1";
        let schema = format!("%{}%", store.database.schema.quoted());
        let kept = sqlx::query(kept).bind(schema).fetch_all(&mut *connection);
        let kept = kept.await.expect("lists");
        let mut found = Vec::new();
        for row in &kept {
            let (name, text): (String, String) = (row.get("name"), row.get("statement"));
            let arguments = vec!["NULL"; row.get::<i32, _>("arguments").unsigned_abs() as usize];
            let explain = match arguments.is_empty() {
                true => format!("EXPLAIN (FORMAT JSON) EXECUTE \"{name}\""),
                false => format!(
                    "EXPLAIN (FORMAT JSON) EXECUTE \"{name}\"({})",
                    arguments.join(", ")
                ),
            };
            let plan = sqlx::raw_sql(AssertSqlSafe(explain))
                .fetch_one(&mut *connection)
                .await
                .expect("explains");
            let plan: String = plan.get_unchecked(0);
            let plan: Value = serde_json::from_str(&plan).expect("is json");
            for scan in scans_in(&plan) {
                found.push(format!("{scan} in {text}"));
            }
        }
        (kept.len(), found)
    }

    fn scans_in(plan: &Value) -> Vec<String> {
        match plan {
            Value::Array(nodes) => nodes.iter().flat_map(scans_in).collect(),
            Value::Object(node) => {
                let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
                let (table, index) = (text("Relation Name"), text("Index Name"));
                let looks_up = LOOKUPS
                    .iter()
                    .any(|(name, column)| *name == index && text("Index Cond").contains(column));
                // A bitmap's condition stands with the scan of its index, which does not name the table.
                let unguided = match text("Node Type") {
                    "Bitmap Heap Scan" => false,
                    "Bitmap Index Scan" => {
                        !looks_up && TABLES.iter().any(|table| index.starts_with(table))
                    }
                    node => node.ends_with("Scan") && TABLES.contains(&table) && !looks_up,
                };
                let here = unguided.then(|| format!("{} {table} {index}", text("Node Type")));
                let below = node.values().flat_map(scans_in);
                here.into_iter().chain(below).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A store with one connection, and its schema.
    async fn alone() -> (PostgresStore, String) {
        let url = std::env::var("DURABLE_TEST_POSTGRES_URL")
            .expect("set DURABLE_TEST_POSTGRES_URL, or run the tests by `scripts/test`, which starts a server");
        let schema = format!("t{}", Uuid::new_v4().simple());
        let options = PostgresOptions::from_url(&url).expect("is a url");
        let options = options.schema(&schema).max_connections(1);
        let store = PostgresStore::connect_with(options)
            .await
            .expect("connects");
        store.migrate().await.expect("migrates");
        (store, schema)
    }

    #[tokio::test]
    async fn statements_of_an_execution_are_planned_once() {
        let (store, schema) = alone().await;
        run_everything(&store).await;
        let connections = &store.database.connections;
        let mut connection = connections.acquire().await.expect("a connection");
        let again: Vec<String> = sqlx::query_scalar(
            "SELECT statement FROM pg_prepared_statements WHERE custom_plans > 0",
        )
        .fetch_all(&mut *connection)
        .await
        .expect("lists what was prepared");
        assert_eq!(again, [""; 0]);
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        let dropped = sqlx::raw_sql(AssertSqlSafe(drop));
        dropped.execute(&mut *connection).await.expect("drops");
    }

    #[tokio::test]
    async fn statements_planned_on_empty_tables_and_on_full_ones_look_rows_up_by_an_index() {
        let (store, schema) = alone().await;
        run_everything(&store).await;
        let (empty, on_empty) = scans(&store).await;

        let fill = format!(
            "INSERT INTO {schema}.workflows (id, app, name, status, created_at, updated_at, completed_at)
             SELECT 'f' || n, 'app', 'flow', 'SUCCESS', n, n, n FROM generate_series(1, 20000) n;
             INSERT INTO {schema}.steps (workflow_id, step_id, name, started_at, completed_at)
             SELECT 'f' || n, 0, 'step', n, n FROM generate_series(1, 20000) n;
             ANALYZE {schema}.workflows, {schema}.steps"
        );
        let filled = sqlx::raw_sql(AssertSqlSafe(fill));
        let mut connection = store
            .database
            .connections
            .acquire()
            .await
            .expect("a connection");
        filled.execute(&mut *connection).await.expect("fills");
        drop(connection);
        let (full, on_full) = scans(&store).await;

        let drop = format!("DROP SCHEMA {schema} CASCADE");
        let dropped = sqlx::raw_sql(AssertSqlSafe(drop));
        let mut connection = store
            .database
            .connections
            .acquire()
            .await
            .expect("a connection");
        dropped.execute(&mut *connection).await.expect("drops");
        assert!(
            empty >= 36 && full >= empty,
            "{empty} and {full} statements"
        );
        assert_eq!(on_empty, Vec::<String>::new(), "on empty tables");
        assert_eq!(on_full, Vec::<String>::new(), "on full tables");
    }
}
