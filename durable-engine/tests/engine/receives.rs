//! Receives of one workflow on one topic, one after the other.
use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use crate::support::{HandClock, config, ready};
use durable_api::{
    Ctx, Encoding, MockSystemStore, Result,
    store::{FinishOutcome, ReceiveOutcome},
};
use durable_engine::new_context;

const MINUTE: Duration = Duration::from_secs(60);

/// Whoever wakes by this gets no further until the workflow has gone on.
struct Hold {
    waker: Waker,
    gone_on: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Hold {
    fn wake(self: Arc<Self>) {
        // From a thread of its own, because what this one wakes would wait for it.
        let waker = self.waker.clone();
        thread::spawn(|| waker.wake());
        let _ = self.gone_on.lock().unwrap().recv_timeout(MINUTE);
    }
}

/// Two receives. What brings the first one its answer is held up until the second has its own.
async fn receive_twice(ctx: Ctx, (): ()) -> Result<u32> {
    let (goes_on, gone_on) = mpsc::channel();
    let mut gone_on = Some(gone_on);
    let mut hold = None;
    let mut first = pin!(durable_api::recv::<u32>(&ctx, "topic", MINUTE));
    let first = poll_fn(|context| {
        let hold = hold.get_or_insert_with(|| {
            Waker::from(Arc::new(Hold {
                waker: context.waker().clone(),
                gone_on: Mutex::new(gone_on.take().unwrap()),
            }))
        });
        first.as_mut().poll(&mut Context::from_waker(hold))
    })
    .await;
    let second = durable_api::recv::<u32>(&ctx, "topic", MINUTE).await;
    let _ = goes_on.send(());
    Ok(first?.unwrap() + second?.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_receive_may_begin_as_soon_as_the_one_before_has_its_message() {
    let mut store = MockSystemStore::new();
    store.expect_receive_message().returning(|_| {
        let message = Encoding::default().encode(&21_u32).unwrap();
        Ok(ReceiveOutcome::Received(message))
    });
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));
    let config = config(ready(store), &HandClock::new());
    let ctx = new_context(config).await.unwrap();
    durable_api::register_workflow(&ctx, receive_twice).unwrap();
    durable_api::launch(&ctx).await.unwrap();
    let run = durable_api::run_workflow(&ctx, receive_twice, ()).await;
    assert_eq!(run.unwrap().get_result().await.unwrap(), 42);
}
