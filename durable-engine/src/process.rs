//! Who this process is, so that others on the same machine can tell when it is gone.
use std::{fs, io};

/// A process, as its executor's record describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    /// Machine, boot and process namespace.
    pub(crate) host: Option<String>,
    /// Process id and start time on that host.
    pub(crate) process: Option<String>,
}

impl ProcessIdentity {
    /// This process. Both parts are absent where the platform does not tell (it does on Linux).
    pub(crate) fn current() -> Self {
        let start = start_of("self").ok().flatten();
        let process = start.map(|start| format!("{}@{start}", std::process::id()));
        // Where the processes of others are hidden, one that is not seen may live.
        let sees_others = matches!(start_of("1"), Ok(Some(_)));
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        let host = boot
            .zip(namespace)
            .filter(|_| sees_others)
            .map(|(boot, namespace)| format!("{}/{}", boot.trim(), namespace.to_string_lossy()));
        Self { host, process }
    }

    /// Whether `other` ran on this very host and is gone, for certain.
    pub(crate) fn knows_dead(&self, host: Option<&str>, process: Option<&str>) -> bool {
        let same_host = host.is_some() && host == self.host.as_deref();
        let Some((pid, start)) = process.and_then(|process| process.split_once('@')) else {
            return false;
        };
        // A question that could not be asked proves nothing.
        same_host && start_of(pid).is_ok_and(|found| found.as_deref() != Some(start))
    }
}

/// When a process started, in ticks since the boot; `None` if there is no such process.
fn start_of(pid: &str) -> io::Result<Option<String>> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The second field is the command in parentheses, and may itself hold spaces and parentheses.
    let mut fields = stat
        .rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace();
    // A zombie runs no more.
    if matches!(fields.next(), Some("Z" | "X")) {
        return Ok(None);
    }
    match fields.nth(18) {
        Some(start) => Ok(Some(start.to_owned())),
        None => Err(io::Error::other("the file has another form")),
    }
}

/// Whether there is no such process: its file is missing, or it ended while that was read.
fn is_gone(error: &io::Error) -> bool {
    const ESRCH: i32 = 3;
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_dead() {
        let me = ProcessIdentity::current();
        assert!(me.host.is_some() && me.process.is_some());
        assert!(!me.knows_dead(me.host.as_deref(), me.process.as_deref()));
    }

    #[test]
    fn a_process_that_ended_is_dead_here_and_unknown_elsewhere() {
        let me = ProcessIdentity::current();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id().to_string();
        let process = format!("{pid}@{}", start_of(&pid).unwrap().unwrap());
        assert!(!me.knows_dead(me.host.as_deref(), Some(&process)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(me.knows_dead(me.host.as_deref(), Some(&process)));
        assert!(!me.knows_dead(Some("another host"), Some(&process)));
        assert!(!me.knows_dead(None, Some(&process)));
    }

    #[test]
    fn a_pid_that_was_given_to_another_process_is_dead() {
        let me = ProcessIdentity::current();
        let process = format!("{}@1", std::process::id());
        assert!(me.knows_dead(me.host.as_deref(), Some(&process)));
    }
}
