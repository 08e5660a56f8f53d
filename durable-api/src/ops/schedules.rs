use std::future::{Future, IntoFuture};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, FunctionId, IntoInput, Timestamp, Value, Workflow,
    ops::{WorkflowHandle, durable_call::durable_call},
    requests::{Backfill, Draw, Named, ScheduleRequest, StoreSchedules},
    store::ScheduleRecord,
    workflow::instance_name,
};

/// A schedule as a program writes it down: a workflow that is to be run at the times of a cron expression.
///
/// The expression has five fields (minute, hour, day of month, month, day of week), or six, the first being seconds.
#[derive(Debug)]
pub struct Schedule(ScheduleRequest);

impl Schedule {
    /// A schedule in UTC, without backfill.
    pub fn new<W, I>(
        name: impl Into<String>,
        cron: impl Into<String>,
        workflow: W,
        input: impl IntoInput<I>,
    ) -> Self
    where
        W: Workflow<I>,
        I: Durable,
    {
        let function = FunctionId::of::<W, I>();
        let (path, function) = match workflow.instance() {
            Some(instance) => (instance_name(function.path(), instance), None),
            None => (function.path().to_owned(), Some(function)),
        };
        Self(ScheduleRequest {
            name: name.into(),
            cron: cron.into(),
            timezone: "UTC".to_owned(),
            workflow: path,
            function,
            input: Value::new(input.into_input()),
            queue: None,
            backfill: false,
        })
    }

    /// As [`new`](Self::new), for a program that has not the code: by the name under which executors have registered the workflow.
    pub fn named(
        name: impl Into<String>,
        cron: impl Into<String>,
        workflow: impl Into<String>,
        input: impl Durable,
    ) -> Self {
        Self(ScheduleRequest {
            name: name.into(),
            cron: cron.into(),
            timezone: "UTC".to_owned(),
            workflow: workflow.into(),
            function: None,
            input: Value::new(input),
            queue: None,
            backfill: false,
        })
    }

    /// Where the expression holds: an IANA time zone, such as `Europe/Berlin`. A time that the clocks jump over in spring comes when they have jumped;
    /// one that they show twice in autumn comes once.
    #[must_use]
    pub fn timezone(mut self, zone: impl Into<String>) -> Self {
        self.0.timezone = zone.into();
        self
    }

    /// Chooses the queue of the runs, and with it their limits. Default: one without limits.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.0.queue = Some(queue.into());
        self
    }

    /// Makes up for ticks that were missed because no process ran. Without it, those are made up for that are less than a minute past.
    #[must_use]
    pub fn backfill(mut self) -> Self {
        self.0.backfill = true;
        self
    }
}

/// Stores a schedule: from now on, one of the processes of this application starts its workflow at each tick, once, as `sched-<name>-<time of the
/// tick>`. Await the returned builder, or set options first.
///
/// The run waits in a queue until an executor takes it that has registered the workflow.
///
/// # Errors
/// [`Error::ScheduleExists`] when another one has the name; [`Error::InvalidSchedule`] for an expression or time zone that is not understood, or never
/// comes.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, create_schedule};
/// # async fn report(_: Ctx, kind: String) -> Result<()> { Ok(()) }
/// # async fn example(ctx: &Ctx) -> Result<()> {
/// create_schedule(ctx, "weekly", "0 6 * * MON", report, "sales").timezone("Europe/Berlin").await?;
/// # Ok(())
/// # }
/// ```
pub fn create_schedule<W, I>(
    ctx: &Ctx,
    name: impl Into<String>,
    cron: impl Into<String>,
    workflow: W,
    input: impl IntoInput<I>,
) -> CreateSchedule<'_>
where
    W: Workflow<I>,
    I: Durable,
{
    CreateSchedule {
        ctx,
        step_id: ctx.position_outside_steps("create_schedule"),
        schedule: Schedule::new(name, cron, workflow, input),
    }
}

/// A schedule about to be stored.
#[must_use = "a schedule is stored when this is awaited"]
pub struct CreateSchedule<'c> {
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    schedule: Schedule,
}

impl CreateSchedule<'_> {
    /// See [`Schedule::timezone`].
    pub fn timezone(mut self, zone: impl Into<String>) -> Self {
        self.schedule = self.schedule.timezone(zone);
        self
    }

    /// See [`Schedule::queue`].
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.schedule = self.schedule.queue(queue);
        self
    }

    /// See [`Schedule::backfill`].
    pub fn backfill(mut self) -> Self {
        self.schedule = self.schedule.backfill();
        self
    }
}

