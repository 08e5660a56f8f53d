//! Takes up the workflows that nobody runs: at launch, and from then on now and then.
use std::sync::{Arc, Weak};

use durable_api::{
    Error, Execution, ExecutionStart,
    store::{
        ClaimWorkflows, ClaimedWorkflow, ExecutorStore, ExpelExecutor, HeartbeatOutcome,
        VersionStore,
    },
};

use crate::{
    engine::{Engine, Launched},
    execution, observe,
    outage::Patience,
    process::ProcessIdentity,
};

/// Starts the loop, and sweeps once before it does.
pub(crate) async fn start(
    engine: &Arc<Engine>,
    launched: &Launched,
    identity: ProcessIdentity,
) -> Result<(), Error> {
    let stopping = engine.stopping.clone();
    let watch = run(Arc::downgrade(engine), identity.clone());
    engine.tasks.spawn(async move {
        tokio::select! {
            () = watch => {}
            () = stopping.cancelled() => {}
        }
    });
    sweep(engine, launched, &identity).await
}

/// In every so many rounds, all that runs here is checked on: a wake-up may have been lost.
const CHECK_EVERY: u32 = 5;

/// Sweeps at intervals, until the engine is gone or superseded.
async fn run(engine: Weak<Engine>, identity: ProcessIdentity) {
    for round in 1_u32.. {
        let Some((pause, mut claimable)) = engine.upgrade().map(|engine| {
            let pause = engine.clock().sleep(engine.config.takeover_interval);
            (pause, engine.wakeups.listen_claimable())
        }) else {
            return;
        };
        tokio::select! {
            () = pause => {}
            Ok(()) = claimable.changed() => {}
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let Some(launched) = engine.launched.get() else {
            return;
        };
        match beat(&engine, launched).await {
            Ok(HeartbeatOutcome::Alive) => {}
            Ok(HeartbeatOutcome::Unknown) => {
                tracing::error!(
                    executor_id = launched.executor_id,
                    "this executor was superseded by another process of the same executor id, and takes up no more work"
                );
                return;
            }
            Err(error) => {
                tracing::error!(%error, "heartbeat failed");
                continue;
            }
        }
        if let Err(error) = look_around(&engine, launched, &identity).await {
            tracing::error!(%error, "looking for workflows to take over or to cancel failed");
        }
        if round % CHECK_EVERY == 0
            && let Err(error) = engine.check_all().await
        {
            tracing::error!(%error, "looking for workflows that were cancelled failed");
        }
    }
}

async fn look_around(
    engine: &Arc<Engine>,
    launched: &Launched,
    identity: &ProcessIdentity,
) -> Result<(), Error> {
    sweep(engine, launched, identity).await?;
    engine.expire().await
}

async fn beat(engine: &Engine, launched: &Launched) -> Result<HeartbeatOutcome, Error> {
    let store: &dyn ExecutorStore = engine.store();
    engine
        .persist("heartbeat", Patience::Transient, || {
            store.heartbeat(launched.incarnation)
        })
        .await
}

/// Expels executors of this host whose process is gone, and claims what nobody owns.
async fn sweep(
    engine: &Arc<Engine>,
    launched: &Launched,
    identity: &ProcessIdentity,
) -> Result<(), Error> {
    expel_dead_neighbours(engine, launched, identity).await?;
    let unversioned = runs_latest_version(engine, launched).await?;
    loop {
        let mut request = ClaimWorkflows::new(
            &engine.config.app,
            &launched.version,
            launched.registry.claimable(),
            engine.next_owner(launched),
            engine.now(),
        );
        request.executor_id.clone_from(&launched.executor_id);
        request.unversioned = unversioned;
        let owner = request.owner;
        let answer = engine
            .persist("claim_workflows", Patience::Transient, || {
                engine.store().claim_workflows(request.clone())
            })
            .await?;
        for workflow_id in &answer.dead_lettered {
            tracing::error!(
                workflow_id,
                "given up after too many recovery attempts; `resume` brings it back"
            );
        }
        for damaged in &answer.damaged {
            tracing::error!(
                workflow_id = damaged.workflow_id,
                reason = damaged.reason,
                "cannot be recovered: its row is damaged"
            );
        }
        for workflow in answer.claimed {
            resume(engine, launched, owner, workflow);
        }
        if !answer.more {
            return Ok(());
        }
    }
}

fn resume(
    engine: &Arc<Engine>,
    launched: &Launched,
    owner: durable_api::store::Owner,
    workflow: ClaimedWorkflow,
) {
    let ClaimedWorkflow {
        record, history, ..
    } = workflow;
    let (Some(registration), Some(input)) = (launched.registry.get(&record.name), record.input)
    else {
        tracing::error!(
            workflow_id = record.id,
            "cannot be recovered: the store returned it without input, or under a name that was not asked for"
        );
        return;
    };
    tracing::info!(
        workflow_id = record.id,
        attempt = record.recovery_attempts,
        steps = history.len(),
        "recovering"
    );
    observe::workflow_recovered(&record.name);
    let mut start = ExecutionStart::new(record.id, engine.stopping.child_token());
    start.deadline = record.deadline;
    start.caller = record.caller;
    execution::spawn(
        engine,
        launched,
        execution::Begin {
            execution: Execution::new(start),
            registration: Arc::clone(registration),
            owner,
            input,
            history,
            recovered: record.recovery_attempts > 0,
            trace_context: record.trace_context,
        },
    );
}

async fn expel_dead_neighbours(
    engine: &Engine,
    launched: &Launched,
    identity: &ProcessIdentity,
) -> Result<(), Error> {
    let store: &dyn ExecutorStore = engine.store();
    let executors = engine
        .persist("list_executors", Patience::Transient, || {
            store.list_executors(&engine.config.app)
        })
        .await?;
    for executor in executors {
        if executor.incarnation == launched.incarnation
            || !identity.knows_dead(executor.host.as_deref(), executor.process.as_deref())
        {
            continue;
        }
        tracing::info!(
            executor_id = executor.executor_id,
            "its process on this machine is gone; its workflows may be taken over"
        );
        let request = ExpelExecutor::new(executor.incarnation, executor.beat);
        engine
            .persist("expel_executor", Patience::Transient, || {
                store.expel_executor(request.clone())
            })
            .await?;
    }
    Ok(())
}

/// Whether unversioned work is this executor's as well.
async fn runs_latest_version(engine: &Engine, launched: &Launched) -> Result<bool, Error> {
    let store: &dyn VersionStore = engine.store();
    let versions = engine
        .persist("list_versions", Patience::Transient, || {
            store.list_versions(&engine.config.app)
        })
        .await?;
    Ok(versions
        .first()
        .is_some_and(|latest| latest.version == launched.version))
}
