use std::{env, path::PathBuf};

use crate::{Result, stores::Store};

const USAGE: &str = "\
benches/run [options]
  --rounds N         how often everything is measured (3)
  --only a,c,d       these workloads alone
  --stores a,b       these of postgres, redis, sqlite, memory alone
  --quick            one short round, to see that everything works
  --growth N         finished workflows in the tables for workload i (0: without it)
  --full             as --growth 10000000
  --pool N           connections of a pool, for all libraries (10)
  --out FOLDER       where results, tables and plots go (docs/benchmarks)
  --from FILE        draws the tables and plots of an earlier run's results.json";

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) rounds: u32,
    /// The letters of the workloads; empty: all.
    only: Vec<String>,
    stores: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) growth: u64,
    pub(crate) pool: u32,
    pub(crate) out: PathBuf,
    pub(crate) from: Option<PathBuf>,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Self> {
        let mut options = Self {
            rounds: 3,
            only: Vec::new(),
            stores: Vec::new(),
            quick: false,
            growth: 0,
            pool: 10,
            out: PathBuf::from("docs/benchmarks"),
            from: None,
        };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{name} needs a value\n{USAGE}"))
            };
            match name.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.only = list(&value()?),
                "--stores" => options.stores = list(&value()?),
                "--quick" => (options.quick, options.rounds) = (true, 1),
                "--growth" => options.growth = value()?.parse()?,
                "--full" => options.growth = 10_000_000,
                "--pool" => options.pool = value()?.parse()?,
                "--out" => options.out = value()?.into(),
                "--from" => options.from = Some(value()?.into()),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }

    /// Whether a workload is wanted: `d-100` is when `d` is.
    pub(crate) fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|letter| workload.starts_with(letter))
    }

    /// Whether a store is wanted: that of every setting of SQLite is when `sqlite` is.
    pub(crate) fn wants_store(&self, store: Store) -> bool {
        let name = store.name();
        self.stores.is_empty() || self.stores.iter().any(|wanted| name.starts_with(wanted))
    }

    /// How long something takes that takes so long when there is time.
    pub(crate) fn seconds(&self, seconds: f64) -> f64 {
        if self.quick { seconds / 5.0 } else { seconds }
    }

    /// How many there are of something, when there is time for so many.
    pub(crate) fn count(&self, count: u32) -> u32 {
        if self.quick { count / 5 } else { count }
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}
