use std::sync::Arc;

use sqlx::{
    Encode, Postgres, Type,
    postgres::{PgArguments, PgHasArrayType},
    query::Query,
};

use crate::database::Database;

/// Name and type of what the rows of a batch have.
pub(crate) type Column = (&'static str, &'static str);

/// A statement about the rows of a batch, made of one text in two forms.
///
/// Postgres sets up each array of `unnest` by itself. With a single row that takes longer than all the rest, so this
/// one comes as it is.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    database: Database,
    one: Arc<str>,
    many: Arc<str>,
}

impl Statement {
    /// In the text, `{rows}` stands for the table `r` of the batch's rows, with these columns, and `position`, which counts from 1;
    /// `{any name}` for a comparison with whatever the rows have in that column.
    pub(crate) fn new(database: &Database, columns: &[Column], text: &str) -> Self {
        Self {
            database: database.clone(),
            one: database.sql(&one(columns, text)).into(),
            many: database.sql(&many(columns, text)).into(),
        }
    }

    /// The statement about these rows, whose columns are to be filled in their order.
    pub(crate) fn about<'i, I>(&self, items: &'i [I]) -> Filling<'i, I> {
        let text = match items {
            [_] => &self.one,
            _ => &self.many,
        };
        Filling {
            query: self.database.prepared(Arc::clone(text)),
            items,
        }
    }
}

/// A statement whose arguments are being bound.
pub(crate) struct Filling<'i, I> {
    query: Query<'static, Postgres, PgArguments>,
    items: &'i [I],
}

impl<'i, I> Filling<'i, I> {
    /// Fills the next column.
    pub(crate) fn column<T>(self, mut value: impl FnMut(&'i I) -> T) -> Self
    where
        T: Encode<'i, Postgres> + Type<Postgres> + PgHasArrayType,
    {
        let Self { query, items } = self;
        let query = match items {
            [item] => query.bind(value(item)),
            items => query.bind(items.iter().map(value).collect::<Vec<T>>()),
        };
        Self { query, items }
    }

    pub(crate) fn query(self) -> Query<'static, Postgres, PgArguments> {
        self.query
    }
}

fn one(columns: &[Column], text: &str) -> String {
    let values = numbered(columns, |number, kind| format!("${number}::{kind}"));
    let rows = format!(
        "(VALUES ({values}, 1::bigint)) AS r ({}, position)",
        names(columns)
    );
    fill(columns, text, &rows, |number, kind| {
        format!("= ${number}::{kind}")
    })
}

fn many(columns: &[Column], text: &str) -> String {
    let arrays = numbered(columns, |number, kind| format!("${number}::{kind}[]"));
    let rows = format!(
        "unnest({arrays}) WITH ORDINALITY AS r ({}, position)",
        names(columns)
    );
    fill(columns, text, &rows, |number, kind| {
        format!("= ANY (${number}::{kind}[])")
    })
}

fn numbered(columns: &[Column], one: impl Fn(usize, &str) -> String) -> String {
    let all = columns.iter().enumerate();
    let all: Vec<String> = all.map(|(at, (_, kind))| one(at + 1, kind)).collect();
    all.join(", ")
}

fn names(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

fn fill(columns: &[Column], text: &str, rows: &str, any: impl Fn(usize, &str) -> String) -> String {
    let mut text = text.replace("{rows}", rows);
    for (at, (name, kind)) in columns.iter().enumerate() {
        let place = format!("{{any {name}}}");
        if text.contains(&place) {
            text = text.replace(&place, &any(at + 1, kind));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Column, many, one};

    const COLUMNS: [Column; 2] = [("id", "text"), ("at", "bigint")];
    const TEXT: &str = "SELECT position FROM {rows} JOIN t ON t.at {any at}";

    #[test]
    fn a_single_row_comes_as_plain_arguments() {
        assert_eq!(
            one(&COLUMNS, TEXT),
            "SELECT position FROM (VALUES ($1::text, $2::bigint, 1::bigint)) AS r (id, at, position) JOIN t ON t.at = $2::bigint"
        );
    }

    #[test]
    fn many_rows_come_as_an_array_for_each_column() {
        assert_eq!(
            many(&COLUMNS, TEXT),
            "SELECT position FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS r (id, at, position) JOIN t ON t.at = ANY ($2::bigint[])"
        );
    }
}
