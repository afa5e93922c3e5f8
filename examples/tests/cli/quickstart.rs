//! `quickstart` with the arguments of a new user.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::program::Program;
use crate::world::files;

#[test]
fn the_whole_job_on_the_embedded_lab_leaves_a_report_and_tells_no_secret() {
    let desk = tempfile::tempdir().unwrap();
    let ended =
        Program::start(env!("CARGO_BIN_EXE_quickstart"), &["--users", "60", "--out", "out"], desk.path())
            .end()
            .with_code(0)
            .saying(&["63 users of the forest were read", "Verify", "can sign in with its password alone"]);
    let ended =
        ended.saying(&["The lab publishes the TXT record itself", "secrets         the new password"]);
    assert!(!ended.said.contains('✗'), "{}", ended.said);
    assert!(!ended.said.contains("USN") && !ended.said.contains(".next-"), "{}", ended.said);
    assert_eq!(ended.said.matches("@contoso.com.password").count(), 1, "{}", ended.said);
    let run = only_run(&desk.path().join("out"));
    let files = files(&run);
    let named: BTreeSet<_> =
        files.iter().filter_map(|(path, _)| path.strip_prefix(&run).unwrap().to_str()).collect();
    let password = "secrets/onramp-sync@contoso.com.password";
    let expected = [
        "dns-records.txt",
        "events.jsonl",
        "journal.jsonl",
        "plan.jsonl",
        "readiness.html",
        "report.html",
        "wire.har",
        password,
    ];
    assert_eq!(named, BTreeSet::from(expected));

    let secret = fs::read_to_string(run.join(password)).unwrap();
    assert_eq!(secret.chars().count(), 32);
    assert!(!ended.said.contains(&secret) && !ended.said.contains("Bearer"));
    for (path, text) in &files {
        assert!(path.ends_with(password) || !text.contains(&secret), "the password is in {}", path.display());
    }
    let text = |name: &str| &files.iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
    let html = text("report.html").to_lowercase();
    for foreign in ["<script", "src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let recording: Value = serde_json::from_str(text("wire.har")).unwrap();
    let entries = recording["log"]["entries"].as_array().unwrap();
    let sent = |method: &str| entries.iter().filter(|entry| entry["request"]["method"] == method).count();
    assert!(sent("POST") >= 5 && sent("GET") >= 10, "{} entries", entries.len());
}

#[test]
fn a_folder_with_other_files_keeps_them() {
    let desk = tempfile::tempdir().unwrap();
    let out = desk.path().join("out");
    let theirs = ["secrets/somebody.password", "plan.jsonl", "journal.jsonl", "report.html", "wire.har"];
    fs::create_dir_all(out.join("secrets")).unwrap();
    theirs.iter().for_each(|name| fs::write(out.join(name), name).unwrap());
    let run = |users: &str| {
        let arguments = ["--users", users, "--out", "out"];
        Program::start(env!("CARGO_BIN_EXE_quickstart"), &arguments, desk.path()).end().with_code(0)
    };
    run("20");
    run("5").saying(&["8 users of the forest were read"]);
    for name in theirs {
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), name);
    }
}

/// Returns the folder of the only run in an output folder.
fn only_run(out: &std::path::Path) -> std::path::PathBuf {
    let mut runs: Vec<_> = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.retain(|path| path.is_dir());
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}
