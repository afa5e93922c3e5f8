//! Journal files that crashes, full disks and second runs meet.

use onramp::{FileJournal, Journal, JournalEntry, JournalRecord};
use onramp_core::ErrorKind;

fn record(detail: &str) -> JournalRecord {
    let line = format!(
        r#"{{"at":"2026-01-01T00:00:00Z","entry":"change-ended","number":1,"outcome":"done","detail":"{detail}"}}"#
    );
    serde_json::from_str(&line).unwrap()
}

/// Opens a journal and returns its epoch.
async fn opened(path: &std::path::Path) -> (FileJournal, u64) {
    let mut journal = FileJournal::create(path).unwrap();
    let epoch = journal.open().await.unwrap().epoch;
    (journal, epoch)
}

fn endings(path: &std::path::Path) -> Vec<String> {
    let records = FileJournal::read(path).unwrap();
    let ending = |record: JournalRecord| match record.entry {
        JournalEntry::ChangeEnded { detail, .. } => detail,
        other => panic!("{other:?}"),
    };
    records.into_iter().map(ending).collect()
}

#[tokio::test]
async fn a_torn_last_line_is_repaired_on_opening_wherever_it_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let whole = serde_json::to_string(&record("first")).unwrap() + "\n";
    let torn = serde_json::to_string(&record("second")).unwrap();
    let mut tails: Vec<Vec<u8>> = (0..torn.len()).map(|cut| torn.as_bytes()[..cut].to_vec()).collect();
    tails.push(vec![0; 512]);
    tails.push([&torn.as_bytes()[..20], &[0; 100]].concat());
    for tail in tails {
        std::fs::write(&path, [whole.as_bytes(), &tail].concat()).unwrap();
        assert_eq!(endings(&path), ["first"]);
        let (mut journal, epoch) = opened(&path).await;
        journal.append(epoch, &[record("third")]).await.unwrap();
        journal.flush().await.unwrap();
        assert_eq!(endings(&path), ["first", "third"], "{} octets", tail.len());
    }
}

#[tokio::test]
async fn a_record_that_lacks_nothing_but_its_line_break_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    std::fs::write(&path, serde_json::to_string(&record("first")).unwrap()).unwrap();
    let (mut journal, epoch) = opened(&path).await;
    journal.append(epoch, &[record("second")]).await.unwrap();
    drop(journal);
    assert_eq!(endings(&path), ["first", "second"]);
}

#[test]
fn a_file_that_is_no_journal_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("onboard.toml");
    for text in ["domain = \"contoso.com\"", "domain = \"contoso.com\"\n[users]"] {
        std::fs::write(&path, text).unwrap();
        let error = FileJournal::create(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("onboard.toml"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn a_second_run_on_one_journal_is_refused_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let (mut first, epoch) = opened(&path).await;
    first.append(epoch, &[record("first")]).await.unwrap();
    first.flush().await.unwrap();
    let error = FileJournal::create(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().contains("another run is writing it"), "{error}");
    #[cfg(unix)]
    assert_eq!(endings(&path), ["first"], "reading is allowed");
    drop(first);
    let (mut second, epoch) = opened(&path).await;
    second.append(epoch, &[record("second")]).await.unwrap();
    second.flush().await.unwrap();
    drop(second);
    assert_eq!(endings(&path), ["first", "second"]);
}

#[cfg(unix)]
#[test]
fn a_journal_holds_names_of_users_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    drop(FileJournal::create(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Set for the child process that writes a journal with a limit on the size of files.
#[cfg(unix)]
const CHILD: &str = "ONRAMP_TEST_FULL_DISK";

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_leaves_whole_lines_and_nothing_is_lost_once_there_is_room() {
    if let Ok(path) = std::env::var(CHILD) {
        return fill(std::path::Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    // An earlier run ended between a record and its line break.
    std::fs::write(&path, serde_json::to_string(&record("0")).unwrap()).unwrap();
    // Blocks of 512 octets, and no signal but an error for what is beyond.
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" --exact journals::a_full_disk_leaves_whole_lines_and_nothing_is_lost_once_there_is_room";
    let status = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, &path)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let kept = endings(&path);
    let last: u32 = kept.last().unwrap().parse().unwrap();
    assert!(last > 0 && kept == (0..=last).map(|n| n.to_string()).collect::<Vec<_>>(), "{kept:?}");
    assert!(std::fs::read(&path).unwrap().ends_with(b"\n"), "whole lines only");
}

#[cfg(unix)]
async fn fill(path: &std::path::Path) {
    let (mut journal, epoch) = opened(path).await;
    let mut failed = false;
    for number in 1..100 {
        journal.append(epoch, &[record(&number.to_string())]).await.unwrap();
        failed = journal.flush().await.is_err();
        if failed {
            break;
        }
    }
    assert!(failed, "the disk is full");
    // What an operator does: makes room. The journal is still open.
    let taken = std::fs::metadata(path).unwrap().len();
    assert!(std::fs::read(path).unwrap().ends_with(b"\n"));
    assert!(journal.flush().await.is_err());
    assert_eq!(std::fs::metadata(path).unwrap().len(), taken, "and the file stays whole");
}

#[tokio::test]
async fn a_long_journal_is_repaired_at_its_end_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let line = serde_json::to_string(&record("long")).unwrap();
    let whole = format!("{line}\n").repeat(3000);
    for torn in [String::new(), line[..40].to_owned(), format!("{}{}", &line[..60], "x".repeat(200_000))] {
        std::fs::write(&path, format!("{whole}{torn}")).unwrap();
        let (mut journal, epoch) = opened(&path).await;
        journal.append(epoch, &[record("last")]).await.unwrap();
        journal.flush().await.unwrap();
        let all = endings(&path);
        assert_eq!((all.len(), all[3000].as_str()), (3001, "last"));
    }
}

#[tokio::test]
async fn records_wait_for_a_flush_but_not_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let (mut journal, epoch) = opened(&path).await;
    let length = || std::fs::metadata(&path).unwrap().len();
    for _ in 0..100 {
        journal.append(epoch, &[record("waits")]).await.unwrap();
    }
    assert_eq!(length(), 0);
    for _ in 0..5000 {
        journal.append(epoch, &[record("waits")]).await.unwrap();
    }
    assert!(length() > 250_000);
    journal.flush().await.unwrap();
    assert_eq!(endings(&path).len(), 5100);
}

#[test]
fn an_event_and_an_observer_read_well() {
    use onramp::{Event, Observer, Outcome};
    let ended = |detail: &str| Event::ChangeEnded {
        number: 2,
        total: 5,
        outcome: Outcome::Unchanged,
        detail: detail.to_owned(),
    };
    assert_eq!(ended("").to_string(), "[2/5] already correct");
    assert_eq!(ended("seen").to_string(), "[2/5] already correct: seen");
    assert_eq!(
        format!("{:?}{:?}", Observer::default(), Observer::new(|_| ())),
        "Observer(none)Observer(set)"
    );
}
