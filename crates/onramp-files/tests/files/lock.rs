//! One program at a time in a folder.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use onramp_files::{FolderLock, LockError, is_private};
use tempfile::tempdir;

const FOLDER: &str = "ONRAMP_FILES_TEST_FOLDER";

#[test]
fn a_lock_excludes_another_and_is_released_by_drop() {
    let folder = tempdir().unwrap();
    let lock = FolderLock::acquire(folder.path(), "the first\u{1b}[31m run").unwrap();
    assert_eq!(lock.folder(), folder.path());
    let refusal = FolderLock::acquire(folder.path(), "the second run").unwrap_err();
    let LockError::Held { by: Some(by), .. } = &refusal else { panic!("{refusal:?}") };
    assert_eq!(by.pid, std::process::id().to_string());
    assert!(!by.host.is_empty() && !by.user.is_empty() && by.since.ends_with('Z'), "{by:?}");
    let text = refusal.to_string();
    assert!(text.contains(&format!("process {}", by.pid)) && text.contains("the first"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    for file in [".lock", ".lock-holder"] {
        assert!(is_private(folder.path().join(file)).unwrap(), "{file}");
    }

    drop(lock);
    let again = FolderLock::acquire(folder.path(), "the second run").unwrap();
    let refusal = FolderLock::acquire(folder.path(), "the third run").unwrap_err().to_string();
    assert!(refusal.contains("the second run"), "{refusal}");
    drop(again);
    assert!(!folder.path().join(".lock-holder").exists());
}

#[test]
fn the_files_of_a_dead_process_are_no_lock() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join(".lock"), "").unwrap();
    std::fs::write(folder.path().join(".lock-holder"), "pid: 1\nhost: elsewhere\n").unwrap();
    let lock = FolderLock::acquire(folder.path(), "this run").unwrap();
    let refusal = FolderLock::acquire(folder.path(), "another").unwrap_err().to_string();
    assert!(refusal.contains("this run") && !refusal.contains("elsewhere"), "{refusal}");
    drop(lock);
}

#[test]
fn a_holder_that_has_not_said_who_it_is_still_holds() {
    let folder = tempdir().unwrap();
    let lock = FolderLock::acquire(folder.path(), "this run").unwrap();
    for text in ["", "\u{0}", "nonsense\npid"] {
        std::fs::write(folder.path().join(".lock-holder"), text).unwrap();
        let refusal = FolderLock::acquire(folder.path(), "another").unwrap_err();
        assert!(matches!(refusal, LockError::Held { by: None, .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("is in use:"), "{refusal}");
    }
    drop(lock);
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = tempdir().unwrap();
    let missing = folder.path().join("missing");
    let refusal = FolderLock::acquire(&missing, "this run").unwrap_err();
    assert!(matches!(refusal, LockError::Io { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("missing"), "{refusal}");
}

#[test]
fn a_process_that_is_killed_releases_its_lock() {
    let folder = tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::holder", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("locked") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended");
    }
    let refusal = FolderLock::acquire(folder.path(), "the parent").unwrap_err().to_string();
    assert!(
        refusal.contains(&format!("process {}", child.id())) && refusal.contains("the child"),
        "{refusal}"
    );

    child.kill().unwrap();
    child.wait().unwrap();
    FolderLock::acquire(folder.path(), "the parent").unwrap();
}

/// The other process of the test above; nothing by itself.
#[test]
fn holder() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let _lock = FolderLock::acquire(folder, "the child").unwrap();
    println!("locked");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}
