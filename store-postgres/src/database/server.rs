use durable_api::store::StoreErrorKind;
use sqlx::{
    Connection as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgRow},
};

use super::Database;
use crate::error::{Failure, Stage};

/// The oldest server that the statements are written for.
const OLDEST: i32 = 13;

const PROBE: &str = "
SELECT current_setting('server_version_num')::int AS version,
       version() AS product,
       current_setting('server_encoding') AS encoding,
       current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit";

/// What the server said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    fsync: String,
    synchronous_commit: String,
}

impl Server {
    /// Asks the server, and refuses one that cannot hold the store. On a connection of its own: the
    /// pool would wait for a server that refuses connections, and then not say why.
    pub(crate) async fn probe(database: &Database) -> Result<Self, Failure> {
        let probed = tokio::time::timeout(database.acquire_timeout(), async {
            let options = database.connections.locate().await?;
            ask(&options)
                .await
                .map_err(|error| database.unreached(error))
        });
        let row = probed
            .await
            .unwrap_or_else(|_| Err(database.unreached(sqlx::Error::PoolTimedOut)))?;
        let (product, version, encoding, server) =
            read(&row).map_err(|error| Failure::from_driver(error, Stage::Uncommitted))?;
        check_product(&product)?;
        if version < OLDEST {
            return Err(Failure::new(
                StoreErrorKind::Incompatible,
                format!("the server is postgres {version}, and {OLDEST} or later is needed"),
            ));
        }
        if encoding != "UTF8" {
            return Err(Failure::new(
                StoreErrorKind::Misconfigured,
                format!("the database's encoding is {encoding}: create it with ENCODING 'UTF8'"),
            ));
        }
        Ok(server)
    }

    /// The setting that lets acknowledged work be lost, if one does.
    pub(crate) fn hazard(&self) -> Option<&'static str> {
        if self.fsync == "off" {
            Some("fsync is off: a crash of the server can lose or destroy anything")
        } else if self.synchronous_commit == "off" {
            Some("synchronous_commit is off: a crash of the server loses the latest commits")
        } else {
            None
        }
    }

    /// What survives what.
    pub(crate) fn durability(&self) -> String {
        match self.hazard() {
            Some(hazard) => hazard.to_owned(),
            None => format!(
                "every commit is synced to disk (synchronous_commit = {})",
                self.synchronous_commit
            ),
        }
    }
}

/// One message there and one back: nothing that a proxy could tear apart.
async fn ask(options: &PgConnectOptions) -> Result<PgRow, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let row = sqlx::raw_sql(PROBE).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(row)
}

/// Refuses a server whose advisory locks lock nothing: it would break promises without a word.
fn check_product(product: &str) -> Result<(), Failure> {
    if product.contains("CockroachDB") {
        return Err(Failure::new(
            StoreErrorKind::Incompatible,
            "the server is cockroachdb, whose advisory locks lock nothing, and the store relies on them: use postgres",
        ));
    }
    Ok(())
}

fn read(row: &PgRow) -> Result<(String, i32, String, Server), sqlx::Error> {
    let server = Server {
        fsync: row.try_get("fsync")?,
        synchronous_commit: row.try_get("synchronous_commit")?,
    };
    let version: i32 = row.try_get("version")?;
    Ok((
        row.try_get("product")?,
        version / 10_000,
        row.try_get("encoding")?,
        server,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_only_pretends_to_lock_is_refused() {
        let cockroach = "CockroachDB CCL v25.1.0 (x86_64-pc-linux-gnu, built 2025/01/01)";
        let refused = check_product(cockroach).expect_err("is refused");
        assert_eq!(refused.kind, StoreErrorKind::Incompatible);
        let postgres = "PostgreSQL 15.12 (Debian 15.12-0+deb12u2) on x86_64-pc-linux-gnu";
        assert!(check_product(postgres).is_ok());
    }

    #[test]
    fn hazards_are_named() {
        let server = |fsync: &str, commit: &str| Server {
            fsync: fsync.to_owned(),
            synchronous_commit: commit.to_owned(),
        };
        assert_eq!(server("on", "on").hazard(), None);
        assert!(server("off", "on").durability().contains("fsync is off"));
        assert!(
            server("on", "off")
                .durability()
                .contains("synchronous_commit is off")
        );
    }
}
