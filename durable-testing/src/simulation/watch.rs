use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::{SystemStore, store::Owner};
use tokio::sync::Notify;

use super::{
    checks::{Change, Memory},
    view::{Touched, View},
};
use crate::Call;

/// Something that must hold, by its name.
#[derive(Clone)]
pub(super) struct Invariant {
    pub(super) name: String,
    pub(super) holds: Holds,
}

pub(super) type Holds = Arc<dyn Fn(&View) -> Result<(), String> + Send + Sync>;

/// Looks at the store after every change.
pub(super) struct Watch {
    seen: Mutex<Seen>,
    invariants: Vec<Invariant>,
    /// Rings when something is broken.
    bell: Notify,
}

#[derive(Default)]
struct Seen {
    view: Arc<View>,
    memory: Memory,
    changes: u64,
    broken: Vec<String>,
}

/// After so many changes, everything is read anew.
const EVERYTHING: u64 = 64;

impl Watch {
    pub(super) fn new(invariants: Vec<Invariant>) -> Self {
        Self {
            seen: Mutex::default(),
            invariants,
            bell: Notify::new(),
        }
    }

    /// What is broken after a call that changed something.
    pub(super) fn after(
        &self,
        store: &dyn SystemStore,
        call: &Call,
        owner: Option<Owner>,
    ) -> Vec<String> {
        let mut seen = self.lock();
        seen.changes += 1;
        let touched = match seen.changes % EVERYTHING {
            0 => Touched::All,
            _ => touched(&seen.view, call),
        };
        let before = Arc::clone(&seen.view);
        let after = match before.next(store, &touched) {
            Ok(after) => Arc::new(after),
            Err(error) => return vec![format!("the store cannot be read: {error}")],
        };
        seen.view = Arc::clone(&after);
        let change = Change {
            call,
            owner,
            before: &before,
            after: &after,
        };
        let mut found = change.check(&mut seen.memory);
        drop(seen);
        found.extend(check(&self.invariants, &after));
        found
    }

    /// What is stored now.
    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.lock().view)
    }

    /// What is stored now, read anew.
    pub(super) fn look(&self, store: &dyn SystemStore) -> Result<Arc<View>, String> {
        let mut seen = self.lock();
        let view = seen.view.next(store, &Touched::All);
        let view = view.map_err(|error| format!("the store cannot be read: {error}"))?;
        seen.view = Arc::new(view);
        Ok(Arc::clone(&seen.view))
    }

    /// Something is broken.
    pub(super) fn broken(&self, what: String) {
        self.lock().broken.push(what);
        self.bell.notify_one();
    }

    /// Completes when something is broken.
    pub(super) async fn is_broken(&self) {
        while self.lock().broken.is_empty() {
            self.bell.notified().await;
        }
    }

    pub(super) fn take_broken(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().broken)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of them do not hold.
pub(super) fn check(invariants: &[Invariant], view: &View) -> Vec<String> {
    let broken = |one: &Invariant| {
        let what = (one.holds)(view).err()?;
        Some(format!("{}: {what}", one.name))
    };
    invariants.iter().filter_map(broken).collect()
}

/// A call about a workflow may write a checkpoint of that or of its parent.
fn touched(view: &View, call: &Call) -> Touched {
    let Some(id) = &call.workflow_id else {
        return Touched::These(BTreeSet::new());
    };
    let parent = view.workflows.get(id).and_then(|row| row.parent.as_ref());
    let parent = parent.map(|step| step.workflow_id.clone());
    Touched::These(parent.into_iter().chain([id.clone()]).collect())
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
