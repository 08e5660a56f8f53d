use std::{fmt, ops::Deref};

use durable_api::{Ctx, Error};

use crate::{config::Config, startup::new_context};

/// A context that needs only a store: for programs that have none of the code, such as a web server or an operator's tool.
///
/// It does all that a [`Ctx`] does but run code: it leaves messages and reads events and streams, waits for results, lists, cancels, resumes, forks and
/// deletes. It is no executor: nothing is registered in the store, and there is nothing to shut down.
///
/// ```no_run
/// # async fn example(store: std::sync::Arc<dyn durable_api::SystemStore>) -> Result<(), durable_api::Error> {
/// use durable_engine::{Config, new_client};
///
/// let client = new_client(Config::new("shop", store)).await?;
/// durable_api::send(&client, "order-7", 4200_u64).topic("paid").await?;
/// let order = durable_api::retrieve_workflow::<String>(&client, "order-7").await?;
/// println!("{}", order.get_result().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Ctx);

/// Makes a client of the application and the store that `config` names: reaches the store, brings its schema up to date and verifies it.
///
/// # Errors
/// As [`new_context`].
pub async fn new_client(mut config: Config) -> Result<Client, Error> {
    config.client = true;
    Ok(Client(new_context(config).await?))
}

/// What takes a `&Ctx` takes a `&Client`.
impl Deref for Client {
    type Target = Ctx;

    fn deref(&self) -> &Ctx {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").finish()
    }
}
