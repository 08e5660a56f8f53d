use durable_api::store::{Caller, InsertOutcome, InsertWorkflow, WorkflowFilter};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, HOSTILE_TEXTS, accepted, at},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(crate) async fn a_caller_is_kept_as_it_was_given(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let callers = [
        caller(None, None, &[]),
        caller(Some("ada"), None, &[]),
        caller(None, Some("auditor"), &[]),
        caller(None, None, &["reader"]),
        caller(Some(""), Some(""), &[""]),
        caller(Some("ada"), Some("auditor"), &["z", "a", "z", "", "M"]),
    ];
    for (number, caller) in callers.into_iter().enumerate() {
        let mut request = a.insertion(&format!("w{number}"));
        request.caller = caller;
        starts_and_is_kept(&a, &b, request).await;
    }
    is_listed_and_claimed(&a, &b).await;
}

pub(crate) async fn every_text_is_a_user_and_a_role(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (number, text) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.insertion(&format!("{number}"));
        request.caller = caller(Some(text), Some(text), &[text, "reader"]);
        starts_and_is_kept(&a, &b, request).await;
    }
    for (number, text) in HOSTILE_TEXTS.iter().enumerate() {
        let listed = b.list(WorkflowFilter::new().user(*text)).await;
        assert_eq!(listed, [format!("{number}")], "{text:?}");
    }
}

pub(crate) async fn a_trace_is_kept_as_it_was_given(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (number, trace) in [TRACE, "", "it's \u{1F980}"].into_iter().enumerate() {
        let mut request = a.insertion(&format!("w{number}"));
        request.trace_context = Some(trace.to_owned());
        starts_and_is_kept(&a, &b, request).await;
    }
    is_listed_and_claimed(&a, &b).await;
}

pub(crate) async fn a_child_stores_what_its_request_says(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let mut request = a.insertion("parent");
    request.caller = caller(Some("ada"), Some("auditor"), &["reader"]);
    request.attributes.insert("of".to_owned(), "parent".into());
    request.trace_context = Some(TRACE.to_owned());
    request.deadline = Some(at(50));
    let parent = a.start_as(request).await;
    let without = a.child_insertion("without", "parent", parent, 0);
    starts_and_is_kept(&a, &b, without).await;
    let mut with = a.child_insertion("with", "parent", parent, 1);
    with.caller = caller(Some("grace"), None, &["writer"]);
    with.attributes.insert("of".to_owned(), "child".into());
    with.trace_context = Some("another".to_owned());
    with.deadline = Some(at(60));
    starts_and_is_kept(&a, &b, with).await;
}

pub(crate) async fn an_id_that_exists_keeps_its_own(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut first = a.insertion("w");
    first.caller = caller(Some("ada"), None, &["reader"]);
    first.attributes.insert("number".to_owned(), 1.into());
    first.trace_context = Some(TRACE.to_owned());
    first.deadline = Some(at(50));
    a.start_as(first.clone()).await;
    let mut second = a.insertion("w");
    second.caller = caller(Some("grace"), Some("auditor"), &[]);
    second.attributes.insert("number".to_owned(), 2.into());
    second.deadline = Some(at(60));
    let row = accepted(&first);
    let answer = a.insert(second).await;
    assert_eq!(
        answer,
        InsertOutcome::Existing(row.clone().without_payloads())
    );
    assert_eq!(a.get("w").await, row);
}

fn caller(user: Option<&str>, assumed_role: Option<&str>, roles: &[&str]) -> Caller {
    let mut caller = Caller::new();
    caller.user = user.map(str::to_owned);
    caller.assumed_role = assumed_role.map(str::to_owned);
    caller.roles = roles.iter().map(|role| (*role).to_owned()).collect();
    caller
}

/// What `a` starts, `b` sees.
async fn starts_and_is_kept(a: &Executor, b: &Executor, request: InsertWorkflow) {
    a.start_as(request.clone()).await;
    assert_eq!(b.get(&request.id).await, accepted(&request));
}

/// Everything is listed, and claimed when `a` is gone, as it is.
async fn is_listed_and_claimed(a: &Executor, b: &Executor) {
    let filter = WorkflowFilter::new().with_payloads();
    let listed = b.store.list_workflows(filter).await.expect("lists");
    for record in listed.workflows {
        assert_eq!(record, b.get(&record.id).await);
    }
    b.expel(a).await;
    for claimed in b.claim_as(b.claiming()).await.claimed {
        assert_eq!(claimed.record, b.get(&claimed.record.id).await);
    }
}
