//! Workflows that talk to others, or wait for them.
use std::time::Duration;

use durable::{Ctx, Result};
use futures::{TryStreamExt as _, future::BoxFuture};

use super::{Job, Report, effects::effect};

/// Longer than any run, and any error of a clock.
const LONG: Duration = Duration::from_secs(36_000);

/// Sends numbers to its peer, and receives each of them back before it sends the next.
pub(super) async fn ping(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        durable::send(&ctx, &job.peer, job.part(part)).await?;
        let back = durable::recv::<u64>(&ctx, "", LONG).await?;
        report.answer.push(back.unwrap_or(u64::MAX));
        report.effects.push(effect(&ctx, 0, job.millis).await?);
    }
    report.answer.extend(extra(&ctx, "").await?);
    Ok(report)
}

/// Sends back what it receives.
pub(super) async fn pong(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for _ in 0..job.size {
        let message = durable::recv::<u64>(&ctx, "", LONG).await?;
        let message = message.unwrap_or(u64::MAX);
        report.effects.push(effect(&ctx, 0, job.millis).await?);
        durable::send(&ctx, &job.peer, message).await?;
        report.answer.push(message);
    }
    report.answer.extend(extra(&ctx, "").await?);
    Ok(report)
}

/// Receives so many messages from whoever sends.
pub(super) async fn mailbox(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        let message = durable::recv::<u64>(&ctx, "mail", LONG).await?;
        report.answer.push(message.unwrap_or(u64::MAX));
        if part % 3 == 0 {
            report.effects.push(effect(&ctx, 0, job.millis).await?);
        }
    }
    report.answer.extend(extra(&ctx, "mail").await?);
    Ok(report)
}

/// Sends all of a mailbox's messages, and shows that it did.
pub(super) async fn sender(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        report.add(effect(&ctx, job.part(part), job.millis).await?);
        durable::send(&ctx, &job.peer, job.part(part))
            .topic("mail")
            .await?;
    }
    Ok(report)
}

/// Shows its progress as an event, and writes it to a stream.
pub(super) async fn teller(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        durable::set_event(&ctx, "progress", job.part(part)).await?;
        report.add(effect(&ctx, job.part(part), job.millis).await?);
        durable::write_stream(&ctx, "parts", job.part(part)).await?;
    }
    durable::set_event(&ctx, "done", job.size).await?;
    durable::close_stream(&ctx, "parts").await?;
    Ok(report)
}

/// Waits until a [`teller`] is done, and reads what it wrote.
pub(super) async fn listener(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    let done = durable::get_event::<u64>(&ctx, &job.peer, "done", LONG).await?;
    report.answer.push(done.unwrap_or(u64::MAX));
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    let stream = durable::read_stream::<u64>(&ctx, &job.peer, "parts", 0);
    let parts: Vec<u64> = stream.try_collect().await?;
    report.answer.extend(parts);
    Ok(report)
}

/// A message or a pause, whichever is first.
pub(super) async fn race(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    let message = durable::recv::<u64>(&ctx, "go", LONG);
    let pause = durable::sleep(&ctx, Duration::from_millis(job.millis * 20));
    let message: BoxFuture<'_, Result<u64>> =
        Box::pin(async { Ok(message.await?.unwrap_or(u64::MAX)) });
    let pause: BoxFuture<'_, Result<u64>> = Box::pin(async {
        pause.await?;
        Ok(0)
    });
    let (_, won) = durable::select([message, pause]).await;
    report.answer.push(won?);
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    Ok(report)
}

/// Waits for what does not come.
pub(super) async fn lonely(ctx: Ctx, job: Job) -> Result<Report> {
    let pause = Duration::from_millis(job.millis * 10);
    let message = durable::recv::<u64>(&ctx, "nothing", pause).await?;
    let mut report = Report::default();
    report.answer.extend(message);
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    Ok(report)
}

/// A message that should not be there.
async fn extra(ctx: &Ctx, topic: &str) -> Result<Option<u64>> {
    Ok(durable::recv(ctx, topic, Duration::from_millis(300)).await?)
}
