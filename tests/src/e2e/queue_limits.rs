use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use durable::Ctx;
use durable_testing::{Backend, Bench};

use super::{
    queues::logger,
    support::{Counter, Flow, Gate, Log, config, launched, process, register, stop},
};

#[derive(Clone, Debug, Default)]
struct Crowd {
    now: Arc<AtomicU32>,
    most: Arc<AtomicU32>,
}

impl Crowd {
    fn flow(&self) -> impl Fn(Ctx, u64) -> Flow<()> + Clone + Send + Sync + 'static {
        let crowd = self.clone();
        move |ctx, millis| {
            let crowd = crowd.clone();
            Box::pin(async move {
                durable::run_as_step(&ctx, || async {
                    let now = crowd.now.fetch_add(1, Ordering::SeqCst) + 1;
                    crowd.most.fetch_max(now, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    crowd.now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
                .await
            })
        }
    }
}

pub(super) async fn concurrency_holds_across_processes(bench: &Bench<'_, impl Backend>) {
    let crowd = Crowd::default();
    let flow = crowd.flow();
    let first = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let second = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&first, "q")
        .concurrency(3)
        .await
        .unwrap();
    let mut handles = Vec::new();
    for _ in 0..24 {
        let start = durable::enqueue(&first, "q", flow.clone(), 5u64).name("flow");
        handles.push(start.await.unwrap());
    }
    durable::join_all(&handles).await.unwrap();
    let most = crowd.most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} ran at once");
    for ctx in [&first, &second] {
        stop(ctx).await;
    }
}

pub(super) async fn limits_change_while_the_queue_is_served(bench: &Bench<'_, impl Backend>) {
    let (begun, gate) = (Counter::default(), Gate::closed());
    let flow = {
        let (begun, gate) = (begun.clone(), gate.clone());
        move |_: Ctx, (): ()| -> Flow<()> {
            let (begun, gate) = (begun.clone(), gate.clone());
            Box::pin(async move {
                begun.up();
                gate.pass().await;
                Ok(())
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&ctx, "q")
        .concurrency(1)
        .await
        .unwrap();
    let inputs = [(), (), ()];
    let named = |()| {
        durable::enqueue(&ctx, "q", flow.clone(), ())
            .name("flow")
            .into_future()
    };
    let handles = futures::future::try_join_all(inputs.map(named))
        .await
        .unwrap();
    begun.reaches(1).await;
    assert_eq!(begun.get(), 1);
    durable::register_queue(&ctx, "q")
        .concurrency(3)
        .await
        .unwrap();
    begun.reaches(3).await;
    gate.open();
    durable::join_all(&handles).await.unwrap();
    let queues = durable::list_queues(&ctx).await.unwrap();
    assert_eq!(queues.len(), 1);
    assert_eq!(queues[0].limits.concurrency, Some(3));
    durable::delete_queue(&ctx, "q").await.unwrap();
    assert!(durable::list_queues(&ctx).await.unwrap().is_empty());
    stop(&ctx).await;
}

pub(super) async fn a_rate_holds_in_any_stretch_of_time(bench: &Bench<'_, impl Backend>) {
    let flow = logger(&Log::default());
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let period = Duration::from_millis(300);
    durable::register_queue(&ctx, "q")
        .rate(2, period)
        .await
        .unwrap();
    let mut handles = Vec::new();
    for number in 0..5 {
        let start = durable::enqueue(&ctx, "q", flow.clone(), number.to_string());
        handles.push(start.name("flow").await.unwrap());
    }
    durable::join_all(&handles).await.unwrap();
    let mut starts = Vec::new();
    for handle in &handles {
        starts.push(handle.get_status().await.unwrap().started_at.unwrap());
    }
    starts.sort_unstable();
    for three in starts.windows(3) {
        let apart = three[2].saturating_duration_since(three[0]);
        assert!(apart >= period, "{starts:?}");
    }
    stop(&ctx).await;
}

pub(super) async fn a_noisy_partition_does_not_hold_up_others(bench: &Bench<'_, impl Backend>) {
    let log = Log::default();
    let flow = logger(&log);
    let nowhere = config(bench.open().await).queues(["elsewhere"]);
    let ctx = launched(nowhere, |ctx| register(ctx, "flow", &flow)).await;
    durable::register_queue(&ctx, "q")
        .concurrency(1)
        .await
        .unwrap();
    let mut handles = Vec::new();
    for tenant in ["noisy", "noisy", "noisy", "noisy", "noisy", "quiet"] {
        let start = durable::enqueue(&ctx, "q", flow.clone(), tenant.to_owned());
        handles.push(start.name("flow").partition_key(tenant).await.unwrap());
    }
    durable::serve_queues(&ctx, None);
    durable::join_all(&handles).await.unwrap();
    let place = log.lines().iter().position(|line| line == "quiet").unwrap();
    assert!(place <= 1, "{:?}", log.lines());
    stop(&ctx).await;
}
