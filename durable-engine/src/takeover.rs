//! Takes up the workflows that nobody runs: at launch, and from then on now and then.
use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use durable_api::{
    Error, Execution, ExecutionStart,
    store::{
        ClaimWorkflows, ClaimedWorkflow, ExecutorStore, ExpelExecutor, ExpelOutcome, Owner,
        VersionStore,
    },
};
use tokio::sync::{Mutex, watch};

use crate::{
    asking::{Asking, Given},
    engine::{Engine, Launched},
    execution,
    leases::Leases,
    observe,
    outage::Patience,
    queues::Slot,
};

/// Starts the loop, and sweeps once before it does. What that meets is tried again by the loop.
pub(crate) async fn start(engine: &Arc<Engine>, launched: &Launched) {
    let claimable = engine.wakeups.listen_claimable();
    let lookout = Arc::new(Mutex::new(Lookout {
        leases: Leases::new(&engine.config),
        asking: Asking::default(),
    }));
    engine.spawn_loop(run(Arc::downgrade(engine), claimable, Arc::clone(&lookout)));
    if let Err(error) = sweep(engine, launched, &mut *lookout.lock().await, false).await {
        tracing::error!(%error, "looking for workflows to take over failed; it is tried again");
    }
}

/// What one sweep leaves to the next.
struct Lookout {
    leases: Leases,
    asking: Asking,
}

/// In every so many rounds, all that runs here is checked on: a wake-up may have been lost.
const CHECK_EVERY: u32 = 5;

/// Sweeps at intervals and when it is told to, until the engine is gone.
async fn run(weak: Weak<Engine>, mut claimable: watch::Receiver<()>, lookout: Arc<Mutex<Lookout>>) {
    for round in 1_u32.. {
        let Some(mut pause) = weak
            .upgrade()
            .map(|engine| engine.clock().pause(engine.config.takeover_interval, None))
        else {
            return;
        };
        // Hints do not put the next round off.
        loop {
            let due = tokio::select! {
                biased;
                () = &mut pause => true,
                Ok(()) = claimable.changed() => false,
            };
            let Some(engine) = weak.upgrade() else { return };
            let Some(launched) = engine.launched.get() else {
                return;
            };
            let mut lookout = lookout.lock().await;
            if let Err(error) = look_around(&engine, launched, &mut lookout, due).await {
                tracing::error!(%error, "looking for workflows to take over or to cancel failed");
            }
            if due {
                if round % CHECK_EVERY == 0
                    && let Err(error) = engine.check_all().await
                {
                    tracing::error!(%error, "looking for workflows that were cancelled failed");
                }
                break;
            }
        }
    }
}

async fn look_around(
    engine: &Arc<Engine>,
    launched: &Launched,
    lookout: &mut Lookout,
    due: bool,
) -> Result<(), Error> {
    sweep(engine, launched, lookout, due).await?;
    if due {
        engine.expire().await?;
    }
    Ok(())
}

/// Expels executors that are dead, and claims what nobody owns.
async fn sweep(
    engine: &Arc<Engine>,
    launched: &Launched,
    lookout: &mut Lookout,
    due: bool,
) -> Result<(), Error> {
    let survivors = expel_dead(engine, launched, &mut lookout.leases, due).await?;
    let latest = runs_latest_version(engine, launched).await?;
    launched.runs_latest.store(latest, Ordering::Relaxed);
    loop {
        let claim = |owner| {
            let mut request = ClaimWorkflows::new(
                &engine.config.app,
                &launched.version,
                launched.registry.claimable(),
                owner,
                engine.now(),
            );
            request.executor_id.clone_from(&launched.executor_id);
            request.unversioned = latest;
            // Others look at the same time: small bites spread the work.
            request.limit = if survivors > 1 { SHARED_BITE } else { BITE };
            engine.store().claim_workflows(request)
        };
        let Given {
            owner,
            answer,
            is_repeated,
        } = lookout
            .asking
            .ask(engine, launched, "claim_workflows", claim)
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
        for workflow_id in &answer.requeued {
            tracing::info!(workflow_id, "its executor is gone; it is back in its queue");
        }
        for workflow in answer.claimed {
            observe::workflow_recovered(&workflow.record.name);
            begin_claimed(engine, launched, owner, workflow, None);
        }
        if !answer.more && !is_repeated {
            return Ok(());
        }
        if survivors > 1 {
            engine.clock().sleep(BETWEEN_BITES).await;
        }
    }
}

/// How many workflows are claimed at a time.
const BITE: u32 = 500;

/// Where other executors claim as well: how long to leave the rest to them.
const BETWEEN_BITES: Duration = Duration::from_millis(5);

/// How many workflows are claimed at a time there.
const SHARED_BITE: u32 = 16;

/// Runs a workflow that was claimed or taken from a queue.
pub(crate) fn begin_claimed(
    engine: &Arc<Engine>,
    launched: &Launched,
    owner: Owner,
    workflow: ClaimedWorkflow,
    slot: Option<Slot>,
) {
    let ClaimedWorkflow {
        record, history, ..
    } = workflow;
    let (Some(registration), Some(input)) = (launched.registry.get(&record.name), record.input)
    else {
        tracing::error!(
            workflow_id = record.id,
            "cannot be run: the store returned it without input, or under a name that was not asked for"
        );
        return;
    };
    if !history.is_empty() || record.recovery_attempts > 0 {
        tracing::info!(
            workflow_id = record.id,
            attempt = record.recovery_attempts,
            steps = history.len(),
            "recovering"
        );
    }
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
            slot,
        },
    );
}

/// Expels executors whose process on this host is gone, and those whose lease is over; returns how many of this version are left, this one among them.
async fn expel_dead(
    engine: &Engine,
    launched: &Launched,
    leases: &mut Leases,
    due: bool,
) -> Result<usize, Error> {
    let store: &dyn ExecutorStore = engine.store();
    let executors = engine
        .persist("list_executors", Patience::Transient, || {
            store.list_executors(&engine.config.app)
        })
        .await?;
    if due {
        leases.observe(&executors);
    }
    let me = launched.incarnation();
    let mut survivors = 0;
    for executor in executors {
        if executor.incarnation == me {
            survivors += 1;
            continue;
        }
        let (host, process) = (executor.host.as_deref(), executor.process.as_deref());
        let reason = if launched.identity.knows_dead(host, process) {
            "its process on this machine is gone"
        } else if leases.is_over(executor.incarnation) {
            "its heart has stopped"
        } else {
            survivors += usize::from(executor.version == launched.version);
            continue;
        };
        let request = ExpelExecutor::new(executor.incarnation, executor.beat);
        let outcome = engine
            .persist("expel_executor", Patience::Transient, || {
                store.expel_executor(request.clone())
            })
            .await?;
        if outcome == ExpelOutcome::Expelled {
            tracing::warn!(
                executor_id = executor.executor_id,
                reason,
                "taken for dead; its workflows may be taken over"
            );
        }
    }
    Ok(survivors)
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
