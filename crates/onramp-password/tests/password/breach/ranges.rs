//! The range interface.

use std::cell::RefCell;
use std::collections::BTreeMap;

use onramp_password::breach::{
    ClientError, HashKind, ListError, MAX_BODY, Prefix, RangeBody, RangeClient, RangeRequest, Transport,
};
use proptest::prelude::*;

/// Answers from a map, and keeps what was asked.
#[derive(Default)]
struct Answers {
    bodies: BTreeMap<String, Vec<u8>>,
    asked: RefCell<Vec<RangeRequest>>,
}

impl Transport for &Answers {
    type Error = std::io::Error;

    fn fetch(&self, request: &RangeRequest) -> Result<Vec<u8>, std::io::Error> {
        self.asked.borrow_mut().push(request.clone());
        self.bodies.get(&request.url()).cloned().ok_or_else(|| std::io::Error::other("status 503"))
    }
}

fn answering(url: &str, body: &str) -> Answers {
    Answers { bodies: [(url.to_owned(), body.as_bytes().to_vec())].into(), ..Answers::default() }
}

#[test]
fn a_password_is_asked_for_by_five_digits_with_padding() {
    let body = "003D68EB55068C33ACE09247EE4C639306B:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n";
    let answers = answering("https://api.pwnedpasswords.com/range/5BAA6", body);
    let client = RangeClient::new(&answers);
    assert_eq!(client.count("password").unwrap(), 10_434_004);
    let asked = answers.asked.borrow();
    let fields: Vec<_> = asked[0].headers().collect();
    assert_eq!(fields, [("Add-Padding", "true")]);
    assert!(!format!("{asked:?}").contains("1E4C9"), "no more than the prefix is sent");
}

#[test]
fn the_other_mode_asks_for_the_other_hash() {
    let body = "7EAEE8FB117AD06BDD830B7586C:5\n";
    let answers = answering("http://localhost:8080/range/8846F?mode=ntlm", body);
    let client = RangeClient::new(&answers)
        .with_service("http://localhost:8080/")
        .with_kind(HashKind::Ntlm)
        .without_padding();
    assert_eq!(client.count("password").unwrap(), 5);
    assert_eq!(answers.asked.borrow()[0].headers().count(), 0);
}

#[test]
fn padding_is_no_breach() {
    let body = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:0\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD9:4\r\n";
    let answers = answering("https://api.pwnedpasswords.com/range/5BAA6", body);
    assert_eq!(RangeClient::new(&answers).count("password").unwrap(), 0);
}

#[test]
fn no_answer_is_an_error_that_names_the_range_only() {
    let answers = Answers::default();
    let error = RangeClient::new(&answers).count("password").unwrap_err();
    assert!(matches!(error, ClientError::Transport { .. }));
    assert_eq!(error.to_string(), "the range 5BAA6 could not be fetched");
}

#[test]
fn what_is_no_range_is_refused() {
    let good = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:1";
    for (bad, line) in [
        ("<html>", 1),
        ("1E4C9B93F3F0682250B6CF8331B7EE68FD8:1\r\n\r\n", 2),
        ("1E4C9B93F3F0682250B6CF8331B7EE68FD8", 1),
        ("1E4C9B93F3F0682250B6CF8331B7EE68FDG:1", 1),
        ("1E4C9B93F3F0682250B6CF8331B7EE68FD8:1\n7EAEE8FB117AD06BDD830B758:5", 2),
        ("1E4C9B93F3F0682250B6CF8331B7EE68FD8:1.5", 1),
    ] {
        let answers = answering("https://api.pwnedpasswords.com/range/5BAA6", bad);
        let error = RangeClient::new(&answers).count("password").unwrap_err();
        let expected = ListError::Line { line, prefix: Prefix::from_hex("5BAA6") };
        assert!(
            matches!(&error, ClientError::Answer { source, .. } if *source == expected),
            "{bad}: {error:?}"
        );
    }
    let endless = format!("{good}\n").repeat(MAX_BODY / 38 + 2);
    let answers = answering("https://api.pwnedpasswords.com/range/5BAA6", &endless);
    let error = RangeClient::new(&answers).count("password").unwrap_err();
    assert!(matches!(error, ClientError::Answer { source: ListError::TooLong { .. }, .. }), "{error:?}");
}

#[test]
fn prefixes_are_those_of_the_service() {
    assert_eq!(Prefix::all().len(), 1_048_576);
    assert_eq!(Prefix::all().last().unwrap().to_string(), "FFFFF");
    assert_eq!(Prefix::from_hex("0000a").unwrap().number(), 10);
    assert_eq!(Prefix::of(&HashKind::Sha1.hash("password")).to_string(), "5BAA6");
    for bad in ["", "0000", "000000", "0000G", "é0000"] {
        assert_eq!(Prefix::from_hex(bad), None);
    }
    assert_eq!(Prefix::new(1 << 20), None);
}

proptest! {
    #[test]
    fn a_body_counts_what_it_lists(
        passwords in prop::collection::btree_map("[a-z]{1,4}", 0..9_u64, 1..20),
        newline in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        for kind in [HashKind::Sha1, HashKind::Ntlm] {
            for (password, count) in &passwords {
                let hash = kind.hash(password);
                let digits: String = hash.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
                let noise = "0".repeat(digits.len() - 5);
                let body = format!("{noise}:3{newline}{}:{count}{newline}{noise}:0", digits[5..].to_lowercase());
                let body = RangeBody::new(body.as_bytes(), Prefix::of(&hash), kind).unwrap();
                prop_assert_eq!(body.count(&hash), Ok(*count));
                prop_assert_eq!(body.count(&kind.hash(&format!("{password}?"))), Ok(0));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let hash = HashKind::Sha1.hash("x");
        let body = RangeBody::new(&bytes, Prefix::of(&hash), HashKind::Sha1).unwrap();
        let _ = body.count(&hash);
    }
}
