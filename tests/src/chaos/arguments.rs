use std::path::PathBuf;

use crate::servers::Kind;

pub(super) const USAGE: &str = "usage: chaos --store postgres|redis|sqlite [--seconds 60] [--workers 4] [--seed N] [--keep] [--sabotage]";

/// What the program was asked to be.
#[derive(Debug)]
pub(super) enum Command {
    Controller(ControllerArguments),
    Worker(WorkerArguments),
}

#[derive(Debug)]
pub(super) struct ControllerArguments {
    pub(super) store: Kind,
    pub(super) seconds: u64,
    pub(super) workers: usize,
    pub(super) seed: u64,
    /// Whether to leave ledgers, logs and data behind, to look at.
    pub(super) keep: bool,
    /// Whether to break promises, to see that it is noticed.
    pub(super) sabotage: bool,
}

#[derive(Debug)]
pub(super) struct WorkerArguments {
    pub(super) url: String,
    /// The directory of the run.
    pub(super) directory: PathBuf,
    /// The name of this process among those of the run.
    pub(super) life: String,
    /// The executor id, if it is not to be a random one.
    pub(super) executor: Option<String>,
    pub(super) seed: u64,
}

pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let (mut store, mut url, mut directory, mut life, mut executor) =
        (None, None, None, None, None);
    let (mut seconds, mut workers, mut seed) = (60, 4, None);
    let (mut keep, mut sabotage, mut is_worker) = (false, false, false);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{word}` lacks a value"))
        };
        match word.as_str() {
            "worker" => is_worker = true,
            "--store" => store = Some(value()?.parse()?),
            "--seconds" => seconds = number(&word, &value()?)?,
            "--workers" => workers = number(&word, &value()?)?.max(1),
            "--seed" => seed = Some(number(&word, &value()?)?),
            "--keep" => keep = true,
            "--sabotage" => sabotage = true,
            "--url" => url = Some(value()?),
            "--directory" => directory = Some(value()?.into()),
            "--life" => life = Some(value()?),
            "--executor" => executor = Some(value()?),
            _ => return Err(format!("`{word}` is not understood")),
        }
    }
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    if is_worker {
        return Ok(Command::Worker(WorkerArguments {
            url: url.ok_or("a worker needs --url")?,
            directory: directory.ok_or("a worker needs --directory")?,
            life: life.ok_or("a worker needs --life")?,
            executor,
            seed,
        }));
    }
    Ok(Command::Controller(ControllerArguments {
        store: store.ok_or("choose a store")?,
        seconds,
        workers: usize::try_from(workers).map_err(|_| "too many workers")?,
        seed,
        keep,
        sabotage,
    }))
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{option}: `{text}` is no number"))
}
