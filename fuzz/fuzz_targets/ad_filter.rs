//! What passes as a filter here, the LDAP library takes; and a value that was escaped goes over the wire as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| onramp_ad::fuzzing::filter(text));
