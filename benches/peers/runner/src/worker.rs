use std::{path::PathBuf, process::Stdio, time::Duration};

use driver::{Job, Order, READY, Report};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{Result, stores::Library};

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where the programs of the libraries are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    durable: PathBuf,
    dbos: PathBuf,
    durare: PathBuf,
}

impl Programs {
    /// Beside this one, and where the environment says for the one of another workspace.
    pub(crate) fn find() -> Result<Self> {
        let own = std::env::current_exe()?;
        let durare = std::env::var_os("DURABLE_BENCH_DURARE");
        Ok(Self {
            durable: own.with_file_name("worker-durable"),
            dbos: own.with_file_name("worker-dbos"),
            durare: durare.map_or_else(|| own.with_file_name("worker-durare"), PathBuf::from),
        })
    }

    fn of(&self, library: Library) -> &PathBuf {
        match library {
            Library::Dbos => &self.dbos,
            Library::Durare => &self.durare,
            Library::Durable | Library::Bare => &self.durable,
        }
    }
}

/// A process that works.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    name: String,
}

impl Worker {
    /// Starts one.
    pub(crate) fn start(programs: &Programs, library: Library, order: &Order) -> Result<Self> {
        let mut child = Command::new(programs.of(library))
            .arg(serde_json::to_string(order)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            input: child.stdin.take().expect("is piped"),
            output: BufReader::new(child.stdout.take().expect("is piped")).lines(),
            name: format!("{} at {:?}", library.name(), order.job),
            child,
        })
    }

    /// Waits until it has prepared everything, or has done what it was told to do first.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        match self.line().await? {
            line if line == READY => Ok(()),
            line => Err(format!("{} said {line}", self.name).into()),
        }
    }

    /// Gives the word.
    pub(crate) async fn go(&mut self) -> Result<()> {
        Ok(self.input.write_all(b"\n").await?)
    }

    /// What it measured; it ends with that.
    pub(crate) async fn report(mut self) -> Result<Report> {
        let report = serde_json::from_str(&self.line().await?)?;
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(report)
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    async fn line(&mut self) -> Result<String> {
        let line = timeout(PATIENCE, self.output.next_line())
            .await
            .map_err(|_| format!("{} has said nothing for {PATIENCE:?}", self.name))??;
        line.ok_or_else(|| format!("{} has failed", self.name).into())
    }
}

/// Runs one whose preparation is all there is to it.
pub(crate) async fn complete(
    programs: &Programs,
    library: Library,
    order: Order,
    job: Job,
) -> Result<Report> {
    let order = Order { job, ..order };
    Worker::start(programs, library, &order)?.report().await
}
