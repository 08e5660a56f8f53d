use std::collections::BTreeMap;

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        AggregateWorkflows, Cursor, FinishWorkflow, GroupKey, WorkflowFilter, WorkflowGroup,
        WorkflowRecord,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, Population, at, success},
};

pub(crate) async fn everything_is_one_group(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    let request = AggregateWorkflows::new(WorkflowFilter::new());
    assert_eq!(agrees(&population, request).await, 1);
}

pub(crate) async fn groups_by_status(bench: &Bench<'_, impl Backend>) {
    groups(bench, |request| request.by_status = true).await;
}

pub(crate) async fn groups_by_name(bench: &Bench<'_, impl Backend>) {
    groups(bench, |request| request.by_name = true).await;
}

pub(crate) async fn groups_by_version_and_of_unversioned_work(bench: &Bench<'_, impl Backend>) {
    groups(bench, |request| request.by_version = true).await;
}

pub(crate) async fn groups_by_queue_and_of_what_started_at_once(bench: &Bench<'_, impl Backend>) {
    groups(bench, |request| request.by_queue = true).await;
}

pub(crate) async fn groups_by_time_of_creation(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for size in [1, 2, 3, 7] {
        let mut request = AggregateWorkflows::new(WorkflowFilter::new());
        request.bucket_millis = size;
        assert!(agrees(&population, request).await > 1);
    }
}

pub(crate) async fn groups_by_everything_at_once(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for choice in 0..32_u8 {
        let mut request = AggregateWorkflows::new(WorkflowFilter::new());
        request.by_status = choice & 1 != 0;
        request.by_name = choice & 2 != 0;
        request.by_version = choice & 4 != 0;
        request.by_queue = choice & 16 != 0;
        request.bucket_millis = if choice & 8 != 0 { 2 } else { 0 };
        agrees(&population, request).await;
    }
}

pub(crate) async fn only_what_the_filter_selects_is_counted(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    let mut filters = vec![
        WorkflowFilter::new().name("refund"),
        WorkflowFilter::new().id_prefix("order_"),
        WorkflowFilter::new().status(WorkflowStatus::Success),
        WorkflowFilter::new().parent("parent 0"),
        WorkflowFilter::new().queue("mail"),
        WorkflowFilter::new().schedule("nightly"),
        WorkflowFilter::new().user("ada"),
        WorkflowFilter::new().attribute("tier", "gold"),
        WorkflowFilter::new().forked_from("parent 0"),
    ];
    let mut of_app = WorkflowFilter::new();
    of_app.app = Some("warehouse".to_owned());
    filters.push(of_app);
    let mut created = WorkflowFilter::new();
    created.created_from = Some(at(2));
    created.created_before = Some(at(5));
    filters.push(created);
    for filter in filters {
        let mut request = AggregateWorkflows::new(filter);
        request.by_status = true;
        assert!(agrees(&population, request.clone()).await > 0);
        request.by_version = true;
        request.bucket_millis = 2;
        agrees(&population, request).await;
    }
}

pub(crate) async fn order_limit_and_place_of_the_filter_do_not_count(
    bench: &Bench<'_, impl Backend>,
) {
    let population = Population::settle(bench).await;
    let last = population.all.last().expect("is not empty");
    let filter = WorkflowFilter::new()
        .newest_first()
        .limit(1)
        .with_payloads()
        .after(Cursor {
            created_at: last.created_at,
            id: last.id.clone(),
        });
    for filter in [filter, WorkflowFilter::new().limit(0)] {
        let mut request = AggregateWorkflows::new(filter);
        agrees(&population, request.clone()).await;
        request.by_name = true;
        agrees(&population, request).await;
    }
}

pub(crate) async fn nothing_has_no_groups(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let everything = AggregateWorkflows::new(WorkflowFilter::new());
    assert_eq!(a.aggregate(everything).await, []);
    a.start("w").await;
    let mut request = AggregateWorkflows::new(WorkflowFilter::new().name("nowhere"));
    assert_eq!(a.aggregate(request.clone()).await, []);
    request.by_status = true;
    assert_eq!(a.aggregate(request).await, []);
}

pub(crate) async fn times_are_added_up_and_compared(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("pending").await;
    // The last one's clock went back before it ended: it took no time.
    for (id, end) in [("w1", 30), ("w2", 70), ("w3", 0), ("w4", -50)] {
        let owner = a.start(id).await;
        let request = FinishWorkflow::new(id, owner, success("done"), at(end));
        a.store.finish_workflow(request).await.expect("finishes");
    }
    let request = AggregateWorkflows::new(WorkflowFilter::new());
    let mut expected = WorkflowGroup::new(GroupKey::default());
    expected.count = 5;
    expected.completed = 4;
    expected.total_millis = 100;
    expected.longest_millis = 70;
    assert_eq!(a.aggregate(request).await, [expected]);
}

pub(crate) async fn buckets_begin_at_multiples_also_before_1970(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for millis in [-11, -10, -9, -1, 0, 1, 9, 10] {
        let mut request = a.insertion(&format!("at {millis}"));
        request.now = Timestamp::from_millis(millis);
        a.start_as(request).await;
    }
    let mut request = AggregateWorkflows::new(WorkflowFilter::new());
    request.bucket_millis = 10;
    let groups = a.aggregate(request).await;
    let buckets: Vec<_> = groups
        .into_iter()
        .map(|group| {
            let bucket = group.key.bucket.expect("is grouped by");
            (bucket.as_millis(), group.count)
        })
        .collect();
    assert_eq!(buckets, [(-20, 1), (-10, 3), (0, 3), (10, 1)]);
}

pub(crate) async fn groups_come_in_the_order_of_their_keys(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let names = ["b", "A", "\u{e9}", "a", "", "a:b", "Z", "_", "a b"];
    for (number, name) in names.into_iter().enumerate() {
        for version in [Some("v2"), None, Some("V1"), Some("")] {
            let mut request = a.insertion(&format!("{number} {version:?}"));
            request.name = name.to_owned();
            request.version = version.map(str::to_owned);
            a.start_as(request).await;
        }
    }
    let mut request = AggregateWorkflows::new(WorkflowFilter::new());
    request.by_name = true;
    request.by_version = true;
    let groups = a.aggregate(request).await;
    let keys: Vec<_> = groups.into_iter().map(|group| group.key).collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);
    assert_eq!(keys.len(), names.len() * 4);
}

/// Groups in one way are more than one, and the right ones.
async fn groups(bench: &Bench<'_, impl Backend>, by: impl FnOnce(&mut AggregateWorkflows)) {
    let population = Population::settle(bench).await;
    let mut request = AggregateWorkflows::new(WorkflowFilter::new());
    by(&mut request);
    assert!(agrees(&population, request).await > 1);
}

/// An aggregation answers what the request's own definition says; gives the number of groups.
async fn agrees(population: &Population, request: AggregateWorkflows) -> usize {
    let groups = population.watcher.aggregate(request.clone()).await;
    assert_eq!(groups, expected(&population.all, &request), "{request:?}");
    groups.len()
}

fn expected(all: &[WorkflowRecord], request: &AggregateWorkflows) -> Vec<WorkflowGroup> {
    let mut filter = request.filter.clone();
    filter.after = None;
    let mut groups = BTreeMap::new();
    for record in all.iter().filter(|one| filter.matches(one)) {
        let key = request.key(record);
        let group = WorkflowGroup::new(key.clone());
        groups.entry(key).or_insert(group).add(record);
    }
    groups.into_values().collect()
}
