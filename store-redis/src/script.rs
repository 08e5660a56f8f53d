use std::sync::LazyLock;

use redis::Cmd;

/// A script that the server runs as one transaction.
pub(crate) struct Script {
    source: &'static str,
    hash: LazyLock<String, fn() -> String>,
    fenced: LazyLock<Fenced, fn() -> Fenced>,
}

/// A script behind a fence.
struct Fenced {
    source: String,
    hash: String,
}

impl Fenced {
    fn new(source: &str) -> Self {
        let source = format!("{}\n{source}", include_str!("scripts/fence.lua"));
        let hash = redis::Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }
}

impl Script {
    /// `EVALSHA`, which the server refuses with `NOSCRIPT` when it does not know the script.
    pub(crate) fn by_hash(&self, is_fenced: bool) -> Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(match is_fenced {
            true => &*self.fenced.hash,
            false => &*self.hash,
        });
        cmd
    }

    /// `EVAL`, after which the server knows the script.
    pub(crate) fn by_source(&self, is_fenced: bool) -> Cmd {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(match is_fenced {
            true => &*self.fenced.source,
            false => self.source,
        });
        cmd
    }
}

macro_rules! scripts {
    ($( $name:ident = $( $file:literal ),+ ; )*) => {
        $(
            pub(crate) static $name: Script = {
                const SOURCE: &str = concat!($( include_str!(concat!("scripts/", $file, ".lua")), "\n" ),+);
                Script {
                    source: SOURCE,
                    hash: LazyLock::new(|| redis::Script::new(SOURCE).get_hash().to_owned()),
                    fenced: LazyLock::new(|| Fenced::new(SOURCE)),
                }
            };
        )*
    };
}

scripts! {
    APPEND_STREAM = "attempt", "keys", "wakeups", "effects", "streams", "append_stream";
    APPLY_SCHEDULES = "attempt", "keys", "schedules", "apply_schedules";
    CANCEL_EXPIRED = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "cancel", "cancel_expired";
    CANCEL_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "families", "bulk", "cancel", "cancel_workflows";
    CLAIM_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "checkpoints", "queues", "lines", "delays", "standing", "taking", "claim_workflows";
    CREATE_SCHEDULE = "attempt", "keys", "schedules", "create_schedule";
    DELETE_FINISHED = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "delete", "delete_finished";
    DELETE_QUEUE = "attempt", "keys", "queues", "delays", "delete_queue";
    DELETE_SCHEDULE = "attempt", "delete_schedule";
    DELETE_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "families", "bulk", "delete", "delete_workflows";
    DEQUEUE_WORKFLOWS = "idle", "attempt", "keys", "wakeups", "statuses", "rows", "checkpoints", "queues", "lines", "limits", "taking", "turns", "dequeue_workflows";
    ENQUEUE_WORKFLOW = "attempt", "keys", "wakeups", "statuses", "rows", "checkpoints", "queues", "lines", "delays", "accept", "enqueue_workflow";
    EXPEL_EXECUTOR = "attempt", "keys", "wakeups", "expel_executor";
    EXPORT_WORKFLOW = "attempt", "statuses", "rows", "effects", "export_workflow";
    FINISH_WORKFLOW = "attempt", "keys", "wakeups", "queues", "finish_workflow";
    FIRE_SCHEDULE = "attempt", "keys", "wakeups", "statuses", "rows", "checkpoints", "queues", "lines", "delays", "accept", "schedules", "fire_schedule";
    FORK_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "effects", "copies", "fork_workflows";
    GET_EVENT = "attempt", "get_event";
    HEARTBEAT = "attempt", "heartbeat";
    IMPORT_WORKFLOW = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "inbox", "import_workflow";
    INSERT_WORKFLOW = "attempt", "keys", "statuses", "rows", "checkpoints", "insert_workflow";
    LIST_EVENTS = "attempt", "list_events";
    LIST_EXECUTORS = "keys", "list_executors";
    LIST_SCHEDULES = "attempt", "keys", "schedules", "list_schedules";
    MIGRATE = "attempt", "migrate";
    NOTHING = "nothing";
    PAUSE_SCHEDULE = "attempt", "keys", "schedules", "pause_schedule";
    PUT_QUEUE = "attempt", "keys", "wakeups", "queues", "put_queue";
    READ_STREAM = "attempt", "statuses", "streams", "read_stream";
    RECEIVE_MESSAGE = "attempt", "keys", "checkpoints", "effects", "inbox", "receive_message";
    RECORD_STEP = "attempt", "record_step";
    REGISTER_EXECUTOR = "attempt", "keys", "register_executor";
    RELEASE_DELAYED = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "release_delayed";
    RESUME_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "families", "bulk", "resume_workflows";
    RETIRE_EXECUTOR = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "lines", "delays", "standing", "retire_executor";
    SEND_MESSAGE = "attempt", "keys", "wakeups", "effects", "inbox", "send_message";
    SET_ATTRIBUTES = "attempt", "set_attributes";
    SET_DELAY = "attempt", "keys", "wakeups", "statuses", "rows", "queues", "delays", "set_delay";
    SET_EVENT = "attempt", "keys", "wakeups", "effects", "set_event";
    SETTLE = "attempt", "settle";
    SET_LATEST_VERSION = "attempt", "keys", "set_latest_version";
}
