use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        ExecutorRecord, ExecutorStore, ExpelExecutor, ExpelOutcome, HeartbeatOutcome, Incarnation,
        Owner, RegisterExecutor, RegisterOutcome, RetireOutcome, StoreResult,
    },
};
use redis::Value;
use uuid::Uuid;

use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, malformed},
    reply,
    script::{
        EXPEL_EXECUTOR, HEARTBEAT, LIST_EXECUTORS, REGISTER_EXECUTOR, RETIRE_EXECUTOR, SETTLE,
    },
};

/// How many workflows one script hands back.
const RELEASED_AT_ONCE: u32 = 1_000;

#[async_trait]
impl ExecutorStore for RedisStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        const OPERATION: &str = "register_executor";
        let texts = [&request.app, &request.executor_id, &request.version];
        let known = [("host", &request.host), ("process", &request.process)];
        check_texts(
            OPERATION,
            texts
                .into_iter()
                .chain(known.iter().filter_map(|(_, value)| value.as_ref()))
                .map(String::as_str),
        )?;
        let keys = self.keys();
        let mut call = Call::new(
            &REGISTER_EXECUTOR,
            OPERATION,
            [
                keys.executor(request.incarnation),
                keys.executors(&request.app),
            ],
        )
        .arg(keys.base())
        .text(request.incarnation)
        .arg(&request.executor_id)
        .arg("app")
        .arg(&request.app)
        .arg("executor")
        .arg(&request.executor_id)
        .arg("version")
        .arg(&request.version)
        .arg("beat")
        .arg("0")
        .arg("registered")
        .text(request.now.as_millis());
        for (field, value) in &known {
            if let Some(value) = value {
                call = call.arg(*field).arg(value);
            }
        }
        let value = call.write(self.link()).await?;

        let unreadable = || malformed(OPERATION, "the answer");
        let earlier = reply::array(value).ok_or_else(unreadable)?.pop();
        match reply::optional_text(earlier.unwrap_or_default()).ok_or_else(unreadable)? {
            Some(text) => {
                let earlier = Uuid::parse_str(&text).map_err(|_| unreadable())?;
                Ok(RegisterOutcome::new(vec![Incarnation(earlier)]))
            }
            None => Ok(RegisterOutcome::default()),
        }
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        const OPERATION: &str = "heartbeat";
        let value = Call::new(&HEARTBEAT, OPERATION, [self.keys().executor(incarnation)])
            .write(self.link())
            .await?;
        match reply::answer(value).as_ref().map(|(name, _)| name.as_str()) {
            Some("alive") => Ok(HeartbeatOutcome::Alive),
            Some("unknown") => Ok(HeartbeatOutcome::Unknown),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        const OPERATION: &str = "settle";
        let value = Call::new(
            &SETTLE,
            OPERATION,
            [self.keys().executor(owner.incarnation)],
        )
        .text(owner.execution)
        .write(self.link())
        .await?;
        match reply::answer(value) {
            Some((answer, _)) if answer == "done" => Ok(()),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        const OPERATION: &str = "list_executors";
        let value = Call::new(&LIST_EXECUTORS, OPERATION, [self.keys().executors(app)])
            .arg(self.keys().base())
            .read(self.link())
            .await?;
        let mut executors = reply::array(value)
            .unwrap_or_default()
            .into_iter()
            .map(executor)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| malformed(OPERATION, &format!("an executor of application `{app}`")))?;
        executors.sort_by(|a, b| a.executor_id.cmp(&b.executor_id));
        Ok(executors)
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        const OPERATION: &str = "expel_executor";
        let value = Call::new(
            &EXPEL_EXECUTOR,
            OPERATION,
            [self.keys().executor(request.incarnation)],
        )
        .arg(self.keys().base())
        .text(request.incarnation)
        .text(request.beat)
        .write(self.link())
        .await?;
        match reply::answer(value).as_ref().map(|(name, _)| name.as_str()) {
            Some("expelled") => Ok(ExpelOutcome::Expelled),
            Some("alive") => Ok(ExpelOutcome::Alive),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        const OPERATION: &str = "retire_executor";
        let keys = [
            self.keys().executor(incarnation),
            self.keys().owned(incarnation),
        ];
        let mut released = 0;
        // The executor stays registered until its last workflow is handed back, so that none counts as orphaned meanwhile.
        loop {
            let value = Call::new(&RETIRE_EXECUTOR, OPERATION, keys.clone())
                .arg(self.keys().base())
                .text(incarnation)
                .text(RELEASED_AT_ONCE)
                .write(self.link())
                .await?;
            match reply::array(value).as_deref() {
                Some([Value::Int(count), Value::BulkString(rest)]) => {
                    released += u64::try_from(*count).unwrap_or_default();
                    if rest == b"done" {
                        return Ok(RetireOutcome::new(released));
                    }
                }
                _ => return Err(malformed(OPERATION, "the answer")),
            }
        }
    }
}

/// An incarnation and the fields of its row.
fn executor(value: Value) -> Option<ExecutorRecord> {
    let mut pair = reply::array(value)?.into_iter();
    let incarnation = Incarnation(Uuid::parse_str(&reply::text(pair.next()?)?).ok()?);
    let mut fields = reply::array(pair.next()?)?.into_iter();
    let mut required = || reply::text(fields.next()?);
    let (app, executor_id, version) = (required()?, required()?, required()?);
    let host = reply::optional_text(fields.next()?)?;
    let process = reply::optional_text(fields.next()?)?;
    let beat = reply::text(fields.next()?)?.parse().ok()?;
    let registered_at = Timestamp::from_millis(reply::text(fields.next()?)?.parse().ok()?);

    let mut request = RegisterExecutor::new(app, executor_id, incarnation, version, registered_at);
    request.host = host;
    request.process = process;
    let mut record = ExecutorRecord::registered(request);
    record.beat = beat;
    Some(record)
}
