mod append;
mod read;

use async_trait::async_trait;
use durable_api::store::{
    AppendOutcome, AppendStream, DamagedWorkflow, ReadStream, StoreError, StoreResult, StreamPage,
    StreamStore,
};

use crate::{
    SqliteStore, effects::check_step, error::check_texts, record::corrupt, writer::Write as _,
};

#[async_trait]
impl StreamStore for SqliteStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome> {
        check_texts(
            AppendStream::OPERATION,
            [request.key.as_str()]
                .into_iter()
                .chain(request.value.iter().map(|value| &*value.encoding)),
        )?;
        check_step(AppendStream::OPERATION, &request.step)?;
        self.write(request).await
    }

    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage> {
        let (sql, values) = read::select(&request);
        let rows = self.readers.fetch_all("read_stream", sql, values).await?;
        read::page(&rows, &request)
            .map_err(|reason| damaged("read_stream", &request.workflow_id, &reason))
    }
}

fn damaged(operation: &'static str, workflow_id: &str, reason: &str) -> StoreError {
    let reason = format!("a stream of it: {reason}");
    corrupt(operation, &DamagedWorkflow::new(workflow_id, reason))
}
