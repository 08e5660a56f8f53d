//! What bodies did, written where the death of their process does not reach.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use durable::StepContext;
use futures::future::BoxFuture;

use super::clock;
use crate::flows::Place;

const EXTENSION: &str = "ledger";

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The process takes work from here on.
    Launched,
    /// A body begins.
    Begin,
    /// A body came to its end.
    End,
    /// A body was dropped before its end.
    Dropped,
    /// The process was told that the workflow, which it starts, is accepted.
    Accepted,
    /// The process starts no more workflows of its own.
    Quiet,
}

const MARKS: [(Mark, &str); 6] = [
    (Mark::Launched, "launched"),
    (Mark::Begin, "begin"),
    (Mark::End, "end"),
    (Mark::Dropped, "dropped"),
    (Mark::Accepted, "accepted"),
    (Mark::Quiet, "quiet"),
];

/// A line of a ledger.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// By the shared clock.
    pub(super) at: u64,
    pub(super) mark: Mark,
    pub(super) step: u32,
    pub(super) attempt: u32,
    /// Identifies a run of a body; it is what the body returns.
    pub(super) nonce: u64,
    pub(super) workflow: String,
}

/// The ledger of this process.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    nonces: AtomicU64,
}

impl Ledger {
    pub(super) fn create(directory: &Path, life: &str) -> io::Result<Self> {
        let path = directory.join(life).with_extension(EXTENSION);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let nonces = AtomicU64::new(u64::from(std::process::id()) << 32);
        Ok(Self { file, nonces })
    }

    /// Notes what is not about a body.
    pub(super) fn note(&self, mark: Mark, workflow: &str) {
        let line = Line {
            at: 0,
            mark,
            step: 0,
            attempt: 0,
            nonce: 0,
            workflow: workflow.to_owned(),
        };
        self.write(mark, &line);
    }

    /// One write a line, so that a kill leaves all of it or nothing.
    fn write(&self, mark: Mark, line: &Line) {
        let name = MARKS.iter().find(|(known, _)| *known == mark);
        let text = format!(
            "{} {} {} {} {} {}\n",
            clock::now(),
            name.map_or("", |(_, name)| name),
            line.step,
            line.attempt,
            line.nonce,
            line.workflow,
        );
        (&self.file)
            .write_all(text.as_bytes())
            .expect("the ledger takes a line");
    }
}

impl Place for Ledger {
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    /// Notes that a body begins, and then its end.
    fn begin(&self, step: &StepContext) -> Box<dyn FnOnce() -> u64 + Send + '_> {
        let line = Line {
            at: 0,
            mark: Mark::Dropped,
            step: step.step_id(),
            attempt: step.attempt(),
            nonce: self.nonces.fetch_add(1, Ordering::Relaxed),
            workflow: step.workflow_id().to_owned(),
        };
        self.write(Mark::Begin, &line);
        let body = Body { ledger: self, line };
        Box::new(move || body.end())
    }
}

/// A body that runs.
struct Body<'l> {
    ledger: &'l Ledger,
    line: Line,
}

impl Body<'_> {
    /// Notes the end, and returns what identifies this run.
    fn end(mut self) -> u64 {
        self.line.mark = Mark::End;
        self.line.nonce
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.ledger.write(self.line.mark, &self.line);
    }
}

/// All lines of all ledgers, by life.
pub(super) fn read_all(directory: &Path) -> io::Result<Vec<(String, Vec<Line>)>> {
    let mut ledgers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == EXTENSION) {
            let life = path.file_stem().unwrap_or_default().to_string_lossy();
            ledgers.push((life.into_owned(), read(&path)?));
        }
    }
    Ok(ledgers)
}

/// The lines of the ledger of one life.
pub(super) fn read_one(directory: &Path, life: &str) -> io::Result<Vec<Line>> {
    read(&directory.join(life).with_extension(EXTENSION))
}

fn read(path: &Path) -> io::Result<Vec<Line>> {
    let text = fs::read_to_string(path)?;
    // A last line without its end is one that the process did not live to write.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| {
            let damaged = || io::Error::other(format!("{}: `{line}`", path.display()));
            line.parse().map_err(|()| damaged())
        })
        .collect()
}

impl FromStr for Line {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.splitn(6, ' ').collect();
        let [at, mark, step, attempt, nonce, workflow] = words[..] else {
            return Err(());
        };
        let mark = MARKS.iter().find(|(_, name)| *name == mark).ok_or(())?.0;
        Ok(Self {
            at: at.parse().map_err(drop)?,
            mark,
            step: step.parse().map_err(drop)?,
            attempt: attempt.parse().map_err(drop)?,
            nonce: nonce.parse().map_err(drop)?,
            workflow: workflow.to_owned(),
        })
    }
}
