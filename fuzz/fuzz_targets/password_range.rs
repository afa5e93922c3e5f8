//! Any bytes as the answer of the range service: read, or refused; what is read is counted alike in both ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_password::breach::{HashKind, Prefix, RangeBody};

fuzz_target!(|input: (&[u8], &str)| {
    let (bytes, password) = input;
    for kind in [HashKind::Sha1, HashKind::Ntlm] {
        let hash = kind.hash(password);
        let Ok(body) = RangeBody::new(bytes, Prefix::of(&hash), kind) else { continue };
        let _ = body.count(&hash);
    }
});
