use durable_api::{
    Error, Payload, Timestamp, Value,
    requests::{GetEvent, SetEvent as SetEventRequest},
    store::{EventLookup, EventStore, SetEvent, SetEventOutcome},
};

use crate::{
    engine::Engine, interceptor::Wait, names, outage::Patience, run::Run, time::drawn, wait::Waited,
};

const SET: &str = "durable.set_event";
const GET: &str = "durable.get_event";

pub(crate) async fn set_event(run: &Run, request: SetEventRequest) -> Result<(), Error> {
    names::check("event key", &request.key)?;
    if let Some(step_id) = request.step_id
        && run.replayed(step_id, SET).await?.is_some()
    {
        return Ok(());
    }
    run.check_alive()?;
    let what = || {
        format!(
            "event `{}` of workflow `{}`",
            request.key,
            run.workflow_id()
        )
    };
    let sealed = request.value.seal(run.encoding);
    let (payload, _) = sealed.map_err(|source| Error::codec(what(), source))?;
    run.engine.check_size(&payload, what)?;
    run.before_effect().await?;
    let step = run.step_ref(request.step_id, request.inside, SET);
    let set = SetEvent::new(step, request.key, payload, run.engine.now());
    let store: &dyn EventStore = run.engine.store();
    let answer = run
        .engine
        .persist("set_event", Patience::Mendable, || {
            store.set_event(set.clone())
        })
        .await;
    match answer.map_err(|error| run.execution.interrupt(error))? {
        SetEventOutcome::Set => {
            run.stored(&set.step);
            Ok(())
        }
        SetEventOutcome::AlreadyRecorded(step) => run.expect_name(step, SET).map(drop),
        SetEventOutcome::NotOwner => Err(run.not_owner().await),
    }
}

/// Asks from outside any workflow.
pub(crate) async fn get_event(engine: &Engine, request: GetEvent) -> Result<Option<Value>, Error> {
    let until = engine.now().saturating_add(request.timeout);
    let find = find(engine, &request, until);
    let found = engine
        .answered_within(request.timeout, "get_event", find)
        .await?;
    Ok(found.map(Value::stored))
}

/// Asks from a workflow, which records the answer.
pub(crate) async fn get_event_from(run: &Run, request: GetEvent) -> Result<Option<Value>, Error> {
    let wait = async {
        let end = || run.engine.now().saturating_add(request.timeout);
        let until = drawn(run, request.wait_step_id, "durable.get_event_until", end).await?;
        let event = || Wait::Event {
            workflow_id: request.workflow_id.clone(),
            key: request.key.clone(),
        };
        let found = run
            .waiting(event, find(&run.engine, &request, until))
            .await?;
        run.engine.seal_stored(GET, &found)
    };
    let subject = Some(request.workflow_id.as_str());
    let payload = run
        .recorded_call(request.step_id, GET, subject, wait)
        .await?;
    let found: Option<Payload> = run.open_answer(GET, &payload)?;
    Ok(found.map(Value::stored))
}

async fn find(
    engine: &Engine,
    request: &GetEvent,
    until: Timestamp,
) -> Result<Option<Payload>, Error> {
    names::check_derived("workflow id", &request.workflow_id)?;
    names::check("event key", &request.key)?;
    let store: &dyn EventStore = engine.store();
    let look = || async {
        let found = engine
            .persist("get_event", Patience::Transient, || {
                store.get_event(&request.workflow_id, &request.key)
            })
            .await?;
        match found {
            EventLookup::Value(payload) => Ok(Some(payload)),
            EventLookup::Absent => Ok(None),
            EventLookup::UnknownWorkflow => Err(Error::NotFound {
                workflow_id: request.workflow_id.clone(),
            }),
        }
    };
    match engine
        .wait_for(&request.workflow_id, Some(until), look)
        .await?
    {
        Waited::Came(payload) => Ok(Some(payload)),
        Waited::Expired => Ok(None),
    }
}
