use durable_api::{
    Payload,
    store::{
        AppendOutcome, AppendStream, Owner, ReadStream, RecordOutcome, StreamPage, StreamState,
    },
};
use uuid::Uuid;

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, STREAM, appended, appending, at, cancelling, closing,
        effect, end_in_every_way, inside, is_fenced_out, recorded, resuming, step, success, text,
    },
};

pub(crate) async fn a_value_and_its_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    let answer = a.append(appending(recorded("w", owner, 3), "v")).await;
    assert_eq!(answer, appended(0));
    assert_eq!(b.read("w", STREAM).await, page(&["v"], StreamState::Open));
    assert_eq!(b.steps("w").await, [effect(3)]);
}

pub(crate) async fn values_stand_in_the_order_of_their_writing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    // Neither steps nor times tell the order.
    for (offset, step_id) in (0..).zip([0, 3, 1, 2]) {
        let mut request = appending(recorded("w", owner, step_id), &format!("by {step_id}"));
        request.now = at(100 - i64::from(step_id));
        assert_eq!(a.append(request).await, appended(offset));
    }
    let expected = page(&["by 0", "by 3", "by 1", "by 2"], StreamState::Open);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn values_from_the_body_of_a_step_leave_its_checkpoint_to_the_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    for (offset, value) in (0..).zip(["v0", "v1", "v2"]) {
        let answer = a.append(appending(inside("w", owner, 0), value)).await;
        assert_eq!(answer, appended(offset));
    }
    assert_eq!(a.append(closing(inside("w", owner, 0))).await, appended(3));
    assert_eq!(a.steps("w").await, []);
    let answer = a.record("w", owner, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
    let expected = page(&["v0", "v1", "v2"], StreamState::Closed);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn a_closing_and_its_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    a.append(appending(recorded("w", owner, 0), "v0")).await;
    a.append(appending(recorded("w", owner, 1), "v1")).await;
    let answer = a.append(closing(recorded("w", owner, 2))).await;
    assert_eq!(answer, appended(2), "how many values it has");
    assert_eq!(a.steps("w").await, [effect(0), effect(1), effect(2)]);
    let expected = page(&["v0", "v1"], StreamState::Closed);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn a_stream_may_be_closed_without_a_value(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    assert_eq!(
        a.append(closing(recorded("w", owner, 0))).await,
        appended(0)
    );
    assert_eq!(a.read("w", STREAM).await, page(&[], StreamState::Closed));
}

pub(crate) async fn a_closed_stream_takes_nothing_more(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.append(appending(recorded("w", owner, 0), "v")).await;
    a.append(closing(recorded("w", owner, 1))).await;
    let before = a.contents().await;
    for step in [recorded("w", owner, 2), inside("w", owner, 2)] {
        for request in [appending(step.clone(), "late"), closing(step)] {
            assert_eq!(a.append(request).await, AppendOutcome::Closed);
        }
    }
    assert_eq!(a.contents().await, before, "no checkpoint either");
}

pub(crate) async fn a_stream_that_was_never_written_to_is_an_empty_one(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    assert_eq!(a.read("w", STREAM).await, page(&[], StreamState::Open));
    a.finish("w", owner, success("done")).await;
    let expected = page(&[], StreamState::WorkflowOver);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn keys_and_workflows_have_streams_of_their_own(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let other = a.start("w:a").await;
    let streams = [("w", owner, "a"), ("w", owner, "a:b"), ("w:a", other, "b")];
    for (step_id, round) in [(0, "first"), (1, "second")] {
        for (number, (id, owner, key)) in (0_u32..).zip(streams) {
            let step = recorded(id, owner, step_id * 10 + number);
            let mut request = appending(step, &format!("{round} of {id} {key}"));
            request.key = key.to_owned();
            assert_eq!(a.append(request).await, appended(u64::from(step_id)));
        }
    }
    let mut close = closing(recorded("w", owner, 100));
    close.key = "a".to_owned();
    a.append(close).await;
    for (id, _, key) in streams {
        let values = ["first", "second"].map(|round| format!("{round} of {id} {key}"));
        let values = [values[0].as_str(), values[1].as_str()];
        let state = if (id, key) == ("w", "a") {
            StreamState::Closed
        } else {
            StreamState::Open
        };
        assert_eq!(a.read(id, key).await, page(&values, state));
    }
}

pub(crate) async fn a_known_write_changes_nothing_and_answers_as_it_did(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    let writes: Vec<_> = ["v0", "v1", "v2"]
        .map(|value| appending(inside("w", owner, 0), value))
        .into();
    for request in &writes {
        a.append(request.clone()).await;
    }
    let again = async |state| {
        for (offset, request) in (0..).zip(&writes) {
            assert_eq!(b.append(request.clone()).await, appended(offset));
        }
        assert_eq!(a.read("w", STREAM).await, page(&["v0", "v1", "v2"], state));
    };
    again(StreamState::Open).await;
    let close = closing(inside("w", owner, 0));
    assert_eq!(a.append(close.clone()).await, appended(3));
    assert_eq!(b.append(close.clone()).await, appended(3));
    again(StreamState::Closed).await;
    assert_eq!(b.append(close).await, appended(3));
}

pub(crate) async fn the_step_is_judged_before_the_write(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let request = appending(recorded("w", owner, 0), "v");
    a.append(request.clone()).await;
    let answer = a.append(request.clone()).await;
    assert_eq!(answer, AppendOutcome::AlreadyRecorded(effect(0)));
    let close = closing(recorded("w", owner, 1));
    a.append(close.clone()).await;
    let answer = a.append(close).await;
    assert_eq!(answer, AppendOutcome::AlreadyRecorded(effect(1)));
    let answer = a.append(request).await;
    assert_eq!(answer, AppendOutcome::AlreadyRecorded(effect(0)));
    let expected = page(&["v"], StreamState::Closed);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn the_owner_is_judged_before_the_step_and_the_write(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    let known = appending(recorded("w", owner, 0), "v");
    a.append(known.clone()).await;
    let before = a.contents().await;
    let mut request = known;
    request.step.owner = a.owner();
    assert_eq!(a.append(request).await, AppendOutcome::NotOwner);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_step_that_is_recorded_writes_nothing(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.record("w", owner, step(0, "done")).await;
    let before = a.contents().await;
    for step_ref in [recorded("w", owner, 0), inside("w", owner, 0)] {
        for request in [appending(step_ref.clone(), "v"), closing(step_ref)] {
            let answer = a.append(request).await;
            assert_eq!(answer, AppendOutcome::AlreadyRecorded(step(0, "done")));
        }
    }
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn pages_cover_a_stream_once(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let all: Vec<String> = (0..23).map(|number| format!("v{number}")).collect();
    for value in &all {
        a.append(appending(inside("w", owner, 0), value)).await;
    }
    for limit in [1, 7, 23, 24, u32::MAX] {
        let mut from = 0;
        while from < 23 {
            let values = read(&a, from, limit).await.values;
            let end = all.len().min(from + limit as usize);
            let expected: Vec<_> = all[from..end].iter().map(|one| text(one)).collect();
            assert_eq!(values, expected, "{limit} from {from}");
            from += values.len();
        }
    }
}

pub(crate) async fn a_read_from_beyond_the_end_is_empty(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    a.append(appending(recorded("w", owner, 0), "v")).await;
    let beyond = [1, 2, i64::MAX as u64];
    for from in beyond {
        assert_eq!(
            read(&a, from as usize, 100).await,
            page(&[], StreamState::Open)
        );
    }
    a.append(closing(recorded("w", owner, 1))).await;
    for from in beyond {
        let expected = page(&[], StreamState::Closed);
        assert_eq!(read(&a, from as usize, 100).await, expected);
    }
}

pub(crate) async fn only_a_page_with_the_last_values_says_that_the_stream_is_closed(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    three_values(&a, "w", owner).await;
    a.append(closing(recorded("w", owner, 1))).await;
    ends_with(&a, "w", StreamState::Closed).await;
}

pub(crate) async fn only_a_page_with_the_last_values_says_that_the_workflow_is_over(
    bench: &Bench<'_, impl Backend>,
) {
    let watcher = end_in_every_way(bench, three_values).await;
    for (id, _) in ENDINGS {
        ends_with(&watcher, id, StreamState::WorkflowOver).await;
    }
}

pub(crate) async fn a_closed_stream_stays_one_when_its_workflow_is_over(
    bench: &Bench<'_, impl Backend>,
) {
    let watcher = end_in_every_way(bench, async |executor, id, owner| {
        three_values(executor, id, owner).await;
        executor.append(closing(recorded(id, owner, 1))).await;
    })
    .await;
    for (id, _) in ENDINGS {
        ends_with(&watcher, id, StreamState::Closed).await;
    }
}

pub(crate) async fn the_stream_of_a_resumed_workflow_is_open_again(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, owner) = owned(bench).await;
    a.append(appending(recorded("w", owner, 0), "v0")).await;
    a.cancel(cancelling(&["w"])).await;
    a.resume(resuming(&["w"])).await;
    assert_eq!(a.read("w", STREAM).await, page(&["v0"], StreamState::Open));
    let owner = a.take_over("w").await;
    let answer = a.append(appending(recorded("w", owner, 1), "v1")).await;
    assert_eq!(answer, appended(1));
    let expected = page(&["v0", "v1"], StreamState::Open);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn an_unknown_workflow_has_no_stream(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let expected = page(&[], StreamState::UnknownWorkflow);
    assert_eq!(a.read("nowhere", STREAM).await, expected);
    let step = recorded("nowhere", a.owner(), 0);
    let answer = a.append(appending(step.clone(), "v")).await;
    assert_eq!(answer, AppendOutcome::NotOwner);
    assert_eq!(a.append(closing(step)).await, AppendOutcome::NotOwner);
    assert_eq!(a.read("nowhere", STREAM).await, expected);
}

pub(crate) async fn a_new_owner_writes_on_where_the_former_was(bench: &Bench<'_, impl Backend>) {
    let (a, former) = owned(bench).await;
    let b = Executor::launch(bench, "b").await;
    a.append(appending(recorded("w", former, 0), "by a")).await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    is_fenced_out(&b, "w", former).await;
    let answer = b.append(appending(recorded("w", owner, 1), "by b")).await;
    assert_eq!(answer, appended(1));
    let expected = page(&["by a", "by b"], StreamState::Open);
    assert_eq!(a.read("w", STREAM).await, expected);
}

pub(crate) async fn every_text_is_a_key(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    for (key, step_id) in HOSTILE_TEXTS.iter().zip(0..) {
        let mut request = appending(recorded("w", owner, step_id), key);
        request.key = (*key).to_owned();
        assert_eq!(a.append(request).await, appended(0), "{key:?}");
    }
    for key in HOSTILE_TEXTS {
        assert_eq!(a.read("w", key).await, page(&[key], StreamState::Open));
    }
}

pub(crate) async fn a_value_returns_as_it_was(bench: &Bench<'_, impl Backend>) {
    let (a, owner) = owned(bench).await;
    let payloads = [
        Payload::new("json", Vec::new()),
        Payload::new("of a later version", vec![0xff, 0, 0xfe, b'\'']),
        Payload::new("bincode", vec![7; 1 << 20]),
    ];
    for payload in &payloads {
        let step = inside("w", owner, 0);
        let id = Uuid::new_v4();
        let request = AppendStream::value(step, STREAM, payload.clone(), id, at(20));
        a.append(request).await;
    }
    let read = a.read("w", STREAM).await;
    assert_eq!(read.values, payloads, "an empty value closes nothing");
    assert_eq!(read.state, StreamState::Open);
}

/// The workflow `w`, and who runs it.
async fn owned(bench: &Bench<'_, impl Backend>) -> (Executor, Owner) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    (a, owner)
}

async fn three_values(executor: &Executor, id: &str, owner: Owner) {
    for value in ["v0", "v1", "v2"] {
        executor
            .append(appending(inside(id, owner, 0), value))
            .await;
    }
}

/// Of a stream of three values that has come to an end, the pages with the last one say so.
async fn ends_with(executor: &Executor, id: &str, end: StreamState) {
    for (from, limit, state) in [
        (0, 2, StreamState::Open),
        (1, 1, StreamState::Open),
        (0, 3, end),
        (0, 100, end),
        (2, 1, end),
        (3, 1, end),
    ] {
        let mut request = ReadStream::new(id, STREAM, from);
        request.limit = limit;
        let answer = executor.read_as(request).await.state;
        assert_eq!(answer, state, "{id}: {limit} from {from}");
    }
}

async fn read(executor: &Executor, from: usize, limit: u32) -> StreamPage {
    let mut request = ReadStream::new("w", STREAM, from as u64);
    request.limit = limit;
    executor.read_as(request).await
}

fn page(values: &[&str], state: StreamState) -> StreamPage {
    StreamPage::new(values.iter().map(|one| text(one)).collect(), state)
}
