//! Cron expressions and time zones of any sort: refused, or a schedule whose ticks come one after the other.
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use durable::{Config, Ctx, Result, Timestamp};

use super::{RUNTIME, input::Input};

/// Longer than anybody would wait for a schedule to be accepted.
const SLOW: Duration = Duration::from_secs(20);

async fn report(_ctx: Ctx, _input: String) -> Result<()> {
    Ok(())
}

static CTX: LazyLock<Ctx> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let store = durable::connect("memory:").await.expect("opens");
        let ctx = durable::new_context(Config::new("fuzz", store)).await;
        let ctx = ctx.expect("a context");
        durable::register_workflow(&ctx, report).expect("registers");
        ctx
    })
});

pub(super) fn fuzz(data: &[u8]) {
    let mut input = Input::new(data);
    let zone = match input.choice(4) {
        0 => "UTC".to_owned(),
        1 => "Europe/Berlin".to_owned(),
        2 => "America/St_Johns".to_owned(),
        _ => input.text(),
    };
    let from = Timestamp::from_millis(input.number());
    let cron = String::from_utf8_lossy(input.rest()).into_owned();
    let begun = Instant::now();
    // It is made on the runtime, too.
    LazyLock::force(&CTX);
    RUNTIME.block_on(ticks(&cron, &zone, from));
    assert!(begun.elapsed() < SLOW, "`{cron}` in {zone}");
}

async fn ticks(cron: &str, zone: &str, from: Timestamp) {
    let schedule = durable::create_schedule(&CTX, "report", cron, report, "x");
    if schedule.timezone(zone).await.is_err() {
        return;
    }
    let until = from.saturating_add(Duration::from_secs(600));
    let runs = durable::backfill_schedule(&CTX, "report", from, until).await;
    durable::delete_schedule(&CTX, "report")
        .await
        .expect("is there");
    // The store is one for all inputs.
    if let Ok(ids) = runs {
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "`{cron}` in {zone}");
        let deleted = durable::delete_workflows(&CTX, ids, false);
        deleted.await.expect("deletes");
    }
}
