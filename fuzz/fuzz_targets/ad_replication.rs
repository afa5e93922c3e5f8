//! Replication state in binary and as XML, and cursors that were kept: read, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| onramp_ad::fuzzing::replication(octets));
