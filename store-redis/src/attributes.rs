//! Attributes as they are stored: a JSON text, or nothing where there are none.
use durable_api::store::StoreResult;
use serde_json::{Map, Value};

use crate::error::{check_texts, invalid};

/// How deep values may be nested, themselves counted: deeper ones cannot be read again.
const DEEPEST: usize = 127;

/// The text; refuses what could not be read again, and NUL, which not every backend can hold.
pub(crate) fn encode(
    operation: &'static str,
    attributes: &Map<String, Value>,
) -> StoreResult<String> {
    if attributes.is_empty() {
        return Ok(String::new());
    }
    check_object(operation, attributes, 1)?;
    serde_json::to_string(attributes)
        .map_err(|_| invalid(operation, "the attributes cannot be written as JSON"))
}

fn check_object(
    operation: &'static str,
    object: &Map<String, Value>,
    depth: usize,
) -> StoreResult<()> {
    check_texts(operation, object.keys().map(String::as_str))?;
    object
        .values()
        .try_for_each(|value| check_value(operation, value, depth))
}

/// Judges a value inside of `depth` others.
fn check_value(operation: &'static str, value: &Value, depth: usize) -> StoreResult<()> {
    if depth >= DEEPEST && matches!(value, Value::Array(_) | Value::Object(_)) {
        return Err(invalid(
            operation,
            format!("the attributes are nested more than {DEEPEST} deep"),
        ));
    }
    match value {
        Value::String(text) => check_texts(operation, [text.as_str()]),
        Value::Array(values) => values
            .iter()
            .try_for_each(|value| check_value(operation, value, depth + 1)),
        Value::Object(object) => check_object(operation, object, depth + 1),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use durable_api::store::StoreErrorKind;

    use super::*;

    fn nested(depth: usize) -> Map<String, Value> {
        let innermost = Value::Array(Vec::new());
        let value = (2..depth).fold(innermost, |value, _| Value::Array(vec![value]));
        Map::from_iter([("a".to_owned(), value)])
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut numbers = nested(DEEPEST);
        numbers.insert("sum".to_owned(), (0.1_f64 + 0.2).into());
        numbers.insert("small".to_owned(), 5.0e-324_f64.into());
        numbers.insert("large".to_owned(), u64::MAX.into());
        let text = encode("insert_workflow", &numbers).expect("is written");
        let read: Map<String, Value> = serde_json::from_str(&text).expect("is read");
        assert_eq!(read, numbers);
    }

    #[test]
    fn what_cannot_be_read_again_is_refused() {
        let text = |name: &str, value: &str| Map::from_iter([(name.to_owned(), value.into())]);
        for attributes in [
            nested(DEEPEST + 1),
            nested(10_000),
            text("\0", "a"),
            text("a", "\0"),
        ] {
            let error = encode("insert_workflow", &attributes).expect_err("is refused");
            assert_eq!(error.kind(), StoreErrorKind::Invalid);
        }
    }
}
