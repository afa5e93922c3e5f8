//! The DirSync control ([MS-ADTS] 3.1.1.3.4.1.3), which returns the changes of a naming context since a
//! cookie.

use ldap3::controls::{Control, RawControl};

use crate::ldap::ber::{INTEGER, OCTETS, SEQUENCE, element, sequence};

/// The OID of the control, in requests and answers.
pub(crate) const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
/// The flag to return what the caller may read, so that no replication right is needed.
const OBJECT_SECURITY: u8 = 1;
/// The approximate maximum size of an answer in bytes. Not every server respects it.
const MAX_BYTES: u32 = 1 << 20;

/// Creates the control of a request that continues from a cookie; an empty one is the start.
pub(crate) fn request(cookie: &[u8]) -> RawControl {
    let parts = [
        element(INTEGER, &[OBJECT_SECURITY]),
        element(INTEGER, &MAX_BYTES.to_be_bytes()),
        element(OCTETS, cookie),
    ];
    RawControl { ctype: DIR_SYNC.to_owned(), crit: true, val: Some(element(SEQUENCE, &parts.concat())) }
}

/// Returns true if there is more, and the next cookie; `None` if the control is missing or malformed.
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
            // The first number is "more" in an answer, and the flags in a request.
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
