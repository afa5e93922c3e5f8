//! Every program in `examples/` runs on the lab, ends well, and is short.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut sources: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.sort();
    sources
}

#[test]
fn every_example_has_at_most_sixty_lines() {
    assert!(sources().len() >= 10);
    for source in sources() {
        let lines = std::fs::read_to_string(&source).unwrap().lines().count();
        assert!(lines <= 60, "{} has {lines} lines", source.display());
    }
}

#[test]
fn every_example_runs_and_ends_well() {
    // Cargo builds the examples of a package before its tests, in a folder beside theirs, but not for `--test` alone.
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    for source in sources() {
        let program =
            folder.join(source.file_stem().unwrap()).with_extension(std::env::consts::EXE_EXTENSION);
        // Built only with the feature `cedar`.
        if source.ends_with("cedar_policy.rs") && !cfg!(feature = "cedar") {
            continue;
        }
        let ended = Command::new(&program)
            .output()
            .expect("run all tests of the package, or build its examples before");
        let said =
            String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{}: {said}", program.display());
        assert!(!ended.stdout.is_empty(), "{} prints nothing", program.display());
    }
}
