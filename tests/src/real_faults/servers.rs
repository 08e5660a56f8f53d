//! Servers that are killed in the middle of commits.
use std::{sync::Arc, time::Duration};

use durable::SystemStore;
use futures::future::join_all;

use super::orders::{Book, check, check_acknowledged, registered, run};
use crate::{
    e2e::support::{PATIENCE, config, launched, stop},
    servers::{Kind, Server},
};

/// How often the server is killed.
const KILLS: usize = 3;

/// How many orders run at a time.
const LANES: usize = 12;

/// How many checkpoints are acknowledged between two kills, at least.
const BETWEEN: usize = 60;

/// Postgres, the whole cluster.
pub async fn postgres() {
    survive(Kind::Postgres).await;
}

/// Redis, which syncs its log at every write.
pub async fn redis() {
    survive(Kind::Redis).await;
}

async fn survive(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut server = Server::start(kind, folder.path()).await.expect("starts");
    let book = Book::default();
    let store = durable::connect(&server.url()).await.expect("connects");
    let ctx = launched(config(Arc::clone(&store)), |ctx| registered(ctx, &book)).await;
    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let lanes = join_all((0..LANES).map(|lane| {
        let (ctx, stopped) = (ctx.clone(), stopped.clone());
        tokio::spawn(async move {
            let mut done = Vec::new();
            while !*stopped.borrow() {
                let (id, amount) = (format!("{lane}-{}", done.len()), done.len() as u64);
                run(&ctx, &id, amount).await.expect(&id);
                done.push((id, amount));
            }
            done
        })
    }));
    let kills = async {
        for _ in 0..KILLS {
            let before = book.acknowledged().len();
            more(&book, before + BETWEEN).await;
            server.kill().expect("dies");
            let acknowledged = book.acknowledged();
            server.launch().await.expect("starts again");
            check_acknowledged(&*reached(&server).await, &acknowledged).await;
        }
        stopping.send_replace(true);
    };
    let (lanes, ()) = tokio::join!(lanes, kills);
    let direct = reached(&server).await;
    for lane in lanes {
        for (id, amount) in lane.expect("no panic") {
            check(&*direct, &book, &id, amount).await;
        }
    }
    check_acknowledged(&*direct, &book.acknowledged()).await;
    stop(&ctx).await;
}

/// A fresh connection.
async fn reached(server: &Server) -> Arc<dyn SystemStore> {
    durable::connect(&server.url()).await.expect("connects")
}

/// Completes when so many checkpoints were acknowledged.
async fn more(book: &Book, count: usize) {
    let reached = async {
        while book.acknowledged().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("{} acknowledged", book.acknowledged().len()));
}
