//! What a server sends: messages that pass the check can be taken apart, in whatever pieces they came, and entries and controls in
//! them are read or are none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| onramp_ad::fuzzing::messages(octets));
