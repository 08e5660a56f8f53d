use durable_api::store::{ScheduleRecord, StoreError, StoreErrorKind};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{
    record::{get, number, payload, time},
    sql::{query, values},
    writer::Trouble,
};

macro_rules! schedule_columns {
    () => {
        "revision, app, name, workflow, cron, timezone, input_encoding, input, queue, backfill, paused, last_tick"
    };
}

/// The schedules of an application.
pub(super) const LIST: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules WHERE app = ? ORDER BY name"
);

/// A schedule.
///
/// # Errors
/// What is wrong with the row.
pub(super) fn schedule(row: &SqliteRow) -> Result<ScheduleRecord, String> {
    let name: String = get(row, "name")?;
    read(row, &name).map_err(|reason| format!("schedule `{name}`: {reason}"))
}

fn read(row: &SqliteRow, name: &str) -> Result<ScheduleRecord, String> {
    let mut record = ScheduleRecord::new(
        get::<String>(row, "app")?,
        name,
        get::<String>(row, "workflow")?,
        get::<String>(row, "cron")?,
        payload(row, "input_encoding", "input")?.ok_or("it has no input")?,
        get::<String>(row, "queue")?,
        time(row, "last_tick")?,
    );
    record.timezone = get(row, "timezone")?;
    record.backfill = get(row, "backfill")?;
    record.paused = get(row, "paused")?;
    record.revision = number(row, "revision")?;
    Ok(record)
}

/// A schedule, within a transaction.
///
/// # Errors
/// `Corrupt`, naming it, when its row cannot be read.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    operation: &'static str,
    app: &str,
    name: &str,
) -> Result<Option<ScheduleRecord>, Trouble> {
    let row = query(
        concat!(
            "SELECT ",
            schedule_columns!(),
            " FROM schedules WHERE app = ? AND name = ?"
        ),
        values![app, name],
    )
    .fetch_optional(connection)
    .await?;
    let found = row.as_ref().map(schedule).transpose();
    Ok(found.map_err(|reason| {
        StoreError::new(StoreErrorKind::Corrupt, operation)
            .with_message(format!("{reason}; mend or delete its row"))
    })?)
}

/// Writes a schedule in place of the one that has its name, with a new revision.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    schedule: &ScheduleRecord,
) -> Result<(), sqlx::Error> {
    query(
        "INSERT OR REPLACE INTO schedules (app, name, workflow, cron, timezone, input_encoding, input, queue, \
             backfill, paused, last_tick) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            schedule.app.as_str(),
            schedule.name.as_str(),
            schedule.workflow.as_str(),
            schedule.cron.as_str(),
            schedule.timezone.as_str(),
            &*schedule.input.encoding,
            &schedule.input.bytes,
            schedule.queue.as_str(),
            schedule.backfill,
            schedule.paused,
            schedule.last_tick,
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}
