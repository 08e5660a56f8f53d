//! The shape of the workspace: which crate may know which, and what all have in common.
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Files that every store has, each as `name.rs` or as a folder `name/`.
const STORE_ANATOMY: [&str; 10] = [
    "administration",
    "error",
    "executors",
    "lib",
    "lifecycle",
    "options",
    "steps",
    "store",
    "versions",
    "workflows",
];

/// Lines that a source file may have.
const LONGEST_FILE: usize = 500;

/// A list of names, one a line, that is one thing at any length.
const LISTS: [&str; 1] = ["durable-testing/src/conformance/suite.rs"];

/// What the manifest of every member takes from the workspace.
const INHERITED: [&str; 6] = [
    "edition.workspace = true",
    "license.workspace = true",
    "publish.workspace = true",
    "rust-version.workspace = true",
    "version.workspace = true",
    "[lints]\nworkspace = true",
];

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("`cargo metadata` succeeds")
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is above this crate")
        .to_owned()
}

fn members() -> Vec<&'static Package> {
    METADATA.workspace_packages()
}

fn stores() -> Vec<&'static Package> {
    let mut stores = members();
    stores.retain(|package| package.name.starts_with("store-"));
    assert!(stores.len() >= 4, "found only {} stores", stores.len());
    stores
}

/// The names of a package's normal dependencies, optional ones included.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// Those of a package's normal dependencies that are members of the workspace.
fn own_dependencies(package: &Package) -> BTreeSet<&str> {
    let members: BTreeSet<_> = members().iter().map(|one| one.name.as_str()).collect();
    dependencies(package)
        .intersection(&members)
        .copied()
        .collect()
}

fn member(name: &str) -> &'static Package {
    members()
        .into_iter()
        .find(|package| package.name == name)
        .unwrap_or_else(|| panic!("the workspace has a member `{name}`"))
}

fn folder(package: &Package) -> &Path {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().expect("a manifest is in a folder")
}

#[test]
fn the_contracts_know_nobody() {
    assert_eq!(own_dependencies(member("durable-api")), BTreeSet::new());
}

#[test]
fn engine_and_stores_know_the_contracts_alone() {
    for package in stores().into_iter().chain([member("durable-engine")]) {
        assert_eq!(
            own_dependencies(package),
            BTreeSet::from(["durable-api"]),
            "what {} depends on",
            package.name
        );
    }
}

#[test]
fn what_stores_are_tested_by_knows_the_contracts_alone() {
    let package = member("durable-testing");
    let mut needed = own_dependencies(package);
    for optional in ["durable-engine", "store-memory"] {
        let found = package
            .dependencies
            .iter()
            .find(|one| one.name == optional && one.kind == DependencyKind::Normal);
        assert!(
            found.is_some_and(|one| one.optional),
            "{optional} is optional"
        );
        needed.remove(optional);
    }
    assert_eq!(needed, BTreeSet::from(["durable-api"]));
    for store in stores() {
        let testing = store
            .dependencies
            .iter()
            .find(|one| one.name == "durable-testing");
        let testing = testing.expect("every store is tested by the suite");
        assert!(
            !testing.uses_default_features && testing.features.is_empty(),
            "{} is tested without the kit, which has a store of its own",
            store.name
        );
    }
}

#[test]
fn only_stores_know_database_drivers() {
    for package in members() {
        let exempt = ["tests", "examples"].contains(&package.name.as_str());
        if exempt || package.name.starts_with("store-") {
            continue;
        }
        let drivers: Vec<_> = dependencies(package)
            .into_iter()
            .filter(|name| name.starts_with("sqlx") || name.starts_with("redis"))
            .collect();
        assert_eq!(drivers, Vec::<&str>::new(), "in {}", package.name);
    }
}

#[test]
fn the_default_features_need_no_server() {
    let packages = tree(&["--package", "durable"]);
    for expected in ["store-memory", "store-sqlite", "sqlx-sqlite"] {
        assert!(packages.contains(expected), "{expected} in {packages:?}");
    }
    for unwanted in ["store-postgres", "store-redis", "sqlx-postgres", "redis"] {
        assert!(!packages.contains(unwanted), "{unwanted} in {packages:?}");
    }
}

#[test]
fn without_features_there_is_no_driver() {
    let packages = tree(&["--package", "durable", "--no-default-features"]);
    assert!(packages.contains("durable-engine"), "{packages:?}");
    let drivers: Vec<_> = packages
        .iter()
        .filter(|name| name.starts_with("sqlx") || name.starts_with("redis"))
        .collect();
    assert_eq!(drivers, Vec::<&String>::new());
}

/// The packages that cargo would build.
fn tree(selection: &[&str]) -> BTreeSet<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(selection)
        .output()
        .expect("cargo runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_member_inherits_the_workspace_settings() {
    for package in members() {
        let manifest = fs::read_to_string(&package.manifest_path).expect("reads a manifest");
        for setting in INHERITED {
            assert!(
                manifest.contains(&format!("\n{setting}\n")),
                "{} lacks `{setting}`",
                package.manifest_path
            );
        }
    }
}

#[test]
fn all_stores_have_the_same_anatomy() {
    for package in stores() {
        let source = folder(package).join("src");
        let missing: Vec<_> = STORE_ANATOMY
            .into_iter()
            .filter(|part| {
                let file = source.join(format!("{part}.rs"));
                !file.is_file() && !source.join(part).join("mod.rs").is_file()
            })
            .collect();
        assert_eq!(missing, Vec::<&str>::new(), "in {}", source.display());
    }
}

#[test]
fn the_readme_has_the_table_that_the_benchmark_wrote() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("is text");
    let (readme, written) = (read("README.md"), read("docs/benchmarks/tables.md"));
    let table: Vec<&str> = written
        .lines()
        .skip_while(|line| *line != "## What is to be reached")
        .take_while(|line| *line != "## Figures")
        .filter(|line| line.starts_with('|'))
        .collect();
    assert!(table.len() > 20, "{table:?}");
    assert!(readme.contains(&table.join("\n")), "it has another one");
}

#[test]
fn no_source_file_is_long() {
    let mut seen = 0;
    let mut long = Vec::new();
    for package in members() {
        for file in source_files(folder(package)) {
            let text = fs::read_to_string(&file).expect("reads a source file");
            seen += 1;
            if text.lines().count() > LONGEST_FILE {
                let file = file.strip_prefix(root()).expect("is in the workspace");
                long.push(file.display().to_string());
            }
        }
    }
    long.sort();
    assert!(seen > 100, "found only {seen} source files");
    long.retain(|file| !LISTS.contains(&file.as_str()));
    assert!(long.is_empty(), "more than {LONGEST_FILE} lines: {long:?}");
}

/// All Rust files below a folder.
fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("lists a folder") {
        let path = entry.expect("reads an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
