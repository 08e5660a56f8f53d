use crate::{Backend, Bench};

pub(crate) async fn migrating_twice_is_harmless(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    store.migrate().await.expect("migrates again");
    store.verify().await.expect("is verified");
}
