use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// How far a command got, and what it would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There was no connection to send it on.
    NotSent,
    /// It was handed to a connection and changes nothing.
    Read,
    /// It was handed to a connection and may change something.
    Write,
}

/// The store's error for a driver's.
pub(crate) fn from_driver(
    operation: &'static str,
    progress: Progress,
    error: RedisError,
) -> StoreError {
    StoreError::new(kind(&error, progress), operation).with_source(error)
}

/// What a driver's error means, by its kind and the server's code.
fn kind(error: &RedisError, progress: Progress) -> StoreErrorKind {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound => match progress {
            Progress::NotSent | Progress::Read => StoreErrorKind::Unavailable,
            Progress::Write => StoreErrorKind::Indeterminate,
        },
        ErrorKind::AuthenticationFailed => StoreErrorKind::Denied,
        ErrorKind::InvalidClientConfig => StoreErrorKind::Invalid,
        ErrorKind::Server(kind) => match kind {
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask => StoreErrorKind::Unavailable,
            ServerErrorKind::NoPerm => StoreErrorKind::Denied,
            _ => StoreErrorKind::Failed,
        },
        ErrorKind::Extension => match error.code() {
            Some("NOAUTH" | "WRONGPASS") => StoreErrorKind::Denied,
            Some("BUSY" | "UNKILLABLE" | "NOREPLICAS") => StoreErrorKind::Unavailable,
            Some("WRONGTYPE") => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Failed,
        },
        _ => StoreErrorKind::Failed,
    }
}

/// Whether the connection that gave this error should be replaced: it is broken or hangs, or leads
/// to a server that was demoted or has forgotten who we are.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse => true,
        ErrorKind::Server(kind) => {
            matches!(
                kind,
                ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown
            )
        }
        _ => error.code() == Some("NOAUTH"),
    }
}

/// Says where the server is that could not be reached or denied access.
pub(crate) fn at(error: StoreError, location: &str) -> StoreError {
    match error.kind() {
        StoreErrorKind::Unavailable | StoreErrorKind::Denied => {
            error.with_message(format!("redis at {location}"))
        }
        _ => error,
    }
}

pub(crate) fn invalid(operation: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, operation).with_message(message)
}

pub(crate) fn corrupt(operation: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, operation).with_message(message)
}

/// The row of a workflow cannot be read.
pub(crate) fn damaged(operation: &'static str, id: &str, reason: &str) -> StoreError {
    corrupt(operation, format!("workflow `{id}`: {reason}"))
}

/// An answer of a script, or a stored row of no workflow, does not have the form it should.
pub(crate) fn malformed(operation: &'static str, what: &str) -> StoreError {
    corrupt(operation, format!("{what} cannot be read"))
}

/// Refuses texts with NUL, which not every backend can hold.
pub(crate) fn check_texts<'a>(
    operation: &'static str,
    texts: impl IntoIterator<Item = &'a str>,
) -> StoreResult<()> {
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(invalid(
            operation,
            "an id or a name contains the character NUL",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    fn answered(reply: &str) -> StoreErrorKind {
        let value = parse_redis_value(reply.as_bytes()).expect("a reply");
        let Value::ServerError(error) = value else {
            panic!("not an error: {value:?}");
        };
        kind(&error.into(), Progress::Write)
    }

    #[test]
    fn a_server_that_is_away_for_now_is_unavailable() {
        for code in [
            "LOADING",
            "READONLY",
            "CLUSTERDOWN",
            "TRYAGAIN",
            "MASTERDOWN",
            "BUSY",
            "NOREPLICAS",
        ] {
            let reply = format!("-{code} some text\r\n");
            assert_eq!(answered(&reply), StoreErrorKind::Unavailable, "{code}");
        }
    }

    #[test]
    fn a_refusal_of_rights_is_denied() {
        for code in ["NOAUTH", "WRONGPASS", "NOPERM"] {
            let reply = format!("-{code} some text\r\n");
            assert_eq!(answered(&reply), StoreErrorKind::Denied, "{code}");
        }
    }

    #[test]
    fn a_full_memory_and_a_failing_disk_are_failures() {
        for code in ["OOM", "MISCONF", "ERR"] {
            let reply = format!("-{code} some text\r\n");
            assert_eq!(answered(&reply), StoreErrorKind::Failed, "{code}");
        }
    }

    #[test]
    fn a_lost_answer_is_indeterminate_only_after_a_write_was_sent() {
        let broken = || RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(
            kind(&broken(), Progress::Write),
            StoreErrorKind::Indeterminate
        );
        assert_eq!(kind(&broken(), Progress::Read), StoreErrorKind::Unavailable);
        assert_eq!(
            kind(&broken(), Progress::NotSent),
            StoreErrorKind::Unavailable
        );
    }
}
