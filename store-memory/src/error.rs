use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use serde_json::{Map, Value};

/// Refuses texts with NUL, which not every backend can hold.
pub(crate) fn check_texts<'a>(
    operation: &'static str,
    texts: impl IntoIterator<Item = &'a str>,
) -> StoreResult<()> {
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(StoreError::new(StoreErrorKind::Invalid, operation)
            .with_message("an id or a name contains the character NUL"));
    }
    Ok(())
}

/// Refuses such texts anywhere in a JSON object.
pub(crate) fn check_json(operation: &'static str, object: &Map<String, Value>) -> StoreResult<()> {
    for (name, value) in object {
        check_texts(operation, [name.as_str()])?;
        check_value(operation, value)?;
    }
    Ok(())
}

fn check_value(operation: &'static str, value: &Value) -> StoreResult<()> {
    match value {
        Value::String(text) => check_texts(operation, [text.as_str()]),
        Value::Array(values) => values
            .iter()
            .try_for_each(|value| check_value(operation, value)),
        Value::Object(object) => check_json(operation, object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
