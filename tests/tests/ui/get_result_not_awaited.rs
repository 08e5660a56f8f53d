#![deny(unused_must_use)]
use durable::WorkflowHandle;

fn wait(handle: WorkflowHandle<String>) {
    handle.get_result();
}

fn main() {}
