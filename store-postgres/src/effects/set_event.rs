use std::{
    cmp::Ordering,
    sync::{Arc, LazyLock},
};

use durable_api::store::SetEvent;

use super::fence::{self, Fenced};
use crate::{
    batch::Batch,
    database::{Access, Database, Work},
    error::Failure,
    writes::bind_column,
};

static SET: LazyLock<String> = LazyLock::new(|| {
    fence::statement(
        "$10::text[], $11::text[], $12::bytea[]",
        "key, encoding, value",
        "
set AS (
    INSERT INTO {schema}.events (workflow_id, key, step_id, encoding, value)
    SELECT workflow_id, key, step_id, encoding, value
    FROM owned
    WHERE NOT taken
    ORDER BY position
    ON CONFLICT (workflow_id, key, step_id)
    DO UPDATE SET sequence = EXCLUDED.sequence, encoding = EXCLUDED.encoding, value = EXCLUDED.value
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, started_at, completed_at, completions)
    SELECT workflow_id, step_id, step_name, started_at, now, completions
    FROM owned
    WHERE NOT taken AND recorded
    ORDER BY position
)
SELECT position, taken FROM owned",
    )
});

/// Sets events. Two values of one event never share a batch, so the order of setting is that of the commits.
#[derive(Debug)]
pub(crate) struct Set(pub(crate) Database);

impl Batch for Set {
    type Item = Arc<SetEvent>;
    type Answer = Option<Fenced<()>>;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.step.workflow_id, &one.key).cmp(&(&other.step.workflow_id, &other.key))
    }

    fn weight(item: &Self::Item) -> usize {
        256 + item.step.workflow_id.len() + item.key.len() + item.value.bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.0.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<()>>>, Failure> {
        let query = fence::query(
            &self.0,
            &SET,
            items,
            |item| Some(&item.step),
            |item| item.now,
        );
        let query = bind_column(query, items, |item| item.key.as_str());
        let query = bind_column(query, items, |item| &*item.value.encoding);
        let query = bind_column(query, items, |item| &*item.value.bytes);
        let rows = work.fetch(query).await?;
        let answers = fence::answers(items.len(), &rows, |_| Ok(Some(())))?;
        work.commit().await?;
        Ok(answers)
    }
}
