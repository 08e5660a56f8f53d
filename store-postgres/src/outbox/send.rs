use durable_api::store::{DynConnection, SendMessage, SendOutcome, Wakeup};

use super::{connection::downcast, not_from_a_step};
use crate::{
    PostgresStore, effects,
    error::{Failure, Stage},
    record::column,
};

/// As the batched statement for one message, but for its advisory lock: that would hold up all who send to the same
/// destination until the caller commits.
const SEND: &str = "
WITH reached AS MATERIALIZED (
    SELECT w.id FROM {schema}.workflows w WHERE w.id = $1 FOR KEY SHARE
), sent AS (
    INSERT INTO {schema}.messages (workflow_id, message_id, topic, encoding, payload)
    SELECT id, $2, $3, $4, $5 FROM reached
    ON CONFLICT (workflow_id, message_id) DO NOTHING
)
SELECT count(*) > 0 AS reached, count(pg_notify($6, $7)) AS told FROM reached";

pub(super) async fn send(
    store: &PostgresStore,
    request: &SendMessage,
    connection: &mut DynConnection,
) -> Result<SendOutcome, Failure> {
    let connection = downcast(connection)?;
    if let Some(step) = &request.sender {
        return Err(not_from_a_step(&format!(
            "a message was sent by step {} of workflow `{}`",
            step.step_id, step.workflow_id
        )));
    }
    let texts = [
        request.destination.as_str(),
        &request.topic,
        &request.message_id,
    ];
    effects::check(None, texts, Some(&request.payload))?;

    let hint = Wakeup::workflow(&request.destination);
    let (channel, notice) = store.hints.notification([hint]);
    let query = store
        .database
        .query(SEND)
        .bind(&request.destination)
        .bind(&request.message_id)
        .bind(&request.topic)
        .bind(&*request.payload.encoding)
        .bind(&*request.payload.bytes)
        .bind(channel)
        .bind(notice);
    let row = query.fetch_one(connection).await;
    let row = row.map_err(|error| Failure::from_driver(error, Stage::Committing))?;
    Ok(match column::<bool>(&row, "reached")? {
        true => SendOutcome::Sent,
        false => SendOutcome::UnknownDestination,
    })
}
