use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres, Transaction};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::database::Connections;

/// An open transaction on a connection of a pool. Dropped before it ends, it is rolled back.
pub(super) struct OpenTransaction {
    /// There until the drop.
    transaction: Option<Transaction<'static, Postgres>>,
    marker: String,
    runtime: Handle,
}

impl OpenTransaction {
    /// Begins one, and marks it: a setting that ends with the transaction, and takes no snapshot.
    pub(super) async fn begin(connections: &Connections) -> Result<Self, sqlx::Error> {
        let marker = Uuid::new_v4().simple().to_string();
        let begin = format!("BEGIN READ WRITE; SET LOCAL durable.transaction = '{marker}'");
        let transaction = connections.begin(AssertSqlSafe(begin)).await?;
        Ok(Self {
            transaction: Some(transaction),
            marker,
            runtime: Handle::current(),
        })
    }

    /// What `durable.transaction` is set to for as long as this transaction lasts.
    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    pub(super) fn connection(&self) -> &PgConnection {
        self.transaction.as_deref().expect("held until the drop")
    }

    pub(super) fn connection_mut(&mut self) -> &mut PgConnection {
        self.transaction
            .as_deref_mut()
            .expect("held until the drop")
    }

    /// Commits all, whatever savepoints the driver believes to be open. The chained transaction is empty, and ends by the
    /// rollback that a drop queues.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.connection_mut().execute("COMMIT AND CHAIN").await?;
        Ok(())
    }

    /// Rolls all back, which tells whether the connection still works.
    pub(super) async fn roll_back(mut self) -> Result<(), sqlx::Error> {
        self.connection_mut().execute("ROLLBACK AND CHAIN").await?;
        Ok(())
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        // The pool spawns a task for a connection that comes back, and a guard may be dropped anywhere.
        let _entered = self.runtime.enter();
        self.transaction = None;
    }
}
