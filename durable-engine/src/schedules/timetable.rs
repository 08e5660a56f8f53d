use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use durable_api::{Error, Timestamp, store::ScheduleRecord};

/// When a schedule is due: a cron expression in a time zone.
///
/// In spring, a time that the clocks jump over comes when they have jumped; in autumn, one that they show twice comes once. An expression that
/// matches every hour is not bound to the clock's face, and goes on hour by hour.
pub(super) struct Timetable {
    cron: Cron,
    zone: Tz,
}

impl Timetable {
    pub(super) fn new(name: &str, cron: &str, zone: &str) -> Result<Self, Error> {
        let invalid = |reason: String| Error::InvalidSchedule {
            name: name.to_owned(),
            reason,
        };
        let zone = zone
            .parse()
            .map_err(|_| invalid(format!("`{zone}` is not an IANA time zone")))?;
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser
            .parse(cron)
            .map_err(|error| invalid(format!("`{cron}` is not a cron expression: {error}")))?;
        Ok(Self { cron, zone })
    }

    pub(super) fn of(schedule: &ScheduleRecord) -> Result<Self, Error> {
        Self::new(&schedule.name, &schedule.cron, &schedule.timezone)
    }

    /// The first tick after an instant; `None` if there is none for as long as the calendar of the library reaches.
    pub(super) fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = DateTime::<Utc>::from_timestamp_millis(instant.as_millis())?;
        let next = self
            .cron
            .find_next_occurrence(&from.with_timezone(&self.zone), false)
            .ok()?;
        Some(Timestamp::from_millis(next.timestamp_millis()))
    }
}

/// The id of a tick's run.
pub(super) fn run_id(schedule: &str, tick: Timestamp) -> String {
    let tick = DateTime::<Utc>::from_timestamp_millis(tick.as_millis()).unwrap_or_default();
    let tick = tick.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("sched-{schedule}-{tick}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(
            DateTime::parse_from_rfc3339(text)
                .unwrap()
                .timestamp_millis(),
        )
    }

    fn ticks(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let timetable = Timetable::new("s", cron, zone).unwrap();
        let mut instant = at(from);
        let mut ticks = Vec::new();
        for _ in 0..count {
            instant = timetable.after(instant).unwrap();
            ticks.push(run_id("s", instant)["sched-s-".len()..].to_owned());
        }
        ticks
    }

    #[test]
    fn five_fields_are_minutes_and_six_begin_with_seconds() {
        let from = "2026-01-01T00:00:00Z";
        assert_eq!(
            ticks("*/5 * * * *", "UTC", from, 2),
            ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"]
        );
        assert_eq!(
            ticks("*/20 * * * * *", "UTC", from, 2),
            ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]
        );
    }

    #[test]
    fn the_time_zone_counts() {
        assert_eq!(
            ticks("0 6 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", 1),
            ["2026-01-01T05:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_jump_over_is_not_lost() {
        // 02:30 does not exist on 29 March 2026 in Berlin: the clocks go from 02:00 to 03:00 (01:00 UTC).
        let found = ticks("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3);
        assert_eq!(found[0], "2026-03-28T01:30:00Z");
        assert!(found[1].starts_with("2026-03-29T01:"), "{found:?}");
        assert_eq!(found[2], "2026-03-30T00:30:00Z");
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_comes_once() {
        // 02:30 comes twice on 25 October 2026 in Berlin: at 00:30 and 01:30 UTC.
        let found = ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn each_minute_of_a_repeated_hour_comes_once() {
        let found = ticks("* * * * *", "Europe/Berlin", "2026-10-24T23:59:00Z", 240);
        let mut unique = found.clone();
        unique.dedup();
        assert_eq!(unique.len(), 240);
        assert_eq!(found[239], "2026-10-25T03:59:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_told_so() {
        for (cron, zone, reason) in [
            ("every day", "UTC", "is not a cron expression"),
            ("99 * * * *", "UTC", "is not a cron expression"),
            ("* * * * *", "Mars/Olympus", "not an IANA time zone"),
        ] {
            let error = Timetable::new("s", cron, zone).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_day_that_never_comes_has_no_tick() {
        let timetable = Timetable::new("s", "0 0 31 2 *", "UTC").unwrap();
        assert_eq!(timetable.after(at("2026-01-01T00:00:00Z")), None);
    }
}
