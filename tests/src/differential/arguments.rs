use super::Subject;

pub(super) const USAGE: &str = "usage: differential --store postgres|redis|sqlite [--seconds 60] [--seed N] [--length 1000] [--parallel 4] [--faults]";

/// What the program was asked to be.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) store: Subject,
    pub(super) seconds: u64,
    pub(super) seed: u64,
    pub(super) length: usize,
    pub(super) parallel: usize,
    pub(super) faults: bool,
}

pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut store, mut seed, mut faults) = (None, None, false);
    let (mut seconds, mut length, mut parallel) = (60, 1_000, 4);
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.ok_or_else(|| format!("`{word}` lacks a value"))
        };
        match word.as_str() {
            "--store" => store = Some(value()?.parse()?),
            "--seconds" => seconds = number(&word, &value()?)?,
            "--seed" => seed = Some(number(&word, &value()?)?),
            "--length" => length = number(&word, &value()?)?,
            "--parallel" => parallel = number(&word, &value()?)?,
            "--faults" => faults = true,
            _ => return Err(format!("`{word}` is not understood")),
        }
    }
    Ok(Arguments {
        store: store.ok_or("choose a store")?,
        seconds,
        seed: seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000)),
        length: usize::try_from(length).map_err(|_| "too long")?,
        parallel: usize::try_from(parallel).map_err(|_| "too many at once")?,
        faults,
    })
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{option}: `{text}` is no number"))
}
