//! The hashes of candidates.

use onramp_password::breach::{HashKind, PasswordHash};
use proptest::prelude::*;

fn hex(hash: &PasswordHash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn hashes_are_those_that_are_published() {
    for (kind, password, expected) in [
        (HashKind::Sha1, "password", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"),
        (HashKind::Sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (HashKind::Ntlm, "password", "8846f7eaee8fb117ad06bdd830b7586c"),
        (HashKind::Ntlm, "", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        // UTF-16 with characters beyond the first plane.
        (HashKind::Ntlm, "pässwörd€🐱", "ca1acef94f974a6e48e219e801907770"),
    ] {
        assert_eq!(hex(&kind.hash(password)), expected, "{kind} {password}");
    }
}

#[test]
fn a_hash_is_not_printed() {
    assert_eq!(format!("{:?}", HashKind::Sha1.hash("password")), "PasswordHash(SHA-1, ***)");
}

#[test]
fn other_than_the_right_number_of_digits_is_no_hash() {
    for digits in ["", "5BAA6", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD", "g8846f7eaee8fb117ad06bdd830b758"]
    {
        assert_eq!(PasswordHash::from_hex(HashKind::Sha1, digits), None);
        assert_eq!(PasswordHash::from_hex(HashKind::Ntlm, digits), None);
    }
    assert_eq!(PasswordHash::from_hex(HashKind::Ntlm, &"éa".repeat(11)[..32]), None);
}

proptest! {
    #[test]
    fn digits_of_either_case_are_read_back(password in "\\PC{0,30}") {
        for kind in [HashKind::Sha1, HashKind::Ntlm] {
            let hash = kind.hash(&password);
            let digits = hex(&hash);
            prop_assert_eq!(digits.len(), kind.digits());
            prop_assert_eq!(PasswordHash::from_hex(kind, &digits), Some(hash.clone()));
            prop_assert_eq!(PasswordHash::from_hex(kind, &digits.to_uppercase()), Some(hash));
        }
    }
}
