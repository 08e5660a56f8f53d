use redis::{Cmd, ToRedisArgs, Value};

use durable_api::store::{Fence, NotOwner, StoreResult};

use crate::{
    error::{Progress, damaged},
    link::Link,
    record, reply,
    script::Script,
};

/// A script with its keys and arguments.
pub(crate) struct Call<'a> {
    script: &'static Script,
    operation: &'static str,
    keys: Vec<String>,
    arguments: Vec<Argument<'a>>,
    fence: Option<&'a Fence>,
}

enum Argument<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl<'a> Call<'a> {
    /// A call for an operation of the store, with the keys that are known.
    pub(crate) fn new(
        script: &'static Script,
        operation: &'static str,
        keys: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            script,
            operation,
            keys: keys.into_iter().collect(),
            arguments: Vec::new(),
            fence: None,
        }
    }

    /// Adds a key.
    pub(crate) fn key(&mut self, key: String) {
        self.keys.push(key);
    }

    /// Adds an argument.
    #[must_use]
    pub(crate) fn arg(mut self, argument: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.arguments.push(Argument::Borrowed(argument.as_ref()));
        self
    }

    /// Adds an argument that is made for the call: a number, a token.
    #[must_use]
    pub(crate) fn text(mut self, argument: impl ToString) -> Self {
        self.arguments
            .push(Argument::Owned(argument.to_string().into_bytes()));
        self
    }

    /// Adds an argument that is made for the call.
    #[must_use]
    pub(crate) fn bytes(mut self, argument: Vec<u8>) -> Self {
        self.arguments.push(Argument::Owned(argument));
        self
    }

    /// Adds an argument that may be absent: empty, or an equals sign and the text.
    #[must_use]
    pub(crate) fn optional(self, argument: Option<&str>) -> Self {
        self.text(argument.map_or_else(String::new, |text| format!("={text}")))
    }

    /// Has the script do nothing, unless an execution owns its workflow, which has this key.
    #[must_use]
    pub(crate) fn fenced<'b>(self, key: String, fence: &'b Fence) -> Call<'b>
    where
        'a: 'b,
    {
        let mut call = self.text(record::owner(fence.owner));
        call.key(key);
        Call {
            fence: Some(fence),
            ..call
        }
    }

    /// Runs a script that may write.
    pub(crate) async fn write(self, link: &Link) -> StoreResult<Value> {
        self.run(link, Progress::Write).await
    }

    /// Runs a script that changes nothing.
    pub(crate) async fn read(self, link: &Link) -> StoreResult<Value> {
        self.run(link, Progress::Read).await
    }

    async fn run(self, link: &Link, effect: Progress) -> StoreResult<Value> {
        let is_fenced = self.fence.is_some();
        let cmd = self.cmd(self.script.by_hash(is_fenced));
        let value = match link.script(self.operation, &cmd, effect).await {
            Ok(Some(value)) => Ok(value),
            // The server was restarted, or its scripts were flushed.
            Ok(None) => {
                let cmd = self.cmd(self.script.by_source(is_fenced));
                let value = link.script(self.operation, &cmd, effect).await;
                value.map(Option::unwrap_or_default)
            }
            Err(error) => Err(error),
        }?;
        match self.fence {
            Some(fence) => self.passed(fence, value),
            None => Ok(value),
        }
    }

    /// The answer of the script, if its fence let it run.
    fn passed(&self, fence: &Fence, value: Value) -> StoreResult<Value> {
        match &value {
            Value::Array(said) => match said.as_slice() {
                [Value::BulkString(name)] if name == b"fence" => {
                    Err(NotOwner::error(self.operation))
                }
                [Value::BulkString(name), reason] if name == b"fence" => {
                    let reason = reply::text(reason.clone()).unwrap_or_default();
                    Err(damaged(self.operation, &fence.workflow_id, &reason))
                }
                _ => Ok(value),
            },
            _ => Ok(value),
        }
    }

    fn cmd(&self, mut cmd: Cmd) -> Cmd {
        cmd.arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            cmd.arg(argument);
        }
        cmd
    }
}

impl ToRedisArgs for Argument<'_> {
    fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
        match self {
            Self::Borrowed(bytes) => out.write_arg(bytes),
            Self::Owned(bytes) => out.write_arg(bytes),
        }
    }
}
