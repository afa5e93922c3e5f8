//! The DirSync control ([MS-ADTS] 3.1.1.3.4.1.3): what changed in a naming context since a cookie.

use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, RawControl};

/// OID of the control, in requests and answers.
pub(crate) const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
/// The caller sees what it may read anyway, so that it needs no right to replicate.
const OBJECT_SECURITY: u8 = 1;
/// About how much an answer may hold, in bytes. Not every server keeps to it.
const MAX_BYTES: u32 = 1 << 20;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The control of a request that goes on from a cookie; an empty one is the beginning.
pub(crate) fn request(cookie: &[u8]) -> RawControl {
    let parts =
        [tlv(INTEGER, &[OBJECT_SECURITY]), tlv(INTEGER, &MAX_BYTES.to_be_bytes()), tlv(OCTETS, cookie)];
    RawControl { ctype: DIR_SYNC.to_owned(), crit: true, val: Some(tlv(SEQUENCE, &parts.concat())) }
}

/// Whether there is more, and the cookie to go on from. `None` if the answer does not say so.
pub(crate) fn answer(controls: &[Control]) -> Option<(bool, Vec<u8>)> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == DIR_SYNC)?;
    let (_, value) = parse_tag(raw.val.as_deref()?).ok()?;
    let PL::C(parts) = value.payload else { return None };
    let [more, _, cookie] = <[StructureTag; 3]>::try_from(parts).ok()?;
    match (more.payload, cookie.payload) {
        (PL::P(more), PL::P(cookie)) => Some((more.iter().any(|&byte| byte != 0), cookie)),
        _ => None,
    }
}

/// A BER element with a definite length.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let leading = digits.iter().take_while(|&&digit| digit == 0).count();
            let digits = digits.iter().skip(leading);
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn controls(value: Vec<u8>) -> Vec<Control> {
        vec![Control(None, RawControl { ctype: DIR_SYNC.to_owned(), crit: false, val: Some(value) })]
    }

    proptest! {
        #[test]
        fn a_cookie_of_any_length_comes_back(cookie in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let value = request(&cookie).val.unwrap();
            let (more, back) = answer(&controls(value)).unwrap();
            // The first number of an answer says whether there is more; of a request, the flags.
            prop_assert!(more);
            prop_assert_eq!(back, cookie);
        }

        #[test]
        fn any_bytes_are_an_answer_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = answer(&controls(bytes.clone()));
            let _ = answer(&controls(tlv(SEQUENCE, &bytes)));
        }
    }
}
