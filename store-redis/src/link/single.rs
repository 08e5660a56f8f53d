use std::sync::{Arc, Mutex, PoisonError};

use durable_api::store::StoreResult;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, RedisError, Value,
    aio::{ConnectionLike as _, MultiplexedConnection},
};

use super::Failure;
use crate::{
    RedisOptions,
    error::{Progress, ends_connection, from_driver},
};

/// How many commands may wait to be written to the socket before their callers wait.
const BUFFER: usize = 1_024;

/// One multiplexed connection to one server, replaced when it breaks.
///
/// The driver has a manager that does this too, but its errors do not tell a command that was sent
/// from one that found no connection.
pub(crate) struct Single {
    client: Client,
    config: AsyncConnectionConfig,
    current: Mutex<Arc<Attempt>>,
}

/// An attempt to connect, shared by everybody who waits for it, then by everybody who uses the connection.
struct Attempt(Shared<BoxFuture<'static, Result<MultiplexedConnection, RedisError>>>);

impl Single {
    pub(super) fn new(node: &ConnectionInfo, options: &RedisOptions) -> StoreResult<Self> {
        let client = Client::open(node.clone())
            .map_err(|error| from_driver("connect", Progress::NotSent, error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout))
            .set_pipeline_buffer_size(BUFFER);
        let first = Arc::new(Attempt::new(&client, &config));
        Ok(Self {
            client,
            config,
            current: Mutex::new(first),
        })
    }

    pub(super) async fn run(&self, cmd: &Cmd) -> Result<Value, Failure> {
        let (attempt, mut connection) = self.connection().await?;
        let result = cmd.query_async(&mut connection).await;
        self.judge(&attempt, result)
    }

    pub(super) async fn run_all(&self, commands: &Pipeline) -> Result<Vec<Value>, Failure> {
        let (attempt, mut connection) = self.connection().await?;
        let result = connection
            .req_packed_commands(commands, 0, commands.len())
            .await;
        self.judge(&attempt, result)
    }

    async fn connection(&self) -> Result<(Arc<Attempt>, MultiplexedConnection), Failure> {
        let attempt = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        match attempt.0.clone().await {
            Ok(connection) => Ok((attempt, connection)),
            Err(error) => {
                self.replace(&attempt);
                Err(Failure::not_sent(error))
            }
        }
    }

    fn judge<T>(
        &self,
        attempt: &Arc<Attempt>,
        result: Result<T, RedisError>,
    ) -> Result<T, Failure> {
        result.map_err(|error| {
            if ends_connection(&error) {
                self.replace(attempt);
            }
            Failure::sent(error)
        })
    }

    /// Makes the next command connect anew, unless somebody else did already.
    fn replace(&self, attempt: &Arc<Attempt>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, attempt) {
            *current = Arc::new(Attempt::new(&self.client, &self.config));
        }
    }
}

impl Attempt {
    /// An attempt that begins when somebody waits for it.
    fn new(client: &Client, config: &AsyncConnectionConfig) -> Self {
        let (client, config) = (client.clone(), config.clone());
        let connect = async move {
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await
        };
        Self(connect.boxed().shared())
    }
}
