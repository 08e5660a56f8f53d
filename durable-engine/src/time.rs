//! Sleeping, the present time and random ids, as steps.
use durable_api::{
    Encoding, Error, Timestamp,
    requests::{Draw, Sleep},
    store::{Outcome, StepRecord},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{interceptor::Wait, run::Run};

pub(crate) async fn sleep(run: &Run, request: Sleep) -> Result<(), Error> {
    let end = || run.engine.now().saturating_add(request.duration);
    let until = drawn(run, request.step_id, "durable.sleep", end).await?;
    run.waiting(|| Wait::Sleep { until }, async {
        run.engine.sleep_until(until).await;
        Ok(())
    })
    .await
}

pub(crate) async fn now(run: &Run, request: Draw) -> Result<Timestamp, Error> {
    drawn(run, request.step_id, "durable.now", || run.engine.now()).await
}

pub(crate) async fn random_uuid(run: &Run, request: Draw) -> Result<Uuid, Error> {
    drawn(run, request.step_id, "durable.random_uuid", || {
        run.engine.config.ids.next_id()
    })
    .await
}

/// A value that is made once and recorded.
pub(crate) async fn drawn<T: Serialize + DeserializeOwned>(
    run: &Run,
    step_id: Option<u32>,
    name: &'static str,
    make: impl FnOnce() -> T,
) -> Result<T, Error> {
    let operation = name;
    let step_id = step_id.ok_or(Error::OutsideWorkflow { operation })?;
    let step = match run.replayed(step_id, name).await? {
        Some(step) => step,
        None => {
            run.check_alive()?;
            let codec = |source| Error::codec(format!("the value of `{name}`"), source);
            let payload = Encoding::Json.encode(&make()).map_err(codec)?;
            let now = run.engine.now();
            let outcome = Outcome::Success(payload);
            run.record(StepRecord::completed(step_id, name, outcome, now, now))
                .await?
        }
    };
    let Some(Outcome::Success(payload)) = &step.outcome else {
        return Err(run.unexpected(&step, name));
    };
    payload.decode().map_err(|source| {
        let what = format!("`{name}` of workflow `{}`", run.workflow_id());
        run.execution.interrupt(Error::codec(what, source))
    })
}
