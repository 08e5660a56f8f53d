//! durable's system store on Redis 6.2 or later, alone or as a cluster.
//!
//! ```no_run
//! # async fn example() -> Result<(), durable_api::store::StoreError> {
//! use store_redis::{RedisOptions, RedisStore};
//!
//! let store = RedisStore::connect("redis://localhost/0?prefix=orders").await?;
//! println!("{}", store.durability());
//!
//! let cluster = RedisStore::connect("redis://a.example,b.example,c.example:7000").await?;
//! let by_options = RedisStore::connect_with(RedisOptions::from_url("redis://localhost")?.prefix("orders")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! Every operation is one Lua script, which Redis runs alone, so each is atomic; a read is one
//! command or, for a listing or an aggregation, one command a record.
//!
//! While a script runs, the server does nothing else, so what one does is bounded:
//!
//! - A claim takes what fits in its limits, and a page of a stream holds what fits; both say that there is more.
//! - Retiring an executor that has more than a thousand unfinished workflows takes several scripts, the last of which removes the executor.
//! - Cancelling what is over its deadline and deleting what ended long ago take a script for every thousand workflows.
//! - A dequeue does work for what it takes, and for the partitions that limits of theirs hold back; not for what waits. Looking in vain, where nothing waits,
//!   is one script of three commands. Where a rate holds, the starts that it counts are kept, and forgotten by later dequeues.
//! - Releasing what was delayed takes a script for every thousand workflows.
//! - Forks that would copy more than 100,000 checkpoints, events and values of streams, or more than 256 MiB, in one call are refused as
//!   `Invalid`: they cannot be both atomic and split. So are exports and imports of a workflow that has more.
//! - Cancelling, resuming and deleting by id does a fixed amount of work for each workflow, children included, and is not split. What
//!   belongs to a deleted workflow is freed in the background, however much it is.
//!
//! What survives a crash of the *server* is the server's configuration: with `appendonly yes` and
//! `appendfsync always` every acknowledged write, with `everysec` all but the last second. The store
//! reads the configuration when it connects, logs it, and shows it as
//! [`durability`](RedisStore::durability).
//! Redis must not evict: `allkeys-*` policies are refused (see
//! [`RedisOptions::allow_eviction`]). The `volatile-*` policies remove only keys that expire, of
//! which this store makes none, and are accepted.
//!
//! # High availability
//!
//! In a cluster, the replica of a master that failed takes its place, and the store follows: operations are `Unavailable` or
//! `Indeterminate` meanwhile, which the engine repeats, and hints come from another node, after one that anything may have changed. All keys of a
//! store are in one slot, so one master has them; a cluster adds availability to a store, not capacity, and stores with different
//! prefixes spread over the masters. Name several nodes in the URL: a store that is opened, or a connection for hints that is
//! made anew, needs one of those that are named.
//!
//! Replication is asynchronous, so a failover can lose acknowledged writes: the last ones, which had not reached the replica. The
//! server's `min-replicas-to-write` bounds how many, by refusing writes while no replica keeps up, and does not prevent it. Work that
//! must not be lost with a machine belongs in Postgres with a synchronous standby.
//!
//! Sentinel is not asked who the master is. Behind an address that follows the master, the store connects anew when the server at the other end
//! says that it is a replica, or closes the connection.
//!
//! # Keys
//!
//! All keys begin with `{prefix}:`. The braces are a hash tag, so they share one slot of a cluster;
//! scripts derive keys from stored data and rely on that. Nothing but this store may write there.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `schema` | string | the version of this layout |
//! | `wf:<id>` | hash | a workflow |
//! | `steps:<id>` | hash | its checkpoints, by step id |
//! | `workflows` | sorted set | all workflows, by time of creation and id |
//! | `children:<id>` | sorted set | those that a workflow started, likewise |
//! | `executor:<incarnation>` | hash | a registered executor |
//! | `executors:<app>` | hash | an application's executors: executor id to incarnation |
//! | `owned:<incarnation>` | sorted set | an executor's pending workflows, by execution |
//! | `held:<incarnation>:<class>` | sorted set | the same, by application, version and name; `-` for those handed back |
//! | `holders:<class>` | set | which of these sets exist |
//! | `versions:<app>` | hash | an application's versions: name to time |
//! | `forks:<id>` | sorted set | those that were made of a workflow, by time of creation and id |
//! | `queues:<app>` | hash | the configurations of an application's queues: name to JSON |
//! | `waiting:<app>` | sorted set | its queues in which something waits, by when they were served |
//! | `waiting_classes:<queue>` | set | what waits in a queue: by application, version and name |
//! | `lines:<queue>` | sorted set | what waits in it: partitions and the classes of each |
//! | `turns:<queue>:<class>` | sorted set | the lines of a class, by when their partition was served, then by their heads |
//! | `line:<queue>:<class>:<partition>` | sorted set | workflows that wait, by priority and acceptance |
//! | `accepted` | string | how many workflows were accepted into queues; their order among equals |
//! | `running:<queue>` | sorted set | the pending workflows of a queue, by partition and executor, and by executor |
//! | `served:<queue>` | sorted set | partitions of which something waits or runs, by when they were served |
//! | `unfinished:<queue>` | hash | the partition in the midst of a turn of several workflows, and how many it took |
//! | `starts:<queue>` | sorted set | the starts that a rate counts, by time, and by partition and time |
//! | `deduplicated:<queue>` | hash | deduplication ids to the workflows that have them |
//! | `delayed:<app>` | sorted set | an application's delayed workflows, by when they are due |
//! | `delayed_in:<queue>` | set | those of a queue |
//! | `debounced:<app>:<name>` | sorted set | those of a name that can be pushed back, by debounce key |
//! | `pushed:<app>:<name>` | hash | pushes, by debounce key and request, to the workflows that they pushed back |
//! | `pushes:<id>` | set | the pushes of a workflow |
//! | `schedules:<app>` | set | the names of an application's schedules |
//! | `schedule:<app>:<name>` | hash | a schedule |
//! | `schedule_revision` | string | the last revision that a schedule got |
//! | `deadlines:<app>` | sorted set | an application's pending workflows that have a deadline, by that and id |
//! | `finished:<app>` | sorted set | its workflows that are over, by time of completion and id |
//! | `sent:<id>` | set | the ids of all messages that ever came for a workflow |
//! | `inbox:<id>` | sorted set | the messages that wait for it, by topic and order of acceptance |
//! | `messages:<id>` | hash | their payloads and ids |
//! | `events:<id>` | hash | its events: key to the step that set the present value |
//! | `event_values:<id>` | hash | what each step set, numbered in the order of setting |
//! | `event_steps:<id>` | sorted set | the same, by step |
//! | `streams:<id>` | hash | its streams: key to how many values it has, and whether it is closed |
//! | `stream_values:<id>` | hash | their values, by offset and key |
//! | `stream_writes:<id>` | hash | what was written to them: id of the write to offset |
//! | `stream_steps:<id>` | sorted set | the same, by step |
//!
//! # Hints
//!
//! Scripts publish on the channel `{prefix}:wakeups`. Credentials that may not are as good: whoever waits polls. In a cluster every node
//! passes hints on.
mod administration;
mod aggregates;
mod archives;
mod attributes;
mod call;
mod changes;
mod checkpoint;
mod durability;
mod effect;
mod error;
mod events;
mod executors;
mod framed;
mod keys;
mod lifecycle;
mod link;
mod management;
mod messages;
mod options;
mod queues;
mod record;
mod reply;
mod schedules;
mod script;
mod server;
mod steps;
mod store;
mod streams;
mod transactions;
mod versions;
mod wakeups;
mod workflows;

pub use durability::{EvictionPolicy, FsyncPolicy, RedisDurability};
pub use options::RedisOptions;
pub use store::RedisStore;
