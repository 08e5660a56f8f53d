use durable_api::store::{SetAttributes, SetAttributesOutcome, StoreErrorKind, WorkflowFilter};
use serde_json::{Map, Value};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, accepted, at, end_in_every_way, json,
    },
};

pub(crate) async fn attributes_are_kept_as_they_were_given(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (number, attributes) in all().into_iter().enumerate() {
        let mut request = a.insertion(&format!("w{number}"));
        request.attributes = attributes;
        a.start_as(request.clone()).await;
        assert_eq!(b.get(&request.id).await, accepted(&request));
    }
    let listed = a.store.list_workflows(WorkflowFilter::new()).await;
    for record in listed.expect("lists").workflows {
        assert_eq!(record.attributes, b.get(&record.id).await.attributes);
    }
    b.expel(&a).await;
    for claimed in b.claim_as(b.claiming()).await.claimed {
        let record = claimed.record;
        assert_eq!(record.attributes, b.get(&record.id).await.attributes);
    }
}

pub(crate) async fn attributes_are_replaced(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.attributes = json(r#"{"first": 1, "both": {"deep": 1}}"#);
    a.start_as(request).await;
    a.start("other").await;
    let other = a.get("other").await;
    let mut expected = a.get("w").await;
    let mut replace = async |attributes: Map<String, Value>, millis| {
        let answer = set(&a, "w", attributes.clone(), millis).await;
        assert_eq!(answer, SetAttributesOutcome::Set);
        expected.attributes = attributes;
        expected.updated_at = at(millis);
        assert_eq!(a.get("w").await, expected, "with nothing of the former");
    };
    replace(json(r#"{"second": 2, "both": {"other": 2}}"#), 70).await;
    for (attributes, millis) in all().into_iter().zip(71..) {
        replace(attributes, millis).await;
    }
    replace(Map::new(), 1_000).await;
    assert_eq!(a.get("other").await, other);
}

pub(crate) async fn attributes_are_replaced_in_every_status(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    watcher.start("pending").await;
    watcher.enqueue(&["enqueued"]).await;
    watcher.delay("delayed", 5_000).await;
    let waiting = ["pending", "enqueued", "delayed"];
    for id in ENDINGS.map(|(id, _)| id).into_iter().chain(waiting) {
        let mut expected = watcher.get(id).await;
        let attributes = json(r#"{"checked": true}"#);
        let answer = set(&watcher, id, attributes.clone(), 9_000).await;
        assert_eq!(answer, SetAttributesOutcome::Set);
        expected.attributes = attributes;
        expected.updated_at = at(9_000);
        assert_eq!(watcher.get(id).await, expected);
    }
}

pub(crate) async fn an_unknown_workflow_has_no_attributes(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let before = a.contents().await;
    let answer = set(&a, "nowhere", json(r#"{"a": 1}"#), 70).await;
    assert_eq!(answer, SetAttributesOutcome::UnknownWorkflow);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_value_is_found_only_if_it_is_exactly_the_one(
    bench: &Bench<'_, impl Backend>,
) {
    let values = [
        "null",
        "true",
        "false",
        r#""true""#,
        "0",
        "1",
        r#""1""#,
        "-1",
        r#""""#,
        r#""null""#,
        r#""a""#,
        r#""A""#,
        "[]",
        "[1]",
        "[1, 2]",
        "[2, 1]",
        "[1, 2, 2]",
        "[[1, 2]]",
        "{}",
        r#"{"a": 1}"#,
        r#"{"a": "1"}"#,
        r#"{"a": 1, "b": 2}"#,
        r#"{"a": {"a": 1}}"#,
        r#"{"a": null}"#,
    ];
    each_finds_itself(bench, values).await;
}

pub(crate) async fn numbers_are_told_apart_as_they_are_written(bench: &Bench<'_, impl Backend>) {
    let values = [
        "1",
        "1.0",
        "1.5",
        "0.1",
        "100",
        "100.0",
        "9007199254740991",
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
    ];
    each_finds_itself(bench, values).await;
}

pub(crate) async fn every_text_names_an_attribute_and_is_its_value(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (number, text) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.insertion(&format!("{number}"));
        request.attributes.insert((*text).to_owned(), 1.into());
        request.attributes.insert("text".to_owned(), (*text).into());
        a.start_as(request.clone()).await;
        assert_eq!(a.get(&request.id).await, accepted(&request));
    }
    for (number, text) in HOSTILE_TEXTS.iter().enumerate() {
        let number = format!("{number}");
        let by_name = WorkflowFilter::new().attribute(*text, 1);
        assert_eq!(a.list(by_name).await, [number.as_str()], "{text:?}");
        let by_value = WorkflowFilter::new().attribute("text", *text);
        assert_eq!(a.list(by_value).await, [number], "{text:?}");
    }
}

pub(crate) async fn a_name_is_one_name_and_no_path(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, attributes) in [
        ("nested", r#"{"a": {"b": 1}}"#),
        ("dotted", r#"{"a.b": 1}"#),
        ("slashed", r#"{"a/b": 1, "": 2}"#),
        ("listed", r#"{"a": [1], "0": 3}"#),
    ] {
        let mut request = a.insertion(id);
        request.attributes = json(attributes);
        a.start_as(request).await;
    }
    let list = async |name: &str, value: Value| {
        let filter = WorkflowFilter::new().attribute(name, value);
        a.list(filter).await
    };
    assert_eq!(list("a.b", 1.into()).await, ["dotted"]);
    assert_eq!(list("a/b", 1.into()).await, ["slashed"]);
    assert_eq!(list("", 2.into()).await, ["slashed"]);
    assert_eq!(list("0", 3.into()).await, ["listed"]);
    assert_eq!(list("a", json(r#"{"b": 1}"#).into()).await, ["nested"]);
    assert_eq!(list("b", 1.into()).await, Vec::<String>::new());
}

pub(crate) async fn a_listing_sees_what_was_replaced(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.attributes = json(r#"{"stage": "new", "kept": [1]}"#);
    a.start_as(request).await;
    let of = |stage: &str| WorkflowFilter::new().attribute("stage", stage);
    assert_eq!(a.list(of("new")).await, ["w"]);
    set(&a, "w", json(r#"{"stage": "done", "kept": [1]}"#), 70).await;
    assert_eq!(a.list(of("new")).await, Vec::<String>::new());
    assert_eq!(a.list(of("done")).await, ["w"]);
    let both = of("done").attribute("kept", vec![1]);
    assert_eq!(a.list(both).await, ["w"], "all of them must be there");
    let other = of("done").attribute("kept", vec![2]);
    assert_eq!(a.list(other).await, Vec::<String>::new());
    set(&a, "w", Map::new(), 71).await;
    assert_eq!(a.list(of("done")).await, Vec::<String>::new());
}

pub(crate) async fn nul_is_refused_or_kept_and_never_cut(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    for attributes in [
        r#"{"text": "nul\u0000rest"}"#,
        r#"{"nul\u0000rest": 1}"#,
        r#"{"deep": [{"nul\u0000rest": ["nul\u0000rest"]}]}"#,
    ] {
        let before = a.contents().await;
        let attributes = json(attributes);
        let request = SetAttributes::new("w", attributes.clone(), at(70));
        match a.store.set_attributes(request).await {
            Ok(_) => assert_eq!(a.get("w").await.attributes, attributes),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
                assert_eq!(a.contents().await, before);
            }
        }
    }
}

/// Of workflows with one of these values each, a filter by a value finds the one that has it.
async fn each_finds_itself(
    bench: &Bench<'_, impl Backend>,
    values: impl IntoIterator<Item = &'static str>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("without").await;
    let values: Vec<_> = values.into_iter().collect();
    for value in &values {
        let mut request = a.insertion(value);
        request.attributes = json(&format!(r#"{{"key": {value}, "other": 1}}"#));
        a.start_as(request.clone()).await;
        assert_eq!(a.get(value).await, accepted(&request), "{value}");
    }
    for value in &values {
        let parsed: Value = serde_json::from_str(value).expect("is JSON");
        let filter = WorkflowFilter::new().attribute("key", parsed);
        assert_eq!(a.list(filter).await, [*value]);
    }
}

/// Objects that break whoever takes JSON for something else.
fn all() -> Vec<Map<String, Value>> {
    [
        "{}",
        r#"{"a": null, "b": true, "c": false}"#,
        r#"{"list": [], "object": {}, "text": ""}"#,
        r#"{"lists": [[], [[]], {}, null], "deep": {"deep": {"deep": {"deep": [1]}}}}"#,
        r#"{"integers": [0, -1, 9007199254740993, 18446744073709551615, -9223372036854775808]}"#,
        r#"{"floats": [0.1, 1.0, -2.5, 0.000001, 123456.789]}"#,
        r#"{"\u00e9": "\u00e9", "e\u0301": "\ud83e\udd80", "": "empty", "it's": "\"quoted\"\\"}"#,
        r#"{"controls": "\u0001\b\f\n\r\t\u001f\u007f\u2028\u2029\uffff"}"#,
        r#"{"z": 1, "a": 2, "M": 3}"#,
    ]
    .into_iter()
    .map(json)
    .collect()
}

async fn set(
    a: &Executor,
    id: &str,
    attributes: Map<String, Value>,
    millis: i64,
) -> SetAttributesOutcome {
    let request = SetAttributes::new(id, attributes, at(millis));
    let answer = a.store.set_attributes(request).await;
    answer.expect("sets attributes")
}
