//! Any octets as the files of IdFix: reading ends, errors name a line, and a change never adds what it removes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_readiness::source::Limits;
use onramp_readiness::source::idfix_files::{CsvReader, UpdateReader};

fuzz_target!(|octets: &[u8]| {
    const HEADER: &[u8] =
        b"DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\n";
    let limits = Limits::default().with_value(1_000).with_record(10_000);
    let rows = [HEADER, octets].concat();
    let own_header = CsvReader::new(octets).with_limits(limits);
    let edits = own_header
        .chain(CsvReader::new(rows.as_slice()).with_limits(limits))
        .chain(UpdateReader::new(octets).with_limits(limits));
    for edit in edits {
        match edit {
            Ok(edit) => {
                for change in [edit.apply(), edit.undo()].into_iter().flatten() {
                    assert_ne!(change.remove, change.add);
                }
            }
            Err(error) => assert!(error.line() > 0),
        }
    }
});
