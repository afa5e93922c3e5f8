//! Any octets as a CSV export: reading ends, and errors name a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_readiness::source::Limits;
use onramp_readiness::source::csv::Reader;

fuzz_target!(|octets: &[u8]| {
    let limits = Limits::default().with_record(1_000);
    for row in Reader::new(octets).with_limits(limits) {
        if let Err(error) = row {
            assert!(error.line() > 0);
            let _ = error.to_string();
        }
    }
});
