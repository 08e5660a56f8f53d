use durable_api::{
    SystemStore,
    store::{
        ClaimWorkflows, ExpelExecutor, Incarnation, RegisterExecutor, RegisterVersion,
        WorkflowRecord,
    },
};

use super::{Generator, Life, Operation};

/// Who lives, and who takes over.
impl Generator {
    pub(super) fn register(&mut self) -> Operation {
        let life = match !self.lives.is_empty() && self.chance(10) {
            true => self.life(),
            false => self.new_life(),
        };
        let now = self.now();
        let mut request = RegisterExecutor::new(
            life.app,
            life.executor_id,
            life.incarnation,
            life.version,
            now,
        );
        request.host = self.maybe(50, |_| "host".to_owned());
        request.process = self.maybe(50, |_| "1:2".to_owned());
        Operation::Register(request)
    }

    pub(super) fn heartbeat(&mut self) -> Operation {
        Operation::Heartbeat(self.life().incarnation)
    }

    /// Declares one dead that was seen at its present beat, or at another.
    pub(super) async fn expel(&mut self, reference: &dyn SystemStore) -> Operation {
        let life = self.life();
        let executors = reference.list_executors(life.app).await;
        let beat = executors
            .unwrap_or_default()
            .iter()
            .find(|one| one.incarnation == life.incarnation)
            .map_or(0, |one| one.beat);
        let beat = match self.chance(15) {
            true => beat + 1,
            false => beat,
        };
        Operation::Expel(ExpelExecutor::new(life.incarnation, beat))
    }

    pub(super) fn retire(&mut self) -> Operation {
        Operation::Retire(self.life().incarnation)
    }

    /// Settles what was asked for, and perhaps what is asked for next.
    pub(super) fn settle(&mut self) -> Operation {
        let incarnation = self.life().incarnation;
        let mut owner = self.fresh_owner(incarnation);
        owner.execution += self.rng.u64(..4);
        Operation::Settle(owner)
    }

    pub(super) fn claim(&mut self, found: Option<&WorkflowRecord>) -> Operation {
        let life = self.life_for(found);
        let owner = self.fresh_owner(life.incarnation);
        let (workflows, now) = (self.claimable(), self.now());
        let mut request = ClaimWorkflows::new(life.app, life.version, workflows, owner, now);
        life.executor_id.clone_into(&mut request.executor_id);
        request.unversioned = self.chance(50);
        request.limit = self.limit();
        Operation::Claim(request)
    }

    pub(super) fn register_version(&mut self) -> Operation {
        Operation::RegisterVersion(self.version_request())
    }

    pub(super) fn set_latest_version(&mut self) -> Operation {
        Operation::SetLatestVersion(self.version_request())
    }

    pub(super) fn lifecycle(&mut self) -> Operation {
        match self.rng.u32(..6) {
            0 => Operation::Migrate,
            1 => Operation::Subscribe,
            2 | 3 => Operation::Verify,
            _ => Operation::Ping,
        }
    }

    fn version_request(&mut self) -> RegisterVersion {
        let version = self.one(&["v1", "v2", "v3"]);
        RegisterVersion::new(self.app(), version, self.now())
    }

    fn new_life(&mut self) -> Life {
        let life = Life {
            app: self.app_name(),
            executor_id: self.one(&["one", "two", "three"]),
            version: self.version_name(),
            incarnation: Incarnation(self.fresh_uuid()),
        };
        self.lives.push(life.clone());
        life
    }
}
