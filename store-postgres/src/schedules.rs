use async_trait::async_trait;
use durable_api::{
    Payload, Timestamp,
    store::{
        CreateScheduleOutcome, FireOutcome, FireSchedule, InsertOutcome, PauseSchedule,
        ScheduleOutcome, ScheduleRecord, ScheduleStore, StoreErrorKind, StoreResult, Wakeup,
    },
};
use sqlx::postgres::PgRow;

use crate::{
    PostgresStore,
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    workflows::check_insert,
    writes::{check, insert_within},
};

/// How often a schedule may come and go, under our eyes, before the caller is asked to try again.
const ATTEMPTS: usize = 3;

#[async_trait]
impl ScheduleStore for PostgresStore {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        create(&self.database, &schedule)
            .await
            .map_err(|failure| failure.into_store_error("create_schedule"))
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        apply(&self.database, schedules)
            .await
            .map_err(|failure| failure.into_store_error("apply_schedules"))
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        pause(&self.database, &request)
            .await
            .map_err(|failure| failure.into_store_error("pause_schedule"))
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        delete(&self.database, app, name)
            .await
            .map_err(|failure| failure.into_store_error("delete_schedule"))
    }

    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        list(&self.database, app)
            .await
            .map_err(|failure| failure.into_store_error("list_schedules"))
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        let fired = fire(&self.database, &request).await;
        let (outcome, inserted) =
            fired.map_err(|failure| failure.into_store_error("fire_schedule"))?;
        if inserted {
            self.hints.post([Wakeup::Enqueued]);
        }
        Ok(outcome)
    }
}

async fn create(
    database: &Database,
    schedule: &ScheduleRecord,
) -> Result<CreateScheduleOutcome, Failure> {
    check_schedule(schedule)?;
    let mut work = database.transaction(Access::Write).await?;
    let outcome = match store_new(database, &mut work, schedule).await? {
        None => CreateScheduleOutcome::Created,
        Some(found) if found.says_the_same(schedule) => CreateScheduleOutcome::Created,
        Some(found) => CreateScheduleOutcome::Exists(Box::new(found)),
    };
    work.commit().await?;
    Ok(outcome)
}

async fn apply(database: &Database, mut schedules: Vec<ScheduleRecord>) -> Result<(), Failure> {
    for schedule in &schedules {
        check_schedule(schedule)?;
    }
    // In the order of names, so that two that share some do not deadlock; of equal ones, the last counts.
    schedules.sort_by(|one, other| (&one.app, &one.name).cmp(&(&other.app, &other.name)));
    let mut work = database.transaction(Access::Write).await?;
    for schedule in &schedules {
        if let Some(found) = store_new(database, &mut work, schedule).await?
            && !found.says_the_same(schedule)
        {
            replace(database, &mut work, schedule).await?;
        }
    }
    work.commit().await
}

/// Stores a schedule, unless there is one of its name, which is then locked.
async fn store_new(
    database: &Database,
    work: &mut Work,
    schedule: &ScheduleRecord,
) -> Result<Option<ScheduleRecord>, Failure> {
    for _ in 0..ATTEMPTS {
        let insert = database
            .query(
                "INSERT INTO {schema}.schedules
                    (app, name, workflow, cron, timezone, input_encoding, input, queue, backfill,
                     paused, last_tick, revision)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, {number})
                 ON CONFLICT (app, name) DO NOTHING
                 RETURNING 1",
            )
            .bind(&schedule.app)
            .bind(&schedule.name)
            .bind(&schedule.workflow)
            .bind(&schedule.cron)
            .bind(&schedule.timezone)
            .bind(&*schedule.input.encoding)
            .bind(&*schedule.input.bytes)
            .bind(&schedule.queue)
            .bind(schedule.backfill)
            .bind(schedule.paused)
            .bind(schedule.last_tick.as_millis());
        if !work.fetch(insert).await?.is_empty() {
            return Ok(None);
        }
        let found = lock(database, work, &schedule.app, &schedule.name).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let message = format!("schedule `{}` comes and goes", schedule.name);
    Err(Failure::new(StoreErrorKind::Contention, message))
}

async fn replace(
    database: &Database,
    work: &mut Work,
    schedule: &ScheduleRecord,
) -> Result<(), Failure> {
    let update = database
        .query(
            "UPDATE {schema}.schedules
             SET workflow = $3, cron = $4, timezone = $5, input_encoding = $6, input = $7,
                 queue = $8, backfill = $9, last_tick = greatest(last_tick, $10), revision = {number}
             WHERE app = $1 AND name = $2",
        )
        .bind(&schedule.app)
        .bind(&schedule.name)
        .bind(&schedule.workflow)
        .bind(&schedule.cron)
        .bind(&schedule.timezone)
        .bind(&*schedule.input.encoding)
        .bind(&*schedule.input.bytes)
        .bind(&schedule.queue)
        .bind(schedule.backfill)
        .bind(schedule.last_tick.as_millis());
    work.fetch(update).await?;
    Ok(())
}

