use std::collections::BTreeSet;

use super::super::{evidence::Evidence, load::SCHEDULE};

/// How late a tick may be, in seconds, when the schedule is paused: then it is not owed.
const LATE: i64 = 10;

/// Each tick has one run, and none is missing.
pub(super) fn ticks(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    let mut ticks = BTreeSet::new();
    for record in evidence.workflows.values() {
        if record.schedule.as_deref() != Some(SCHEDULE) {
            continue;
        }
        match second(&record.id) {
            Some(second) if ticks.insert(second) => {}
            _ => violations.push(format!(
                "the tick of {} is none, or has two runs",
                record.id
            )),
        }
        if !evidence
            .bodies
            .iter()
            .any(|body| body.workflow == record.id)
        {
            violations.push(format!("the step of {} never ran", record.id));
        }
    }
    let first = evidence.scheduled.0.as_millis() / 1_000 + 2;
    let last = evidence.scheduled.1.as_millis() / 1_000;
    let owed = first..ticks.last().copied().unwrap_or(last);
    for second in owed.filter(|second| !ticks.contains(second)) {
        violations.push(format!("the schedule has no run for second {second}"));
    }
    if ticks.last().is_none_or(|latest| *latest < last - LATE) {
        violations.push(format!(
            "the latest tick is {:?}, the schedule was paused at {last}",
            ticks.last()
        ));
    }
    violations
}

/// The second since the epoch that a run's id names: `sched-<name>-<year>-<month>-<day>T<hour>:<minute>:<second>Z`.
fn second(id: &str) -> Option<i64> {
    let (_, time) = id.split_once(&format!("{SCHEDULE}-"))?;
    let (date, time) = time.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    // Days since the epoch, of a year that begins in March.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Result<Vec<i64>, _> = text.split(separator).map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_read_from_the_id_of_its_run() {
        let id = |time: &str| format!("sched-{SCHEDULE}-{time}");
        assert_eq!(second(&id("1970-01-01T00:00:00Z")), Some(0));
        assert_eq!(second(&id("2000-02-29T23:59:59Z")), Some(951_868_799));
        assert_eq!(second(&id("2026-11-22T16:38:38Z")), Some(1_795_365_518));
        assert_eq!(second(&id("soon")), None);
    }
}
