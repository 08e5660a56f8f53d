mod message;
mod subscriber;

use async_trait::async_trait;
use durable_api::store::{StoreError, StoreErrorKind, StoreResult, WakeupStore, Wakeups};

use crate::{
    RedisStore,
    error::{Progress, at, from_driver},
};

pub(crate) use subscriber::Subscriber;

#[async_trait]
impl WakeupStore for RedisStore {
    /// Hints by publish and subscribe, on one channel for the prefix and a connection of their own. They tell of what any process does;
    /// in a cluster, whichever node it talks to.
    ///
    /// # Errors
    /// `Denied` when the credentials may not read the channel; they still may do everything else.
    async fn subscribe(&self) -> StoreResult<Wakeups> {
        const OPERATION: &str = "subscribe";
        let subscriber = self.subscriber();
        let subscription = subscriber.subscribe().await.map_err(|error| {
            let error = from_driver(OPERATION, Progress::NotSent, error);
            match error.kind() {
                StoreErrorKind::Denied => denied(error, subscriber.channel()),
                _ => at(error, self.location()),
            }
        })?;
        Ok(Wakeups::new(subscriber.clone().follow(subscription)))
    }
}

fn denied(error: StoreError, channel: &str) -> StoreError {
    error.with_message(format!(
        "the credentials may not subscribe to `{channel}`; grant the channel by `&{channel}`"
    ))
}
