use durable_api::{
    Timestamp,
    store::{SortOrder, StoreResult, WorkflowFilter},
};

use crate::{
    error::malformed,
    keys::{Keys, from_sortable, place, sortable},
    link::Link,
    reply,
};

/// Where an index says that a workflow is.
pub(super) struct Place {
    pub(super) created_at: Timestamp,
    pub(super) id: String,
}

/// A walk over an index, in the filter's order and within its range.
pub(super) struct Walk {
    key: String,
    order: SortOrder,
    /// The ends of the range, in the syntax of `BYLEX`; moves on as the walk does.
    low: String,
    high: String,
    is_over: bool,
}

impl Walk {
    pub(super) fn new(keys: &Keys, filter: &WorkflowFilter) -> Self {
        let key = match (&filter.parent_id, &filter.forked_from) {
            (Some(parent), _) => keys.children(parent),
            (None, Some(source)) => keys.forks(source),
            (None, None) => keys.workflows(),
        };
        let from = filter
            .created_from
            .map(|from| format!("[{}", sortable(from)));
        let before = filter
            .created_before
            .map(|before| format!("({}", sortable(before)));
        let mut walk = Self {
            key,
            order: filter.order,
            low: from.unwrap_or_else(|| "-".to_owned()),
            high: before.unwrap_or_else(|| "+".to_owned()),
            is_over: filter.limit == 0,
        };
        if let Some(after) = &filter.after {
            walk.narrow(&place(after.created_at, &after.id));
        }
        walk
    }

    /// The next places; `None` when there are no more.
    pub(super) async fn next(
        &mut self,
        operation: &'static str,
        link: &Link,
        count: usize,
    ) -> StoreResult<Option<Vec<Place>>> {
        if self.is_over {
            return Ok(None);
        }
        let mut cmd = redis::cmd("ZRANGE");
        cmd.arg(&self.key);
        match self.order {
            SortOrder::OldestFirst => cmd.arg(&self.low).arg(&self.high).arg("BYLEX"),
            SortOrder::NewestFirst => cmd.arg(&self.high).arg(&self.low).arg("BYLEX").arg("REV"),
        };
        cmd.arg("LIMIT").arg(0).arg(count);
        let found = link.read(operation, &cmd).await?;

        let unreadable = || malformed(operation, "the index of workflows");
        let members = reply::array(found)
            .ok_or_else(unreadable)?
            .into_iter()
            .map(reply::text)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(unreadable)?;
        self.is_over = members.len() < count;
        let Some(last) = members.last() else {
            return Ok(None);
        };
        self.narrow(last);
        let places = members
            .iter()
            .map(|member| parse(member))
            .collect::<Option<Vec<_>>>();
        places.ok_or_else(unreadable).map(Some)
    }

    /// Leaves out everything up to a place. A cursor outside of the range leaves the range as it is
    /// or makes it empty.
    fn narrow(&mut self, place: &str) {
        match self.order {
            SortOrder::OldestFirst if self.low == "-" || self.low[1..] <= *place => {
                self.low = format!("({place}");
            }
            SortOrder::NewestFirst if self.high == "+" || self.high[1..] > *place => {
                self.high = format!("({place}");
            }
            _ => {}
        }
    }
}

fn parse(member: &str) -> Option<Place> {
    let (created_at, id) = member.split_once(':')?;
    Some(Place {
        created_at: from_sortable(created_at)?,
        id: id.to_owned(),
    })
}
