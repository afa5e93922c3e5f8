//! The DirSync control ([MS-ADTS] 3.1.1.3.4.1.3): what changed in a naming context since a cookie.

use ldap3::controls::{Control, RawControl};

use crate::ldap::ber::{INTEGER, OCTETS, SEQUENCE, element, sequence};

/// OID of the control, in requests and answers.
pub(crate) const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
/// The caller sees what it may read anyway, so that it needs no right to replicate.
const OBJECT_SECURITY: u8 = 1;
/// About how much an answer may hold, in bytes. Not every server keeps to it.
const MAX_BYTES: u32 = 1 << 20;

/// The control of a request that goes on from a cookie; an empty one is the beginning.
pub(crate) fn request(cookie: &[u8]) -> RawControl {
    let parts = [
        element(INTEGER, &[OBJECT_SECURITY]),
        element(INTEGER, &MAX_BYTES.to_be_bytes()),
        element(OCTETS, cookie),
    ];
    RawControl { ctype: DIR_SYNC.to_owned(), crit: true, val: Some(element(SEQUENCE, &parts.concat())) }
}

/// Whether there is more, and the cookie to go on from. `None` if the answer does not say so.
pub(crate) fn answer(controls: &[Control]) -> Option<(bool, Vec<u8>)> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == DIR_SYNC)?;
    let [more, _, cookie] = sequence(raw.val.as_deref()?, [INTEGER, INTEGER, OCTETS])?;
    Some((more.iter().any(|&byte| byte != 0), cookie.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn controls(value: Vec<u8>) -> Vec<Control> {
        vec![Control(None, RawControl { ctype: DIR_SYNC.to_owned(), crit: false, val: Some(value) })]
    }

    #[test]
    fn a_value_that_nests_without_end_is_no_answer() {
        let deep = (0..300_000_u32).rev().flat_map(|inner| {
            let [b, c, d, e] = (inner * 6).to_be_bytes();
            [SEQUENCE, 0x84, b, c, d, e]
        });
        assert_eq!(answer(&controls(deep.collect())), None);
    }

    proptest! {
        #[test]
        fn a_cookie_of_any_length_comes_back(cookie in proptest::collection::vec(any::<u8>(), 0..300)) {
            let value = request(&cookie).val.unwrap();
            let (more, back) = answer(&controls(value)).unwrap();
            // The first number of an answer says whether there is more; of a request, the flags.
            prop_assert!(more);
            prop_assert_eq!(back, cookie);
        }

        #[test]
        fn any_bytes_are_an_answer_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = answer(&controls(bytes.clone()));
            let _ = answer(&controls(element(SEQUENCE, &bytes)));
        }
    }
}
