use std::{collections::VecDeque, future::Future};

use futures::{Stream, stream};

use crate::{
    Ctx, Durable, Error, Value,
    ops::durable_call::{Effect, durable_call},
    requests::{ReadStream, WriteStream},
};

/// Appends a value to a stream of this workflow. In the body of a step, a repeated attempt appends again.
///
/// # Errors
/// [`Error::OutsideWorkflow`]; [`Error::StreamClosed`]; [`Error::Codec`] and [`Error::PayloadTooLarge`] for what cannot be stored.
pub fn write_stream<'c, T: Durable>(
    ctx: &'c Ctx,
    key: impl Into<String>,
    value: T,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    write(ctx, "write_stream", key.into(), Some(Value::new(value)))
}

/// Closes a stream of this workflow: its readers end after the last value.
///
/// # Errors
/// [`Error::OutsideWorkflow`]; [`Error::StreamClosed`] when it was closed before.
pub fn close_stream<'c>(
    ctx: &'c Ctx,
    key: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    write(ctx, "close_stream", key.into(), None)
}

fn write<'c>(
    ctx: &'c Ctx,
    operation: &'static str,
    key: String,
    value: Option<Value>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    Effect::run(Effect::anywhere(ctx, operation), ctx, move |effect| {
        let request = WriteStream::new(key, value, effect.step_id, effect.inside);
        ctx.as_dyn().write_stream(request)
    })
}

/// The values of a stream, from offset `from` (0 is the first), live: it waits for values to come, and ends when the stream is closed or the workflow
/// has ended, after the last value. Inside a workflow, each reading is a recorded step.
///
/// # Errors
/// An item is an error, and the last one, when there is no such workflow ([`Error::NotFound`]), a value is no `T` ([`Error::Codec`]), or
/// it is used inside a step ([`Error::InsideStep`]).
pub fn read_stream<'c, T: Durable>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
    key: impl Into<String>,
    from: u64,
) -> impl Stream<Item = Result<T, Error>> + Send + 'c {
    let reader = Reader {
        ctx,
        workflow_id: workflow_id.into(),
        key: key.into(),
        next: from,
        buffer: VecDeque::new(),
        ended: false,
    };
    stream::unfold(reader, |mut reader| async move {
        let item = reader.next_value().await?;
        reader.ended |= item.is_err();
        let item = item.and_then(|value| reader.decode(value));
        reader.ended |= item.is_err();
        if item.is_err() {
            reader.buffer.clear();
        }
        Some((item, reader))
    })
}

struct Reader<'c> {
    ctx: &'c Ctx,
    workflow_id: String,
    key: String,
    /// The offset of the first value that is not in the buffer.
    next: u64,
    buffer: VecDeque<Value>,
    ended: bool,
}

impl Reader<'_> {
    async fn next_value(&mut self) -> Option<Result<Value, Error>> {
        while self.buffer.is_empty() {
            if self.ended {
                return None;
            }
            if let Err(error) = self.fill().await {
                return Some(Err(error));
            }
        }
        self.buffer.pop_front().map(Ok)
    }

    async fn fill(&mut self) -> Result<(), Error> {
        let ctx = self.ctx;
        let (workflow_id, key, from) = (self.workflow_id.clone(), self.key.clone(), self.next);
        let page = durable_call(ctx, ctx.position_outside_steps("read_stream"), |step_id| {
            ctx.as_dyn()
                .read_stream(ReadStream::new(workflow_id, key, from, step_id))
        })
        .await?;
        self.ended = page.ended;
        for value in page.values {
            self.next += 1;
            self.buffer.push_back(value);
        }
        Ok(())
    }

    fn decode<T: Durable>(&self, value: Value) -> Result<T, Error> {
        value.decode().map_err(|source| {
            let what = format!(
                "a value of stream `{}` of workflow `{}`",
                self.key, self.workflow_id
            );
            self.ctx.interrupt(Error::codec(what, source))
        })
    }
}
