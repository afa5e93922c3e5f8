//! The state of a scan: what is written comes back, what is damaged is refused, and changes are put in.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod changes;
mod files;

use onramp_core::ObjectGuid;
use onramp_readiness::state::{
    ScanState, StateChanges, StateContainer, StateError, StateRecord, StateWriter,
};
use onramp_readiness::{DirectoryObject, attributes};
use time::OffsetDateTime;

/// The GUID of an object in a test.
fn guid(number: u8) -> ObjectGuid {
    ObjectGuid::from_bytes([number; 16])
}

fn user(number: u8, dn: &str) -> StateRecord {
    let upn = format!("user{number}@contoso.com");
    StateRecord::Object(
        DirectoryObject::new(dn).with_guid(guid(number)).with_text(attributes::USER_PRINCIPAL_NAME, upn),
    )
}

fn container(number: u8, dn: &str) -> StateContainer {
    StateContainer::new(guid(number), dn.parse().unwrap())
}

/// Writes a whole state without sources.
fn file(records: &[StateRecord]) -> Vec<u8> {
    let mut writer = StateWriter::new(Vec::new()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    writer.finish(Vec::new(), OffsetDateTime::UNIX_EPOCH).unwrap()
}

/// Returns the records of a state, in the order of their GUIDs, with changes since.
fn merged(file: &[u8], change: impl FnOnce(&mut StateChanges)) -> Result<Vec<StateRecord>, StateError> {
    let state = ScanState::read(file)?;
    let mut changes = StateChanges::since(&state);
    change(&mut changes);
    let mut merge = changes.merge();
    let mut records = Vec::new();
    for record in state.records(file) {
        records.extend(merge.record(record?)?);
    }
    for record in merge.rest() {
        records.push(record?);
    }
    records.sort_by_key(|record| match record {
        StateRecord::Object(object) => object.guid(),
        StateRecord::Container(container) => Some(container.guid),
        _ => None,
    });
    Ok(records)
}
