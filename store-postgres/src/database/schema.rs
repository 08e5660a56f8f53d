use durable_api::store::StoreErrorKind;

use crate::error::Failure;

/// The longest identifier that Postgres does not cut.
const MAX_BYTES: usize = 63;

/// The schema that holds the store's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    name: String,
    quoted: String,
    next_number: String,
}

impl Schema {
    pub(crate) fn new(name: &str) -> Result<Self, Failure> {
        let fault = if name.is_empty() {
            "is empty"
        } else if name.len() > MAX_BYTES {
            "is longer than 63 bytes"
        } else if name.contains('\0') {
            "contains the character NUL"
        } else if name.starts_with("pg_") {
            "begins with pg_, which is reserved for postgres"
        } else {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let sequence = format!("{quoted}.numbers").replace('\'', "''");
            return Ok(Self {
                name: name.to_owned(),
                quoted,
                next_number: format!("nextval('{sequence}')"),
            });
        };
        let message = format!("the schema name {name:?} {fault}");
        Err(Failure::new(StoreErrorKind::Invalid, message))
    }

    /// As it was given.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The expression that draws a number.
    pub(crate) fn next_number(&self) -> &str {
        &self.next_number
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        let schema = Schema::new(r#"a"; DROP TABLE x; --"#).expect("is a name");
        assert_eq!(schema.quoted(), r#""a""; DROP TABLE x; --""#);
    }

    #[test]
    fn names_that_postgres_would_change_are_refused() {
        for name in ["", "a\0b", "pg_mine", &"x".repeat(64)] {
            assert!(Schema::new(name).is_err(), "{name:?}");
        }
        assert!(Schema::new(&"x".repeat(63)).is_ok());
    }
}
