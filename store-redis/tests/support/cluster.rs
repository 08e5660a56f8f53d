//! A cluster of private servers.
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use redis::FromRedisValue;

use super::{Server, run};

/// What makes a server a node of a cluster, which notices soon that another is gone.
pub const SETTINGS: [&str; 8] = [
    "--cluster-enabled",
    "yes",
    "--cluster-require-full-coverage",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-replica-validity-factor",
    "0",
];

/// The first slot of each master, and the end.
const SLOTS: [u16; 4] = [0, 5_461, 10_923, 16_384];

/// A prefix whose keys belong to each master.
pub const PREFIXES: [&str; 3] = ["b", "c", "a"];

/// Three masters, each with a third of the slots.
pub struct Cluster {
    pub masters: [Server; 3],
}

impl Cluster {
    pub async fn start() -> Self {
        let masters = [
            Server::start(&SETTINGS).await,
            Server::start(&SETTINGS).await,
            Server::start(&SETTINGS).await,
        ];
        for (master, slots) in masters.iter().zip(SLOTS.windows(2)) {
            let slots: Vec<String> = (slots[0]..slots[1]).map(|slot| slot.to_string()).collect();
            let mut words = vec!["CLUSTER", "ADDSLOTS"];
            words.extend(slots.iter().map(String::as_str));
            let () = run(&master.url(), &words).await;
        }
        let cluster = Self { masters };
        for other in &cluster.masters[1..] {
            cluster.meet(other).await;
        }
        for master in &cluster.masters {
            wait_for(master, &["CLUSTER", "INFO"], |info: &String| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
            .await;
        }
        for (prefix, slots) in PREFIXES.iter().zip(SLOTS.windows(2)) {
            let key = format!("{{{prefix}}}:x");
            let slot: u16 = run(&cluster.masters[0].url(), &["CLUSTER", "KEYSLOT", &key]).await;
            assert!((slots[0]..slots[1]).contains(&slot), "{prefix}: {slot}");
        }
        cluster
    }

    /// A replica of a master, which has all that the master has.
    pub async fn add_replica(&self, of: &Server) -> Server {
        let replica = Server::start(&SETTINGS).await;
        self.meet(&replica).await;
        let id: String = run(&of.url(), &["CLUSTER", "MYID"]).await;
        wait_for(&replica, &["CLUSTER", "NODES"], |nodes: &String| {
            nodes
                .lines()
                .filter(|node| !node.contains("handshake"))
                .count()
                == 4
        })
        .await;
        let () = run(&replica.url(), &["CLUSTER", "REPLICATE", &id]).await;
        wait_for(&replica, &["INFO", "replication"], |info: &String| {
            info.contains("master_link_status:up")
        })
        .await;
        // Those who vote for a successor must know of it.
        for master in &self.masters {
            wait_for(master, &["CLUSTER", "NODES"], |nodes: &String| {
                nodes
                    .lines()
                    .any(|node| node.contains("slave") && node.contains(&id))
            })
            .await;
        }
        replica
    }

    async fn meet(&self, other: &Server) {
        let port = other.port().to_string();
        let words = ["CLUSTER", "MEET", "127.0.0.1", &port];
        let () = run(&self.masters[0].url(), &words).await;
    }

    /// The URL of all masters.
    pub fn url(&self, prefix: &str) -> String {
        let nodes: Vec<String> = self
            .masters
            .iter()
            .map(|master| format!("127.0.0.1:{}", master.port()))
            .collect();
        format!("redis://{}?prefix={prefix}", nodes.join(","))
    }

    /// Kills the servers when this process ends, for a cluster that nobody drops. It ends with its input.
    pub fn outlive_nobody(&self) -> Child {
        let pids: Vec<String> = self
            .masters
            .iter()
            .map(|master| master.pid().to_string())
            .collect();
        let directories: Vec<String> = self
            .masters
            .iter()
            .map(|master| format!("'{}'", master.directory().display()))
            .collect();
        let script = format!(
            "cat >/dev/null; kill -KILL {}; rm -rf {}",
            pids.join(" "),
            directories.join(" ")
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped());
        shell.spawn().expect("a shell")
    }
}

/// Asks a server until the answer is as wanted, for half a minute at most.
pub async fn wait_for<T: FromRedisValue + std::fmt::Debug>(
    server: &Server,
    words: &[&str],
    wanted: impl Fn(&T) -> bool,
) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer: T = run(&server.url(), words).await;
        if wanted(&answer) {
            return;
        }
        assert!(Instant::now() < deadline, "{words:?}: still {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
