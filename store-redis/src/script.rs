use std::sync::LazyLock;

use redis::Cmd;

/// A script that the server runs as one transaction.
pub(crate) struct Script {
    source: &'static str,
    hash: LazyLock<String, fn() -> String>,
}

impl Script {
    /// `EVALSHA`, which the server refuses with `NOSCRIPT` when it does not know the script.
    pub(crate) fn by_hash(&self) -> Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(&*self.hash);
        cmd
    }

    /// `EVAL`, after which the server knows the script.
    pub(crate) fn by_source(&self) -> Cmd {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(self.source);
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
                }
            };
        )*
    };
}

scripts! {
    APPEND_STREAM = "attempt", "keys", "wakeups", "effects", "streams", "append_stream";
    CANCEL_EXPIRED = "attempt", "keys", "wakeups", "statuses", "rows", "cancel", "cancel_expired";
    CANCEL_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "families", "bulk", "cancel", "cancel_workflows";
    CLAIM_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "checkpoints", "claim_workflows";
    DELETE_FINISHED = "attempt", "keys", "wakeups", "statuses", "rows", "delete", "delete_finished";
    DELETE_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "families", "bulk", "delete", "delete_workflows";
    EXPEL_EXECUTOR = "attempt", "keys", "expel_executor";
    FINISH_WORKFLOW = "attempt", "keys", "wakeups", "finish_workflow";
    FORK_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "effects", "copies", "fork_workflows";
    GET_EVENT = "attempt", "get_event";
    HEARTBEAT = "attempt", "heartbeat";
    INSERT_WORKFLOW = "attempt", "keys", "statuses", "rows", "checkpoints", "insert_workflow";
    LIST_EVENTS = "attempt", "list_events";
    LIST_EXECUTORS = "keys", "list_executors";
    READ_STREAM = "attempt", "statuses", "streams", "read_stream";
    RECEIVE_MESSAGE = "attempt", "keys", "checkpoints", "effects", "inbox", "receive_message";
    RECORD_STEP = "attempt", "record_step";
    REGISTER_EXECUTOR = "attempt", "keys", "register_executor";
    RESUME_WORKFLOWS = "attempt", "keys", "wakeups", "statuses", "rows", "families", "bulk", "resume_workflows";
    RETIRE_EXECUTOR = "attempt", "keys", "wakeups", "retire_executor";
    SEND_MESSAGE = "attempt", "keys", "wakeups", "effects", "inbox", "send_message";
    SET_ATTRIBUTES = "attempt", "set_attributes";
    SET_EVENT = "attempt", "keys", "wakeups", "effects", "set_event";
    SET_LATEST_VERSION = "attempt", "keys", "set_latest_version";
}
