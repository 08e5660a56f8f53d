use durable_api::store::{FireSchedule, PauseSchedule, ScheduleRecord};

use super::{Generator, Operation};
use crate::differential::side::Side;

/// Schedules.
impl Generator {
    pub(super) fn create_schedule(&mut self) -> Operation {
        let name = self.schedule_name();
        Operation::CreateSchedule(self.schedule(name))
    }

    pub(super) fn apply_schedules(&mut self) -> Operation {
        let mut names = vec!["daily", "hourly:1", "é"];
        names.truncate(1 + self.rng.usize(..3));
        let schedules = names.into_iter().map(|name| self.schedule(name));
        Operation::ApplySchedules(schedules.collect())
    }

    pub(super) fn pause_schedule(&mut self) -> Operation {
        let (app, name) = (self.app(), self.schedule_name());
        let mut request = PauseSchedule::new(app, name, self.chance(50));
        request.last_tick = self.maybe(40, Self::around);
        Operation::PauseSchedule(request)
    }

    pub(super) fn delete_schedule(&mut self) -> Operation {
        Operation::DeleteSchedule(self.app(), self.schedule_name().to_owned())
    }

    /// Fires a tick of a schedule, mostly as it is; its revision is told by when it was seen.
    pub(super) async fn fire(&mut self, id: &str, reference: &mut Side) -> Operation {
        let app = self.app();
        let schedules = reference.schedules(&app).await.unwrap_or_default();
        if schedules.is_empty() {
            return self.create_schedule();
        }
        let at = self.rng.usize(..schedules.len());
        let mut seen = schedules[at].clone();
        if self.chance(10) {
            seen.last_tick = self.around();
        }
        let tick = match self.chance(70) {
            true => self.now().max(seen.last_tick),
            false => self.around(),
        };
        let run = self.maybe(85, |this| {
            let mut run = this.enqueueing(id);
            run.app.clone_from(&seen.app);
            run.schedule = Some(seen.name.clone());
            run
        });
        Operation::Fire(FireSchedule::new(&seen, tick, run))
    }

    fn schedule_name(&mut self) -> &'static str {
        self.one(&["daily", "daily", "hourly:1", "é"])
    }

    fn schedule(&mut self, name: &str) -> ScheduleRecord {
        let (app, workflow, queue) = (self.app(), self.name(), self.queue_name());
        let cron = self.one(&["* * * * *", "0 0 * * *"]);
        let (input, since) = (self.payload(), self.around());
        let mut schedule = ScheduleRecord::new(app, name, workflow, cron, input, queue, since);
        schedule.backfill = self.chance(50);
        schedule.paused = self.chance(15);
        schedule
    }
}
