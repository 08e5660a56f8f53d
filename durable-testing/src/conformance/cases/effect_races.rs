//! Messages, events and streams of several processes at once.
use std::{collections::BTreeSet, sync::Arc};

use durable_api::{
    Payload,
    store::{
        AppendOutcome, EventLookup, FinishOutcome, FinishWorkflow, ReadStream, ReceiveOutcome,
        SendOutcome, SetEventOutcome, StreamState,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, ROUNDS, STREAM, appended, appending, at, both, closing, deleting, effect, inside,
        message, persist, race, receiving, recorded, setting, step, success, text,
    },
};

pub(crate) async fn messages_sent_at_once_all_come(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    let contenders = (0..32).map(|number| {
        let store = Arc::clone(&executors[number % 4].store);
        let request = message("w", "topic", &format!("m{number}"));
        async move { persist(|| store.send_message(request.clone())).await }
    });
    for answer in race(contenders.collect()).await {
        assert_eq!(answer, SendOutcome::Sent);
    }
    let received = executors[0].drain("w", owner, 0, "topic").await;
    assert_eq!(received.len(), 32);
    let expected: Vec<_> = (0..32).map(|number| format!("m{number}")).collect();
    assert_eq!(names(&received), expected.into_iter().collect());
}

pub(crate) async fn senders_at_once_keep_their_own_order(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    let contenders = (0..4).map(|sender| {
        let store = Arc::clone(&executors[sender].store);
        async move {
            for number in 0..ROUNDS {
                let request = message("w", "topic", &format!("{sender}: {number}"));
                persist(|| store.send_message(request.clone())).await;
            }
        }
    });
    race(contenders.collect()).await;
    let received = executors[0].drain("w", owner, 0, "topic").await;
    assert_eq!(received.len(), 4 * ROUNDS);
    for sender in 0..4 {
        let all = (0..ROUNDS).map(|number| text(&format!("{sender}: {number}")));
        let mut own = received.clone();
        own.retain(|one| all.clone().any(|other| other == *one));
        assert_eq!(own, all.collect::<Vec<_>>());
    }
}

pub(crate) async fn of_messages_with_one_id_one_comes(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    for round in 0..ROUNDS {
        let contenders = executors.iter().map(|one| {
            let store = Arc::clone(&one.store);
            let request = message("w", "topic", &format!("m{round}"));
            async move { persist(|| store.send_message(request.clone())).await }
        });
        for answer in race(contenders.collect()).await {
            assert_eq!(answer, SendOutcome::Sent);
        }
    }
    let received = executors[0].drain("w", owner, 0, "topic").await;
    let expected: Vec<_> = (0..ROUNDS)
        .map(|round| text(&format!("m{round}")))
        .collect();
    assert_eq!(received, expected);
}

