//! Being woken: what happens between a look and the wait that follows is not missed.
use std::{sync::Mutex, time::Duration};

use crate::support::{HandClock, TAKEOVER_INTERVAL, config, ready, record};
use durable_api::{
    Ctx, Encoding, MockSystemStore, Payload, RegisterOptions, Result, WorkflowStatus,
    store::{FinishOutcome, ReceiveOutcome, RecordOutcome, Wakeup, Wakeups},
};
use durable_engine::new_context;
use futures::{channel::mpsc, future::BoxFuture};

fn message() -> Payload {
    Encoding::default().encode("hello").unwrap()
}

fn receiver(ctx: Ctx, (): ()) -> BoxFuture<'static, Result<String>> {
    Box::pin(async move {
        let message = durable_api::recv::<String>(&ctx, "t", Duration::from_secs(1_000)).await?;
        Ok(message.unwrap_or_default())
    })
}

#[tokio::test]
async fn a_message_that_arrives_between_the_look_and_the_wait_is_received() {
    let (hints, stream) = mpsc::unbounded();
    let stream = Mutex::new(Some(stream));
    let mut store = MockSystemStore::new();
    store.expect_subscribe().returning(move || {
        let stream = stream.lock().unwrap().take();
        Ok(stream.map_or_else(Wakeups::none, Wakeups::new))
    });
    let mut looks = 0;
    store.expect_receive_message().returning(move |_| {
        looks += 1;
        Ok(match looks {
            // The first is made before the end of the wait is recorded, the second once it listens.
            1 => ReceiveOutcome::Empty,
            2 => {
                // It is there now, and its hint goes out before this look is answered.
                hints.unbounded_send(Wakeup::workflow("w")).unwrap();
                ReceiveOutcome::Empty
            }
            _ => ReceiveOutcome::Received(message()),
        })
    });
    store
        .expect_get_workflow()
        .returning(|id, _| Ok(Some(record(id, "receiver", WorkflowStatus::Pending))));
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::Recorded));
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));
    // No time passes: what is not woken never looks again.
    let clock = HandClock::new();
    let config = config(ready(store), &clock).poll_interval(TAKEOVER_INTERVAL);
    let ctx = new_context(config).await.unwrap();
    let named = RegisterOptions::new().named("receiver");
    durable_api::register_workflow_with(&ctx, receiver, named).unwrap();
    durable_api::launch(&ctx).await.unwrap();
    let handle = durable_api::run_workflow(&ctx, receiver, ())
        .id("w")
        .await
        .unwrap();
    let result = tokio::time::timeout(Duration::from_secs(30), handle.get_result().into_future());
    assert_eq!(result.await.expect("is woken").unwrap(), "hello");
}
