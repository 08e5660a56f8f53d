//! The workflows, and what each must come to.
use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, RegisterOptions, Result, RetryPolicy, StepContext};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;

/// Longer than any run.
const LONG: Duration = Duration::from_secs(3_600);

/// The name of a step whose body writes to the ledger.
pub(super) const EFFECT: &str = "effect";

/// What a workflow is to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Job {
    /// Where its answers come from.
    pub(super) number: u64,
    /// How much of it to do.
    pub(super) size: u64,
    /// How long a body takes.
    pub(super) millis: u64,
    /// The workflow that it talks to.
    pub(super) peer: String,
}

impl Job {
    /// What a workflow that does its job answers.
    pub(super) fn answer(&self) -> Vec<u64> {
        (0..self.size).map(|part| self.part(part)).collect()
    }

    fn part(&self, part: u64) -> u64 {
        self.number * 1_000 + part
    }
}

/// What a workflow came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) answer: Vec<u64>,
    /// What the workflow received from the bodies of its own steps.
    pub(super) effects: Vec<Effect>,
}

/// What a body returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Effect {
    pub(super) step: u32,
    pub(super) nonce: u64,
    pub(super) value: u64,
}

impl Report {
    fn add(&mut self, effect: Effect) {
        self.answer.push(effect.value);
        self.effects.push(effect);
    }
}

/// Registers all of them, under the names of their functions.
pub(super) fn register(ctx: &Ctx) -> Result<(), Error> {
    macro_rules! register {
        ($($flow:ident),*) => {
            $(durable::register_workflow_with(
                ctx, $flow, RegisterOptions::new().named(stringify!($flow)),
            )?;)*
        };
    }
    register!(
        chain,
        family,
        side_by_side,
        stubborn,
        failing,
        endless,
        ping,
        pong,
        mailbox,
        teller,
        listener
    );
    Ok(())
}

async fn effect(ctx: &Ctx, value: u64, millis: u64) -> Result<Effect> {
    durable::run_as_step(ctx, body(ctx, value, millis, 1))
        .named(EFFECT)
        .await
}

/// A body that succeeds at its `succeeds`th attempt.
fn body(
    ctx: &Ctx,
    value: u64,
    millis: u64,
    succeeds: u32,
) -> impl Fn(StepContext) -> futures::future::BoxFuture<'static, Result<Effect>> + Send + Sync {
    let ledger = ctx.value::<Arc<Ledger>>().expect("workers have a ledger");
    move |step: StepContext| {
        let ledger = Arc::clone(&ledger);
        Box::pin(async move {
            let body = ledger.begin(step.workflow_id(), step.step_id(), step.attempt());
            tokio::time::sleep(Duration::from_millis(millis)).await;
            if step.attempt() < succeeds {
                return Err(Failure::msg("not yet"));
            }
            let step = step.step_id();
            Ok(Effect {
                step,
                nonce: body.end(),
                value,
            })
        })
    }
}

/// Steps, one after the other, with a pause after every second one.
pub(super) async fn chain(ctx: Ctx, job: Job) -> Result<Report> {
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
            durable::enqueue(&ctx, "open", chain, child).await?
        });
    }
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    for child in &children {
        let answer = child.get_result().await?.answer;
        report.answer.push(answer.iter().sum());
    }
    Ok(report)
}

/// What [`family`] answers.
pub(super) fn family_answer(job: &Job) -> Vec<u64> {
    let child = |part| (2 * 1_000 * job.part(part)) + 1;
    (0..job.size).map(child).collect()
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
        durable::sleep(&ctx, Duration::from_millis(200)).await?;
    }
}

/// Sends numbers to its peer, and receives each of them back before it sends the next.
pub(super) async fn ping(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        durable::send(&ctx, &job.peer, job.part(part)).await?;
        let back = durable::recv::<u64>(&ctx, "", LONG).await?;
        report.answer.push(back.unwrap_or(u64::MAX));
        report.effects.push(effect(&ctx, 0, job.millis).await?);
    }
    report.answer.extend(extra(&ctx).await?);
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
    report.answer.extend(extra(&ctx).await?);
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
    let extra = durable::recv::<u64>(&ctx, "mail", Duration::from_millis(300)).await?;
    report.answer.extend(extra);
    Ok(report)
}

/// A message that should not be there.
async fn extra(ctx: &Ctx) -> Result<Option<u64>> {
    Ok(durable::recv(ctx, "", Duration::from_millis(50)).await?)
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
