//! What comes from outside: messages and events.
use durable_api::{Durable, Error};

use super::TestEnv;

impl TestEnv {
    /// Leaves a message for a workflow.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no workflow has that id.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) -> durable_api::Result<()> {
    /// env.send("order-7", "payment", 499u64).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send<T: Durable>(
        &self,
        workflow_id: impl Into<String>,
        topic: impl Into<String>,
        message: T,
    ) -> Result<(), Error> {
        let (id, topic) = (workflow_id.into(), topic.into());
        self.with(async move |ctx| durable_api::send(&ctx, id, message).topic(topic).await)
            .await
    }

    /// Leaves a message for a workflow, once, however often this is called with this key: for scripts that are run again after a crash.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no workflow has that id.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) -> durable_api::Result<()> {
    /// env.send_once("the payment", "order-7", "payment", 499u64).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_once<T: Durable>(
        &self,
        key: impl Into<String>,
        workflow_id: impl Into<String>,
        topic: impl Into<String>,
        message: T,
    ) -> Result<(), Error> {
        let (key, id, topic) = (key.into(), workflow_id.into(), topic.into());
        self.with(async move |ctx| {
            let send = durable_api::send(&ctx, id, message).topic(topic);
            send.idempotency_key(key).await
        })
        .await
    }

    /// Sets an event of a workflow that this test only pretends to have: the first event of an id makes it. What waits for events of that id finds them.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a workflow of that id exists: its own code sets its events.
    ///
    /// ```
    /// # async fn example(env: durable_testing::TestEnv) -> durable_api::Result<()> {
    /// env.set_event("inventory-3", "stock", 12u32).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_event<T: Durable>(
        &self,
        workflow_id: impl Into<String>,
        key: impl Into<String>,
        value: T,
    ) -> Result<(), Error> {
        let (env, id, key) = (self.clone(), workflow_id.into(), key.into());
        let work = async move { env.inner.stand_ins.set_event(&env, id, key, value).await };
        self.inner.world.run(work).await
    }
}
