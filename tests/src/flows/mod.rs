//! The workflows that chaos and simulations run, and what each must come to by its input alone.
mod effects;
mod expected;
mod job;
mod recorded;
mod talk;
mod tick;
mod work;

use std::sync::Arc;

use durable::{Ctx, Error, RegisterOptions};

pub(crate) use effects::Place;
pub(crate) use expected::{Expected, report};
pub(crate) use job::{Effect, Job, Report};
pub(crate) use recorded::{effect, wrong};
pub(crate) use tick::tick;
pub(crate) use work::chain;

use talk::{listener, lonely, mailbox, ping, pong, race, sender, teller};
use work::{brief, endless, failing, family, side_by_side, stubborn};

/// The queue without limits, which must be there.
pub(crate) const OPEN: &str = "open";

macro_rules! flows {
    ($($flow:ident => $expected:expr,)*) => {
        /// Registers all of them, under the names of their functions, for what runs in that place.
        pub(crate) fn register(ctx: &Ctx, place: Arc<impl Place + 'static>) -> Result<(), Error> {
            let place: Arc<dyn Place> = place;
            let ctx = ctx.with_value(place);
            $(durable::register_workflow_with(&ctx, $flow, RegisterOptions::new().named(stringify!($flow)))?;)*
            Ok(())
        }

        /// What a workflow must come to, by its name and input.
        pub(crate) fn expected(flow: &str, job: &Job) -> Expected {
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
