/// The second since the epoch that a run's id names: `sched-<schedule>-<year>-<month>-<day>T<hour>:<minute>:<second>Z`.
pub(crate) fn tick(schedule: &str, id: &str) -> Option<i64> {
    let (_, time) = id.split_once(&format!("{schedule}-"))?;
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
        let second = |time: &str| tick("every-second", &format!("sched-every-second-{time}"));
        assert_eq!(second("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(second("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(second("2026-11-22T16:38:38Z"), Some(1_795_365_518));
        assert_eq!(second("soon"), None);
    }
}
