use std::sync::Arc;

use durable_api::store::{Owner, Wakeups};
use futures::{StreamExt as _, future::BoxFuture};

use super::{stage::Stage, timeline::HostId};
use crate::{
    Call, Fault, FaultPlan,
    faults::{Effect, Line},
};

/// What counts as asked for when it is carried out: if that is late, it undoes what was asked for since.
const LAST_WORDS: [&str; 8] = [
    "apply_schedules",
    "cancel_workflows",
    "delete_workflows",
    "pause_schedule",
    "put_queue",
    "resume_workflows",
    "set_attributes",
    "set_delay",
];

/// The line from a host to the store.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) stage: Arc<Stage>,
    pub(super) host: HostId,
    /// The name of the host's life.
    pub(super) name: Arc<str>,
}

impl Wire {
    /// What becomes of calls on this line.
    pub(super) fn plan(&self) -> FaultPlan {
        let wire = self.clone();
        FaultPlan::new(move |_| wire.stage.weather.fault(wire.host))
    }

    fn note(&self, call: &Call, what: &str) {
        let id = call.workflow_id.as_deref().unwrap_or_default();
        let step = call.step_id.map(|step| format!("#{step}"));
        let step = step.unwrap_or_default();
        let what = format!("{} {id}{step} {what}", call.operation);
        self.stage.note(&self.name, what);
    }
}

impl Line for Wire {
    fn request(&self, _: &Call, _: Fault) -> BoxFuture<'static, ()> {
        // On the network nothing stands still with a host.
        let latency = self.stage.weather.latency();
        Box::pin(self.stage.timeline.sleep(None, latency))
    }

    fn straggle(&self, call: &Call) -> Option<BoxFuture<'static, ()>> {
        if LAST_WORDS.contains(&call.operation) {
            return None;
        }
        let delay = self.stage.weather.straggles()?;
        self.note(call, "is late");
        Some(Box::pin(self.stage.timeline.sleep(None, delay)))
    }

    fn done(&self, call: &Call, owner: Option<Owner>, effect: Effect) {
        self.note(call, &format!("{effect:?}").to_lowercase());
        if effect != Effect::Changed {
            return;
        }
        let found = self.stage.watch.after(&*self.stage.store, call, owner);
        for what in found {
            self.stage.broken(what);
        }
    }

    fn answer(&self, call: &Call, fault: Fault) -> BoxFuture<'static, ()> {
        let pause = match fault {
            Fault::PassThrough => self.stage.weather.latency(),
            _ => {
                self.note(call, &format!("{fault:?}"));
                self.stage.weather.patience()
            }
        };
        Box::pin(self.stage.timeline.sleep(None, pause))
    }

    fn hints(&self, hints: Wakeups) -> Wakeups {
        let wire = self.clone();
        Wakeups::new(hints.into_stream().filter_map(move |hint| {
            let passes = wire.stage.weather.passes_hint(wire.host);
            let delay = wire.stage.weather.hint_latency();
            let late = wire.stage.timeline.sleep(Some(wire.host), delay);
            async move {
                match passes {
                    true => {
                        late.await;
                        Some(hint)
                    }
                    false => None,
                }
            }
        }))
    }
}
