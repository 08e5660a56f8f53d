use durable_api::{
    Error, Payload, Value,
    requests::{ReadStream as ReadRequest, StreamValues, WriteStream},
    store::{AppendOutcome, AppendStream, ReadStream, StreamState, StreamStore},
};

use crate::{engine::Engine, interceptor::Wait, names, outage::Patience, run::Run, wait::Waited};

const WRITE: &str = "durable.write_stream";
const CLOSE: &str = "durable.close_stream";
const READ: &str = "durable.read_stream";

pub(crate) async fn write_stream(run: &Run, request: WriteStream) -> Result<(), Error> {
    names::check("stream key", &request.key)?;
    let name = if request.value.is_some() {
        WRITE
    } else {
        CLOSE
    };
    if let Some(step_id) = request.step_id
        && run.replayed(step_id, name).await?.is_some()
    {
        if name == CLOSE {
            run.rehearse(|rehearsal| rehearsal.stream_closed(&request.key));
        }
        return Ok(());
    }
    run.check_alive()?;
    if run.rehearse(|rehearsal| rehearsal.closed_stream(&request.key)) == Some(true) {
        return Err(closed(run, request.key));
    }
    let value = match request.value {
        Some(value) => Some(payload(run, &request.key, value)?),
        None => None,
    };
    run.before_effect().await?;
    let step = run.step_ref(request.step_id, request.inside, name);
    let (id, now) = (run.engine.config.ids.next_id(), run.engine.now());
    let append = match value {
        Some(value) => AppendStream::value(step, &request.key, value, id, now),
        None => AppendStream::close(step, &request.key, id, now),
    };
    let store: &dyn StreamStore = run.engine.store();
    let answer = run
        .engine
        .persist("append_stream", Patience::Mendable, || {
            store.append_stream(append.clone())
        })
        .await;
    match answer.map_err(|error| run.execution.interrupt(error))? {
        AppendOutcome::Appended { .. } => {
            run.stored(&append.step);
            Ok(())
        }
        AppendOutcome::AlreadyRecorded(step) => run.expect_name(step, name).map(drop),
        AppendOutcome::NotOwner => Err(run.not_owner().await),
        AppendOutcome::Closed => Err(closed(run, request.key)),
    }
}

fn closed(run: &Run, key: String) -> Error {
    Error::StreamClosed {
        workflow_id: run.workflow_id().to_owned(),
        key,
    }
}

fn payload(run: &Run, key: &str, value: Value) -> Result<Payload, Error> {
    let what = || {
        format!(
            "a value of stream `{key}` of workflow `{}`",
            run.workflow_id()
        )
    };
    let sealed = value.seal(run.encoding);
    let (payload, _) = sealed.map_err(|source| Error::codec(what(), source))?;
    run.engine.check_size(&payload, what)?;
    Ok(payload)
}

/// Reads from outside any workflow.
pub(crate) async fn read_stream(
    engine: &Engine,
    request: ReadRequest,
) -> Result<StreamValues, Error> {
    let (values, ended) = next(engine, &request).await?;
    Ok(stored(values, ended))
}

/// Reads in a workflow, which records what it read.
pub(crate) async fn read_stream_from(
    run: &Run,
    request: ReadRequest,
) -> Result<StreamValues, Error> {
    let read = async {
        let values = || Wait::Stream {
            workflow_id: request.workflow_id.clone(),
            key: request.key.clone(),
        };
        let page = run.waiting(values, next(&run.engine, &request)).await?;
        sealed(run, page)
    };
    let subject = Some(request.workflow_id.as_str());
    let payload = run
        .recorded_call(request.step_id, READ, subject, read)
        .await?;
    let (values, ended) = run.open_answer(READ, &payload)?;
    Ok(stored(values, ended))
}

/// As much of a page as one checkpoint may hold; the next reading goes on after it.
fn sealed(run: &Run, (mut values, ended): (Vec<Payload>, bool)) -> Result<Payload, Error> {
    let limit = run.engine.config.payload_limit;
    let mut size = 0usize;
    let fitting = values.iter().position(|value| {
        size = size.saturating_add(value.bytes.len() + FRAME);
        size > limit
    });
    let all = values.len();
    values.truncate(fitting.unwrap_or(all).max(1));
    let ended = ended && values.len() == all;
    run.engine.seal_stored(READ, &(values, ended))
}

/// What a value's length and the name of its encoding add to it at most, in bytes.
const FRAME: usize = 32;

fn stored(values: Vec<Payload>, ended: bool) -> StreamValues {
    StreamValues::new(values.into_iter().map(Value::stored).collect(), ended)
}

/// The next values, and whether they are the last.
async fn next(engine: &Engine, request: &ReadRequest) -> Result<(Vec<Payload>, bool), Error> {
    names::check_derived("workflow id", &request.workflow_id)?;
    names::check("stream key", &request.key)?;
    let store: &dyn StreamStore = engine.store();
    let look = || async {
        let read = ReadStream::new(&request.workflow_id, &request.key, request.from);
        let page = engine
            .persist("read_stream", Patience::Transient, || {
                store.read_stream(read.clone())
            })
            .await?;
        match page.state {
            StreamState::UnknownWorkflow => Err(Error::NotFound {
                workflow_id: request.workflow_id.clone(),
            }),
            StreamState::Open if page.values.is_empty() => Ok(None),
            StreamState::Open => Ok(Some((page.values, false))),
            StreamState::Closed | StreamState::WorkflowOver => Ok(Some((page.values, true))),
        }
    };
    match engine.wait_for(&request.workflow_id, None, look).await? {
        Waited::Came(page) => Ok(page),
        Waited::Expired => unreachable!("a wait without an end does not expire"),
    }
}
