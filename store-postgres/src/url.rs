mod hosts;

use std::{str::FromStr, time::Duration};

use durable_api::store::StoreErrorKind;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::{
    PostgresOptions,
    database::{Hosts, SessionAttrs},
    error::Failure,
};

/// The parameters of this store.
const OURS: &[&str] = &[
    "acquire_timeout_ms",
    "listen_url",
    "max_connections",
    "max_transactions",
    "schema",
    "transaction_pooling",
];

/// What the sessions must be good for, as libpq calls it.
const TARGET: &str = "target_session_attrs";

/// The parameters that the driver understands, beside `options[…]`.
const OF_THE_DRIVER: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Reads a URL: our own parameters are taken out, the rest is the driver's. No message repeats a value,
/// which may be a secret.
pub(crate) fn parse(text: &str) -> Result<PostgresOptions, Failure> {
    let (hosts, ours) = parse_hosts(text, OURS)?;
    ours.into_iter()
        .try_fold(PostgresOptions::from_hosts(hosts), apply)
}

/// Reads a URL that has the driver's parameters alone.
pub(crate) fn parse_connection(text: &str) -> Result<Hosts, Failure> {
    let (hosts, _none) = parse_hosts(text, &[])?;
    Ok(hosts)
}

/// Reads the URL of a data source: the driver's parameters, and `schema`.
pub(crate) fn parse_data_source(text: &str) -> Result<(Hosts, Option<String>), Failure> {
    let (hosts, ours) = parse_hosts(text, &["schema"])?;
    let schema = ours.into_iter().next_back().map(|(_, value)| value);
    Ok((hosts, schema))
}

type Parameters = Vec<(String, String)>;

/// The servers that a URL names, and those of its parameters that have certain keys.
fn parse_hosts(text: &str, keys: &[&str]) -> Result<(Hosts, Parameters), Failure> {
    let mut candidates = Vec::new();
    let mut ours = Vec::new();
    let mut wanted = None;
    for text in hosts::split(text)? {
        let mut url = read(&text)?;
        ours = take_out(&mut url, keys);
        wanted = take_out(&mut url, &[TARGET]).pop();
        candidates.push(connect_options(&url)?);
    }
    let mut hosts = Hosts::new(candidates);
    if let Some((_, wanted)) = wanted {
        hosts = hosts.wanting(SessionAttrs::parse(&wanted).ok_or_else(|| {
            invalid(format!(
                "the url's parameter `{TARGET}` has a value other than any, primary and read-write"
            ))
        })?);
    }
    Ok((hosts, ours))
}

/// Takes parameters out of a URL.
fn take_out(url: &mut Url, keys: &[&str]) -> Parameters {
    let (ours, theirs): (Vec<_>, Vec<_>) = url
        .query_pairs()
        .into_owned()
        .partition(|(key, _)| keys.contains(&key.as_str()));
    url.set_query(None);
    if !theirs.is_empty() {
        url.query_pairs_mut().extend_pairs(theirs);
    }
    ours
}

fn read(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|error| {
        invalid(format!(
            "the url cannot be read ({error}): postgres://user:password@host:5432/database"
        ))
    })?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(invalid(
            "the url does not begin with postgres://".to_owned(),
        ));
    }
    Ok(url)
}

fn connect_options(url: &Url) -> Result<PgConnectOptions, Failure> {
    for (key, _) in url.query_pairs() {
        if !OF_THE_DRIVER.contains(&&*key) && !key.starts_with("options[") {
            let message = format!("the url has an unknown parameter `{key}`");
            return Err(invalid(message));
        }
    }
    PgConnectOptions::from_str(url.as_str())
        .map_err(|_| invalid("a parameter of the url has a value that it cannot have".to_owned()))
}

fn apply(
    options: PostgresOptions,
    (key, value): (String, String),
) -> Result<PostgresOptions, Failure> {
    Ok(match key.as_str() {
        "schema" => options.schema(value),
        "transaction_pooling" => options.transaction_pooling(parsed(&key, &value)?),
        "max_connections" => options.max_connections(parsed(&key, &value)?),
        "max_transactions" => options.max_transactions(parsed(&key, &value)?),
        "listen_url" => options.listen_url(value),
        _ => options.acquire_timeout(Duration::from_millis(parsed(&key, &value)?)),
    })
}

fn parsed<T: FromStr>(key: &str, value: &str) -> Result<T, Failure> {
    value
        .parse()
        .map_err(|_| invalid(format!("the url's parameter `{key}` cannot be read")))
}

fn invalid(message: String) -> Failure {
    Failure::new(StoreErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_parameters_are_taken_out_of_the_url() {
        let options = parse(
            "postgres://u:secret@h:1/d?schema=a%22b&sslmode=disable&transaction_pooling=true\
             &max_connections=3&max_transactions=2&acquire_timeout_ms=250&listen_url=postgres%3A%2F%2Fu%3Asecret%40h",
        )
        .expect("is read");
        let shown = format!("{options:?}");
        assert_eq!(
            shown,
            "PostgresOptions { schema: \"a\\\"b\", transaction_pooling: true, \
             max_connections: 3, max_transactions: 2, acquire_timeout: 250ms, listens_elsewhere: true, .. }"
        );
    }

    #[test]
    fn of_several_hosts_the_one_that_accepts_writes_is_wanted() {
        for (url, location, wanted) in [
            ("postgres://u@h:1/d", "h:1/d", SessionAttrs::Any),
            (
                "postgres://u@h:1,i:2/d",
                "h:1,i:2/d",
                SessionAttrs::ReadWrite,
            ),
            (
                "postgres://u@h:1/d?target_session_attrs=read-write",
                "h:1/d",
                SessionAttrs::ReadWrite,
            ),
            (
                "postgres:///d?user=u&host=h,i&port=1,2&target_session_attrs=primary",
                "h:1,i:2/d",
                SessionAttrs::Primary,
            ),
            (
                "postgres://u@h:1,i:2/d?target_session_attrs=any",
                "h:1,i:2/d",
                SessionAttrs::Any,
            ),
        ] {
            let hosts = parse_connection(url).expect(url);
            assert_eq!(hosts.location(), location, "{url}");
            assert_eq!(hosts.wanted(), wanted, "{url}");
        }
    }

    #[test]
    fn a_bad_url_is_refused_without_its_secrets() {
        for url in [
            "postgres://u:secret@h:port/d",
            "mysql://u:secret@h/d",
            "postgres://u:secret@h/d?sslmode=secret",
            "postgres://u:secret@h/d?max_connections=secret",
            "postgres://u:secret@h/d?max_conections=secret",
            "postgres://u:secret@h,i/d?target_session_attrs=secret",
            "postgres://u:secret@h:1,i:secret/d",
            "secret",
        ] {
            let failure = parse(url).expect_err(url);
            assert_eq!(failure.kind, StoreErrorKind::Invalid, "{url}");
            let shown = failure.into_store_error("connect").to_string();
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
