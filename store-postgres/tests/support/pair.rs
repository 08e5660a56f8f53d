//! A primary and its standby, which a test may crash and promote.
use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr as _,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, postgres::PgConnectOptions};
use tempfile::TempDir;

const PASSWORD: &str = "sesame";

/// Two servers. No commit is acknowledged by the first before the second has it.
pub struct Pair {
    pub primary: Server,
    pub standby: Server,
}

impl Pair {
    pub async fn start() -> Self {
        let primary = Server::create();
        primary.start();
        let standby = primary.back_up();
        standby.start();
        primary
            .wait_for("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
            .await;
        primary
            .run("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .await;
        primary.run("SELECT pg_reload_conf()").await;
        primary
            .wait_for("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            .await;
        Self { primary, standby }
    }

    /// The URL of both.
    pub fn url(&self, primary_port: u16, parameters: &str) -> String {
        // The standby first, so that order alone does not find the primary.
        format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{},127.0.0.1:{primary_port}/postgres?{parameters}",
            self.standby.port
        )
    }
}

/// A private server, which crashes and is forgotten with this value.
pub struct Server {
    directory: TempDir,
    pub port: u16,
}

impl Server {
    fn create() -> Self {
        let server = Self::nowhere();
        let password = server.directory.path().join("password");
        std::fs::write(&password, PASSWORD).expect("is written");
        own(&password);
        let mut initdb = program("initdb");
        initdb.arg("-D").arg(server.data());
        initdb.arg(format!("--pwfile={}", password.display()));
        initdb.args(["-U", "postgres", "--auth=scram-sha-256"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(initdb);
        server
    }

    fn nowhere() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        own(directory.path());
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        Self { directory, port }
    }

    /// A standby of this server.
    fn back_up(&self) -> Self {
        let standby = Self::nowhere();
        let mut backup = program("pg_basebackup");
        backup.arg("-D").arg(standby.data());
        backup.arg("--dbname").arg(self.url());
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        run(backup);
        standby
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn url(&self) -> String {
        format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    /// Starts the server, and waits until it answers.
    pub fn start(&self) {
        let mut start = program("pg_ctl");
        start.arg("-D").arg(self.data());
        start.arg("-l").arg(self.directory.path().join("log"));
        start.arg("-o").arg(format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c max_connections=50 -c fsync=off",
            self.port,
            self.directory.path().display()
        ));
        start.args(["-w", "start"]);
        run(start);
    }

    /// Ends the server as a crash would.
    pub fn crash(&self) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid"));
        let pid = pid.expect("the server runs");
        let pid = pid.lines().next().expect("has a line").to_owned();
        let mut kill = Command::new("kill");
        kill.args(["-KILL", &pid]);
        run(kill);
    }

    /// Has a standby accept writes, and waits until it does.
    pub fn promote(&self) {
        let mut promote = program("pg_ctl");
        promote.arg("-D").arg(self.data());
        promote.args(["-w", "promote"]);
        run(promote);
    }

    async fn connect(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url()).expect("is a url");
        PgConnection::connect_with(&options)
            .await
            .expect("connects")
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Asks until a count is not zero, for half a minute at most.
    pub async fn wait_for(&self, sql: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut connection = self.connect().await;
        loop {
            let row = sqlx::raw_sql(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await;
            let count: String = row
                .unwrap_or_else(|error| panic!("{sql}: {error}"))
                .get_unchecked(0);
            if count != "0" {
                return;
            }
            assert!(Instant::now() < deadline, "{sql}: still 0");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        stop.arg("-D").arg(self.data());
        stop.args(["-m", "immediate", "-w", "stop"]);
        // It may have crashed by the test's wish.
        let _ = stop.output();
    }
}

/// A program of the server's; not as root, which the server refuses to be.
fn program(name: &str) -> Command {
    let path = find(name).unwrap_or_else(|| {
        panic!("install {name}, which comes with the server (Debian: `apt-get install postgresql`)")
    });
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(path);
    command
}

/// On the path, or beside what a program there is a link to, or where Debian keeps it.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let linked = std::env::split_paths(&path)
        .filter_map(|directory| directory.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned));
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    std::env::split_paths(&path)
        .chain(linked)
        .chain(debian.into_iter().rev())
        .map(|directory| directory.join(name))
        .find(|program| program.exists())
}

fn run(mut command: Command) {
    // Not by pipes: a server that a command starts would keep them open.
    let log = tempfile::NamedTempFile::new().expect("a file");
    let output = || log.reopen().expect("opens");
    command.stdout(output()).stderr(output());
    command.current_dir("/");
    let status = command.status();
    let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{command:?}: {status:?}: {}",
        said()
    );
}

/// Gives a file to the user that the servers run as.
fn own(path: &Path) {
    if is_root() {
        let mut chown = Command::new("chown");
        chown.arg("postgres").arg(path);
        run(chown);
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
