use std::{collections::HashMap, sync::Mutex};

use durable_api::{
    Clock as _, Durable, Encoding, Error, IdSource,
    store::{
        Incarnation, InsertOutcome, InsertWorkflow, Owner, RegisterExecutor, SetEvent,
        SetEventOutcome, StepRef,
    },
};

use super::TestEnv;

/// An application of their own, whose executor nobody takes for dead and whose workflows nobody claims.
const APP: &str = "durable-testing.stand-ins";

/// Workflows without code, whose events a test sets.
#[derive(Debug)]
pub(super) struct StandIns {
    incarnation: Incarnation,
    /// How many events each has, in the order of their making.
    known: Mutex<HashMap<String, (Owner, u32)>>,
}

impl StandIns {
    pub(super) fn new(ids: &dyn IdSource) -> Self {
        Self {
            incarnation: Incarnation(ids.next_id()),
            known: Mutex::default(),
        }
    }

    /// Sets an event of a stand-in, which is made if there is none.
    pub(super) async fn set_event<T: Durable>(
        &self,
        env: &TestEnv,
        id: String,
        key: String,
        value: T,
    ) -> Result<(), Error> {
        let (store, now) = (env.store(), env.inner.clock.now());
        let (owner, step_id) = match self.next_step(&id) {
            Some(next) => next,
            None => {
                self.make(env, &id).await?;
                self.next_step(&id)
                    .unwrap_or((Owner::new(self.incarnation, 0), 0))
            }
        };
        let payload = Encoding::default().encode(&value);
        let payload = payload.map_err(|source| Error::codec(format!("event `{key}`"), source))?;
        let step = StepRef::recorded(&id, owner, step_id, "durable.set_event", now);
        match store
            .set_event(SetEvent::new(step, key, payload, now))
            .await?
        {
            SetEventOutcome::Set => Ok(()),
            _ => Err(Error::NotOwner { workflow_id: id }),
        }
    }

    async fn make(&self, env: &TestEnv, id: &str) -> Result<(), Error> {
        let (store, now) = (env.store(), env.inner.clock.now());
        let executor = RegisterExecutor::new(APP, "the test", self.incarnation, "test", now);
        store.register_executor(executor).await?;
        let execution = u64::try_from(self.lock().len()).unwrap_or_default() + 1;
        let owner = Owner::new(self.incarnation, execution);
        let nothing = Encoding::default().encode(&());
        let input = nothing.map_err(|source| Error::codec("nothing", source))?;
        let insert = InsertWorkflow::new(id, APP, "stand-in", input, owner, now);
        match store.insert_workflow(insert).await? {
            InsertOutcome::Inserted => {
                self.lock().insert(id.to_owned(), (owner, 0));
                Ok(())
            }
            InsertOutcome::Existing(record) | InsertOutcome::Conflict(record) => {
                Err(Error::Conflict {
                    workflow_id: record.id,
                    name: record.name,
                    app: record.app,
                })
            }
            _ => Err(Error::NotOwner {
                workflow_id: id.to_owned(),
            }),
        }
    }

    fn next_step(&self, id: &str) -> Option<(Owner, u32)> {
        let mut known = self.lock();
        let (owner, events) = known.get_mut(id)?;
        *events += 1;
        Some((*owner, *events - 1))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Owner, u32)>> {
        self.known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
