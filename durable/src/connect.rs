use std::sync::Arc;

use durable_api::{Error, SystemStore, store::StoreResult};

/// The schemes of the stores in this build.
const SCHEMES: &[&str] = &[
    #[cfg(feature = "memory")]
    "memory",
    #[cfg(feature = "postgres")]
    "postgres",
    #[cfg(feature = "postgres")]
    "postgresql",
    #[cfg(feature = "redis")]
    "redis",
    #[cfg(feature = "redis")]
    "rediss",
    #[cfg(feature = "sqlite")]
    "sqlite",
];

/// Opens the store that a URL names.
///
/// | URL | store | cargo feature |
/// |---|---|---|
/// | `memory:` | a fresh one in this process; `memory:name` is shared by name | `memory` (default) |
/// | `sqlite:app.db` | one file, created if it is missing | `sqlite` (default) |
/// | `postgres://user@host/database` | Postgres 13 or later | `postgres` |
/// | `redis://host:6379` | Redis 6.2 or later | `redis` |
///
/// The options of a store can be given as query parameters, as its crate says, or by its own
/// builder: every store can be constructed directly and handed to [`Config`](crate::Config).
///
/// # Errors
/// [`Error::UnknownStore`] names the schemes of this build; [`Error::Startup`] when the store cannot be
/// reached or refuses. No error holds a password.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> durable::Result<()> {
/// let store = durable::connect("memory:").await?;
/// # drop(store);
/// let error = durable::connect("mongodb://localhost").await.unwrap_err();
/// assert!(error.to_string().starts_with("`mongodb` is not the scheme of a store in this build"));
/// # Ok(())
/// # }
/// ```
pub async fn connect(url: &str) -> Result<Arc<dyn SystemStore>, Error> {
    // What is no scheme may be anything, a password too: it is not repeated.
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| is_scheme(scheme))
        .unwrap_or("(none)");
    let opened: Option<StoreResult<Arc<dyn SystemStore>>> = match scheme {
        #[cfg(feature = "memory")]
        "memory" => Some(erase(store_memory::MemoryStore::connect(url).await)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Some(erase(store_postgres::PostgresStore::connect(url).await)),
        #[cfg(feature = "redis")]
        "redis" | "rediss" => Some(erase(store_redis::RedisStore::connect(url).await)),
        #[cfg(feature = "sqlite")]
        "sqlite" => Some(erase(store_sqlite::SqliteStore::connect(url).await)),
        _ => None,
    };
    let Some(opened) = opened else {
        return Err(Error::UnknownStore {
            scheme: scheme.to_owned(),
            available: SCHEMES.join(", "),
        });
    };
    opened.map_err(|source| Error::Startup {
        phase: "connect",
        store: format!("the {scheme} store"),
        source,
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[allow(dead_code, reason = "unused in a build without any store")]
fn erase<S: SystemStore>(opened: StoreResult<S>) -> StoreResult<Arc<dyn SystemStore>> {
    opened.map(|store| Arc::new(store) as Arc<dyn SystemStore>)
}
