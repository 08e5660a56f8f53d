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
    CLAIM_WORKFLOWS = "attempt", "keys", "rows", "checkpoints", "claim_workflows";
    EXPEL_EXECUTOR = "attempt", "keys", "expel_executor";
    FINISH_WORKFLOW = "attempt", "keys", "finish_workflow";
    HEARTBEAT = "attempt", "heartbeat";
    INSERT_WORKFLOW = "attempt", "keys", "rows", "checkpoints", "insert_workflow";
    LIST_EXECUTORS = "keys", "list_executors";
    RECORD_STEP = "attempt", "record_step";
    REGISTER_EXECUTOR = "attempt", "keys", "register_executor";
    RETIRE_EXECUTOR = "attempt", "keys", "retire_executor";
}
