use std::str::FromStr;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::Result;

/// The server, as its administrator sees it.
pub(crate) struct Server {
    url: String,
    connection: PgConnection,
    /// Whether it counts statements.
    counts: bool,
}

/// What the server has done so far for one database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Unknown if the server was started without `pg_stat_statements`.
    pub(crate) statements: Option<f64>,
    pub(crate) commits: f64,
    pub(crate) wal_bytes: f64,
}

impl Server {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; \
            SELECT FROM pg_stat_statements LIMIT 1";
        let counts = sqlx::raw_sql(extension).execute(&mut connection).await;
        Ok(Self {
            url: url.to_owned(),
            connection,
            counts: counts.is_ok(),
        })
    }

    /// An empty database, and its address. One of that name that exists is lost.
    pub(crate) async fn create(&mut self, name: &str) -> Result<String> {
        self.drop(name).await?;
        self.execute(format!("CREATE DATABASE {name}")).await?;
        self.address(name)
    }

    /// The address of a database of this server.
    pub(crate) fn address(&self, name: &str) -> Result<String> {
        let base = self
            .url
            .rsplit_once('/')
            .ok_or("the URL names no database")?;
        Ok(format!("{}/{name}", base.0))
    }

    pub(crate) async fn drop(&mut self, name: &str) -> Result<()> {
        self.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
    }

    /// So that no library pays for what the one before it has left to write.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.execute("CHECKPOINT".to_owned()).await
    }

    pub(crate) async fn work(&mut self, database: &str) -> Result<Work> {
        let statements = match self.counts {
            false => None,
            true => {
                let query = "SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements s \
                    JOIN pg_database d ON s.dbid = d.oid WHERE datname = $1";
                let count = sqlx::query_scalar(query).bind(database);
                Some(count.fetch_one(&mut self.connection).await?)
            }
        };
        let query = "SELECT pg_stat_get_db_xact_commit(oid)::float8, \
            pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 \
            FROM pg_database WHERE datname = $1";
        let (commits, wal_bytes) = sqlx::query_as(query)
            .bind(database)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(Work {
            statements,
            commits,
            wal_bytes,
        })
    }

    /// The version and the settings that decide what a commit costs.
    pub(crate) async fn settings(&mut self) -> Result<Vec<(String, String)>> {
        let query = "SELECT name, current_setting(name) FROM pg_settings WHERE name IN \
            ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', \
             'wal_sync_method', 'shared_buffers', 'max_wal_size', 'max_connections') ORDER BY name";
        Ok(sqlx::query_as(query)
            .fetch_all(&mut self.connection)
            .await?)
    }

    async fn execute(&mut self, sql: String) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

/// A connection of the administrator's to one database.
pub(crate) async fn connect(url: &str) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(options.connect().await?)
}
