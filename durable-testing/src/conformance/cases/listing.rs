use durable_api::{WorkflowStatus, store::WorkflowFilter};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, Population, at, json, success},
};

pub(crate) async fn an_empty_store_lists_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let page = a.store.list_workflows(WorkflowFilter::new()).await;
    let page = page.expect("lists");
    assert_eq!((page.workflows, page.damaged), (vec![], vec![]));
    assert_eq!(page.next, None);
}

pub(crate) async fn everything_is_listed_oldest_first(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    agrees(&population, WorkflowFilter::new()).await;
}

pub(crate) async fn everything_is_listed_newest_first(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    agrees(&population, WorkflowFilter::new().newest_first()).await;
}

pub(crate) async fn a_listing_by_application(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_app).await;
}

pub(crate) async fn a_listing_by_ids(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_ids).await;
}

pub(crate) async fn a_listing_by_prefix(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_prefix).await;
}

pub(crate) async fn a_listing_by_names(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_names).await;
}

pub(crate) async fn a_listing_by_statuses(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_statuses).await;
}

pub(crate) async fn a_listing_by_versions(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_versions).await;
}

pub(crate) async fn a_listing_by_executors(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_executors).await;
}

pub(crate) async fn a_listing_by_parent(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_parent).await;
}

pub(crate) async fn a_listing_by_queues(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_queues).await;
}

pub(crate) async fn a_listing_by_schedules(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_schedules).await;
}

pub(crate) async fn a_listing_from_a_time_on(bench: &Bench<'_, impl Backend>) {
    selects(bench, from_a_time).await;
}

pub(crate) async fn a_listing_before_a_time(bench: &Bench<'_, impl Backend>) {
    selects(bench, before_a_time).await;
}

pub(crate) async fn a_listing_by_source(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_source).await;
}

pub(crate) async fn a_listing_by_users(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_users).await;
}

pub(crate) async fn a_listing_by_an_attribute(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_attribute).await;
}

pub(crate) async fn a_listing_by_several_attributes(bench: &Bench<'_, impl Backend>) {
    selects(bench, of_attributes).await;
}

pub(crate) async fn a_listing_by_what_started_from_a_time_on(bench: &Bench<'_, impl Backend>) {
    selects(bench, started_from).await;
}

pub(crate) async fn a_listing_by_what_started_before_a_time(bench: &Bench<'_, impl Backend>) {
    selects(bench, started_before).await;
}

pub(crate) async fn a_listing_by_what_completed_from_a_time_on(bench: &Bench<'_, impl Backend>) {
    selects(bench, completed_from).await;
}

pub(crate) async fn a_listing_by_what_completed_before_a_time(bench: &Bench<'_, impl Backend>) {
    selects(bench, completed_before).await;
}

pub(crate) async fn a_time_that_is_absent_lies_in_no_range(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    let (first, last) = (Some(at(-1_000_000)), Some(at(1_000_000)));
    let unfinished = population
        .all
        .iter()
        .filter(|one| one.completed_at.is_none());
    assert!(unfinished.count() > 0);
    let unstarted = population.all.iter().filter(|one| one.started_at.is_none());
    assert!(unstarted.count() > 0);
    for (from, before) in [(first, None), (None, last), (first, last), (last, first)] {
        let mut filter = WorkflowFilter::new();
        (filter.started_from, filter.started_before) = (from, before);
        agrees(&population, filter).await;
        let mut filter = WorkflowFilter::new();
        (filter.completed_from, filter.completed_before) = (from, before);
        agrees(&population, filter).await;
    }
}

pub(crate) async fn the_bounds_of_a_range_are_from_and_before(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for record in &population.all {
        let mut filter = WorkflowFilter::new();
        filter.started_from = record.started_at;
        filter.completed_from = record.completed_at;
        agrees(&population, filter.clone()).await;
        filter.started_before = record.started_at;
        agrees(&population, filter).await;
        let mut filter = WorkflowFilter::new();
        filter.completed_before = record.completed_at;
        agrees(&population, filter).await;
    }
}

pub(crate) async fn every_status_lists_its_own(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for status in WorkflowStatus::ALL {
        agrees(&population, WorkflowFilter::new().status(status)).await;
    }
}

pub(crate) async fn a_prefix_is_taken_literally(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for prefix in [
        "order", "order_", "order%", "ord*", "ORDER", "o_der", "%", "_", "*", "", "order_1",
        "orders",
    ] {
        agrees(&population, WorkflowFilter::new().id_prefix(prefix)).await;
    }
}

pub(crate) async fn conditions_are_combined_by_and(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for (index, one) in CONDITIONS.iter().enumerate() {
        for other in &CONDITIONS[index + 1..] {
            let filter = other(one(WorkflowFilter::new()));
            agrees(&population, filter.clone()).await;
            agrees(&population, filter.newest_first()).await;
        }
    }
}

pub(crate) async fn all_conditions_at_once_are_met(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for record in &population.all {
        let mut filter = WorkflowFilter::new()
            .id(&record.id)
            .id_prefix(&record.id)
            .name(&record.name)
            .status(record.status);
        filter.app = Some(record.app.clone());
        filter.versions.extend(record.version.clone());
        filter.executor_ids.extend(record.executor_id.clone());
        filter.queues.extend(record.queue.clone());
        filter.schedules.extend(record.schedule.clone());
        filter.parent_id = record.parent.clone().map(|parent| parent.workflow_id);
        filter.forked_from.clone_from(&record.forked_from);
        filter.users.extend(record.caller.user.clone());
        filter.attributes = record.attributes.clone();
        filter.started_from = record.started_at;
        filter.completed_from = record.completed_at;
        filter.created_from = Some(record.created_at);
        agrees(&population, filter.clone()).await;
        filter.created_before = Some(record.created_at);
        agrees(&population, filter).await;
    }
}

