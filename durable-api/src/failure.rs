use std::{
    any::Any,
    error::Error as StdError,
    fmt::{self, Display},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CodecError, Encoding, Error, Payload};

/// What a workflow or a step returns.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What user code returns when it fails: any error, by `?`.
///
/// A failure is recorded as its message, the messages of its causes, and whatever
/// [code](Self::with_code) and [details](Self::with_details) it was given; that is what a caller
/// receives, in this process or another, now or after a recovery. The error it was made from
/// need not be serializable.
///
/// Like `anyhow::Error` it does not implement [`std::error::Error`], which is what lets any error
/// become one by `?`.
///
/// ```
/// use durable_api::{Failure, Result};
///
/// fn charge(cents: u64) -> Result<()> {
///     if cents == 0 {
///         return Err(Failure::permanent("nothing to charge").with_code("empty_order"));
///     }
///     let _rate: f64 = "1.07".parse()?;
///     Ok(())
/// }
/// assert_eq!(charge(0).unwrap_err().code(), Some("empty_order"));
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure {
    recorded: Box<Recorded>,
    #[serde(skip)]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The part of a failure that survives the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Recorded {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<String>,
}

impl Failure {
    /// A failure with only a message.
    pub fn msg(message: impl Display) -> Self {
        Self {
            recorded: Box::new(Recorded {
                message: message.to_string(),
                ..Recorded::default()
            }),
            source: None,
        }
    }

    /// A failure that no retry policy retries.
    pub fn permanent(message: impl Display) -> Self {
        Self::msg(message).into_permanent()
    }

    /// Makes this a failure that no retry policy retries.
    #[must_use]
    pub fn into_permanent(mut self) -> Self {
        self.recorded.permanent = true;
        self
    }

    /// Adds a code for programs to match on.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.recorded.code = Some(code.into());
        self
    }

    /// Adds details for programs to read. If they do not serialize to JSON, the failure keeps
    /// everything else and a cause says so.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        match serde_json::to_value(details) {
            Ok(details) => self.recorded.details = Some(details),
            Err(error) => self
                .recorded
                .causes
                .push(format!("the details could not be serialized: {error}")),
        }
        self
    }

    /// Records what each attempt said, when a retry policy gave up.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<String>) -> Self {
        self.recorded.attempts = attempts;
        self
    }

    /// The code.
    pub fn code(&self) -> Option<&str> {
        self.recorded.code.as_deref()
    }

    /// The details as a `T`; `None` if there are none, or they are no `T`.
    pub fn details<T: DeserializeOwned>(&self) -> Option<T> {
        self.recorded
            .details
            .as_ref()
            .and_then(|details| T::deserialize(details).ok())
    }

    /// Whether no retry policy retries it.
    pub fn is_permanent(&self) -> bool {
        self.recorded.permanent
    }

    /// The messages of the errors that caused it, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.recorded.causes
    }

    /// What each attempt said, first to last, when a retry policy gave up.
    pub fn attempts(&self) -> &[String] {
        &self.recorded.attempts
    }

    /// The library's error inside, if this failure came from one in this execution.
    pub fn as_error(&self) -> Option<&Error> {
        self.downcast_ref()
    }

    /// The error this was made from, if it is an `E` and was made in this execution. A recorded
    /// failure has none: match on [`code`](Self::code) where a replay must decide the same.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source.as_deref()?.downcast_ref()
    }

    /// The failure as it is stored: always JSON, so that it can be read by eye.
    pub fn to_payload(&self) -> Payload {
        // A struct of strings and JSON values has no way to fail.
        let bytes = serde_json::to_vec(&*self.recorded).unwrap_or_default();
        Payload::new(Encoding::Json.as_str(), bytes)
    }

    /// The failure that was stored.
    ///
    /// # Errors
    /// When the payload is not one.
    pub fn from_payload(payload: &Payload) -> Result<Self, CodecError> {
        Ok(Self {
            recorded: payload.decode()?,
            source: None,
        })
    }
}

impl<E> From<E> for Failure
where
    E: StdError + Send + Sync + 'static,
{
    fn from(error: E) -> Self {
        let message = error.to_string();
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Many an error says its cause itself.
            if !message.contains(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        let mut recorded = Recorded {
            message,
            causes,
            ..Recorded::default()
        };
        // What a child says to programs is said on.
        if let Some(Error::WorkflowFailed { failure, .. }) = (&error as &dyn Any).downcast_ref() {
            recorded.code.clone_from(&failure.recorded.code);
            recorded.details.clone_from(&failure.recorded.details);
        }
        Self {
            recorded: Box::new(recorded),
            source: Some(Box::new(error)),
        }
    }
}

/// Clones what is recorded; the error that it was made from stays behind.
impl Clone for Failure {
    fn clone(&self) -> Self {
        Self {
            recorded: self.recorded.clone(),
            source: None,
        }
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        self.recorded == other.recorded
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.recorded.message)
    }
}

/// What `main` prints: the message, then what is known beyond it, a line each.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.recorded.message)?;
        if let Some(code) = &self.recorded.code {
            write!(f, "\n  code: {code}")?;
        }
        if let Some(details) = &self.recorded.details {
            write!(f, "\n  details: {details}")?;
        }
        for cause in &self.recorded.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        for (number, attempt) in (1..).zip(&self.recorded.attempts) {
            write!(f, "\n  attempt {number}: {attempt}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_details_and_causes_survive_the_store() {
        let failure = Failure::permanent("declined")
            .with_code("card_declined")
            .with_details(vec![1, 2])
            .with_attempts(vec!["busy".into(), "declined".into()]);
        let stored = Failure::from_payload(&failure.to_payload()).unwrap();
        assert_eq!(stored, failure);
        assert_eq!(stored.details::<Vec<u8>>(), Some(vec![1, 2]));
        assert!(stored.is_permanent());
    }

    #[test]
    fn a_cause_that_the_message_says_already_is_not_said_again() {
        let cause = std::io::Error::other("disk on fire");
        let told = crate::store::StoreError::new(crate::store::StoreErrorKind::Failed, "ping")
            .with_source(cause);
        assert!(Failure::from(told).causes().is_empty());
        let number = "x".parse::<u8>().unwrap_err();
        #[derive(Debug, thiserror::Error)]
        #[error("no price")]
        struct NoPrice(#[source] std::num::ParseIntError);
        let failure = Failure::from(NoPrice(number));
        assert_eq!(failure.causes(), ["invalid digit found in string"]);
    }

    #[test]
    fn the_code_and_details_of_a_child_are_its_parents_too() {
        let failure = Failure::msg("declined")
            .with_code("declined")
            .with_details(7);
        let error = Error::WorkflowFailed {
            workflow_id: "child".to_owned(),
            failure,
        };
        let failure = Failure::from(error);
        assert_eq!(failure.code(), Some("declined"));
        assert_eq!(failure.details(), Some(7));
    }

    #[test]
    fn details_that_do_not_serialize_lose_nothing_else() {
        let map = std::collections::HashMap::from([(vec![1u8], 2u8)]);
        let failure = Failure::msg("no").with_details(map);
        assert_eq!(failure.to_string(), "no");
        assert!(failure.causes()[0].contains("could not be serialized"));
    }
}
