//! Any octets as the state of a scan: reading ends, and a state that is accepted gives all of its records.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_readiness::state::{ScanState, StateChanges};

fuzz_target!(|octets: &[u8]| {
    let state = match ScanState::read(octets) {
        Ok(state) => state,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let changes = StateChanges::since(&state);
    let mut merge = changes.merge();
    for record in state.records(octets) {
        let Ok(record) = record else { return };
        if merge.record(record).is_err() {
            return;
        }
    }
    assert_eq!(merge.rest().count(), 0);
});