pub(crate) async fn receivers_never_share_a_message(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = executors[0].start(&id).await;
        let sent: Vec<_> = (0..8).map(|number| format!("m{number}")).collect();
        for message_id in &sent {
            executors[0].send(message(&id, "topic", message_id)).await;
        }
        let contenders = (0..8_u32).map(|step_id| {
            let store = Arc::clone(&executors[step_id as usize % 4].store);
            let request = receiving(recorded(&id, owner, step_id), "topic");
            async move { persist(|| store.receive_message(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        let steps = executors[0].steps(&id).await;
        let mut received = Vec::new();
        for (answer, step) in answers.into_iter().zip(steps) {
            let ReceiveOutcome::Received(payload) = answer else {
                panic!("{answer:?}, though there is a message for everybody");
            };
            let outcome = step.outcome.expect("holds the message");
            assert_eq!(*outcome.payload(), payload);
            received.push(payload);
        }
        assert_eq!(names(&received), sent.into_iter().collect());
    }
}

pub(crate) async fn receivers_of_one_step_receive_once(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    for round in 0..ROUNDS {
        executors[0]
            .send(message("w", "topic", &format!("m{round}")))
            .await;
    }
    for round in 0..ROUNDS {
        let step_id = u32::try_from(round).expect("is small");
        let contenders = executors.iter().map(|one| {
            let store = Arc::clone(&one.store);
            let request = receiving(recorded("w", owner, step_id), "topic");
            async move { persist(|| store.receive_message(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        let expected = format!("m{round}");
        let received = ReceiveOutcome::Received(text(&expected));
        assert_eq!(count(&answers, &received), 1, "{answers:?}");
        let repeated = ReceiveOutcome::AlreadyRecorded(step(step_id, &expected));
        assert_eq!(count(&answers, &repeated), 3, "{answers:?}");
    }
}

pub(crate) async fn a_message_during_a_deletion_is_refused_or_deleted(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Arc::new(Executor::launch(bench, "a").await);
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        a.start(&id).await;
        let store = Arc::clone(&b.store);
        let request = message(&id, "topic", "m");
        let send = async move { persist(|| store.send_message(request.clone())).await };
        let store = Arc::clone(&a.store);
        let request = deleting(&[&id]);
        let delete = async move { persist(|| store.delete_workflows(request.clone())).await };
        let (sent, deleted) = both(send, delete).await;
        assert_eq!(deleted.changed, [id.as_str()]);
        assert!(
            matches!(sent, SendOutcome::Sent | SendOutcome::UnknownDestination),
            "{sent:?}"
        );
        let owner = a.start(&id).await;
        assert_eq!(a.drain(&id, owner, 0, "topic").await, []);
        a.send(message(&id, "topic", "m")).await;
        assert_eq!(a.drain(&id, owner, 0, "topic").await, [text("m")]);
    }
}

pub(crate) async fn of_events_set_at_once_one_is_the_last(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = executors[0].start(&id).await;
        let contenders = (0..8_u32).map(|step_id| {
            let store = Arc::clone(&executors[step_id as usize % 4].store);
            let step = recorded(&id, owner, step_id);
            let request = setting(step, "key", &format!("by {step_id}"));
            async move { persist(|| store.set_event(request.clone())).await }
        });
        for answer in race(contenders.collect()).await {
            assert_eq!(answer, SetEventOutcome::Set);
        }
        let expected: Vec<_> = (0..8).map(effect).collect();
        assert_eq!(executors[0].steps(&id).await, expected);
        let events = executors[0].events(&id).await;
        assert_eq!(events.len(), 1);
        let all: Vec<_> = (0..8).map(|number| text(&format!("by {number}"))).collect();
        assert!(all.contains(&events[0].1));
        let last = executors[1].event(&id, "key").await;
        let listed = EventLookup::Value(events[0].1.clone());
        assert_eq!(last, listed, "everybody sees the same one");
    }
}

pub(crate) async fn values_written_at_once_have_an_offset_each(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    let contenders = (0..32_u32).map(|number| {
        let store = Arc::clone(&executors[number as usize % 4].store);
        let step = if number % 3 == 0 {
            recorded("w", owner, number)
        } else {
            inside("w", owner, 1_000)
        };
        let request = appending(step, &format!("v{number}"));
        async move { persist(|| store.append_stream(request.clone())).await }
    });
    let answers = race(contenders.collect()).await;
    let values = executors[0].read("w", STREAM).await.values;
    assert_eq!(values.len(), 32);
    let mut offsets = BTreeSet::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let AppendOutcome::Appended { offset } = answer else {
            panic!("{answer:?}");
        };
        assert!(offsets.insert(offset), "{offset} was given before");
        let offset = usize::try_from(offset).expect("is small");
        assert_eq!(values[offset], text(&format!("v{number}")));
    }
}

pub(crate) async fn one_write_made_at_once_is_written_once(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    for offset in 0..ROUNDS as u64 {
        let request = appending(inside("w", owner, 0), "v");
        let contenders = executors.iter().map(|one| {
            let store = Arc::clone(&one.store);
            let request = request.clone();
            async move { persist(|| store.append_stream(request.clone())).await }
        });
        for answer in race(contenders.collect()).await {
            assert_eq!(answer, appended(offset));
        }
    }
    let values = executors[0].read("w", STREAM).await.values;
    assert_eq!(values.len(), ROUNDS);
}

pub(crate) async fn a_value_during_a_closing_is_refused_or_before_it(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let store = Arc::clone(&a.store);
        let request = appending(recorded(&id, owner, 0), "v");
        let write = async move { persist(|| store.append_stream(request.clone())).await };
        let store = Arc::clone(&b.store);
        let request = closing(recorded(&id, owner, 1));
        let close = async move { persist(|| store.append_stream(request.clone())).await };
        let (written, closed) = both(write, close).await;
        let page = a.read(&id, STREAM).await;
        assert_eq!(page.state, StreamState::Closed);
        match written {
            AppendOutcome::Appended { offset: 0 } => {
                assert_eq!(closed, appended(1));
                assert_eq!(page.values, [text("v")]);
                assert_eq!(a.steps(&id).await, [effect(0), effect(1)]);
            }
            AppendOutcome::Closed => {
                assert_eq!(closed, appended(0));
                assert_eq!(page.values, []);
                assert_eq!(a.steps(&id).await, [effect(1)]);
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn a_value_during_the_end_is_refused_or_before_it(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let store = Arc::clone(&a.store);
        let request = appending(recorded(&id, owner, 0), "v");
        let write = async move { persist(|| store.append_stream(request.clone())).await };
        let store = Arc::clone(&b.store);
        let request = FinishWorkflow::new(&id, owner, success("done"), at(30));
        let end = async move { persist(|| store.finish_workflow(request.clone())).await };
        let (written, ended) = both(write, end).await;
        assert_eq!(ended, FinishOutcome::Finished);
        let page = a.read(&id, STREAM).await;
        assert_eq!(page.state, StreamState::WorkflowOver);
        if written == AppendOutcome::NotOwner {
            assert_eq!(page.values, []);
            assert_eq!(a.steps(&id).await, []);
        } else {
            assert_eq!(written, appended(0));
            assert_eq!(page.values, [text("v")]);
            assert_eq!(a.steps(&id).await, [effect(0)]);
        }
    }
}

pub(crate) async fn a_reader_misses_no_value_before_the_end(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let end = [StreamState::WorkflowOver, StreamState::Closed][round % 2];
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let store = Arc::clone(&a.store);
        let (writer, over) = (id.clone(), end == StreamState::WorkflowOver);
        let write = async move {
            for number in 0..20 {
                let request = appending(inside(&writer, owner, 0), &format!("v{number}"));
                persist(|| store.append_stream(request.clone())).await;
            }
            if over {
                let request = FinishWorkflow::new(&writer, owner, success("done"), at(30));
                persist(|| store.finish_workflow(request.clone())).await;
            } else {
                let request = closing(inside(&writer, owner, 0));
                persist(|| store.append_stream(request.clone())).await;
            }
        };
        let store = Arc::clone(&b.store);
        let read = async move {
            let mut seen = Vec::new();
            loop {
                let request = ReadStream::new(&id, STREAM, seen.len() as u64);
                let page = persist(|| store.read_stream(request.clone())).await;
                seen.extend(page.values);
                if page.state != StreamState::Open {
                    return (seen, page.state);
                }
                tokio::task::yield_now().await;
            }
        };
        let ((), (seen, state)) = both(write, read).await;
        let expected: Vec<_> = (0..20).map(|number| text(&format!("v{number}"))).collect();
        assert_eq!(seen, expected);
        assert_eq!(state, end);
    }
}

fn count<T: PartialEq>(answers: &[T], answer: &T) -> usize {
    answers.iter().filter(|one| *one == answer).count()
}

/// The texts that payloads hold.
fn names(payloads: &[Payload]) -> BTreeSet<String> {
    payloads
        .iter()
        .map(|one| {
            String::from_utf8_lossy(&one.bytes)
                .trim_matches('"')
                .to_owned()
        })
        .collect()
}

async fn four(bench: &Bench<'_, impl Backend>) -> Vec<Executor> {
    let mut executors = Vec::new();
    for id in ["a", "b", "c", "d"] {
        executors.push(Executor::launch(bench, id).await);
    }
    executors
}
