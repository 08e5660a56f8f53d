//! URLs of any sort: options, or an error that does not hold the password.
use durable::store::StoreResult;
use store_postgres::PostgresOptions;
use store_redis::RedisOptions;
use store_sqlite::SqliteOptions;

use super::input::Input;

const PASSWORD: &str = "pa55w0rd-nobody-may-see";

pub(super) fn fuzz(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = match input.choice(6) {
        0 => "postgres",
        1 => "postgresql",
        2 => "redis",
        3 => "rediss",
        4 => "sqlite",
        _ => "",
    };
    let form = input.choice(3);
    let rest = String::from_utf8_lossy(input.rest());
    let url = match form {
        0 => format!("{scheme}://user:{PASSWORD}@{rest}"),
        1 => format!("{scheme}://{rest}"),
        _ => rest.into_owned(),
    };
    discreet(PostgresOptions::from_url(&url), &url);
    discreet(RedisOptions::from_url(&url), &url);
    discreet(SqliteOptions::from_url(&url), &url);
}

fn discreet<T: std::fmt::Debug>(parsed: StoreResult<T>, url: &str) {
    // A file's name is no secret.
    let secret = !url.starts_with("sqlite:");
    let said = match parsed {
        Ok(options) => format!("{options:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!secret || !said.contains(PASSWORD), "{url}: {said}");
}
