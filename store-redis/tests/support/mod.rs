//! Servers for tests: the shared one, and private ones that a test may misconfigure and kill.
#![allow(dead_code, unreachable_pub)]
pub mod cluster;
pub mod proxy;
pub mod work;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use redis::{Client, Cmd, FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// The URL of the shared server, with a prefix.
pub fn shared_url(prefix: &str) -> String {
    let url = std::env::var("DURABLE_TEST_REDIS_URL").expect(
        "set DURABLE_TEST_REDIS_URL, or run the tests by `scripts/test`, which starts a server",
    );
    format!("{url}?prefix={prefix}")
}

/// A prefix that no other test uses.
pub fn fresh_prefix() -> String {
    format!("t{}", Uuid::new_v4().simple())
}

/// Removes every key under a prefix from a server.
pub async fn clean(url: &str, prefix: &str) {
    let mut connection = raw(url).await;
    let mut cursor = String::from("0");
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor)
            .arg("MATCH")
            .arg(format!("{{{prefix}}}:*"))
            .arg("COUNT")
            .arg(1_000);
        let (next, keys): (String, Vec<Vec<u8>>) =
            scan.query_async(&mut connection).await.expect("scans");
        if !keys.is_empty() {
            let mut unlink = redis::cmd("UNLINK");
            unlink.arg(keys);
            unlink
                .exec_async(&mut connection)
                .await
                .expect("removes keys");
        }
        if next == "0" {
            return;
        }
        cursor = next;
    }
}

/// A connection that knows nothing of the store.
pub async fn raw(url: &str) -> MultiplexedConnection {
    let url = url.split('?').next().unwrap_or(url);
    Client::open(url)
        .expect("a URL")
        .get_multiplexed_async_connection()
        .await
        .expect("connects")
}

/// Runs a command, given as words, on a server.
pub async fn run<T: FromRedisValue>(url: &str, words: &[&str]) -> T {
    let mut cmd = Cmd::new();
    for word in words {
        cmd.arg(*word);
    }
    cmd.query_async(&mut raw(url).await)
        .await
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// A private server, killed and forgotten with this value.
pub struct Server {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    process: Option<Child>,
}

impl Server {
    /// A server with settings beside those that make it private and durable.
    pub async fn start(settings: &[&str]) -> Self {
        let mut server = Self {
            port: free_port(),
            arguments: settings.iter().map(|&setting| setting.to_owned()).collect(),
            directory: tempfile::tempdir().expect("a directory"),
            process: None,
        };
        server.restart().await;
        server
    }

    /// Where it listens, without credentials.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a running server").id()
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops the server, so that it hangs, or lets it go on.
    pub fn hang(&self, hang: bool) {
        let process = self.process.as_ref().expect("a running server");
        let status = Command::new("kill")
            .arg(if hang { "-STOP" } else { "-CONT" })
            .arg(process.id().to_string())
            .status();
        assert!(status.expect("signals the server").success());
    }

    /// Kills the server as a crash would: it does not get to save anything.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("kills the server");
            process.wait().expect("the server ends");
        }
    }

    /// Starts the server on what it left on disk, and waits until it answers.
    pub async fn restart(&mut self) {
        self.kill();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
            .arg("--dir")
            .arg(self.directory.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install redis-server 6.2 or later (Debian: `apt-get install redis-server`) so that it is on the PATH");
        self.process = Some(process);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.answers().await {
            assert!(
                Instant::now() < deadline,
                "the private server does not answer"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the server talks, were it only to refuse us, and does not load its data any more.
    async fn answers(&mut self) -> bool {
        if let Some(Ok(Some(status))) = self.process.as_mut().map(Child::try_wait) {
            panic!("the private server ended: {status}");
        }
        let Ok(client) = Client::open(self.url()) else {
            return false;
        };
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
            return false;
        };
        match redis::cmd("PING").exec_async(&mut connection).await {
            Ok(()) => true,
            Err(error) => error.code() == Some("NOAUTH"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free port, low enough for a node of a cluster, which listens 10,000 above it too.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        if port < 55_000 {
            return port;
        }
    }
}
