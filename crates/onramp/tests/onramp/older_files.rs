//! Files that older versions wrote are still read.

use onramp::{ApplyStatus, FileJournal, History, JournalEntry, Outcome, Plan};

const PLAN_2: &str = include_str!("../samples/plan-2.jsonl");
const PLAN_3: &str = include_str!("../samples/plan-3.jsonl");
const PLAN_4: &str = include_str!("../samples/plan-4.jsonl");
const PLAN_5: &str = include_str!("../samples/plan-5.jsonl");
const PLAN_6: &str = include_str!("../samples/plan-6.jsonl");
const JOURNAL_3: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/journal-3.jsonl");
const JOURNAL_2: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/journal-2.jsonl");
const JOURNAL_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/journal-1.jsonl");

#[test]
fn a_plan_of_an_older_version_is_read_written_and_approved() {
    let (nine, thirteen) = ((9, 18, 3), (13, 22, 3));
    let samples = [
        (2, PLAN_2, nine),
        (3, PLAN_3, nine),
        (4, PLAN_4, thirteen),
        (5, PLAN_5, thirteen),
        (6, PLAN_6, thirteen),
    ];
    for (version, file, numbers) in samples {
        let plan = Plan::read(file.as_bytes()).unwrap();
        assert_eq!(plan.header().format_version, version);
        assert_eq!((plan.users_changed(), plan.changes().len(), plan.skipped().len()), numbers);
        assert!(file.contains(&plan.digest()), "the digest that journals and people know it by");
        let mut written = Vec::new();
        plan.write(&mut written).unwrap();
        assert_eq!(Plan::read(written.as_slice()).unwrap(), plan);
        let accepted: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
        plan.approve(accepted).unwrap();
    }
}

#[test]
fn a_plan_of_an_unknown_version_is_refused() {
    for (from, to, expected) in [
        ("onramp-plan/2", "onramp-plan/1", "the format is onramp-plan/1"),
        (r#""format":"onramp-plan/2""#, r#""format_version":99"#, "the format version is 99"),
    ] {
        let error = Plan::read(PLAN_2.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_journal_of_version_1_is_read() {
    let records = FileJournal::read(JOURNAL_1).unwrap();
    assert_eq!(records.len(), 76);
    let endings: Vec<&ApplyStatus> = records
        .iter()
        .filter_map(|record| match &record.entry {
            JournalEntry::RunEnded { status } => Some(status),
            _ => None,
        })
        .collect();
    assert_eq!(endings, [&ApplyStatus::Completed; 2]);
    let unchanged = records.iter().filter(|record| {
        matches!(&record.entry, JournalEntry::ChangeEnded { outcome: Outcome::Unchanged, .. })
    });
    assert_eq!(unchanged.count(), 15);
    History::default().add(&records);
}

#[test]
fn a_journal_of_version_2_is_read() {
    let records = FileJournal::read(JOURNAL_2).unwrap();
    assert_eq!(records.len(), 40);
    let JournalEntry::RunStarted {
        format_version: 2, accepted, operator: None, author: None, approvers, ..
    } = &records[0].entry
    else {
        panic!("{:?}", records[0])
    };
    assert!(accepted.len() == 9 && approvers.is_empty());
    assert_eq!(records[39].entry, JournalEntry::RunEnded { status: ApplyStatus::Completed });
}

#[test]
fn a_journal_without_the_job_of_its_run_is_no_canary() {
    let records = FileJournal::read(JOURNAL_3).unwrap();
    let JournalEntry::RunStarted { format_version: 3, job: None, canary: None, .. } = &records[0].entry
    else {
        panic!("{:?}", records[0])
    };
    assert_eq!(records.last().unwrap().entry, JournalEntry::RunVerified { is_green: true });
    let mut history = History::default();
    history.add(&records);
    let plan = Plan::read(PLAN_4.as_bytes()).unwrap();
    assert_eq!(history.verified_at(&plan, 1), None);
}

#[test]
fn the_ends_of_runs_in_a_journal_of_version_1_keep_their_meaning() {
    let read = |ending: &str| {
        let line = format!(r#"{{"at":"2026-01-01T00:00:00Z","entry":"run-ended","ending":"{ending}"}}"#);
        match serde_json::from_str::<onramp::JournalRecord>(&line).unwrap().entry {
            JournalEntry::RunEnded { status } => status,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read("stopped on request before change 7"), ApplyStatus::Cancelled { next: 7 });
    for ending in ["stopped at change 3 (verify the domain contoso.com): it failed", "completed"] {
        assert_eq!(read(ending).to_string(), ending);
    }
    assert!(
        matches!(read("something else"), ApplyStatus::Stopped { problem, .. } if problem == "something else")
    );
}
