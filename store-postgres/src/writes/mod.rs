//! The writes of the hot path, each one statement for a whole batch.
mod enqueue;
mod finish;
mod insert;
mod insert_one;
mod insert_row;
mod parent;
mod record_step;
mod stand_in;

pub(crate) use enqueue::{EnqueueBatch, Enqueued, millis};
pub(crate) use finish::{Finish, Finished};
pub(crate) use insert::Insert;
pub(crate) use insert_one::{insert_one, insert_within};
pub(crate) use parent::Inserted;
pub(crate) use record_step::{Record, Recorded};

use durable_api::store::{Caller, Owner, StoreErrorKind};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{error::Failure, record::column};

/// The largest payload that a row can hold beside its other columns.
const MAX_PAYLOAD: usize = 512 * 1024 * 1024;

/// Refuses what Postgres cannot store, before it reaches a batch of others.
pub(crate) fn check<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    payload: Option<&durable_api::Payload>,
    owners: impl IntoIterator<Item = Owner>,
) -> Result<(), Failure> {
    let fault = if texts.into_iter().any(|text| text.contains('\0'))
        || payload.is_some_and(|payload| payload.encoding.contains('\0'))
    {
        "an id or a name contains the character NUL"
    } else if payload.is_some_and(|payload| payload.bytes.len() > MAX_PAYLOAD) {
        "a payload is larger than 512 MiB"
    } else if owners
        .into_iter()
        .any(|owner| i64::try_from(owner.execution).is_err())
    {
        "an execution number is larger than i64::MAX"
    } else {
        return Ok(());
    };
    Err(Failure::new(StoreErrorKind::Invalid, fault))
}

/// The execution number as it is stored; [`check`] has seen that it fits.
pub(crate) fn execution(owner: Owner) -> i64 {
    owner.execution.cast_signed()
}

/// The roles of a caller as they stand in a statement; nothing for none.
pub(crate) fn roles(caller: &Caller) -> Option<String> {
    (!caller.roles.is_empty()).then(|| serde_json::json!(caller.roles).to_string())
}

/// The place in a batch that a row is about, if it is one.
pub(crate) fn index(row: &PgRow) -> Result<usize, Failure> {
    let position: i64 = column(row, "position")?;
    Ok(usize::try_from(position - 1).unwrap_or(usize::MAX))
}

/// Binds one column of a batch.
pub(crate) fn bind_column<'i, I, T>(
    query: Query<'static, Postgres, PgArguments>,
    items: &'i [I],
    column: impl FnMut(&'i I) -> T,
) -> Query<'static, Postgres, PgArguments>
where
    T: sqlx::Encode<'i, Postgres> + sqlx::Type<Postgres> + sqlx::postgres::PgHasArrayType,
{
    let values: Vec<T> = items.iter().map(column).collect();
    query.bind(values)
}
