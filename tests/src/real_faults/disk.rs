//! Disks that are full, and have space again.
use std::{path::Path, sync::Arc};

use durable::{
    Ctx, Error, SystemStore,
    store::{StoreError, StoreErrorKind},
};

use super::{
    orders::{Book, check, check_acknowledged, order, registered, run},
    scarce_disk::{Filler, on_scarce_disk},
};
use crate::{
    e2e::support::{PATIENCE, config, launched, stop},
    servers::{Kind, Server},
};

/// How many orders a small disk has space for, at most.
const MANY: usize = 20_000;

/// A file on a disk that is full. `test` is the name of the test that calls this, and does nothing else.
pub fn sqlite(test: &str) {
    on_scarce_disk(test, 4, |folder| {
        runtime().block_on(async {
            let url = format!("sqlite:{}", folder.join("orders.db").display());
            fill_and_free(folder, &url, "full").await;
        });
    });
}

/// A cluster on a disk that is full, its log as well. `test` is the name of the test that calls this, and does nothing else.
pub fn postgres(test: &str) {
    on_scarce_disk(test, 192, |folder| {
        runtime().block_on(async {
            let server = Server::start(Kind::Postgres, folder).await;
            let server = server.expect("starts");
            fill_and_free(folder, &server.url(), "No space left on device").await;
        });
    });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn fill_and_free(folder: &Path, url: &str, what: &str) {
    let book = Book::default();
    let store = durable::connect(url).await.expect("connects");
    let ctx = launched(config(Arc::clone(&store)), |ctx| registered(ctx, &book)).await;
    for number in 0..3 {
        let id = format!("before-{number}");
        run(&ctx, &id, 1).await.expect(&id);
        check(&*store, &book, &id, 1).await;
    }
    let filler = Filler::of(folder);
    let (accepted, error) = until_refused(&ctx).await;
    let text = error.to_string();
    assert!(text.contains(what), "{text}");
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{text}");
    let acknowledged = book.acknowledged();
    check_acknowledged(&*store, &acknowledged).await;

    drop(filler);
    finish(&ctx, &*store, &book, accepted).await;
    check_acknowledged(&*store, &acknowledged).await;
    stop(&ctx).await;
}

/// Starts orders until one is refused. Those before it are accepted, and some of them stand still.
async fn until_refused(ctx: &Ctx) -> (usize, StoreError) {
    for number in 0..MANY {
        let start = durable::run_workflow(ctx, order, 1_u64).id(format!("full-{number}"));
        match start.await {
            Ok(_) => {}
            Err(Error::Store(error)) => return (number, error),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{MANY} orders fit on a disk that is full");
}

/// All that was accepted ends as it must, and so does what was refused, when it is asked for again.
async fn finish(ctx: &Ctx, store: &dyn SystemStore, book: &Book, accepted: usize) {
    let all = async {
        for number in 0..=accepted {
            let id = format!("full-{number}");
            run(ctx, &id, 1).await.expect(&id);
            check(store, book, &id, 1).await;
        }
    };
    let all = tokio::time::timeout(PATIENCE * 2, all).await;
    all.expect("work goes on when there is space again");
}
