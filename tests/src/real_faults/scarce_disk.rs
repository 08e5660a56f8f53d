//! A disk of a test's own that is soon full.
use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// Where the disk is, for the process that has it.
const VARIABLE: &str = "DURABLE_SCARCE_DISK";

/// Runs the body of a test on a file system of so many mebibytes: in a process of its own, with a mount namespace of its own, which goes with it. `test` is
/// the full name of the test, and the test does nothing else.
pub(super) fn on_scarce_disk(test: &str, mebibytes: u32, body: impl FnOnce(&Path)) {
    if let Some(folder) = env::var_os(VARIABLE) {
        return body(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mount = format!(
        "mount -t tmpfs -o size={mebibytes}m,mode=755 tmpfs \"$1\" && shift && exec \"$@\""
    );
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "--", "sh", "-c", &mount, "sh"])
        .arg(folder.path())
        .arg(env::current_exe().expect("knows its program"))
        .args([test, "--exact", "--nocapture"].map(OsStr::new))
        .env(VARIABLE, folder.path())
        .output()
        .expect("`unshare` of util-linux starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test} on a small disk (which takes root, or user namespaces):\n{said}\n{complained}"
    );
}

/// Takes all the space that is left, until it is dropped.
pub(super) struct Filler(PathBuf);

impl Filler {
    pub(super) fn of(folder: &Path) -> Self {
        let path = folder.join("filler");
        let mut file = File::create(&path).expect("creates a file");
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0; size];
            loop {
                match file.write(&block) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("removes the filler");
    }
}
