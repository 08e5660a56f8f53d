//! Workflows that work on their own.
use std::time::Duration;

use durable::{Ctx, Failure, Result, RetryPolicy};

use super::{
    Job, OPEN, Report,
    effects::{EFFECT, body, effect, place},
};

/// Steps, one after the other, with a pause after every second one.
pub(crate) async fn chain(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        report.add(effect(&ctx, job.part(part), job.millis).await?);
        if part % 2 == 1 {
            durable::sleep(&ctx, Duration::from_millis(job.millis * 3)).await?;
        }
    }
    Ok(report)
}

/// Children, half of them by way of a queue, and their answers.
pub(super) async fn family(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    let mut children = Vec::new();
    for part in 0..job.size {
        let child = Job {
            number: job.part(part),
            size: 2,
            millis: job.millis,
            ..Job::default()
        };
        children.push(if part % 2 == 0 {
            durable::run_workflow(&ctx, chain, child).await?
        } else {
            durable::enqueue(&ctx, OPEN, chain, child).await?
        });
    }
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    for child in &children {
        let answer = child.get_result().await?.answer;
        report.answer.push(answer.iter().sum());
    }
    Ok(report)
}

/// Three steps at a time.
pub(super) async fn side_by_side(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        let effects = futures::try_join!(
            effect(&ctx, job.part(part), job.millis),
            effect(&ctx, job.part(part), job.millis * 2),
            effect(&ctx, job.part(part), 1),
        )?;
        report.add(effects.0);
        report.effects.extend([effects.1, effects.2]);
    }
    Ok(report)
}

/// Steps that succeed at their third attempt.
pub(super) async fn stubborn(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        let policy = RetryPolicy::new(3).base(Duration::from_millis(10));
        let step = durable::run_as_step(&ctx, body(&ctx, job.part(part), job.millis, 3));
        report.add(step.named(EFFECT).retry(policy).await?);
    }
    Ok(report)
}

/// Fails after a step, with the code `meant`.
pub(super) async fn failing(ctx: Ctx, job: Job) -> Result<Report> {
    effect(&ctx, job.number, job.millis).await?;
    Err(Failure::msg("it was meant to fail").with_code("meant"))
}

/// Steps and pauses without end.
pub(super) async fn endless(ctx: Ctx, job: Job) -> Result<Report> {
    loop {
        effect(&ctx, job.number, job.millis).await?;
        durable::sleep(&ctx, Duration::from_millis(300)).await?;
    }
}

/// Nothing but its own outcome is written.
pub(super) async fn brief(ctx: Ctx, job: Job) -> Result<Report> {
    let time = Duration::from_millis(job.millis * 50);
    place(&ctx).sleep(time).await;
    let mut report = Report::default();
    report.answer.push(job.number);
    Ok(report)
}
