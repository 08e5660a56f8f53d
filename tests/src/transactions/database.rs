use std::{any::Any, future::Future, ops::DerefMut};

use durable::{
    postgres::{PgDataSource, PgTransaction},
    sqlite::{SqliteDataSource, SqliteTransaction},
    store::TransactionStore,
};
use durable_testing::Backend;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::backends::{Postgres, Sqlite, server, with_parameter};

/// A backend whose transactions can be the user's, too. A place is a schema or a file, named as a namespace is.
pub trait Database: Backend + 'static {
    /// Its connections.
    type Connection: Connection<Database = Self::Driver> + Any + Send;
    /// Its driver.
    type Driver: sqlx::Database<Connection = Self::Connection>;
    /// What the bodies of transactional steps take.
    type Transaction: DerefMut<Target = Self::Connection> + Any + Send;
    /// What those of another database take.
    type Foreign: Any + Send;
    /// A database apart from the store.
    type Source: TransactionStore + Clone;

    /// Begins a transaction that will write.
    const BEGIN: &'static str;

    /// Whether bodies run at the same time as each other and as the store's own writes. Otherwise there is one writer.
    const SIDE_BY_SIDE: bool;

    /// The name of a table at a place.
    fn table(place: &str, name: &str) -> String;

    /// Connects to a place, which is made if it is not there.
    fn connect(place: &str) -> impl Future<Output = Self::Connection> + Send;

    /// A place as a database apart from the store.
    fn source(place: &str) -> impl Future<Output = Self::Source> + Send;

    /// Runs statements.
    fn execute(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The texts of a column.
    fn texts(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<Vec<String>, sqlx::Error>> + Send;
}

impl Database for Postgres {
    type Connection = PgConnection;
    type Driver = sqlx::Postgres;
    type Transaction = PgTransaction;
    type Foreign = SqliteTransaction;
    type Source = PgDataSource;

    const BEGIN: &'static str = "BEGIN";
    const SIDE_BY_SIDE: bool = true;

    fn table(place: &str, name: &str) -> String {
        format!("\"{place}\".{name}")
    }

    async fn connect(place: &str) -> PgConnection {
        let url = server("DURABLE_TEST_POSTGRES_URL");
        let connection = PgConnection::connect(&url).await;
        let mut connection = connection.expect("connects to Postgres");
        let sql = format!("CREATE SCHEMA IF NOT EXISTS \"{place}\"");
        let created = Self::execute(&mut connection, sql).await;
        created.expect("creates a schema");
        connection
    }

    async fn source(place: &str) -> PgDataSource {
        let url = server("DURABLE_TEST_POSTGRES_URL");
        let source = PgDataSource::connect(&with_parameter(&url, "schema", place)).await;
        source.expect("connects to Postgres")
    }

    async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql));
        statements.execute(connection).await.map(drop)
    }

    async fn texts(connection: &mut PgConnection, sql: String) -> Result<Vec<String>, sqlx::Error> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        query.fetch_all(connection).await
    }
}

impl Database for Sqlite {
    type Connection = SqliteConnection;
    type Driver = sqlx::Sqlite;
    type Transaction = SqliteTransaction;
    type Foreign = PgTransaction;
    type Source = SqliteDataSource;

    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const SIDE_BY_SIDE: bool = false;

    fn table(_place: &str, name: &str) -> String {
        name.to_owned()
    }

    async fn connect(place: &str) -> SqliteConnection {
        let connection = SqliteConnection::connect(&driver_url(place)).await;
        connection.expect("opens a file")
    }

    async fn source(place: &str) -> SqliteDataSource {
        let source = SqliteDataSource::connect(&driver_url(place)).await;
        source.expect("opens a file")
    }

    async fn execute(connection: &mut SqliteConnection, sql: String) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql));
        statements.execute(connection).await.map(drop)
    }

    async fn texts(
        connection: &mut SqliteConnection,
        sql: String,
    ) -> Result<Vec<String>, sqlx::Error> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        query.fetch_all(connection).await
    }
}

fn driver_url(place: &str) -> String {
    format!("sqlite://{}?mode=rwc", Sqlite::file(place).display())
}
