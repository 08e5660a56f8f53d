//! Hints: to this process at once, to others by NOTIFY.
//!
//! A notification within a transaction would hold a lock of the whole server until its commit has reached the disk, so that
//! no two such commits could share a sync. So hints travel after the commit, in a transaction that waits for no disk: as many
//! together as came while the last ones were on their way.
mod hints;
mod listener;
mod notice;
mod outbox;

pub(crate) use hints::Hints;

use std::sync::Arc;

use async_trait::async_trait;
use durable_api::store::{StoreResult, WakeupStore, Wakeups};
use futures::stream;

use crate::{PostgresStore, error::Failure};
use listener::Listener;

#[async_trait]
impl WakeupStore for PostgresStore {
    /// Hints about changes that any process makes, by a connection of the subscriber's own. Behind a proxy that pools by
    /// transaction, and without a [`listen_url`](crate::PostgresOptions::listen_url), there are
    /// only those about changes that this store and its clones make.
    async fn subscribe(&self) -> StoreResult<Wakeups> {
        subscribe(self)
            .await
            .map_err(|failure| failure.into_store_error("subscribe"))
    }
}

async fn subscribe(store: &PostgresStore) -> Result<Wakeups, Failure> {
    let own = store.hints.subscribe();
    let Some(route) = &store.listening else {
        return Ok(Wakeups::new(own));
    };
    let timeout = store.database.acquire_timeout();
    let listener = Listener::open(Arc::clone(route), timeout, store.hints.address()).await;
    let others = listener
        .map_err(|failure| failure.with_message(route.location()))?
        .into_stream();
    Ok(Wakeups::new(stream::select(own, others)))
}
