//! The suite of [`Journal`].

use futures_util::TryStreamExt;
use onramp_core::{ErrorKind, ObjectGuid, Result};

use super::{at, done, refused};
use crate::canary::Canary;
use crate::journal::{JOURNAL_FORMAT_VERSION, Journal, JournalEntry, JournalRecord};
use crate::outcome::{ApplyStatus, Outcome};

/// Checks a journal. The function opens the same journal again and again, as one program after the other does; it is empty the
/// first time.
///
/// # Panics
/// At the first promise that the journal breaks.
pub async fn journal(open: impl AsyncFn() -> Result<Box<dyn Journal>>) {
    let mut first = done(open().await, "opening a new journal");
    let state = done(first.open().await, "beginning an epoch");
    assert_eq!(read(&*first).await, [], "a new journal has no record");
    let (epoch, records) = (state.epoch, run(state.epoch));
    for wrong in [epoch + 1, epoch.wrapping_sub(1)] {
        refused(first.append(wrong, &records).await, ErrorKind::Stale, "appending in another epoch");
    }
    done(first.append(epoch, records.get(..2).unwrap_or_default()).await, "appending records");
    done(first.append(epoch, records.get(2..).unwrap_or_default()).await, "appending more records");
    done(first.append(epoch, &[]).await, "appending nothing");
    done(first.flush().await, "making records durable");
    assert_eq!(read(&*first).await, records, "what was flushed is read back, in order and nothing else");
    drop(first);

    let mut second = done(open().await, "opening a journal with records");
    assert_eq!(read(&*second).await, records, "what was flushed is there after a restart");
    let state = done(second.open().await, "beginning the next epoch");
    assert!(state.epoch > epoch, "each epoch is higher than the ones before: {epoch}, then {}", state.epoch);
    assert_eq!(
        state.started_at("digest", 3),
        Some(at(4)),
        "a wait counts from the first record of its change"
    );
    assert_eq!(state.started_at("digest", 1), None, "a change with an end waits no more");
    assert_eq!(state.started_at("another", 3), None, "the wait of another plan counts for nothing");
    let later = JournalRecord { at: at(9), entry: JournalEntry::RunEnded { status: ApplyStatus::Completed } };
    fence(second, state.epoch, &open, &later).await;

    let last = done(open().await, "opening the journal once more");
    let mut expected = records;
    expected.push(later);
    assert_eq!(read(&*last).await, expected, "of two writers, only the records of one are there");
}

/// Opens the journal while it is open already: either nobody else can, or the earlier writer can no longer write.
async fn fence(
    mut earlier: Box<dyn Journal>,
    epoch: u64,
    open: &impl AsyncFn() -> Result<Box<dyn Journal>>,
    record: &JournalRecord,
) {
    let mut later = match open().await {
        Ok(later) => later,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InUse, "opening what is open: {error}");
            done(earlier.append(epoch, std::slice::from_ref(record)).await, "appending as the only writer");
            done(earlier.flush().await, "making it durable");
            return;
        }
    };
    let state = done(later.open().await, "taking the journal over");
    assert!(state.epoch > epoch, "who takes a journal over begins a new epoch");
    let stray = JournalRecord { at: at(8), entry: JournalEntry::RunEnded { status: ApplyStatus::More } };
    let lost = earlier.append(epoch, std::slice::from_ref(&stray)).await;
    refused(lost, ErrorKind::Stale, "appending after another run took the journal over");
    done(later.append(state.epoch, std::slice::from_ref(record)).await, "appending in the new epoch");
    done(later.flush().await, "making it durable");
    let lost = earlier.append(epoch, std::slice::from_ref(&stray)).await;
    refused(lost, ErrorKind::Stale, "appending once more");
}

async fn read(journal: &dyn Journal) -> Vec<JournalRecord> {
    done(journal.read_all().try_collect().await, "reading the journal")
}

/// The records of a run that was stopped in its third change.
fn run(epoch: u64) -> Vec<JournalRecord> {
    let text = |text: &str| Some(text.to_owned());
    let entries = [
        JournalEntry::RunStarted {
            format_version: JOURNAL_FORMAT_VERSION,
            epoch,
            plan: "digest".to_owned(),
            accepted: vec!["users-renamed:1:0a".to_owned()],
            undoes: text("another digest"),
            operator: text("nina"),
            author: text("ben"),
            approvers: vec!["anna".to_owned(), "carl \u{2028}".to_owned()],
            approved_at: vec![at(-5), at(-4)],
            job: None,
            canary: Some(Canary::new([ObjectGuid::from_bytes([7; 16])], 40)),
        },
        JournalEntry::ChangeStarted {
            number: 1,
            title: "add the domain".to_owned(),
            object: None,
            before: None,
            after: None,
        },
        JournalEntry::ChangeEnded {
            number: 1,
            outcome: Outcome::Done,
            object: None,
            before: None,
            after: None,
            detail: "line one\nline “two”\u{2028}\0".to_owned(),
        },
        // A change of a user.
        JournalEntry::ChangeStarted {
            number: 2,
            title: String::new(),
            object: text("d8b1cdc6-0fbc-4f8c-9f4c-2f5a0f4d4a11"),
            before: text("jörg \u{feff}@corp.local"),
            after: text("joerg@contoso.com"),
        },
        JournalEntry::ChangeStarted {
            number: 3,
            title: "wait".to_owned(),
            object: None,
            before: None,
            after: None,
        },
    ];
    entries.into_iter().zip(0..).map(|(entry, second)| JournalRecord { at: at(second), entry }).collect()
}
