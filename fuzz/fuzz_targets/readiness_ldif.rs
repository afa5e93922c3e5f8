//! Any octets as LDIF: reading ends, and each record that was read is the same after it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_readiness::ldif::{Reader, Record, Writer};
use onramp_readiness::source::Limits;

fuzz_target!(|octets: &[u8]| {
    let limits = Limits::default().with_value(1_000).with_record(10_000);
    for record in Reader::new(octets).with_limits(limits).flatten() {
        let mut out = Writer::new(Vec::new());
        out.write(&record).expect("a vector takes everything");
        let text = out.finish().expect("a vector takes everything");
        let again: Vec<Record> =
            Reader::new(text.as_slice()).collect::<Result<_, _>>().expect("what was written");
        // Options that a second writing has joined stay as they are.
        let mut out = Writer::new(Vec::new());
        again.iter().try_for_each(|record| out.write(record)).expect("a vector takes everything");
        assert_eq!(out.finish().expect("a vector takes everything"), text);
        assert_eq!(again.len(), 1);
        assert_eq!(again.first().map(Record::dn), Some(record.dn()));
    }
});
