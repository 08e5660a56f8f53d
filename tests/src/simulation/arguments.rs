use std::{ops::RangeInclusive, time::Duration};

pub(super) const USAGE: &str = "usage: simulation [--seed N | --seeds A..B] [--for 10m] [--trace]; without seeds, it goes on from a random one";

/// What the program was asked to do.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) seeds: RangeInclusive<u64>,
    pub(super) time: Option<Duration>,
    pub(super) trace: bool,
}

pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut seeds, mut time, mut trace) = (None, None, false);
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.ok_or_else(|| format!("`{word}` lacks a value"))
        };
        match word.as_str() {
            "--seed" => {
                let seed = number(&value()?)?;
                seeds = Some(seed..=seed);
            }
            "--seeds" => seeds = Some(range(&value()?)?),
            "--for" => time = Some(duration(&value()?)?),
            "--trace" => trace = true,
            _ => return Err(format!("`{word}` is not understood")),
        }
    }
    let first = fastrand::u64(..1_000_000_000);
    Ok(Arguments {
        seeds: seeds.unwrap_or(first..=u64::MAX),
        time,
        trace,
    })
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// `A..B`, without `B`.
fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, end) = text
        .split_once("..")
        .ok_or_else(|| format!("`{text}` is no range"))?;
    let (first, end) = (number(first)?, number(end)?);
    match end.checked_sub(1).filter(|last| *last >= first) {
        Some(last) => Ok(first..=last),
        None => Err(format!("`{text}` is empty")),
    }
}

/// `90s`, `10m` or `8h`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600)];
    let known = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (count, seconds) =
        known.ok_or_else(|| format!("`{text}` is no time, as `90s`, `10m` or `8h` are"))?;
    Ok(Duration::from_secs(number(count)?.saturating_mul(*seconds)))
}
