//! The comparison finds what is wrong with a store, tells it shortly, and finds it again by its seed.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use durable_api::SystemStore;
use durable_testing::{
    Backend, Fault, FaultPlan, FaultyStore,
    differential::{Comparison, Difference},
};
use store_memory::MemoryStore;

struct Memory;

impl Backend for Memory {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        Arc::new(MemoryStore::named(namespace))
    }

    async fn clean(&self, namespace: &str) {
        MemoryStore::forget(namespace);
    }
}

/// Of its handles, every other one sees nothing of the others.
#[derive(Default)]
struct TwoMinds(AtomicUsize);

impl Backend for TwoMinds {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Memory.open(&format!("{namespace}_{}", number % 2)).await
    }

    async fn clean(&self, namespace: &str) {
        for number in 0..2 {
            Memory.clean(&format!("{namespace}_{number}")).await;
        }
    }
}

/// Refuses to resume.
struct Stubborn;

impl Backend for Stubborn {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let plan = FaultPlan::new(|call| match call.operation {
            "resume_workflows" => Fault::Refuse,
            _ => Fault::PassThrough,
        });
        Arc::new(FaultyStore::with_plan(Memory.open(namespace).await, plan))
    }

    async fn clean(&self, namespace: &str) {
        Memory.clean(namespace).await;
    }
}

async fn difference(subject: &impl Backend) -> Difference {
    let comparison = Comparison::new(7).sequences(4).parallel(1);
    let report = comparison.run(&Memory, subject).await;
    report.difference.expect("they differ")
}

#[tokio::test]
async fn a_store_agrees_with_itself() {
    for comparison in [Comparison::new(1), Comparison::new(1).with_faults()] {
        let report = comparison.sequences(10).run(&Memory, &Memory).await;
        report.assert_agreement();
        assert_eq!((report.sequences, report.operations), (10, 10_000));
    }
}

#[tokio::test]
async fn an_operation_that_fails_is_found_and_told_alone() {
    let difference = difference(&Stubborn).await;
    assert_eq!(difference.steps.len(), 1, "{difference}");
    assert!(difference.steps[0].contains("Resume"), "{difference}");
    assert!(difference.message.contains("Unavailable"), "{difference}");
}

#[tokio::test]
async fn handles_that_do_not_see_each_others_writes_are_found() {
    let difference = difference(&TwoMinds::default()).await;
    assert!(difference.steps.len() <= 3, "{difference}");
}

#[tokio::test]
async fn a_seed_finds_the_same_again() {
    let (one, other) = (difference(&Stubborn).await, difference(&Stubborn).await);
    assert_eq!(one.to_string(), other.to_string());
    let again = Comparison::new(one.seed).sequences(1);
    let again = again.run(&Memory, &Stubborn).await;
    let again = again.difference.expect("they differ");
    assert_eq!(again.steps, one.steps);
}