async fn pause(database: &Database, request: &PauseSchedule) -> Result<ScheduleOutcome, Failure> {
    check([request.app.as_str(), &request.name], None, [])?;
    let update = database
        .query(
            "UPDATE {schema}.schedules
             SET paused = $3, last_tick = greatest(last_tick, $4),
                 revision = CASE WHEN paused = $3 THEN revision ELSE {number} END
             WHERE app = $1 AND name = $2
             RETURNING 1",
        )
        .bind(&request.app)
        .bind(&request.name)
        .bind(request.paused)
        .bind(request.last_tick.map(Timestamp::as_millis));
    outcome(&database.write(update).await?)
}

async fn delete(database: &Database, app: &str, name: &str) -> Result<ScheduleOutcome, Failure> {
    check([app, name], None, [])?;
    let delete = database
        .query("DELETE FROM {schema}.schedules WHERE app = $1 AND name = $2 RETURNING 1")
        .bind(app.to_owned())
        .bind(name.to_owned());
    outcome(&database.write(delete).await?)
}

fn outcome(rows: &[PgRow]) -> Result<ScheduleOutcome, Failure> {
    Ok(match rows.is_empty() {
        false => ScheduleOutcome::Done,
        true => ScheduleOutcome::Unknown,
    })
}

/// The columns of a schedule.
const COLUMNS: &str = "app, name, workflow, cron, timezone, input_encoding, input, queue, backfill, paused, \
     last_tick, revision";

async fn list(database: &Database, app: &str) -> Result<Vec<ScheduleRecord>, Failure> {
    check([app], None, [])?;
    let sql = format!("SELECT {COLUMNS} FROM {{schema}}.schedules WHERE app = $1 ORDER BY name");
    let rows = database
        .read(database.query(&sql).bind(app.to_owned()))
        .await?;
    rows.iter().map(schedule).collect()
}

/// The schedule, which then stays as it is until the end of the transaction.
async fn lock(
    database: &Database,
    work: &mut Work,
    app: &str,
    name: &str,
) -> Result<Option<ScheduleRecord>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {{schema}}.schedules WHERE app = $1 AND name = $2 FOR UPDATE"
    );
    let query = database.query(&sql);
    let query = query.bind(app.to_owned()).bind(name.to_owned());
    let rows = work.fetch(query).await?;
    rows.first().map(schedule).transpose()
}

/// What became of a tick, and whether something waits in a queue since.
async fn fire(database: &Database, request: &FireSchedule) -> Result<(FireOutcome, bool), Failure> {
    check([request.app.as_str(), &request.name], None, [])?;
    if let Some(run) = &request.run {
        check_insert(run)?;
        if run.enqueue.is_none() || run.parent.is_some() {
            let message = format!(
                "run `{}` of schedule `{}` must wait in a queue, and have no parent",
                run.id, request.name
            );
            return Err(Failure::new(StoreErrorKind::Invalid, message));
        }
    }
    let mut work = database.transaction(Access::Write).await?;
    let found = lock(database, &mut work, &request.app, &request.name).await?;
    let as_seen = found.is_some_and(|found| {
        !found.paused
            && found.revision == request.revision
            && found.last_tick == request.last_tick
            && found.last_tick < request.tick
    });
    if !as_seen {
        return Ok((FireOutcome::Stale, false));
    }
    let mut inserted = false;
    if let Some(run) = &request.run {
        let outcome = insert_within(database, &mut work, run).await?;
        inserted = matches!(
            outcome,
            InsertOutcome::Inserted | InsertOutcome::Debounced(_)
        );
    }
    let query = database
        .query("UPDATE {schema}.schedules SET last_tick = $3 WHERE app = $1 AND name = $2")
        .bind(&request.app)
        .bind(&request.name)
        .bind(request.tick.as_millis());
    work.fetch(query).await?;
    work.commit().await?;
    Ok((FireOutcome::Fired, inserted))
}

fn schedule(row: &PgRow) -> Result<ScheduleRecord, Failure> {
    let input = Payload::new(
        column::<String>(row, "input_encoding")?,
        column::<Vec<u8>>(row, "input")?,
    );
    let mut schedule = ScheduleRecord::new(
        column::<String>(row, "app")?,
        column::<String>(row, "name")?,
        column::<String>(row, "workflow")?,
        column::<String>(row, "cron")?,
        input,
        column::<String>(row, "queue")?,
        Timestamp::from_millis(column(row, "last_tick")?),
    );
    schedule.timezone = column(row, "timezone")?;
    schedule.backfill = column(row, "backfill")?;
    schedule.paused = column(row, "paused")?;
    schedule.revision = column::<i64>(row, "revision")?.cast_unsigned();
    Ok(schedule)
}

fn check_schedule(schedule: &ScheduleRecord) -> Result<(), Failure> {
    let texts = [
        &schedule.app,
        &schedule.name,
        &schedule.workflow,
        &schedule.cron,
        &schedule.timezone,
        &schedule.queue,
    ];
    check(
        texts.into_iter().map(String::as_str),
        Some(&schedule.input),
        [],
    )
}
