//! What earlier versions have written is read, migrated and finished by this one.
use tests::fixtures::{Fixture, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_of_schema_2_is_read_and_finished() {
    check(Fixture::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_store_of_schema_2_is_read_and_finished() {
    check(Fixture::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_schema_2_is_read_and_finished() {
    check(Fixture::Postgres).await;
}
