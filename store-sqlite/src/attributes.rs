use std::collections::BTreeMap;

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use serde_json::{Map, Value as Json};
use sqlx::SqliteConnection;

use crate::sql::{query, values};

/// Refuses attributes that could be stored, but not be read again.
pub(crate) fn check_attributes(
    operation: &'static str,
    attributes: &Map<String, Json>,
) -> StoreResult<()> {
    let Some(text) = attributes_column(attributes) else {
        return Ok(());
    };
    serde_json::from_str::<Map<String, Json>>(&text)
        .map(drop)
        .map_err(|error| {
            StoreError::new(StoreErrorKind::Invalid, operation)
                .with_message("the attributes cannot be read back")
                .with_source(error)
        })
}

/// The column of a workflow that holds its attributes.
pub(crate) fn attributes_column(attributes: &Map<String, Json>) -> Option<String> {
    (!attributes.is_empty()).then(|| serde_json::json!(attributes).to_string())
}

/// Makes the workflow in a row one to be found by these attributes and no others.
pub(crate) async fn index_attributes(
    connection: &mut SqliteConnection,
    workflow: i64,
    attributes: &Map<String, Json>,
) -> Result<(), sqlx::Error> {
    query(
        "DELETE FROM attributes WHERE workflow = ?",
        values![workflow],
    )
    .execute(&mut *connection)
    .await?;
    for (name, value) in attributes {
        query(
            "INSERT INTO attributes (workflow, name, value) VALUES (?, ?, ?)",
            values![workflow, name.as_str(), canonical(value)],
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A text that is the same for equal values, and only for those.
pub(crate) fn canonical(value: &Json) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Json, text: &mut String) {
    match value {
        // Zero equals minus zero.
        Json::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => {
            text.push_str("0.0");
        }
        Json::Array(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Json::Object(members) => {
            // Sorted here, because the map may keep another order.
            let sorted: BTreeMap<&String, &Json> = members.iter().collect();
            text.push('{');
            for (name, member) in sorted {
                text.push_str(&Json::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
                text.push(',');
            }
            text.push('}');
        }
        atom => text.push_str(&atom.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_the_same_exactly_where_values_are() {
        let values = [
            json!(null),
            json!(true),
            json!("true"),
            json!(1),
            json!(1.0),
            json!(-1),
            json!("1"),
            json!(0),
            json!(0.0),
            json!(-0.0),
            json!(0.1),
            json!(0.1 + 0.2),
            json!(0.3),
            json!(u64::MAX),
            json!(u64::MAX as f64),
            json!(1e300),
            json!(""),
            json!("a\u{0}b"),
            json!("a\"b"),
            json!([]),
            json!([[], 1]),
            json!([1, []]),
            json!({}),
            json!({"a": 1, "b": [2]}),
            json!({"b": [2], "a": 1}),
            json!({"a": {"b": 1}}),
            json!({"a,b": 1}),
        ];
        for a in &values {
            for b in &values {
                assert_eq!(canonical(a) == canonical(b), a == b, "{a} and {b}");
            }
        }
    }
}