impl<'c> IntoFuture for CreateSchedule<'c> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (ctx, schedule) = (self.ctx, self.schedule.0);
        durable_call(ctx, self.step_id, move |step_id| {
            ctx.as_dyn()
                .create_schedule(StoreSchedules::new(vec![schedule], step_id))
        })
    }
}

/// Stores schedules, new ones and in place of those that have their names, in one transaction: what a program does at its start. One that says what it said
/// before is left alone; a changed one keeps whether it is paused, and its past.
///
/// # Errors
/// [`Error::InvalidSchedule`].
pub fn apply_schedules(
    ctx: &Ctx,
    schedules: impl IntoIterator<Item = Schedule>,
) -> impl Future<Output = Result<(), Error>> + Send {
    let schedules = schedules.into_iter().map(|schedule| schedule.0).collect();
    let step_id = ctx.position_outside_steps("apply_schedules");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .apply_schedules(StoreSchedules::new(schedules, step_id))
    })
}

/// The schedules of this application, by name.
///
/// # Errors
/// [`Error::Store`].
pub fn list_schedules(
    ctx: &Ctx,
) -> impl Future<Output = Result<Vec<ScheduleRecord>, Error>> + Send {
    let step_id = ctx.position_outside_steps("list_schedules");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().list_schedules(Draw::new(step_id))
    })
}

/// Lets a schedule rest. Repeating it is harmless.
///
/// # Errors
/// [`Error::UnknownSchedule`].
pub fn pause_schedule<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    named(ctx, "pause_schedule", name.into(), |ctx, request| {
        ctx.as_dyn().pause_schedule(request)
    })
}

/// Goes on with a schedule that rests. The ticks that came meanwhile are made up for if it has backfill, and are passed over otherwise.
///
/// # Errors
/// [`Error::UnknownSchedule`].
pub fn resume_schedule<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    named(ctx, "resume_schedule", name.into(), |ctx, request| {
        ctx.as_dyn().resume_schedule(request)
    })
}

/// Removes a schedule. Its runs stay.
///
/// # Errors
/// [`Error::UnknownSchedule`].
pub fn delete_schedule<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    named(ctx, "delete_schedule", name.into(), |ctx, request| {
        ctx.as_dyn().delete_schedule(request)
    })
}

/// Runs a schedule's workflow now, whether the schedule rests or not, and returns a handle on the run, whose output is an `O`.
///
/// # Errors
/// [`Error::UnknownSchedule`].
pub fn trigger_schedule<'c, O: Durable>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<WorkflowHandle<O>, Error>> + Send + 'c {
    let name = name.into();
    let step_id = ctx.position_outside_steps("trigger_schedule");
    durable_call(ctx, step_id, move |step_id| async move {
        let request = Named::new(name, step_id);
        let inner = ctx.as_dyn().trigger_schedule(request).await?;
        Ok(WorkflowHandle::new(ctx.clone(), inner))
    })
}

/// Runs what a schedule would have run from one time until before another, once for each tick (a run that is there already is not repeated), and returns the ids
/// of the runs. The schedule itself goes on as it would.
///
/// # Errors
/// [`Error::UnknownSchedule`]; [`Error::InvalidSchedule`] when there are more than 10,000 ticks.
pub fn backfill_schedule<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
    from: Timestamp,
    before: Timestamp,
) -> impl Future<Output = Result<Vec<String>, Error>> + Send + 'c {
    let name = name.into();
    let step_id = ctx.position_outside_steps("backfill_schedule");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .backfill_schedule(Backfill::new(name, from, before, step_id))
    })
}

fn named<'c, F>(
    ctx: &'c Ctx,
    operation: &'static str,
    name: String,
    call: impl FnOnce(&'c Ctx, Named) -> F + Send + 'c,
) -> impl Future<Output = Result<(), Error>> + Send + 'c
where
    F: Future<Output = Result<(), Error>> + Send + 'c,
{
    let step_id = ctx.position_outside_steps(operation);
    durable_call(ctx, step_id, move |step_id| {
        call(ctx, Named::new(name, step_id))
    })
}
