use bytes::Bytes;
use sqlx::{Arguments as _, AssertSqlSafe, Sqlite, query::Query, sqlite::SqliteArguments};

/// The text of a statement: fixed, or put together from fixed parts. Values are always bound.
#[derive(Clone, Debug)]
pub(crate) enum Sql {
    Fixed(&'static str),
    Composed(String),
}

impl Sql {
    /// The statement, with its values.
    pub(crate) fn with(self, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
        let mut arguments = SqliteArguments::default();
        for value in values {
            value.add_to(&mut arguments);
        }
        match self {
            Self::Fixed(text) => sqlx::query_with(text, arguments),
            Self::Composed(text) => sqlx::query_with(AssertSqlSafe(text), arguments),
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self::Composed(text)
    }
}

/// A fixed statement with its values.
pub(crate) fn query(
    text: &'static str,
    values: Vec<Value>,
) -> Query<'static, Sqlite, SqliteArguments> {
    Sql::Fixed(text).with(values)
}

/// A value to bind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    fn add_to(self, arguments: &mut SqliteArguments) {
        let added = match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Integer(value) => arguments.add(value),
            Self::Text(value) => arguments.add(value),
            Self::Blob(value) => arguments.add(value),
        };
        added.expect("integers, texts and bytes can always be bound");
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<durable_api::Timestamp> for Value {
    fn from(value: durable_api::Timestamp) -> Self {
        Self::Integer(value.as_millis())
    }
}

impl From<durable_api::store::Incarnation> for Value {
    fn from(value: durable_api::store::Incarnation) -> Self {
        Self::Blob(value.0.as_bytes().to_vec())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&Bytes> for Value {
    fn from(value: &Bytes) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Values in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![ $( $crate::sql::Value::from($value) ),* ]
    };
}
pub(crate) use values;

/// A list of texts as one value, for `json_each`. What holds NUL is in no row, and is left out.
pub(crate) fn json_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts
        .into_iter()
        .filter(|text| !text.contains('\0'))
        .collect();
    serde_json::Value::from(texts).to_string()
}

/// A list of row numbers as one value, for `json_each`.
pub(crate) fn json_numbers(numbers: impl IntoIterator<Item = i64>) -> String {
    serde_json::Value::from_iter(numbers).to_string()
}
