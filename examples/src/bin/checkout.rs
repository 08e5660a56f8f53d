//! An order that waits for its payment, served over HTTP. Kill the process at any point and start it again: orders go on.
//!
//! ```console
//! $ cargo run -p examples --bin checkout
//! $ curl -X POST localhost:8080/orders/7 -d tea
//! $ curl localhost:8080/orders/7
//! $ curl -X POST localhost:8080/orders/7/payment -d 499
//! ```
//!
//! The store is `DURABLE_STORE_URL`, or else a local SQLite file; the address is `CHECKOUT_ADDRESS`; an order waits for its
//! payment `CHECKOUT_PATIENCE_MS` milliseconds, an hour by default.
use std::{env, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use durable::{Config, Ctx, Error, Result};
use tokio::net::TcpListener;

/// How long an order waits for its payment; a value of the context that the workflow is registered with.
struct Patience(Duration);

async fn checkout(ctx: Ctx, item: String) -> Result<String> {
    durable::run_as_step(&ctx, || reserve(&item))
        .named("reserve")
        .await?;
    durable::set_event(&ctx, "state", "waiting for payment".to_owned()).await?;
    let patience = ctx
        .value::<Patience>()
        .map_or(Duration::MAX, |value| value.0);
    let paid: Option<u64> = durable::recv(&ctx, "payment", patience).await?;
    let state = match paid {
        Some(cents) => {
            durable::run_as_step(&ctx, || ship(&item))
                .named("ship")
                .await?;
            format!("shipped {item} for {cents} cents")
        }
        None => {
            durable::run_as_step(&ctx, || release(&item))
                .named("release")
                .await?;
            format!("gave up on {item}: it was not paid")
        }
    };
    durable::set_event(&ctx, "state", state.clone()).await?;
    Ok(state)
}

async fn reserve(item: &str) -> Result<()> {
    println!("reserving {item}");
    Ok(())
}

async fn ship(item: &str) -> Result<()> {
    println!("shipping {item}");
    Ok(())
}

async fn release(item: &str) -> Result<()> {
    println!("releasing {item}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let variable = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.into());
    let store = durable::connect(&variable("DURABLE_STORE_URL", "sqlite:checkout.db")).await?;
    let patience: u64 = variable("CHECKOUT_PATIENCE_MS", "3600000").parse()?;
    let ctx = durable::new_context(Config::new("checkout", store)).await?;
    let with_patience = ctx.with_value(Patience(Duration::from_millis(patience)));
    durable::register_workflow(&with_patience, checkout)?;
    durable::launch(&ctx).await?;

    let routes = Router::new()
        .route("/orders/{id}", post(order).get(state))
        .route("/orders/{id}/payment", post(pay))
        .route(
            "/",
            get(async || "POST /orders/{id}, GET /orders/{id}, POST /orders/{id}/payment\n"),
        )
        .with_state(ctx.clone());
    let listener = TcpListener::bind(variable("CHECKOUT_ADDRESS", "127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async {
            // Without a signal to wait for, the server runs until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await?;
    durable::shutdown(&ctx, Duration::from_secs(10)).await?;
    Ok(())
}

/// The order's id is the workflow's: ordering twice is ordering once.
async fn order(State(ctx): State<Ctx>, Path(id): Path<String>, item: String) -> Answer {
    durable::run_workflow(&ctx, checkout, item)
        .id(&id)
        .await
        .map_err(refusal)?;
    Ok((StatusCode::ACCEPTED, format!("order {id} is accepted\n")))
}

/// A payment that is sent again is the same payment.
async fn pay(State(ctx): State<Ctx>, Path(id): Path<String>, cents: String) -> Answer {
    let cents: u64 = cents
        .trim()
        .parse()
        .map_err(|_| (StatusCode::BAD_REQUEST, "pay in cents\n".to_owned()))?;
    let sent = durable::send(&ctx, &id, cents)
        .topic("payment")
        .idempotency_key("payment");
    sent.await.map_err(refusal)?;
    Ok((StatusCode::ACCEPTED, "thank you\n".to_owned()))
}

async fn state(State(ctx): State<Ctx>, Path(id): Path<String>) -> Answer {
    let state: Option<String> = durable::get_event(&ctx, &id, "state", Duration::ZERO)
        .await
        .map_err(refusal)?;
    let state = state.unwrap_or_else(|| "accepted".to_owned());
    Ok((StatusCode::OK, format!("{state}\n")))
}

type Answer = std::result::Result<(StatusCode, String), (StatusCode, String)>;

fn refusal(error: Error) -> (StatusCode, String) {
    let status = match &error {
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::InvalidName { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{error}\n"))
}

#[cfg(test)]
mod tests {
    use durable_testing::{TestEnv, WaitFor, crash_points_of, zombies_of};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn shop(env: &TestEnv) -> std::result::Result<(), Error> {
        env.set_up(|ctx| durable::register_workflow(&ctx.with_value(Patience(HOUR)), checkout))
    }

    async fn paid(env: TestEnv) -> Result<String> {
        let run = env.start(checkout, "tea").id("7").await?;
        run.comes_to_wait_for("payment").await;
        env.send_once("payment", "7", "payment", 499u64).await?;
        Ok(run.result().await?)
    }

    async fn forgotten(env: TestEnv) -> Result<String> {
        Ok(env.start(checkout, "tea").id("7").await?.result().await?)
    }

    #[tokio::test]
    async fn an_order_that_is_not_paid_in_an_hour_is_given_up() -> Result<()> {
        let env = TestEnv::new().await?;
        shop(&env)?;
        let start = env.now();
        let run = env.start(checkout, "tea").await?;
        run.until_waiting_for(WaitFor::message("payment")).await;
        assert_eq!(run.result().await?, "gave up on tea: it was not paid");
        assert_eq!(env.now(), start.saturating_add(HOUR));
        assert_eq!((env.attempts("release"), env.attempts("ship")), (1, 0));
        Ok(())
    }

    #[tokio::test]
    async fn a_paid_order_survives_a_crash_at_every_call() {
        let trial = crash_points_of(paid).set_up(shop);
        trial.await.expect("survives");
        zombies_of(paid).set_up(shop).await.expect("writes nothing");
    }

    #[tokio::test]
    async fn a_forgotten_order_survives_a_crash_at_every_call() {
        let trial = crash_points_of(forgotten).set_up(shop);
        trial.await.expect("survives");
        zombies_of(forgotten)
            .set_up(shop)
            .await
            .expect("writes nothing");
    }
}
