use durable_api::{
    SystemStore,
    store::{
        Changed, ClaimedWorkflow, ClaimedWorkflows, CreateScheduleOutcome, DequeuedWorkflows,
        Fenced, Payloads, StoreError, StoreResult,
    },
};

use super::{
    answer::{Answer, Given},
    operation::{Operation, Order},
    side::{Revisions, Transactions},
};

/// Calls a store, and keeps of its answer what the contract determines.
pub(super) async fn apply(
    store: &dyn SystemStore,
    transactions: Transactions,
    revisions: &mut Revisions,
    operation: Operation,
) -> Answer {
    match call(store, transactions, revisions, operation).await {
        Ok(given) => Answer::Given(Box::new(given)),
        Err(error) => Answer::Failed(error),
    }
}

fn given(answer: impl Into<Given>) -> Result<Given, StoreError> {
    Ok(answer.into())
}

async fn call(
    store: &dyn SystemStore,
    transactions: Transactions,
    revisions: &mut Revisions,
    operation: Operation,
) -> StoreResult<Given> {
    use Operation as O;
    match operation {
        O::Aggregate(request) => given(store.aggregate_workflows(request).await?),
        O::AppendStream(request) => given(store.append_stream(request).await?),
        O::ApplySchedules(schedules) => given(store.apply_schedules(schedules).await?),
        O::CancelExpired(request) => given(store.cancel_expired(request).await?),
        O::Cancel(request) => given(store.cancel_workflows(request).await?),
        O::Change(fence, change) => {
            let mut answer = store.change(fence, change).await?;
            if let Fenced::Done(Changed::CreateSchedule(CreateScheduleOutcome::Exists(existing))) =
                &mut answer
            {
                existing.revision = revisions.rank(existing.revision);
            }
            given(answer)
        }
        O::Claim(request) => {
            let limit = request.limit as usize;
            given(claimed(store.claim_workflows(request).await?, limit))
        }
        O::CreateSchedule(schedule) => {
            let mut answer = store.create_schedule(schedule).await?;
            if let CreateScheduleOutcome::Exists(existing) = &mut answer {
                existing.revision = revisions.rank(existing.revision);
            }
            given(answer)
        }
        O::DeleteFinished(request) => given(store.delete_finished(request).await?),
        O::DeleteQueue(app, name) => given(store.delete_queue(&app, &name).await?),
        O::DeleteSchedule(app, name) => given(store.delete_schedule(&app, &name).await?),
        O::Delete(request) => given(store.delete_workflows(request).await?),
        O::Dequeue(request, order) => {
            let limit = request.limit as usize;
            given(dequeued(
                store.dequeue_workflows(request).await?,
                limit,
                order,
            ))
        }
        O::Expel(request) => given(store.expel_executor(request).await?),
        O::Export(id) => given(store.export_workflow(&id).await?),
        O::Finish(request) => given(store.finish_workflow(request).await?),
        O::Fire(mut request) => {
            request.revision = revisions.actual(request.revision);
            given(store.fire_schedule(request).await?)
        }
        O::Fork(requests) => given(store.fork_workflows(requests).await?),
        O::GetEvent(id, key) => given(store.get_event(&id, &key).await?),
        O::Get(id) => given(store.get_workflow(&id, Payloads::Load).await?.map(Box::new)),
        O::Heartbeat(incarnation) => given(store.heartbeat(incarnation).await?),
        O::Import(archive) => given(store.import_workflow(*archive).await?),
        O::Insert(request) => given(store.insert_workflow(request).await?),
        O::InsertWithin(request) => {
            // No store has connections of this type.
            given(store.insert_workflow_within(request, &mut ()).await?)
        }
        O::ListEvents(id) => given(store.list_events(&id).await?),
        O::ListExecutors(app) => given(store.list_executors(&app).await?),
        O::ListQueues(app) => given(store.list_queues(&app).await?),
        O::ListSchedules(app) => given(revisions.list(store, &app).await?),
        O::ListSteps(id) => given(store.list_steps(&id).await?),
        O::ListVersions(app) => given(store.list_versions(&app).await?),
        O::List(filter) => given(store.list_workflows(*filter).await?),
        O::Migrate => given(store.migrate().await?),
        O::PauseSchedule(request) => given(store.pause_schedule(request).await?),
        O::Ping => given(store.ping().await?),
        O::PutQueue(queue) => given(store.put_queue(queue).await?),
        O::ReadStream(request) => given(store.read_stream(request).await?),
        O::Receive(request) => given(store.receive_message(request).await?),
        O::RecordStep(request) => given(store.record_step(request).await?),
        O::Register(request) => {
            // A repetition may leave out whom the first call superseded.
            store.register_executor(request).await?;
            given(())
        }
        O::RegisterVersion(request) => given(store.register_version(request).await?),
        O::ReleaseDelayed(request) => given(store.release_delayed(request).await?),
        O::Resume(request) => given(store.resume_workflows(request).await?),
        O::Retire(incarnation) => given(store.retire_executor(incarnation).await?),
        O::Send(request) => given(store.send_message(request).await?),
        O::SendWithin(request) => given(store.send_message_within(request, &mut ()).await?),
        O::SetAttributes(request) => given(store.set_attributes(request).await?),
        O::Settle(owner) => given(store.settle(owner).await?),
        O::SetDelay(request) => given(store.set_delay(request).await?),
        O::SetEvent(request) => given(store.set_event(request).await?),
        O::SetLatestVersion(request) => given(store.set_latest_version(request).await?),
        O::Subscribe => given(store.subscribe().await.map(drop)?),
        O::Transaction(transaction) => given(match transactions {
            Transactions::Native => transaction.run_on(store).await?,
            Transactions::Emulated => transaction.emulate_on(store).await?,
        }),
        O::Verify => given(store.verify().await?),
    }
}

/// The order of names is open, and so is whether a store that reached the limit knows that there is no more.
fn claimed(mut answer: ClaimedWorkflows, limit: usize) -> ClaimedWorkflows {
    answer.requeued.sort();
    answer.dead_lettered.sort();
    let count = answer.claimed.len() + answer.requeued.len() + answer.dead_lettered.len();
    answer.more &= count < limit;
    answer
}

/// The order between queues and, where turns may be forgotten, between partitions is open, and so is whether a store that reached the limit
/// knows that there is no more.
fn dequeued(mut answer: DequeuedWorkflows, limit: usize, order: Order) -> DequeuedWorkflows {
    let line = |one: &ClaimedWorkflow| {
        let id = (order == Order::Open).then(|| one.record.id.clone());
        let partition = one.record.partition_key.clone();
        (one.record.queue.clone(), partition, id)
    };
    answer.taken.sort_by_cached_key(line);
    answer.more &= answer.taken.len() < limit;
    answer
}
