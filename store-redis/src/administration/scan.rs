use durable_api::store::{Payloads, StoreResult, WorkflowFilter};

use super::{ROWS_AT_ONCE, Row, walk::Walk};
use crate::RedisStore;

/// The rows that a filter may concern, in pieces, and without payloads: those of its ids, or else what an index leads to.
pub(crate) struct Scan<'a> {
    store: &'a RedisStore,
    operation: &'static str,
    source: Source<'a>,
}

enum Source<'a> {
    Index(Walk),
    Ids(Vec<&'a str>),
}

impl RedisStore {
    /// A scan for a filter; in its order only where it names no ids.
    pub(crate) fn scan<'a>(
        &'a self,
        operation: &'static str,
        filter: &'a WorkflowFilter,
    ) -> Scan<'a> {
        let source = if filter.ids.is_empty() {
            Source::Index(Walk::new(self.keys(), filter))
        } else {
            let mut ids: Vec<&str> = filter.ids.iter().map(String::as_str).collect();
            ids.sort_unstable();
            ids.dedup();
            Source::Ids(ids)
        };
        Scan {
            store: self,
            operation,
            source,
        }
    }
}

impl Scan<'_> {
    /// The next ids and their rows; `None` when there are no more. A row that an index leads to in vain is damaged.
    pub(crate) async fn next(&mut self) -> StoreResult<Option<Vec<(String, Row)>>> {
        let (store, operation) = (self.store, self.operation);
        match &mut self.source {
            Source::Index(walk) => {
                let places = walk.next(operation, store.link(), ROWS_AT_ONCE).await?;
                let Some(places) = places else {
                    return Ok(None);
                };
                let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
                let rows = store.rows(operation, &ids, Payloads::Omit).await?;
                let found = places.into_iter().zip(rows).map(|(place, row)| {
                    let row = match row {
                        Ok(Some(record)) if record.created_at == place.created_at => {
                            Ok(Some(record))
                        }
                        Ok(Some(_)) => Err("its row and the index disagree".to_owned()),
                        Ok(None) => Err("its row is missing".to_owned()),
                        Err(reason) => Err(reason),
                    };
                    (place.id, row)
                });
                Ok(Some(found.collect()))
            }
            Source::Ids(ids) if ids.is_empty() => Ok(None),
            Source::Ids(ids) => {
                let rest = ids.split_off(ids.len().min(ROWS_AT_ONCE));
                let ids = std::mem::replace(ids, rest);
                let rows = store.rows(operation, &ids, Payloads::Omit).await?;
                Ok(Some(ids.into_iter().map(str::to_owned).zip(rows).collect()))
            }
        }
    }
}
