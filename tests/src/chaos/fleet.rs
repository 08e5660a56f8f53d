//! The worker processes, and what the controller did to them.
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{clock, worker::STORE_AWAY};
use crate::servers::Server;

/// One life of a worker, as its controller knows it.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) begun: u64,
    /// When it was asked to end.
    pub(super) asked: Option<u64>,
    /// When it was killed, or seen to have ended.
    pub(super) ended: Option<u64>,
    /// Whether it could not hand its work back.
    pub(super) lost: bool,
    /// From when to when it stood still.
    pub(super) stops: Vec<(u64, u64)>,
}

/// A worker that runs, or stands still.
#[derive(Debug)]
struct Worker {
    process: Child,
    /// Its place among the lives.
    life: usize,
    stopped: Option<u64>,
}

/// All workers of a run, by slot; those that end in order make room for others at once.
#[derive(Debug)]
pub(super) struct Fleet {
    url: String,
    directory: PathBuf,
    slots: Vec<Option<Worker>>,
    leaving: Vec<Worker>,
    pub(super) lives: Vec<Life>,
    random: fastrand::Rng,
    /// Whether the store may be away.
    crashes: bool,
    /// What went wrong with a worker.
    pub(super) problems: Vec<String>,
}

impl Fleet {
    pub(super) fn new(server: &Server, directory: &Path, workers: usize, seed: u64) -> Self {
        Self {
            url: server.url(),
            crashes: server.can_crash(),
            directory: directory.to_owned(),
            slots: (0..workers).map(|_| None).collect(),
            leaving: Vec::new(),
            lives: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            problems: Vec::new(),
        }
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Fills the empty slots, and looks after those that leave or have ended unasked.
    pub(super) fn tend(&mut self) -> io::Result<()> {
        for slot in 0..self.slots.len() {
            if let Some(worker) = &mut self.slots[slot]
                && let Some(status) = worker.process.try_wait()?
            {
                let life = worker.life;
                self.slots[slot] = None;
                self.ended(life, status);
            }
            let is_left = |worker: &Worker| self.lives[worker.life].slot() == slot;
            // The executor id of the first slot is free once the process has ended that had it.
            if self.slots[slot].is_none() && !(slot == 0 && self.leaving.iter().any(is_left)) {
                self.spawn(slot)?;
            }
        }
        let mut leaving = Vec::new();
        for mut worker in std::mem::take(&mut self.leaving) {
            match worker.process.try_wait()? {
                None => leaving.push(worker),
                Some(status) => self.ended(worker.life, status),
            }
        }
        self.leaving = leaving;
        Ok(())
    }

    /// A worker ended that was not killed.
    fn ended(&mut self, life: usize, status: ExitStatus) {
        let crashes = self.crashes;
        let life = &mut self.lives[life];
        life.ended = Some(clock::now());
        let store_away = status.code() == Some(STORE_AWAY.into()) && crashes;
        life.lost |= store_away;
        let in_order = status.success() && life.asked.is_some();
        if !store_away && !in_order {
            let problem = format!("worker {} ended: {status}", life.name);
            self.problems.push(problem);
        }
    }

    fn spawn(&mut self, slot: usize) -> io::Result<()> {
        let name = format!("w{slot}-{}", self.lives.len());
        let errors = self.directory.join(format!("{name}.err"));
        let mut command = Command::new(env::current_exe()?);
        command
            .args(["worker", "--url", &self.url, "--life", &name])
            .args(["--seed", &self.random.u64(..).to_string()])
            .arg("--directory")
            .arg(&self.directory)
            .stdin(Stdio::piped())
            .stderr(fs::File::create(errors)?);
        if slot == 0 {
            command.args(["--executor", "phoenix"]);
        }
        let begun = clock::now();
        let process = command.spawn()?;
        self.lives.push(Life {
            name,
            pid: process.id(),
            begun,
            asked: None,
            ended: None,
            lost: false,
            stops: Vec::new(),
        });
        self.slots[slot] = Some(Worker {
            process,
            life: self.lives.len() - 1,
            stopped: None,
        });
        Ok(())
    }

    /// Kills a worker, also one that stands still. Returns whether there was one.
    pub(super) fn kill(&mut self, slot: usize) -> io::Result<bool> {
        let Some(mut worker) = self.slots[slot].take() else {
            return Ok(false);
        };
        let life = &mut self.lives[worker.life];
        let now = clock::now();
        life.ended = Some(now);
        life.lost = true;
        life.stops.extend(worker.stopped.map(|since| (since, now)));
        worker.process.kill()?;
        worker.process.wait()?;
        Ok(true)
    }

    /// Makes a worker stand still. Returns whether there was one that did not.
    pub(super) fn stop(&mut self, slot: usize) -> io::Result<bool> {
        let Some(worker) = &mut self.slots[slot] else {
            return Ok(false);
        };
        if worker.stopped.is_some() {
            return Ok(false);
        }
        worker.stopped = Some(clock::now());
        signal(&worker.process, Signal::STOP)?;
        Ok(true)
    }

    /// Lets a worker go on that stands still.
    pub(super) fn go_on(&mut self, slot: usize) -> io::Result<()> {
        if let Some(worker) = &mut self.slots[slot]
            && let Some(since) = worker.stopped.take()
        {
            signal(&worker.process, Signal::CONT)?;
            let stops = &mut self.lives[worker.life].stops;
            stops.push((since, clock::now()));
        }
        Ok(())
    }

    /// Asks a worker to end in order. Returns whether there was one that could hear it.
    pub(super) fn ask_to_end(&mut self, slot: usize) -> io::Result<bool> {
        match self.slots[slot].take() {
            Some(worker) if worker.stopped.is_none() => {
                self.lives[worker.life].asked = Some(clock::now());
                signal(&worker.process, Signal::TERM)?;
                self.leaving.push(worker);
                Ok(true)
            }
            other => {
                self.slots[slot] = other;
                Ok(false)
            }
        }
    }

    /// The names of the workers that serve.
    pub(super) fn serving(&self) -> Vec<String> {
        let workers = self.slots.iter().flatten();
        workers
            .map(|worker| self.lives[worker.life].name.clone())
            .collect()
    }

    /// Whether workers that were asked to end have not done so yet.
    pub(super) fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Asks all to end, and fills no slot any more.
    pub(super) fn disband(&mut self) -> io::Result<()> {
        for slot in 0..self.slots.len() {
            self.go_on(slot)?;
            self.ask_to_end(slot)?;
        }
        self.slots.clear();
        Ok(())
    }
}

impl Life {
    fn slot(&self) -> usize {
        let slot = self.name.trim_start_matches('w').split('-').next();
        slot.and_then(|slot| slot.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in self.slots.iter_mut().flatten().chain(&mut self.leaving) {
            let _ = worker.process.kill();
            let _ = worker.process.wait();
        }
    }
}

fn signal(process: &Child, signal: Signal) -> io::Result<()> {
    Ok(kill_process(Pid::from_child(process), signal)?)
}
