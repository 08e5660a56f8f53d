use durable_api::store::{Debounce, Enqueue, InsertWorkflow};
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use super::insert_one::Attempt;
use crate::{error::Failure, record::column};

/// Workflows that stand in for the one that a request asks for.
impl Attempt<'_, '_> {
    /// Where an earlier call of this request went.
    pub(super) async fn debounced_before(
        &mut self,
        debounce: &Debounce,
    ) -> Result<Option<String>, Failure> {
        let request = self.request;
        let query = self
            .database
            .query(
                "SELECT w.id
                 FROM {schema}.debounced d JOIN {schema}.workflows w ON w.id = d.workflow_id
                 WHERE d.token = $1 AND w.app = $2 AND w.name = $3 AND w.debounce_key = $4",
            )
            .bind(token(request))
            .bind(&request.app)
            .bind(&request.name)
            .bind(&debounce.key);
        self.first_text(query, "id").await
    }

    /// Gives the request's input and delay to the workflow that has its debounce key, if there is one.
    pub(super) async fn push_back(
        &mut self,
        enqueue: &Enqueue,
        debounce: &Debounce,
    ) -> Result<Option<String>, Failure> {
        let request = self.request;
        // A row that is released while it is waited for is judged by its latest version.
        let query = self
            .database
            .query(
                "WITH pushed AS (
                     UPDATE {schema}.workflows w
                     SET input_encoding = $4, input = $5, updated_at = $6,
                         delayed_until = least($7, w.debounce_until)
                     WHERE w.status = 'DELAYED' AND w.app = $1 AND w.name = $2 AND w.debounce_key = $3
                     RETURNING w.id
                 ), noted AS (
                     INSERT INTO {schema}.debounced (token, workflow_id)
                     SELECT $8, id FROM pushed
                     ON CONFLICT (token) DO UPDATE SET workflow_id = EXCLUDED.workflow_id
                 )
                 SELECT id FROM pushed",
            )
            .bind(&request.app)
            .bind(&request.name)
            .bind(&debounce.key)
            .bind(&*request.input.encoding)
            .bind(&*request.input.bytes)
            .bind(request.now.as_millis())
            .bind(enqueue.delayed_until.unwrap_or(request.now).as_millis())
            .bind(token(request));
        self.first_text(query, "id").await
    }

    /// The workflow that keeps the request's deduplication id.
    pub(super) async fn holder(&mut self, enqueue: &Enqueue) -> Result<Option<String>, Failure> {
        let query = self
            .database
            .query(
                "SELECT w.id FROM {schema}.workflows w
                 WHERE w.app = $1 AND w.queue = $2 AND w.deduplication_id = $3
                   AND w.status IN ('ENQUEUED', 'DELAYED', 'PENDING')",
            )
            .bind(&self.request.app)
            .bind(&enqueue.queue)
            .bind(&enqueue.deduplication_id);
        self.first_text(query, "id").await
    }

    pub(super) async fn has_deduplication_id(
        &mut self,
        child: &str,
        enqueue: &Enqueue,
    ) -> Result<bool, Failure> {
        let query = self
            .database
            .query(
                "SELECT 1 FROM {schema}.workflows w
                 WHERE w.id = $1 AND w.app = $2 AND w.queue = $3 AND w.deduplication_id = $4",
            )
            .bind(child.to_owned())
            .bind(&self.request.app)
            .bind(&enqueue.queue)
            .bind(&enqueue.deduplication_id);
        Ok(!self.work.fetch(query).await?.is_empty())
    }

    async fn first_text(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
        name: &str,
    ) -> Result<Option<String>, Failure> {
        let rows = self.work.fetch(query).await?;
        rows.first().map(|row| column(row, name)).transpose()
    }
}

/// What a request and its repetitions have in common, and no other request has.
fn token(request: &InsertWorkflow) -> Vec<u8> {
    let mut token = request.owner.incarnation.0.as_bytes().to_vec();
    token.extend(request.owner.execution.to_be_bytes());
    token.extend(request.now.as_millis().to_be_bytes());
    token.extend(request.id.as_bytes());
    token
}
