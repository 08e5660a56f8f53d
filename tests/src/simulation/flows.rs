//! The workflows, and what each must come to by its input alone.
use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, RegisterOptions, Result, RetryPolicy, StepContext};
use durable_testing::simulation::Host;
use futures::{TryStreamExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};

/// Longer than any run, and any error of a clock.
const LONG: Duration = Duration::from_secs(36_000);

/// The name of a step whose body draws a number.
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
    fn part(&self, part: u64) -> u64 {
        self.number * 1_000 + part
    }

    /// The answer of a workflow that does its parts one by one.
    pub(super) fn answer(&self) -> Vec<u64> {
        (0..self.size).map(|part| self.part(part)).collect()
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
    /// Told from every other run of the body.
    pub(super) nonce: u64,
    pub(super) value: u64,
}

impl Report {
    fn add(&mut self, effect: Effect) {
        self.answer.push(effect.value);
        self.effects.push(effect);
    }
}

/// What a workflow must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Answer(Vec<u64>),
    /// In any order.
    Unordered(Vec<u64>),
    OneOf(Vec<Vec<u64>>),
    Failure(&'static str),
    Cancelled,
}

macro_rules! flows {
    ($($flow:ident => $expected:expr,)*) => {
        /// Registers all of them, under the names of their functions.
        pub(super) fn register(ctx: &Ctx) -> Result<(), Error> {
            $(durable::register_workflow_with(ctx, $flow, RegisterOptions::new().named(stringify!($flow)))?;)*
            Ok(())
        }

        /// What a workflow must come to, by its name and input.
        pub(super) fn expected(flow: &str, job: &Job) -> Expected {
            $(if flow == stringify!($flow) {
                return $expected(job);
            })*
            Expected::Failure("unknown")
        }
    };
}

flows! {
    chain => in_order,
    family => of_children,
    side_by_side => in_order,
    stubborn => in_order,
    failing => |_: &Job| Expected::Failure("meant"),
    endless => |_: &Job| Expected::Cancelled,
    ping => in_order,
    pong => in_order,
    mailbox => |job: &Job| Expected::Unordered(job.answer()),
    sender => in_order,
    teller => in_order,
    listener => heard,
    race => raced,
    lonely => |_: &Job| Expected::Answer(vec![]),
    brief => |job: &Job| Expected::Answer(vec![job.number]),
}

fn in_order(job: &Job) -> Expected {
    Expected::Answer(job.answer())
}

fn of_children(job: &Job) -> Expected {
    let child = |part| (2 * 1_000 * job.part(part)) + 1;
    Expected::Answer((0..job.size).map(child).collect())
}

fn heard(job: &Job) -> Expected {
    let mut heard = vec![job.size];
    heard.extend(job.answer());
    Expected::Answer(heard)
}

fn raced(job: &Job) -> Expected {
    Expected::OneOf(vec![vec![job.number], vec![0]])
}

async fn effect(ctx: &Ctx, value: u64, millis: u64) -> Result<Effect> {
    let body = body(ctx, value, millis, 1);
    durable::run_as_step(ctx, body).named(EFFECT).await
}

/// A body that succeeds at its `succeeds`th attempt.
fn body(
    ctx: &Ctx,
    value: u64,
    millis: u64,
    succeeds: u32,
) -> impl Fn(StepContext) -> BoxFuture<'static, Result<Effect>> + Send + Sync {
    let host = ctx.value::<Host>().expect("every context has its host");
    move |step: StepContext| {
        let host = Arc::clone(&host);
        Box::pin(async move {
            host.sleep(Duration::from_millis(millis)).await;
            if step.attempt() < succeeds {
                return Err(Failure::msg("not yet"));
            }
            let nonce = host.random(..);
            let step = step.step_id();
            Ok(Effect { step, nonce, value })
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
async fn family(ctx: Ctx, job: Job) -> Result<Report> {
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

/// Three steps at a time.
async fn side_by_side(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn stubborn(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        let policy = RetryPolicy::new(3).base(Duration::from_millis(10));
        let step = durable::run_as_step(&ctx, body(&ctx, job.part(part), job.millis, 3));
        report.add(step.named(EFFECT).retry(policy).await?);
    }
    Ok(report)
}

/// Fails after a step, with the code `meant`.
async fn failing(ctx: Ctx, job: Job) -> Result<Report> {
    effect(&ctx, job.number, job.millis).await?;
    Err(Failure::msg("it was meant to fail").with_code("meant"))
}

/// Steps and pauses without end.
async fn endless(ctx: Ctx, job: Job) -> Result<Report> {
    loop {
        effect(&ctx, job.number, job.millis).await?;
        durable::sleep(&ctx, Duration::from_millis(700)).await?;
    }
}

/// Sends numbers to its peer, and receives each of them back before it sends the next.
async fn ping(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn pong(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn mailbox(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn sender(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    for part in 0..job.size {
        report.add(effect(&ctx, job.part(part), job.millis).await?);
        durable::send(&ctx, &job.peer, job.part(part))
            .topic("mail")
            .await?;
    }
    Ok(report)
}

/// A message that should not be there.
async fn extra(ctx: &Ctx, topic: &str) -> Result<Option<u64>> {
    Ok(durable::recv(ctx, topic, Duration::from_millis(300)).await?)
}

/// Shows its progress as an event, and writes it to a stream.
async fn teller(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn listener(ctx: Ctx, job: Job) -> Result<Report> {
    let mut report = Report::default();
    let done = durable::get_event::<u64>(&ctx, &job.peer, "done", LONG).await?;
    report.answer.push(done.unwrap_or(u64::MAX));
    let stream = durable::read_stream::<u64>(&ctx, &job.peer, "parts", 0);
    let parts: Vec<u64> = stream.try_collect().await?;
    report.answer.extend(parts);
    Ok(report)
}

/// A message or a pause, whichever is first.
async fn race(ctx: Ctx, job: Job) -> Result<Report> {
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
async fn lonely(ctx: Ctx, job: Job) -> Result<Report> {
    let pause = Duration::from_millis(job.millis * 10);
    let message = durable::recv::<u64>(&ctx, "nothing", pause).await?;
    let mut report = Report::default();
    report.answer.extend(message);
    report.effects.push(effect(&ctx, 0, job.millis).await?);
    Ok(report)
}

/// Nothing but its own outcome is written.
async fn brief(ctx: Ctx, job: Job) -> Result<Report> {
    let host = ctx.value::<Host>().expect("every context has its host");
    host.sleep(Duration::from_millis(job.millis * 50)).await;
    let mut report = Report::default();
    report.answer.push(job.number);
    Ok(report)
}
