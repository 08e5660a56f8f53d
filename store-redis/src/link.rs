//! The connection, alone or of a cluster. All commands concern keys of one slot.
#[cfg(feature = "cluster")]
mod cluster;
mod single;

use durable_api::store::{StoreError, StoreResult};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};

use crate::{
    RedisOptions,
    error::{Progress, from_driver},
    keys::Keys,
};

/// A way to the server that heals itself. Concurrent commands share it and are pipelined.
pub(crate) enum Link {
    Single(Box<single::Single>),
    #[cfg(feature = "cluster")]
    Cluster(cluster::Cluster),
}

/// A command that failed, and whether it was handed to a connection.
struct Failure {
    sent: bool,
    error: RedisError,
}

impl Link {
    /// A link as the options say. One to a cluster is connected; a single one connects when it is used.
    pub(crate) async fn open(options: &RedisOptions, keys: &Keys) -> StoreResult<Self> {
        // Without this, rustls panics in a program that has two providers; one that is installed stays.
        #[cfg(feature = "tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        if !options.is_cluster() {
            return single::Single::new(options.first_node(), options)
                .map(|single| Self::Single(Box::new(single)));
        }
        #[cfg(feature = "cluster")]
        return cluster::Cluster::connect(options, keys)
            .await
            .map(Self::Cluster);
        #[cfg(not(feature = "cluster"))]
        {
            let _ = keys;
            Err(crate::error::invalid(
                "connect",
                "a redis cluster needs the cargo feature `cluster` of store-redis",
            ))
        }
    }

    /// Whether commands find their way in a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        !matches!(self, Self::Single(_))
    }

    /// Runs a command that changes nothing.
    pub(crate) async fn read(&self, operation: &'static str, cmd: &Cmd) -> StoreResult<Value> {
        self.run(cmd)
            .await
            .map_err(|failure| failure.into_store_error(operation, Progress::Read))
    }

    /// Runs a command that changes nothing; `None` if the server refuses it: it does not know it,
    /// or these credentials may not use it.
    pub(crate) async fn read_if_allowed(
        &self,
        operation: &'static str,
        cmd: &Cmd,
    ) -> StoreResult<Option<Value>> {
        match self.run(cmd).await {
            Ok(value) => Ok(Some(value)),
            Err(failure) => match failure.error.kind() {
                ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::ResponseError) => {
                    Ok(None)
                }
                _ => Err(failure.into_store_error(operation, Progress::Read)),
            },
        }
    }

    /// Runs commands that change nothing, in one round trip. One that the server refuses answers
    /// with its error.
    pub(crate) async fn read_all(
        &self,
        operation: &'static str,
        commands: &Pipeline,
    ) -> StoreResult<Vec<Value>> {
        let values = match self {
            Self::Single(single) => single.run_all(commands).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.run_all(commands).await,
        };
        values.map_err(|failure| failure.into_store_error(operation, Progress::Read))
    }

    /// Runs a command that may change something.
    pub(crate) async fn write(&self, operation: &'static str, cmd: &Cmd) -> StoreResult<Value> {
        self.run(cmd)
            .await
            .map_err(|failure| failure.into_store_error(operation, Progress::Write))
    }

    /// Runs a script; `None` if the server does not know it.
    pub(crate) async fn script(
        &self,
        operation: &'static str,
        cmd: &Cmd,
        effect: Progress,
    ) -> StoreResult<Option<Value>> {
        match self.run(cmd).await {
            Ok(value) => Ok(Some(value)),
            Err(failure)
                if failure.error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                Ok(None)
            }
            Err(failure) => Err(failure.into_store_error(operation, effect)),
        }
    }

    async fn run(&self, cmd: &Cmd) -> Result<Value, Failure> {
        match self {
            Self::Single(single) => single.run(cmd).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.run(cmd).await,
        }
    }
}

impl Failure {
    fn not_sent(error: RedisError) -> Self {
        Self { sent: false, error }
    }

    fn sent(error: RedisError) -> Self {
        Self { sent: true, error }
    }

    fn into_store_error(self, operation: &'static str, effect: Progress) -> StoreError {
        let progress = if self.sent { effect } else { Progress::NotSent };
        from_driver(operation, progress, self.error)
    }
}