pub(crate) async fn a_listing_omits_payloads_unless_asked(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    let filter = WorkflowFilter::new();
    let expected = population.expected(&filter).into_iter();
    let expected: Vec<_> = expected.map(|one| one.without_payloads()).collect();
    let page = population.watcher.store.list_workflows(filter).await;
    assert_eq!(page.expect("lists").workflows, expected);
}

pub(crate) async fn a_listing_sees_what_changed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    let pending = WorkflowFilter::new().status(WorkflowStatus::Pending);
    let of = |executor_id: &str| {
        let mut filter = WorkflowFilter::new();
        filter.executor_ids.push(executor_id.to_owned());
        filter
    };
    assert_eq!(b.list(pending.clone()).await, ["w"]);
    assert_eq!(b.list(of("a")).await, ["w"]);
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    assert_eq!(b.list(of("a")).await, Vec::<String>::new());
    assert_eq!(b.list(of("b")).await, ["w"]);
    b.finish("w", owner, success("done")).await;
    assert_eq!(b.list(pending).await, Vec::<String>::new());
    let finished = WorkflowFilter::new().status(WorkflowStatus::Success);
    assert_eq!(b.list(finished).await, ["w"]);
}

type Condition = fn(WorkflowFilter) -> WorkflowFilter;

const CONDITIONS: &[Condition] = &[
    of_app,
    of_ids,
    of_prefix,
    of_names,
    of_statuses,
    of_versions,
    of_executors,
    of_queues,
    of_schedules,
    of_parent,
    from_a_time,
    before_a_time,
    of_source,
    of_users,
    of_attribute,
    of_attributes,
    started_from,
    started_before,
    completed_from,
    completed_before,
];

fn of_app(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.app = Some("warehouse".to_owned());
    filter
}

fn of_ids(filter: WorkflowFilter) -> WorkflowFilter {
    filter
        .id("parent 0:1")
        .id("order_0")
        .id("order_11")
        .id("nowhere")
}

fn of_prefix(filter: WorkflowFilter) -> WorkflowFilter {
    filter.id_prefix("order_")
}

fn of_names(filter: WorkflowFilter) -> WorkflowFilter {
    filter.name("refund").name("nowhere")
}

fn of_statuses(filter: WorkflowFilter) -> WorkflowFilter {
    filter
        .status(WorkflowStatus::Success)
        .status(WorkflowStatus::Error)
}

fn of_versions(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.versions = vec!["v2".to_owned(), "nowhere".to_owned()];
    filter
}

fn of_executors(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.executor_ids = vec!["a".to_owned(), "nowhere".to_owned()];
    filter
}

fn of_queues(filter: WorkflowFilter) -> WorkflowFilter {
    filter.queue("mail").queue("mail_").queue("nowhere")
}

fn of_schedules(filter: WorkflowFilter) -> WorkflowFilter {
    filter.schedule("nightly").schedule("nowhere")
}

fn of_parent(filter: WorkflowFilter) -> WorkflowFilter {
    filter.parent("parent 1")
}

fn from_a_time(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.created_from = Some(at(3));
    filter
}

fn before_a_time(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.created_before = Some(at(6));
    filter
}

fn of_source(filter: WorkflowFilter) -> WorkflowFilter {
    filter.forked_from("parent 0")
}

fn of_users(filter: WorkflowFilter) -> WorkflowFilter {
    filter.user("ada").user("nowhere")
}

fn of_attribute(filter: WorkflowFilter) -> WorkflowFilter {
    filter.attribute("tier", "gold")
}

fn of_attributes(filter: WorkflowFilter) -> WorkflowFilter {
    let size = json(r#"{"width": 1, "height": [2, 3]}"#);
    filter.attribute("tier", "gold").attribute("size", size)
}

fn started_from(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.started_from = Some(at(3));
    filter
}

fn started_before(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.started_before = Some(at(6));
    filter
}

fn completed_from(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.completed_from = Some(at(508));
    filter
}

fn completed_before(mut filter: WorkflowFilter) -> WorkflowFilter {
    filter.completed_before = Some(at(517));
    filter
}

/// A condition selects some and not all, and the right ones.
async fn selects(bench: &Bench<'_, impl Backend>, condition: Condition) {
    let population = Population::settle(bench).await;
    let filter = condition(WorkflowFilter::new());
    let expected = population.expected(&filter).len();
    assert!((1..population.all.len()).contains(&expected));
    agrees(&population, filter.clone()).await;
    agrees(&population, filter.newest_first()).await;
}

/// A listing answers what the filter's own definition says.
async fn agrees(population: &Population, filter: WorkflowFilter) {
    let filter = filter.with_payloads();
    let page = population.watcher.store.list_workflows(filter.clone());
    let page = page.await.expect("lists");
    assert_eq!(page.workflows, population.expected(&filter), "{filter:?}");
    assert_eq!(page.damaged, []);
    assert_eq!(page.next, None, "{filter:?}");
}
