use std::future::IntoFuture;

use futures::future::{BoxFuture, FutureExt as _, select_all};

/// The first of several durable operations to complete, and its place among them. The others are dropped, and it is recorded that they
/// lost: a replay waits for the winner alone.
///
/// Operations of different types are brought to one by an `async` block that awaits each. `tokio::select!` over durable operations replays alike;
/// this function asks for no macro.
///
/// ```no_run
/// use std::time::Duration;
/// use durable_api::{Ctx, Result, recv, select, sleep};
///
/// async fn paid_in_time(ctx: Ctx, (): ()) -> Result<bool> {
///     let payment = recv::<u64>(&ctx, "payment", Duration::from_secs(86_400));
///     let reminder = sleep(&ctx, Duration::from_secs(3_600));
///     let payment: futures::future::BoxFuture<Result<bool>> = Box::pin(async { Ok(payment.await?.is_some()) });
///     let reminder: futures::future::BoxFuture<Result<bool>> = Box::pin(async { reminder.await?; Ok(false) });
///     let (_winner, paid) = select([payment, reminder]).await;
///     paid
/// }
/// ```
///
/// # Panics
/// When there are no operations.
pub async fn select<F>(operations: impl IntoIterator<Item = F>) -> (usize, F::Output)
where
    F: IntoFuture<IntoFuture: Send>,
{
    let operations: Vec<BoxFuture<'_, F::Output>> = operations
        .into_iter()
        .map(|operation| operation.into_future().boxed())
        .collect();
    let (output, place, losers) = select_all(operations).await;
    drop(losers);
    (place, output)
}
