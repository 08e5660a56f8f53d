//! Requests for work that are under way while somebody settles them.
mod support;

use durable_api::store::{ExecutorStore, ExpelExecutor, Owner, WorkflowStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store_postgres::PostgresStore;

use support::{claim, dequeue, drop_schema, enqueue, fresh_schema, ids, insert, register, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_waits_for_the_claim_that_is_taking() {
    let schema = fresh_schema();
    let store = support::open_migrated(&schema).await;
    let lost = register(&store, "lost").await;
    insert(&store, "w", Owner::new(lost, 1)).await;
    let expelled = store.expel_executor(ExpelExecutor::new(lost, 0)).await;
    expelled.expect("expels");
    let owner = Owner::new(register(&store, "heir").await, 1);

    let gate = Gate::close(&schema).await;
    let late = tokio::spawn(claimed(store.clone(), owner));
    gate.settle(&store, owner).await;
    assert_eq!(late.await.expect("does not panic"), ["w"]);
    assert_eq!(claimed(store, owner).await, ["w"]);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_waits_for_the_dequeue_that_is_taking() {
    let schema = fresh_schema();
    let store = support::open_migrated(&schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    enqueue(&store, "w", "queue").await;

    let gate = Gate::close(&schema).await;
    let late = tokio::spawn(dequeued(store.clone(), owner));
    gate.settle(&store, owner).await;
    assert_eq!(late.await.expect("does not panic"), ["w"]);
    assert_eq!(dequeued(store, owner).await, ["w"]);
    drop_schema(&schema).await;
}

async fn claimed(store: PostgresStore, owner: Owner) -> Vec<String> {
    let answer = store.claim_workflows(claim(owner)).await.expect("claims");
    let taken = answer.claimed.into_iter();
    taken.map(|one| one.record.id).collect()
}

async fn dequeued(store: PostgresStore, owner: Owner) -> Vec<String> {
    let answer = dequeue(&store, owner, 10).await;
    ids(&answer).into_iter().map(str::to_owned).collect()
}

/// While it is closed, whoever changes a workflow waits, with all that it has locked.
struct Gate {
    schema: String,
    keeper: PgConnection,
}

impl Gate {
    async fn close(schema: &str) -> Self {
        run(&format!(
            "CREATE FUNCTION {schema}.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM pg_advisory_xact_lock_shared(hashtextextended('{schema}', 0));
                 RETURN NEW;
             END $$;
             CREATE TRIGGER gate BEFORE UPDATE ON {schema}.workflows
             FOR EACH ROW EXECUTE FUNCTION {schema}.wait_at_gate()"
        ))
        .await;
        let mut keeper = support::connect().await;
        let close = format!("SELECT pg_advisory_lock(hashtextextended('{schema}', 0))");
        let closed = sqlx::raw_sql(AssertSqlSafe(close));
        closed.execute(&mut keeper).await.expect("locks");
        Self {
            schema: schema.to_owned(),
            keeper,
        }
    }

    /// Settles a request that comes to the gate, which opens when the settlement waits, too.
    async fn settle(self, store: &PostgresStore, owner: Owner) {
        let waiting = support::waiting_for_locks(&self.schema);
        support::wait_for(&waiting, |count| count == 1).await;
        let store = store.clone();
        let settled = tokio::spawn(async move { store.settle(owner).await });
        support::wait_for(&waiting, |count| count == 2).await;
        self.keeper.close().await.expect("closes");
        let settled = settled.await.expect("does not panic");
        settled.expect("settles");
    }
}
