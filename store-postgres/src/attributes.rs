//! Attributes as they are stored: a JSON object that holds the JSON text of each value as a string. So containment
//! in Postgres is equality of values, `1` is not `1.0`, and no number or character is changed.
use std::collections::BTreeMap;

use durable_api::store::StoreErrorKind;
use serde_json::{Map, Value};

use crate::{error::Failure, record::Damage};

/// The deepest nesting that can be read again.
const MAX_DEPTH: usize = 100;

/// Attributes, or a condition on them, as they stand in a statement; nothing for none.
pub(crate) fn encode(attributes: &Map<String, Value>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let texts: Map<String, Value> = attributes
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(normal(value).to_string())))
        .collect();
    Some(Value::Object(texts).to_string())
}

/// What was stored.
pub(crate) fn decode(text: &str) -> Result<Map<String, Value>, Damage> {
    let damage = |error: serde_json::Error| format!("its attributes cannot be read: {error}");
    let texts: BTreeMap<String, String> = serde_json::from_str(text).map_err(damage)?;
    texts
        .into_iter()
        .map(|(name, text)| Ok((name, serde_json::from_str(&text).map_err(damage)?)))
        .collect()
}

/// Refuses what could not be stored, or not be read again.
pub(crate) fn check(attributes: &Map<String, Value>) -> Result<(), Failure> {
    let fault = if attributes.keys().any(|name| name.contains('\0')) {
        "the name of an attribute contains the character NUL"
    } else if attributes
        .values()
        .any(|value| !is_shallow(value, MAX_DEPTH))
    {
        "an attribute is nested deeper than 100 levels"
    } else {
        return Ok(());
    };
    Err(Failure::new(StoreErrorKind::Invalid, fault))
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    let inside = |value: &Value| levels > 0 && is_shallow(value, levels - 1);
    match value {
        Value::Array(values) => values.iter().all(inside),
        Value::Object(fields) => fields.values().all(inside),
        _ => true,
    }
}

/// The value, so that equal ones have equal texts: with sorted fields, and without a negative zero.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => 0.0_f64.into(),
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, Value> = fields
                .iter()
                .map(|(name, value)| (name, normal(value)))
                .collect();
            let sorted = sorted.into_iter();
            Value::Object(sorted.map(|(name, value)| (name.clone(), value)).collect())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(value: Value) -> Map<String, Value> {
        Map::from_iter([("a".to_owned(), value)])
    }

    #[test]
    fn attributes_return_as_they_were() {
        for value in [
            json!(1),
            json!(1.0),
            json!(1e16),
            json!(1e300),
            json!(5e-324),
            json!(0.1 + 0.2),
            json!(u64::MAX),
            json!(i64::MIN),
            json!("\0 \u{1f600} \" \\ \\u0000"),
            json!({"b": [1, {"c": null}], "a": 2}),
            json!(null),
        ] {
            let attributes = one(value);
            let text = encode(&attributes).expect("is not empty");
            assert_eq!(decode(&text).expect("is read"), attributes);
        }
        assert_eq!(encode(&Map::new()), None);
    }

    #[test]
    fn values_have_equal_texts_when_they_are_equal() {
        let values = [
            json!(1),
            json!(1.0),
            json!(0.0),
            json!(-0.0),
            json!(1e16),
            json!(10_000_000_000_000_000_u64),
            json!("1"),
            json!({"a": 1, "b": -0.0}),
            json!({"b": 0.0, "a": 1}),
            json!({"a": 1}),
            json!([1, 2]),
            json!([2, 1]),
        ];
        for left in &values {
            for right in &values {
                let same = encode(&one(left.clone())) == encode(&one(right.clone()));
                assert_eq!(same, left == right, "{left} {right}");
            }
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_refused() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
        assert!(check(&one(nested(MAX_DEPTH))).is_ok());
        let attributes = one(nested(MAX_DEPTH));
        let text = encode(&attributes).expect("is not empty");
        assert_eq!(decode(&text).expect("is read"), attributes);
        assert!(check(&one(nested(MAX_DEPTH + 1))).is_err());
        assert!(check(&Map::from_iter([("a\0".to_owned(), json!(1))])).is_err());
    }
}
