use std::{
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use durable::{SystemStore, store::StepRecord};
use durable_testing::{Backend, Bench};
use sqlx::Connection as _;

use super::database::Database;

/// A backend that notes its namespace, where the user's tables are, too.
#[derive(Debug)]
pub(crate) struct Shared<'a, D> {
    database: &'a D,
    namespace: OnceLock<String>,
}

impl<D: Database> Backend for Shared<'_, D> {
    const HINTS: bool = D::HINTS;

    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        self.namespace.get_or_init(|| namespace.to_owned());
        self.database.open(namespace).await
    }

    async fn clean(&self, namespace: &str) {
        self.database.clean(namespace).await;
        self.database.clean(&shop(namespace)).await;
    }
}

/// What a case gets: a bench, and tables of the user's beside the store and apart from it.
pub struct Desk<'a, D> {
    /// For what takes one.
    pub(crate) bench: &'a Bench<'a, Shared<'a, D>>,
    /// Beside the store.
    pub(crate) book: Book<D>,
    /// Apart from the store.
    pub(crate) shop: Book<D>,
}

impl<D: Database> Desk<'_, D> {
    /// Runs one case on a fresh namespace, and removes it whether or not it passes.
    pub(crate) async fn run(database: &D, case: impl AsyncFnOnce(&Desk<'_, D>)) {
        let shared = Shared {
            database,
            namespace: OnceLock::new(),
        };
        Bench::run(&shared, async |bench| {
            // The store's own tables come first.
            bench.open().await;
            let namespace = shared.namespace.get().expect("is noted");
            let desk = Desk {
                bench,
                book: Book::at(namespace).await,
                shop: Book::at(&shop(namespace)).await,
            };
            case(&desk).await;
        })
        .await;
    }

    /// The shop, as a database of its own.
    pub(crate) async fn source(&self) -> D::Source {
        D::source(&self.shop.place).await
    }

    /// The names of the recorded steps of a workflow, in order.
    pub(crate) async fn steps(&self, workflow_id: &str) -> Vec<String> {
        let steps = self.records(workflow_id).await.into_iter();
        steps.map(|step| step.name).collect()
    }

    pub(crate) async fn records(&self, workflow_id: &str) -> Vec<StepRecord> {
        let store = self.bench.open().await;
        store.list_steps(workflow_id).await.expect("lists")
    }
}

fn shop(namespace: &str) -> String {
    format!("{namespace}_shop")
}

/// A table of entries, and a number, at one place. What is entered twice stands there twice.
pub(crate) struct Book<D> {
    place: String,
    database: PhantomData<fn() -> D>,
}

impl<D: Database> Book<D> {
    async fn at(place: &str) -> Self {
        let book = Self {
            place: place.to_owned(),
            database: PhantomData,
        };
        let mut connection = book.connect().await;
        let (entries, total) = (book.entries_table(), book.total_table());
        let sql = format!(
            "CREATE TABLE {entries} (entry text NOT NULL);
             CREATE TABLE {total} (number bigint NOT NULL);
             INSERT INTO {total} VALUES (0)"
        );
        let made = D::execute(&mut connection, sql).await;
        made.expect("makes the tables");
        close::<D>(connection).await;
        book
    }

    /// A connection of a program's own.
    pub(crate) async fn connect(&self) -> D::Connection {
        D::connect(&self.place).await
    }

    /// Makes an entry.
    pub(crate) async fn enter(
        &self,
        connection: &mut D::Connection,
        entry: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = format!("INSERT INTO {} VALUES ('{entry}')", self.entries_table());
        D::execute(connection, sql).await
    }

    /// Takes entries out.
    pub(crate) async fn remove(
        &self,
        connection: &mut D::Connection,
        entry: &str,
    ) -> Result<(), sqlx::Error> {
        let table = self.entries_table();
        let sql = format!("DELETE FROM {table} WHERE entry = '{entry}'");
        D::execute(connection, sql).await
    }

    /// All entries, in order of their texts.
    pub(crate) async fn seen(
        &self,
        connection: &mut D::Connection,
    ) -> Result<Vec<String>, sqlx::Error> {
        let table = self.entries_table();
        let sql = format!("SELECT entry FROM {table} ORDER BY entry");
        D::texts(connection, sql).await
    }

    /// All entries that are committed, in order of their texts.
    pub(crate) async fn entries(&self) -> Vec<String> {
        let mut connection = self.connect().await;
        let seen = self.seen(&mut connection).await.expect("reads");
        close::<D>(connection).await;
        seen
    }

    /// The number.
    pub(crate) async fn total(&self, connection: &mut D::Connection) -> Result<i64, sqlx::Error> {
        let sql = format!("SELECT CAST(number AS text) FROM {}", self.total_table());
        let found = D::texts(connection, sql).await?;
        Ok(found[0].parse().expect("a number"))
    }

    /// Replaces the number.
    pub(crate) async fn set_total(
        &self,
        connection: &mut D::Connection,
        number: i64,
    ) -> Result<(), sqlx::Error> {
        let sql = format!("UPDATE {} SET number = {number}", self.total_table());
        D::execute(connection, sql).await
    }

    /// Adds one to the number, in one statement.
    pub(crate) async fn add_one(&self, connection: &mut D::Connection) -> Result<(), sqlx::Error> {
        let sql = format!("UPDATE {} SET number = number + 1", self.total_table());
        D::execute(connection, sql).await
    }

    /// The number that is committed.
    pub(crate) async fn committed_total(&self) -> i64 {
        let mut connection = self.connect().await;
        let total = self.total(&mut connection).await.expect("reads");
        close::<D>(connection).await;
        total
    }

    fn entries_table(&self) -> String {
        D::table(&self.place, "entries")
    }

    fn total_table(&self) -> String {
        D::table(&self.place, "total")
    }
}

impl<D> Clone for Book<D> {
    fn clone(&self) -> Self {
        Self {
            place: self.place.clone(),
            database: PhantomData,
        }
    }
}

async fn close<D: Database>(connection: D::Connection) {
    connection.close().await.expect("closes");
}
