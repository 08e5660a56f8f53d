use durable_api::store::{
    ClaimableWorkflow, EventLookup, ExecutorRecord, RegisterOutcome, RegisterVersion, StepRecord,
    StoreErrorKind, WorkflowFilter,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, accepted, appending, at, message, recorded, setting, step, success,
    },
};

pub(crate) async fn every_text_is_a_workflow_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut requests = Vec::new();
    for id in HOSTILE_TEXTS {
        assert_eq!(a.find(id).await, None, "{id:?} is told from all before");
        let request = a.insertion(id);
        a.start_as(request.clone()).await;
        requests.push(request);
    }
    for request in requests {
        assert_eq!(a.get(&request.id).await, accepted(&request));
        let filter = WorkflowFilter::new().id(&request.id);
        assert_eq!(a.list(filter).await, [request.id]);
    }
    let mut sorted = HOSTILE_TEXTS.to_vec();
    sorted.sort_unstable();
    assert_eq!(a.list(WorkflowFilter::new()).await, sorted);
}

pub(crate) async fn an_id_has_up_to_512_bytes(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let ids = ["x".repeat(511), "x".repeat(512), "\u{1F980}".repeat(128)];
    for (number, id) in ids.iter().enumerate() {
        let mut request = a.insertion(id);
        request.name.clone_from(id);
        request.app.clone_from(id);
        request.version = Some(id.clone());
        a.start_as(request.clone()).await;
        assert_eq!(a.get(id).await, accepted(&request));
        let child = a.child_insertion(&format!("{number}"), id, request.owner, 0);
        a.start_as(child).await;
        let listed = a.list(WorkflowFilter::new().parent(id)).await;
        assert_eq!(listed, [format!("{number}")]);
    }
}

pub(crate) async fn every_text_is_a_prefix(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in HOSTILE_TEXTS {
        a.start(id).await;
        a.start(&format!("{id}!")).await;
    }
    let everything = a.list(WorkflowFilter::new()).await;
    for prefix in HOSTILE_TEXTS {
        let mut expected = everything.clone();
        expected.retain(|id| id.starts_with(prefix));
        let listed = a.list(WorkflowFilter::new().id_prefix(*prefix)).await;
        assert_eq!(listed, expected, "{prefix:?}");
    }
}

pub(crate) async fn every_workflow_id_has_steps_of_its_own(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in HOSTILE_TEXTS {
        let owner = a.start(id).await;
        a.record(id, owner, step(0, id)).await;
        a.finish(id, owner, success(id)).await;
    }
    for id in HOSTILE_TEXTS {
        assert_eq!(a.steps(id).await, [step(0, id)]);
        assert_eq!(a.get(id).await.outcome, Some(success(id)));
    }
}

pub(crate) async fn every_text_is_a_step_name(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let steps: Vec<_> = HOSTILE_TEXTS
        .iter()
        .zip(0..)
        .map(|(name, id)| StepRecord::completed(id, *name, success(name), at(1), at(2)))
        .collect();
    for step in steps.clone() {
        a.record("w", owner, step).await;
    }
    assert_eq!(a.steps("w").await, steps);
}

pub(crate) async fn every_text_is_the_id_of_a_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let mut expected = Vec::new();
    for (id, step_id) in HOSTILE_TEXTS.iter().zip(0..) {
        let mut request = a.child_insertion(id, "parent", owner, step_id);
        let checkpoint = request.parent.as_mut().expect("is a child");
        checkpoint.step_name = (*id).to_owned();
        expected.push(StepRecord::child(step_id, *id, *id, at(1)));
        a.start_as(request).await;
    }
    assert_eq!(a.steps("parent").await, expected);
}

pub(crate) async fn every_text_is_the_id_of_a_parent(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for parent in HOSTILE_TEXTS {
        let owner = a.start(parent).await;
        let child = a.child_insertion(&format!("child of {parent}"), parent, owner, 0);
        a.start_as(child).await;
    }
    for parent in HOSTILE_TEXTS {
        let listed = a.list(WorkflowFilter::new().parent(*parent)).await;
        assert_eq!(listed, [format!("child of {parent}")]);
    }
}

