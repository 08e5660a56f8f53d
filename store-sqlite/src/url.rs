use std::time::Duration;

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use percent_encoding::percent_decode_str;

use crate::{Durability, SqliteOptions};

/// What a URL says: `sqlite:app.db`, `sqlite://app.db`, `sqlite:/abs/app.db`, `sqlite:///abs/app.db`,
/// with `?synchronous=full|extra|normal`, `busy_timeout=<milliseconds>`, `readers=<number>`,
/// `polling=<milliseconds>` and `transaction_timeout=<milliseconds>`.
pub(crate) fn parse(url: &str) -> StoreResult<SqliteOptions> {
    // The URL is not repeated in the message: of another scheme, it may hold a password.
    let rest = url
        .strip_prefix("sqlite:")
        .ok_or_else(|| invalid("a store on sqlite is `sqlite:<path of the file>`"))?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| invalid("the path in the url is not utf-8"))?;
    match &*path {
        "" => return Err(invalid("the url names no file, as `sqlite:app.db` does")),
        ":memory:" => {
            return Err(invalid(
                "a store in sqlite's memory would not outlive a connection; use `memory:` instead",
            ));
        }
        _ => {}
    }
    let options = SqliteOptions::new(&*path);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .try_fold(options, |options, pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            apply(options, name, value)
        })
}

fn apply(options: SqliteOptions, name: &str, value: &str) -> StoreResult<SqliteOptions> {
    match name {
        "synchronous" => match value.to_ascii_lowercase().as_str() {
            "full" => Ok(options.durability(Durability::Full)),
            "extra" => Ok(options.durability(Durability::Extra)),
            "normal" => Ok(options.durability(Durability::Normal)),
            _ => Err(invalid(format!(
                "`synchronous` is `full`, `extra` or `normal`, not `{value}`"
            ))),
        },
        "busy_timeout" => Ok(options.busy_timeout(millis(name, value)?)),
        "polling" => Ok(options.polling(millis(name, value)?)),
        "transaction_timeout" => Ok(options.transaction_timeout(millis(name, value)?)),
        "readers" => match value.parse() {
            Ok(readers @ 1..=64) => Ok(options.readers(readers)),
            _ => Err(invalid(format!(
                "`readers` is a number from 1 to 64, not `{value}`"
            ))),
        },
        _ => Err(invalid(format!(
            "`{name}` is not a parameter; there are `synchronous`, `busy_timeout`, `readers`, `polling` and `transaction_timeout`"
        ))),
    }
}

fn millis(name: &str, value: &str) -> StoreResult<Duration> {
    value.parse().map(Duration::from_millis).map_err(|_| {
        invalid(format!(
            "`{name}` is a number of milliseconds, not `{value}`"
        ))
    })
}

fn invalid(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, "connect").with_message(message)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_form_of_path_is_understood() {
        for (url, path) in [
            ("sqlite:app.db", "app.db"),
            ("sqlite://app.db", "app.db"),
            ("sqlite://data/app.db", "data/app.db"),
            ("sqlite:/var/app.db", "/var/app.db"),
            ("sqlite:///var/app.db", "/var/app.db"),
            ("sqlite:a%20b%3f.db", "a b?.db"),
            ("sqlite:größe.db?readers=2", "größe.db"),
        ] {
            assert_eq!(parse(url).expect(url).path, Path::new(path), "{url}");
        }
    }

    #[test]
    fn parameters_are_read() {
        let options = parse("sqlite:a?synchronous=normal&busy_timeout=250&readers=2&polling=100&transaction_timeout=70")
            .expect("fits");
        assert_eq!(options.durability, Durability::Normal);
        assert_eq!(options.busy_timeout, Duration::from_millis(250));
        assert_eq!(options.readers, 2);
        assert_eq!(options.polling, Some(Duration::from_millis(100)));
        assert_eq!(options.transaction_timeout, Duration::from_millis(70));
        assert_eq!(parse("sqlite:a?polling=0").expect("fits").polling, None);
    }

    #[test]
    fn durability_is_full_unless_named() {
        assert_eq!(
            parse("sqlite:a").expect("fits").durability,
            Durability::Full
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_reason() {
        for (url, part) in [
            ("postgres://user:secret@host/db", "sqlite:"),
            ("sqlite:", "names no file"),
            ("sqlite::memory:", "`memory:`"),
            ("sqlite:a?synchronous=off", "`synchronous`"),
            ("sqlite:a?busy_timeout=soon", "milliseconds"),
            ("sqlite:a?polling=", "milliseconds"),
            ("sqlite:a?readers=0", "`readers`"),
            ("sqlite:a?mode=rwc", "`mode`"),
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
            assert!(error.to_string().contains(part), "{url}: {error}");
            assert!(!error.to_string().contains("secret"), "{url}: {error}");
        }
    }
}
