//! The store on a cluster of three masters shows the behaviour that every store must show.
#![cfg(feature = "cluster")]
mod support;

use std::{process::Child, sync::Arc};

use durable_api::SystemStore;
use durable_testing::Backend;
use store_redis::RedisStore;
use support::cluster::Cluster;
use tokio::sync::OnceCell;

struct RedisCluster;

/// The cluster that all tests share, and what ends it.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<(Cluster, Child)> = OnceCell::const_new();
    let start = async || {
        let cluster = Cluster::start().await;
        let end = cluster.outlive_nobody();
        (cluster, end)
    };
    &CLUSTER.get_or_init(start).await.0
}

impl Backend for RedisCluster {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let store = RedisStore::connect(&cluster().await.url(namespace)).await;
        Arc::new(store.expect("connects"))
    }

    async fn clean(&self, namespace: &str) {
        for master in &cluster().await.masters {
            support::clean(&master.url(), namespace).await;
        }
    }
}

durable_testing::store_conformance!(RedisCluster);