pub(crate) async fn every_text_is_an_application_a_name_and_a_version(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        for (kind, app, name, version) in places(hostile) {
            let mut request = a.insertion(&format!("{kind} {number}"));
            request.app = app.to_owned();
            request.name = name.to_owned();
            request.version = Some(version.to_owned());
            a.start_as(request).await;
        }
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        for (kind, app, name, version) in places(hostile) {
            let mut filter = WorkflowFilter::new().name(name);
            filter.app = Some(app.to_owned());
            filter.versions.push(version.to_owned());
            let expected = [format!("{kind} {number}")];
            assert_eq!(b.list(filter).await, expected, "{hostile:?}");
            let mut request = b.claiming();
            request.app = app.to_owned();
            request.version = version.to_owned();
            request.workflows = vec![ClaimableWorkflow::new(name, 100)];
            let claimed = b.claim_as(request).await.claimed;
            let claimed: Vec<_> = claimed.into_iter().map(|one| one.record.id).collect();
            assert_eq!(claimed, expected, "{hostile:?}");
        }
    }
}

pub(crate) async fn every_text_is_an_executor_id(bench: &Bench<'_, impl Backend>) {
    let mut a = Executor::unregistered(bench, "").await;
    let mut expected = Vec::new();
    for id in HOSTILE_TEXTS {
        a = a.reborn(id);
        let mut request = a.registration();
        request.host = Some((*id).to_owned());
        request.process = Some((*id).to_owned());
        let answer = a.register(request.clone()).await;
        assert_eq!(answer, RegisterOutcome::default(), "{id:?}");
        a.start(&format!("of {id}")).await;
        expected.push(ExecutorRecord::registered(request));
    }
    expected.sort_by(|a, b| a.executor_id.cmp(&b.executor_id));
    assert_eq!(a.executors().await, expected);
    for id in HOSTILE_TEXTS {
        let mut filter = WorkflowFilter::new();
        filter.executor_ids.push((*id).to_owned());
        assert_eq!(a.list(filter).await, [format!("of {id}")]);
    }
}

pub(crate) async fn every_text_is_a_registered_version(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for text in HOSTILE_TEXTS {
        let request = RegisterVersion::new("app", *text, at(0));
        store.register_version(request).await.expect("registers");
        let request = RegisterVersion::new(*text, "version", at(0));
        store.register_version(request).await.expect("registers");
    }
    let mut sorted = HOSTILE_TEXTS.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let listed = store.list_versions("app").await.expect("lists");
    let listed: Vec<_> = listed.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(listed, sorted);
    for text in HOSTILE_TEXTS {
        let listed = store.list_versions(text).await.expect("lists");
        assert_eq!(listed.len(), 1, "{text:?}");
    }
}

pub(crate) async fn nul_is_refused_or_kept_and_never_cut(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let before = a.contents().await;
    let id = "w\0rest";
    let request = a.insertion(id);
    match a.store.insert_workflow(request.clone()).await {
        Ok(_) => assert_eq!(a.get(id).await, accepted(&request)),
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            assert_eq!(a.contents().await, before);
        }
    }
}

pub(crate) async fn nul_in_a_key_or_a_topic_is_refused_or_kept_and_never_cut(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let nul = "key\0rest";
    match a.store.send_message(message("w", nul, nul)).await {
        Ok(_) => assert_eq!(a.drain("w", owner, 0, nul).await.len(), 1),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}"),
    }
    assert_eq!(a.drain("w", owner, 1, "key").await, []);
    let event = setting(recorded("w", owner, 2), nul, "v");
    match a.store.set_event(event).await {
        Ok(_) => assert_eq!(a.events("w").await[0].0, nul),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}"),
    }
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
    let mut value = appending(recorded("w", owner, 3), "v");
    value.key = nul.to_owned();
    match a.store.append_stream(value).await {
        Ok(_) => assert_eq!(a.read("w", nul).await.values.len(), 1),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}"),
    }
    assert_eq!(a.read("w", "key").await.values, []);
}

/// A text as application, as name and as version.
fn places(text: &str) -> [(&str, &str, &str, &str); 3] {
    [
        ("app", text, "name", "version"),
        ("name", "app", text, "version"),
        ("version", "app", "name", text),
    ]
}
