//! A store of the test's own, which can be crashed.
use std::{
    fs::{self, File},
    io,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;

/// How long a server may take to answer after its start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server of the test's own.
    Postgres,
    /// A server of the test's own, whose every write is synced.
    Redis,
    /// A file.
    Sqlite,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(format!("there is no chaos for a store `{text}`")),
        }
    }
}

/// The store of a run: a server, or a file. It is crashed at the end.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    directory: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// Starts one that has nothing in it, with its data in a directory.
    pub async fn start(kind: Kind, directory: &Path) -> io::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let directory = directory.join("store");
        fs::create_dir(&directory)?;
        let mut server = Self {
            kind,
            directory,
            port,
            process: None,
        };
        if kind == Kind::Postgres {
            server.initialize()?;
        }
        server.launch().await?;
        Ok(server)
    }

    /// What a worker connects to.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            Kind::Redis => format!("redis://127.0.0.1:{}", self.port),
            Kind::Sqlite => format!("sqlite:{}", self.directory.join("chaos.db").display()),
        }
    }

    /// Whether it is a process, which can be crashed.
    pub fn can_crash(&self) -> bool {
        self.kind != Kind::Sqlite
    }

    /// Gets in the way of those who use the store, without ending it: cuts all connections, or holds the lock of the file for so long.
    pub async fn disturb(&self, length: Duration) -> io::Result<()> {
        match self.kind {
            Kind::Postgres => self.cut_postgres().await.map_err(io::Error::other),
            Kind::Redis => self.cut_redis().await.map_err(io::Error::other),
            Kind::Sqlite => self.lock_sqlite(length).await.map_err(io::Error::other),
        }
    }

    async fn cut_postgres(&self) -> sqlx::Result<()> {
        let mut connection = sqlx::PgConnection::connect(&self.url()).await?;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        sqlx::raw_sql(cut).execute(&mut connection).await.map(drop)
    }

    async fn cut_redis(&self) -> redis::RedisResult<()> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        for kind in ["normal", "pubsub"] {
            let mut cut = redis::cmd("CLIENT");
            cut.arg("KILL")
                .arg("TYPE")
                .arg(kind)
                .arg("SKIPME")
                .arg("yes");
            cut.exec_async(&mut connection).await?;
        }
        Ok(())
    }

    async fn lock_sqlite(&self, length: Duration) -> sqlx::Result<()> {
        let mut connection = sqlx::SqliteConnection::connect(&self.url()).await?;
        let begin = "PRAGMA busy_timeout = 500; BEGIN IMMEDIATE";
        // A worker that stands still may have the lock itself, which is as good.
        if sqlx::raw_sql(begin).execute(&mut connection).await.is_ok() {
            tokio::time::sleep(length).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut connection).await?;
        }
        connection.close().await
    }

    /// Ends the server as a crash would.
    pub fn crash(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        if self.kind == Kind::Postgres {
            // An immediate stop: nothing is finished or written down, but its children end and its memory is freed.
            let pid = Pid::from_child(&process);
            kill_process(pid, Signal::QUIT)?;
        } else {
            process.kill()?;
        }
        process.wait().map(drop)
    }

    /// Kills every process of the server, as the kernel does when memory is out: nothing is told, flushed or tidied.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.kill()?;
        process.wait()?;
        // What it started last is not in any list that was read before its end.
        let directory = self.directory.canonicalize()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = processes_in(&directory)?;
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{left:?} do not die")));
            }
            for pid in left {
                // Some may be gone already.
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts the server on what it left on disk, and waits until it answers.
    pub async fn launch(&mut self) -> io::Result<()> {
        self.process = match self.kind {
            Kind::Sqlite => return Ok(()),
            Kind::Postgres => Some(self.spawn_postgres()?),
            Kind::Redis => Some(self.spawn_redis()?),
        };
        let deadline = Instant::now() + PATIENCE;
        while !self.answers().await {
            if self.has_ended()? || Instant::now() > deadline {
                let log = self.directory.join("server.log");
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "the server does not answer: {log}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        let ended = self.process.as_mut().map(Child::try_wait).transpose()?;
        Ok(ended.flatten().is_some())
    }

    async fn answers(&self) -> bool {
        match self.kind {
            Kind::Sqlite => true,
            Kind::Postgres => sqlx::PgConnection::connect(&self.url()).await.is_ok(),
            Kind::Redis => {
                let Ok(client) = redis::Client::open(self.url()) else {
                    return false;
                };
                let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
                    return false;
                };
                redis::cmd("PING").exec_async(&mut connection).await.is_ok()
            }
        }
    }

    fn initialize(&self) -> io::Result<()> {
        // The server's own user must reach its data.
        let run = self.directory.parent().unwrap_or(&self.directory);
        fs::set_permissions(run, fs::Permissions::from_mode(0o755))?;
        let output = self
            .postgres("initdb")?
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "-D"])
            .arg(self.directory.join("data"))
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!("initdb failed: {message}")))
    }

    fn spawn_postgres(&self) -> io::Result<Child> {
        self.postgres("postgres")?
            .arg("-D")
            .arg(self.directory.join("data"))
            .args(["-p", &self.port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=300",
            ])
            .args(["-c", "unix_socket_directories="])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log()?)
            .spawn()
    }

    fn spawn_redis(&self) -> io::Result<Child> {
        Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args([
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(&self.directory)
            .stdin(Stdio::null())
            .stdout(self.log()?)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| missing("redis-server", &error))
    }

    fn log(&self) -> io::Result<File> {
        let path = self.directory.join("server.log");
        fs::OpenOptions::new().create(true).append(true).open(path)
    }

    /// A program of Postgres, as the user that it agrees to run as: it refuses to be root.
    fn postgres(&self, program: &str) -> io::Result<Command> {
        let path = postgres_program(program).ok_or_else(|| {
            missing(
                program,
                &io::Error::other("it is neither on the PATH nor in /usr/lib/postgresql"),
            )
        })?;
        let mut command = Command::new(path);
        command.current_dir(&self.directory);
        if rustix::process::geteuid().is_root() {
            let (user, group) = user("postgres")?;
            std::os::unix::fs::chown(&self.directory, Some(user), Some(group))?;
            command.uid(user).gid(group);
        }
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.crash() {
            eprintln!("the server could not be stopped: {error}");
        }
    }
}

/// The processes that work in a directory, or below it; those that have ended and are not collected yet are none.
fn processes_in(directory: &Path) -> io::Result<Vec<Pid>> {
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let works_in = fs::read_link(entry.path().join("cwd")).ok()?;
        Pid::from_raw(pid).filter(|_| works_in.starts_with(directory))
    });
    Ok(processes.collect())
}

fn missing(program: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("{program} cannot be started ({error}); install it"))
}

/// On the PATH, or where Debian keeps it.
fn postgres_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let programs = folders.iter().map(|folder| folder.join(program));
    programs.into_iter().find(|path| path.is_file())
}

/// The numbers of a user and its group.
fn user(name: &str) -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, user, group, ..] = fields[..] else {
            return None;
        };
        (found == name).then(|| Some((user.parse().ok()?, group.parse().ok()?)))?
    });
    found.ok_or_else(|| io::Error::other(format!("there is no user `{name}`")))
}
