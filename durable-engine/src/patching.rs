use durable_api::{
    Encoding, Error,
    requests::Patch,
    store::{Outcome, StepRecord},
};

use crate::{names, run::Run};

/// Whether the workflow goes the new way.
pub(crate) async fn patch(run: &Run, request: Patch) -> Result<bool, Error> {
    names::check("patch name", &request.name)?;
    let mark = format!("durable.patch.{}", request.name);
    let next = run.execution.next_number();
    match run.peek_name(next) {
        Some(name) if name == mark => {
            let step_id = run.execution.take_own_number();
            run.replayed(step_id, &mark).await?;
            run.execution.take_turn(step_id).await;
            Ok(true)
        }
        // An earlier execution went past this place, and left no mark.
        Some(_) => Ok(false),
        None if run.went_past(next) => Ok(false),
        None if request.deprecated => Ok(true),
        None => {
            run.check_alive()?;
            let step_id = run.execution.take_own_number();
            let payload = Encoding::Json
                .encode(&true)
                .map_err(|source| Error::codec("the mark of a patch", source))?;
            let now = run.engine.now();
            let step = StepRecord::completed(step_id, mark, Outcome::Success(payload), now, now);
            run.record(step).await?;
            run.execution.take_turn(step_id).await;
            Ok(true)
        }
    }
}
