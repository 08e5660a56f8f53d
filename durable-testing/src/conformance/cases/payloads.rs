use durable_api::{
    Payload,
    store::{Outcome, StepRecord, WorkflowFilter},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, HOSTILE_TEXTS, at, step},
};

pub(crate) async fn an_empty_payload_is_not_an_absent_one(bench: &Bench<'_, impl Backend>) {
    returns(bench, Payload::new("json", Vec::new())).await;
}

pub(crate) async fn every_byte_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    returns(bench, Payload::new("bincode", bytes)).await;
}

pub(crate) async fn bytes_that_are_no_text_return_as_they_were(bench: &Bench<'_, impl Backend>) {
    returns(
        bench,
        Payload::new("json", vec![0xff, 0xfe, 0x00, 0x80, 0xc0]),
    )
    .await;
}

pub(crate) async fn text_that_looks_like_syntax_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let all = HOSTILE_TEXTS.concat();
    returns(bench, Payload::new("json", all.into_bytes())).await;
}

pub(crate) async fn a_mebibyte_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let bytes: Vec<u8> = (0..1_u32 << 20)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    returns(bench, Payload::new("bincode", bytes)).await;
}

pub(crate) async fn an_unknown_encoding_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    returns(bench, Payload::new("of a later version", vec![1, 2, 3])).await;
}

pub(crate) async fn every_text_is_the_name_of_an_encoding(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let steps: Vec<_> = HOSTILE_TEXTS
        .iter()
        .zip(0..)
        .map(|(encoding, step_id)| {
            let mut step = step(step_id, "");
            step.outcome = Some(Outcome::Success(Payload::new(*encoding, vec![0])));
            step
        })
        .collect();
    for step in steps.clone() {
        a.record("w", owner, step).await;
    }
    assert_eq!(a.steps("w").await, steps);
}

pub(crate) async fn input_outcome_and_steps_may_have_different_encodings(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.input = Payload::new("input", "same bytes");
    let owner = a.start_as(request).await;
    let outcome = Outcome::Failure(Payload::new("outcome", "same bytes"));
    a.finish("w", owner, outcome.clone()).await;
    let record = a.get("w").await;
    assert_eq!(record.input, Some(Payload::new("input", "same bytes")));
    assert_eq!(record.outcome, Some(outcome));
}

/// A payload returns from wherever a payload can be.
async fn returns(bench: &Bench<'_, impl Backend>, payload: Payload) {
    let a = Executor::launch(bench, "a").await;
    let mut steps = Vec::new();
    for outcome in [
        Outcome::Success(payload.clone()),
        Outcome::Failure(payload.clone()),
    ] {
        let step_id = u32::try_from(steps.len()).expect("is small");
        steps.push(StepRecord::completed(step_id, "s", outcome, at(1), at(2)));
    }
    for id in ["success", "failure"] {
        let mut request = a.insertion(id);
        request.input = payload.clone();
        let owner = a.start_as(request).await;
        for step in steps.clone() {
            a.record(id, owner, step).await;
        }
    }
    assert_eq!(a.get("success").await.input, Some(payload.clone()));
    assert_eq!(a.get("success").await.outcome, None);
    assert_eq!(a.steps("success").await, steps);

    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let request = b.claiming();
    let owner = request.owner;
    for claimed in b.claim_as(request).await.claimed {
        assert_eq!(claimed.record.input, Some(payload.clone()));
        assert_eq!(claimed.history, steps);
    }
    for (id, outcome) in [
        ("success", Outcome::Success(payload.clone())),
        ("failure", Outcome::Failure(payload.clone())),
    ] {
        b.finish(id, owner, outcome.clone()).await;
        let filter = WorkflowFilter::new().id(id).with_payloads();
        let page = a.store.list_workflows(filter).await.expect("lists");
        assert_eq!(page.workflows, [a.get(id).await]);
        assert_eq!(page.workflows[0].outcome, Some(outcome));
        assert_eq!(page.workflows[0].input, Some(payload.clone()));
    }
}
