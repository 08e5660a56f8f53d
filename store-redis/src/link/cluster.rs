use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use redis::{
    Cmd, Pipeline, Value,
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};

use super::{Failure, single::Single};
use crate::{
    RedisOptions,
    error::{Progress, from_driver},
    keys::Keys,
};

/// Connections to the nodes of a cluster, which the driver keeps up, follows through failovers and
/// repeats commands on. That is safe: every write of this store may be repeated.
pub(crate) struct Cluster {
    connection: ClusterConnection,
    /// The master of the one slot that all keys share.
    route: SingleNodeRoutingInfo,
}

impl Cluster {
    pub(super) async fn connect(options: &RedisOptions, keys: &Keys) -> StoreResult<Self> {
        let failed = |error| from_driver("connect", Progress::NotSent, error);
        let client = ClusterClientBuilder::new(options.nodes().to_vec())
            .connection_timeout(options.connect_timeout)
            .response_timeout(options.response_timeout)
            .build()
            .map_err(failed)?;
        let connection = match client.get_async_connection().await {
            Ok(connection) => connection,
            Err(error) => return Err(denial(options).await.unwrap_or_else(|| failed(error))),
        };
        Ok(Self {
            connection,
            route: SingleNodeRoutingInfo::SpecificNode(Route::with_key(
                keys.base(),
                SlotAddr::Master,
            )),
        })
    }

    pub(super) async fn run(&self, cmd: &Cmd) -> Result<Value, Failure> {
        let routing = RoutingInfo::SingleNode(self.route.clone());
        self.connection
            .clone()
            .route_command(cmd.clone(), routing)
            .await
            .and_then(Value::extract_error)
            .map_err(Failure::sent)
    }

    pub(super) async fn run_all(&self, commands: &Pipeline) -> Result<Vec<Value>, Failure> {
        let count = commands.len();
        self.connection
            .clone()
            .route_pipeline(commands.clone(), 0, count, self.route.clone())
            .await
            .map_err(Failure::sent)
    }
}

/// The refusal of a node, if one denies access: the driver says only that it reached none.
async fn denial(options: &RedisOptions) -> Option<StoreError> {
    for node in options.nodes() {
        let answer = match Single::new(node, options) {
            Ok(single) => single.run(&redis::cmd("PING")).await,
            Err(error) => return Some(error),
        };
        if let Err(failure) = answer {
            let error = failure.into_store_error("connect", Progress::Read);
            if error.kind() == StoreErrorKind::Denied {
                return Some(error);
            }
        }
    }
    None
}
