//! The workflow that meets the faults, and the book in which its effects are written down.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use durable::{Ctx, Result, SystemStore, WorkflowStatus, store::Payloads};

use crate::e2e::support::register;

/// What happened to all orders; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    /// How often each body ran, by workflow and step.
    bodies: HashMap<(String, &'static str), u32>,
    /// The checkpoints that were acknowledged: workflow, step, value.
    acknowledged: Vec<(String, u32, u64)>,
}

impl Book {
    fn ran(&self, id: &str, step: &'static str) {
        *self.lock().bodies.entry((id.to_owned(), step)).or_default() += 1;
    }

    fn acknowledge(&self, id: &str, step_id: u32, value: u64) {
        self.lock()
            .acknowledged
            .push((id.to_owned(), step_id, value));
    }

    /// The checkpoints that were acknowledged so far.
    pub(super) fn acknowledged(&self) -> Vec<(String, u32, u64)> {
        self.lock().acknowledged.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two steps, and between them a message to itself and a child.
pub(super) async fn order(ctx: Ctx, amount: u64) -> Result<u64> {
    let (me, book) = (ctx.workflow_id().unwrap_or_default(), book(&ctx));
    let one = durable::run_as_step(&ctx, || async {
        book.ran(&me, "one");
        Ok(amount + 1)
    });
    let one = one.named("one").await?;
    book.acknowledge(&me, 0, one);
    durable::send(&ctx, &me, one).topic("mail").await?;
    let mail: Option<u64> = durable::recv(&ctx, "mail", Duration::from_secs(60)).await?;
    let child = durable::run_workflow(&ctx, bill, mail.unwrap_or_default()).await?;
    let billed = child.get_result().await?;
    let two = durable::run_as_step(&ctx, || async {
        book.ran(&me, "two");
        Ok(billed + 1)
    });
    let two = two.named("two").await?;
    book.acknowledge(&me, STEPS - 1, two);
    Ok(two)
}

/// How many numbers an order takes: two steps, a send, a receive and its end, a child and its result.
const STEPS: u32 = 7;

async fn bill(ctx: Ctx, amount: u64) -> Result<u64> {
    let (me, book) = (ctx.workflow_id().unwrap_or_default(), book(&ctx));
    let billed = durable::run_as_step(&ctx, || async {
        book.ran(&me, "bill");
        Ok(amount * 10)
    });
    let billed = billed.named("bill").await?;
    book.acknowledge(&me, 0, billed);
    Ok(billed)
}

fn book(ctx: &Ctx) -> Arc<Book> {
    ctx.value::<Book>().expect("is registered with a book")
}

pub(super) fn registered(ctx: &Ctx, book: &Book) {
    let ctx = ctx.with_value(book.clone());
    register(&ctx, "order", &order);
    register(&ctx, "bill", &bill);
}

/// Runs one order, and returns what came of it.
pub(super) async fn run(ctx: &Ctx, id: &str, amount: u64) -> Result<u64> {
    let handle = loop {
        // The caller of a start is told of an outage, and asks again.
        match durable::run_workflow(ctx, order, amount).id(id).await {
            Ok(handle) => break handle,
            Err(durable::Error::Store(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error.into()),
        }
    };
    loop {
        match handle.get_result().await {
            Err(durable::Error::Store(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            result => return Ok(result?),
        }
    }
}

/// Checks that an order came to what it must: the right outcome, each checkpoint once, each body once.
pub(super) async fn check(store: &dyn SystemStore, book: &Book, id: &str, amount: u64) {
    let record = store.get_workflow(id, Payloads::Load).await;
    let record = record.expect("reads").expect("is there");
    assert_eq!(record.status, WorkflowStatus::Success, "{id}");
    let outcome = record.outcome.expect("has an outcome");
    let outcome: u64 = outcome.payload().decode().expect("is a number");
    assert_eq!(outcome, (amount + 1) * 10 + 1, "{id}");
    let steps = store.list_steps(id).await.expect("reads");
    let mut names: Vec<_> = steps
        .iter()
        .map(|step| (step.step_id, &*step.name))
        .collect();
    // Recorded only where the receive had to wait.
    names.retain(|(_, name)| *name != "durable.recv_until");
    let expected = [
        (0, "one"),
        (1, "durable.send"),
        (2, "durable.recv"),
        (4, "bill"),
        (5, "durable.get_result"),
        (6, "two"),
    ];
    assert_eq!(names, expected, "{id}");
    let child = format!("{id}-4");
    for (id, step) in [(id, "one"), (&child, "bill"), (id, "two")] {
        let ran = book.lock().bodies.get(&(id.to_owned(), step)).copied();
        assert_eq!(ran, Some(1), "how often `{step}` of {id} ran");
    }
}

/// Checks that each checkpoint that was acknowledged is there.
pub(super) async fn check_acknowledged(
    store: &dyn SystemStore,
    acknowledged: &[(String, u32, u64)],
) {
    let mut steps = HashMap::new();
    for (id, step_id, value) in acknowledged {
        if !steps.contains_key(id) {
            steps.insert(id, store.list_steps(id).await.expect("reads"));
        }
        let step = steps[id].iter().find(|step| step.step_id == *step_id);
        let step = step.unwrap_or_else(|| panic!("step {step_id} of {id} was acknowledged"));
        let outcome = step.outcome.as_ref().expect("has an outcome");
        let found: u64 = outcome.payload().decode().expect("is a number");
        assert_eq!(found, *value, "step {step_id} of {id}");
    }
}
