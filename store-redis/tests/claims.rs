//! What a claim with an owner that already holds workflows takes.
mod support;

use durable_api::store::{ClaimableWorkflow, WorkflowStore as _};
use support::{clean, fresh_prefix, shared_url, work};

#[tokio::test]
async fn what_the_owner_holds_is_returned_only_to_a_claim_that_asks_for_it() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "one", owner).await;

    let fitting = work::claiming(owner);
    let mut of_another_app = fitting.clone();
    of_another_app.app = "other".to_owned();
    let mut of_another_version = fitting.clone();
    of_another_version.version = "v2".to_owned();
    of_another_version.unversioned = true;
    let mut of_another_name = fitting.clone();
    of_another_name.workflows = vec![ClaimableWorkflow::new("other", 1)];
    for (request, expected) in [
        (of_another_app, 0),
        (of_another_version, 0),
        (of_another_name, 0),
        (fitting, 1),
    ] {
        let claimed = store.claim_workflows(request).await.expect("claims");
        assert_eq!(claimed.claimed.len(), expected);
    }
    clean(&url, &prefix).await;
}
