//! `quickstart`, as a newcomer runs it.

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
            .saying(&[
                "63 users of the forest were read",
                "Verify",
                "it can sign in with its password alone",
            ]);
    assert!(!ended.said.contains('✗'), "{}", ended.said);
    let files = files(&desk.path().join("out"));
    let named: BTreeSet<_> =
        files.iter().filter_map(|(path, _)| path.strip_prefix(desk.path()).unwrap().to_str()).collect();
    let password = "out/secrets/onramp-sync@contoso.com.password";
    let expected = ["out/journal.jsonl", "out/plan.jsonl", "out/report.html", "out/wire.har", password];
    assert_eq!(named, BTreeSet::from(expected));

    let secret = fs::read_to_string(desk.path().join(password)).unwrap();
    assert_eq!(secret.chars().count(), 32);
    assert!(!ended.said.contains(&secret) && !ended.said.contains("Bearer"));
    for (path, text) in &files {
        assert!(path.ends_with(password) || !text.contains(&secret), "the password is in {}", path.display());
    }
    let text = |name: &str| &files.iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
    let html = text("out/report.html").to_lowercase();
    for foreign in ["<script", "src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let recording: Value = serde_json::from_str(text("out/wire.har")).unwrap();
    let entries = recording["log"]["entries"].as_array().unwrap();
    let sent = |method: &str| entries.iter().filter(|entry| entry["request"]["method"] == method).count();
    assert!(sent("POST") >= 5 && sent("GET") >= 10, "{} entries", entries.len());
}

#[test]
fn the_same_folder_can_be_used_again() {
    let desk = tempfile::tempdir().unwrap();
    let run = |users: &str| {
        let arguments = ["--users", users, "--out", "out"];
        Program::start(env!("CARGO_BIN_EXE_quickstart"), &arguments, desk.path()).end().with_code(0)
    };
    run("20");
    run("0").saying(&["3 users of the forest were read"]);
    let journal = onramp::FileJournal::read(desk.path().join("out/journal.jsonl")).unwrap();
    let runs = journal.iter().filter(|line| matches!(line.entry, onramp::JournalEntry::RunStarted { .. }));
    assert_eq!(runs.count(), 1, "the first lab is gone, and so is its journal");
}
