//! What is wrong with a file is said clearly, and such a file stays as it was.
mod common;

use std::fs;

use common::{File, ready};
use durable_api::store::{LifecycleStore as _, StoreError, StoreErrorKind};
use sqlx::Row as _;
use store_sqlite::{Durability, SqliteStore};

async fn refused(file: &File) -> StoreError {
    let url = format!("sqlite:{}", file.path().display());
    let error = SqliteStore::connect(&url).await.expect_err("is refused");
    assert!(error.to_string().contains("store.db"), "{error}");
    error
}

#[tokio::test]
async fn a_missing_file_is_made() {
    let file = File::new();
    let url = format!("sqlite:{}", file.path().display());
    let store = SqliteStore::connect(&url).await.expect("connects");
    store.ping().await.expect("answers");
    store.migrate().await.expect("migrates");
    store.verify().await.expect("is verified");
    assert!(file.path().exists());
}

#[tokio::test]
async fn a_missing_directory_is_named_and_not_made() {
    let file = File::new();
    let path = file.path().join("deeper").join("app.db");
    let url = format!("sqlite:{}", path.display());
    let error = SqliteStore::connect(&url).await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Failed);
    assert!(
        error.to_string().contains("directory does not exist"),
        "{error}"
    );
    assert!(error.to_string().contains("app.db"), "{error}");
    assert!(!file.path().exists());
}

#[tokio::test]
async fn a_directory_is_no_file() {
    let file = File::new();
    fs::create_dir(file.path()).expect("a directory");
    let error = refused(&file).await;
    assert_eq!(error.kind(), StoreErrorKind::Failed);
    assert!(error.to_string().contains("is a directory"), "{error}");
}

#[tokio::test]
async fn a_read_only_file_is_denied() {
    let file = File::new();
    drop(file.open().await);
    let mut permissions = fs::metadata(file.path()).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(file.path(), permissions).expect("sets permissions");
    let error = refused(&file).await;
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_incompatible_and_stays_as_it_was() {
    for text in [
        "not a database",
        &"not a database, at length\n".repeat(1000),
    ] {
        let file = File::new();
        fs::write(file.path(), text).expect("writes");
        let error = refused(&file).await;
        assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
        assert_eq!(fs::read_to_string(file.path()).expect("reads"), text);
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_incompatible_and_stays_as_it_was() {
    for sql in [
        "CREATE TABLE theirs (id INTEGER)",
        "PRAGMA application_id = 42",
        "PRAGMA user_version = 7",
    ] {
        let file = File::new();
        file.execute(sql).await;
        let before = fs::read(file.path()).expect("reads");
        let store = SqliteStore::connect_with(file.options())
            .await
            .expect("it is a database");
        for error in [
            store.verify().await.expect_err("is foreign"),
            store.migrate().await.expect_err("is foreign"),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
            assert!(error.to_string().contains("store.db"), "{error}");
            assert!(error.to_string().contains("another program"), "{error}");
        }
        drop(store);
        assert_eq!(fs::read(file.path()).expect("reads"), before, "{sql}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_as_it_was() {
    let file = File::new();
    drop(file.open().await);
    file.execute("PRAGMA user_version = 99; CREATE TABLE later (id INTEGER)")
        .await;
    let store = SqliteStore::connect_with(file.options())
        .await
        .expect("connects");
    for error in [
        store.verify().await.expect_err("is newer"),
        store.migrate().await.expect_err("is newer"),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
        let text = error.to_string();
        assert!(
            text.contains("version 99") && text.contains("version 2 "),
            "{text}"
        );
    }
    let row = sqlx::query("SELECT user_version FROM pragma_user_version")
        .fetch_one(&mut file.raw().await)
        .await
        .expect("reads");
    assert_eq!(row.get::<i64, _>(0), 99);
}

#[tokio::test]
async fn verifying_never_writes() {
    let file = File::new();
    let store = SqliteStore::connect_with(file.options())
        .await
        .expect("connects");
    let error = store.verify().await.expect_err("was never migrated");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert!(error.to_string().contains("migrate"), "{error}");
    let length = fs::metadata(file.path()).expect("the file").len();
    assert_eq!(length, 0);
}

#[tokio::test]
async fn a_journal_mode_that_was_changed_is_found_and_set_right() {
    let file = File::new();
    drop(file.open().await);
    loop {
        // The store's connections close on threads of their own.
        let mode = sqlx::query("PRAGMA journal_mode = DELETE")
            .fetch_one(&mut file.raw().await)
            .await;
        if mode.is_ok_and(|row| row.get::<String, _>(0) == "delete") {
            break;
        }
        tokio::task::yield_now().await;
    }
    let store = SqliteStore::connect_with(file.options())
        .await
        .expect("connects");
    let error = store.verify().await.expect_err("has no write-ahead log");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    store.migrate().await.expect("migrates");
    store.verify().await.expect("is verified");
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_named() {
    let file = File::new();
    let store = SqliteStore::connect_with(file.options())
        .await
        .expect("connects");
    fs::remove_file(file.path()).expect("removes");
    let error = store.ping().await.expect_err("is gone");
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("store.db` is gone"), "{error}");
}

#[tokio::test]
async fn a_store_in_memory_is_refused_with_a_hint() {
    let error = SqliteStore::connect("sqlite::memory:")
        .await
        .expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("`memory:`"), "{error}");
}

#[tokio::test]
async fn the_description_says_what_a_commit_survives() {
    let file = File::new();
    let described = file.open().await.describe();
    assert_eq!(described.backend, "sqlite");
    assert!(described.location.ends_with("store.db"));
    assert_eq!(described.durability, "every commit is synced to disk");
    let weaker = ready(file.options().durability(Durability::Normal)).await;
    assert!(
        weaker
            .describe()
            .durability
            .contains("may lose the last commits on power loss")
    );
}

#[tokio::test]
async fn names_of_files_may_hold_what_urls_and_sqlite_give_a_meaning() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (url, name) in [
        ("a%20b%25.db", "a b%.db"),
        ("what%3f.db?readers=1", "what?.db"),
        ("file:x.db", "file:x.db"),
        ("größe 'x' \"y\".db", "größe 'x' \"y\".db"),
    ] {
        let url = format!("sqlite:{}/{url}", directory.path().display());
        let store = SqliteStore::connect(&url).await.expect(&url);
        store.migrate().await.expect("migrates");
        assert!(directory.path().join(name).is_file(), "{url}");
    }
}
