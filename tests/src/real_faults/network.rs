//! Connections that are cut, half closed or slow, and answers that are lost, at every point and at random.
use std::sync::Arc;

use durable::SystemStore;
use durable_testing::Backend;
use futures::future::join_all;
use store_postgres::PostgresStore;
use store_redis::RedisStore;

use super::{
    orders::{Book, check, registered, run},
    proxy::{NetworkFault, NetworkPlan, Proxy},
};
use crate::{
    backends::{Postgres, Redis},
    e2e::support::{config, launched, stop},
};

/// How many places of a connection are tried with each fault.
const PLACES: usize = 24;

/// How many orders run at a time under random faults.
const ORDERS: u64 = 24;

/// How many seeds of random faults are tried.
const SEEDS: u64 = 3;

/// How many faults each seed must bring, at least.
const FAULTS: usize = 20;

/// On average, so many things are said for each fault.
const ONCE_IN: u32 = 15;

/// A namespace on Postgres, by way of a proxy.
pub async fn on_postgres() {
    let namespace = namespace();
    let url = Postgres::url(&namespace);
    let proxy = Proxy::to(address(&url)).await;
    let url = format!("{}&max_connections=6", through(&proxy, &url));
    let store = PostgresStore::connect(&url).await.expect("connects");
    meet(&Postgres, &namespace, &proxy, Arc::new(store)).await;
}

/// A namespace on Redis, by way of a proxy.
pub async fn on_redis() {
    let namespace = namespace();
    let url = Redis::url(&namespace);
    let proxy = Proxy::to(address(&url)).await;
    let store = RedisStore::connect(&through(&proxy, &url)).await;
    let store = Arc::new(store.expect("connects"));
    meet(&Redis, &namespace, &proxy, store).await;
}

fn namespace() -> String {
    format!("net{:016x}", fastrand::u64(..))
}

async fn meet(backend: &impl Backend, namespace: &str, proxy: &Proxy, store: Arc<dyn SystemStore>) {
    let book = Book::default();
    let direct = backend.open(namespace).await;
    let ctx = launched(config(store), |ctx| registered(ctx, &book)).await;
    for fault in [
        NetworkFault::LoseAnswer,
        NetworkFault::Cut,
        NetworkFault::HalfClose,
    ] {
        let mut places = 0;
        for place in 0..PLACES {
            let (id, before) = (format!("{fault:?}-{place}"), proxy.fired());
            proxy.set_plan(NetworkPlan::at(place, fault));
            run(&ctx, &id, 7).await.expect(&id);
            check(&*direct, &book, &id, 7).await;
            places += proxy.fired() - before;
        }
        // How much is said for one order depends on how much of it goes together.
        assert!(places >= 6, "{fault:?} came up {places} times only");
    }
    for seed in 0..SEEDS {
        let before = proxy.fired();
        proxy.set_plan(NetworkPlan::random(seed, ONCE_IN));
        let mut done = Vec::new();
        // A store that says much at a time meets fewer faults.
        while proxy.fired() < before + FAULTS {
            let orders = (0..ORDERS).map(async |number| {
                let id = format!("seed-{seed}-{}-{number}", done.len());
                run(&ctx, &id, number).await.expect(&id);
                (id, number)
            });
            done.push(join_all(orders).await);
        }
        proxy.set_plan(NetworkPlan::none());
        for (id, number) in done.into_iter().flatten() {
            check(&*direct, &book, &id, number).await;
        }
    }
    stop(&ctx).await;
    backend.clean(namespace).await;
}

/// The `host:port` of a URL.
fn address(url: &str) -> String {
    let (start, end) = place(url);
    url[start..end].to_owned()
}

/// The URL with the proxy's address.
fn through(proxy: &Proxy, url: &str) -> String {
    let (start, end) = place(url);
    format!("{}{}{}", &url[..start], proxy.address, &url[end..])
}

/// Where in a URL its `host:port` is.
fn place(url: &str) -> (usize, usize) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[scheme..].find(['/', '?']);
    let end = end.map_or(url.len(), |at| scheme + at);
    let start = url[scheme..end].rfind('@');
    (start.map_or(scheme, |at| scheme + at + 1), end)
}
