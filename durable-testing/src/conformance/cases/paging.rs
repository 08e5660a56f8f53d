use durable_api::store::{Cursor, WorkflowFilter, WorkflowRecord};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, Population, at},
};

pub(crate) async fn pages_cover_everything_once(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for limit in [1, 2, 7, 1_000] {
        covers(&population, WorkflowFilter::new().limit(limit)).await;
    }
}

pub(crate) async fn pages_cover_everything_once_newest_first(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    for limit in [1, 2, 7, 1_000] {
        let filter = WorkflowFilter::new().newest_first();
        covers(&population, filter.limit(limit)).await;
    }
}

pub(crate) async fn pages_cover_what_a_filter_selects_once(bench: &Bench<'_, impl Backend>) {
    let population = Population::settle(bench).await;
    let mut filter = WorkflowFilter::new()
        .name("checkout")
        .name("refund")
        .limit(2);
    filter.app = Some("shop".to_owned());
    covers(&population, filter.clone()).await;
    covers(&population, filter.newest_first()).await;
}

pub(crate) async fn workflows_of_one_millisecond_are_paged_by_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut ids = [
        "b",
        "B",
        "a10",
        "a2",
        "a",
        "\u{e9}",
        "\u{ffff}",
        "\u{1F980}",
    ];
    for id in ids {
        a.start(id).await;
    }
    ids.sort_unstable();
    let pages = pages(&a, WorkflowFilter::new().limit(3)).await;
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 2]);
    let listed: Vec<_> = pages.into_iter().flatten().map(|one| one.id).collect();
    assert_eq!(listed, ids, "in byte order");
}

pub(crate) async fn the_last_page_has_no_next(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in ["w1", "w2", "w3", "w4"] {
        a.start(id).await;
    }
    for (limit, expected) in [(2, 2), (4, 1), (5, 1), (3, 2)] {
        let pages = pages(&a, WorkflowFilter::new().limit(limit)).await;
        assert_eq!(pages.len(), expected, "with {limit} a page");
    }
}

pub(crate) async fn a_place_need_not_exist(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, millis) in [("w1", 1), ("w3", 1), ("w0", 2)] {
        let mut request = a.insertion(id);
        request.now = at(millis);
        a.start_as(request).await;
    }
    let place = |created_at, id: &str| Cursor {
        created_at,
        id: id.to_owned(),
    };
    let after = |cursor| WorkflowFilter::new().after(cursor);
    assert_eq!(a.list(after(place(at(1), "w2"))).await, ["w3", "w0"]);
    assert_eq!(a.list(after(place(at(2), ""))).await, ["w0"]);
    assert_eq!(
        a.list(after(place(at(2), "w0"))).await,
        Vec::<String>::new()
    );
    let before = |cursor| after(cursor).newest_first();
    assert_eq!(a.list(before(place(at(1), "w2"))).await, ["w1"]);
    assert_eq!(a.list(before(place(at(2), ""))).await, ["w3", "w1"]);
}

pub(crate) async fn a_workflow_accepted_between_two_pages_moves_none(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for id in ["w2", "w4", "w6"] {
        a.start(id).await;
    }
    let filter = WorkflowFilter::new().limit(2);
    let page = a.store.list_workflows(filter.clone()).await.expect("lists");
    for id in ["w1", "w3", "w5"] {
        a.start(id).await;
    }
    let next = page.next.expect("there is more");
    assert_eq!(a.list(filter.after(next)).await, ["w5", "w6"]);
}

/// Pages of a filter are what the filter selects, in order, and all but the last are full.
async fn covers(population: &Population, filter: WorkflowFilter) {
    let filter = filter.with_payloads();
    let pages = pages(&population.watcher, filter.clone()).await;
    let limit = filter.limit as usize;
    for page in &pages[..pages.len() - 1] {
        assert_eq!(page.len(), limit, "{filter:?}");
    }
    let listed: Vec<_> = pages.into_iter().flatten().collect();
    assert_eq!(listed, population.expected(&filter), "{filter:?}");
}

async fn pages(executor: &Executor, mut filter: WorkflowFilter) -> Vec<Vec<WorkflowRecord>> {
    let mut pages = Vec::new();
    loop {
        let page = executor.store.list_workflows(filter.clone()).await;
        let page = page.expect("lists");
        assert!(page.workflows.len() <= filter.limit as usize);
        pages.push(page.workflows);
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return pages,
        }
        assert!(pages.len() < 100, "paging comes to an end");
    }
}
