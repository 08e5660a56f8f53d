//! Taking answers of the server apart.
use durable_api::Timestamp;
use redis::Value;

/// The elements of an array.
pub(crate) fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

/// The bytes of a string.
pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// A string that is UTF-8.
pub(crate) fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

/// A string that may be absent: `None` when it is neither there nor absent.
pub(crate) fn optional_text(value: Value) -> Option<Option<String>> {
    match value {
        Value::Nil => Some(None),
        value => text(value).map(Some),
    }
}

/// A time that may be absent: `None` when it is neither there nor absent.
pub(crate) fn time(value: Value) -> Option<Option<Timestamp>> {
    match optional_text(value)? {
        Some(text) => Some(Some(Timestamp::from_millis(text.parse().ok()?))),
        None => Some(None),
    }
}

/// The pairs of an array that alternates names and values.
pub(crate) fn pairs(value: Value) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut values = array(value)?.into_iter();
    let mut pairs = Vec::with_capacity(values.len() / 2);
    while let Some(name) = values.next() {
        pairs.push((bytes(name)?, bytes(values.next()?)?));
    }
    Some(pairs)
}

/// The answer of a script: its name, and what comes with it.
pub(crate) fn answer(value: Value) -> Option<(String, std::vec::IntoIter<Value>)> {
    let mut values = array(value)?.into_iter();
    let name = text(values.next()?)?;
    Some((name, values))
}

/// A workflow and what is wrong with it, as scripts say it.
pub(crate) fn fault(values: impl IntoIterator<Item = Value>) -> Option<(String, String)> {
    let mut values = values.into_iter();
    let mut lossy =
        || bytes(values.next()?).map(|text| String::from_utf8_lossy(&text).into_owned());
    Some((lossy()?, lossy()?))
}
