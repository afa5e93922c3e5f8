use std::io::{self, Read};

use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;
use onramp_readiness::attributes::{CN, DISPLAY_NAME, MAIL, MEMBER, OBJECT_CLASS};
use onramp_readiness::ldif::{Change, Operation, Reader, Record};
use onramp_readiness::source::{Limits, SourceError, SourceErrorKind};
use onramp_readiness::{DirectoryObject, ldif};
use proptest::prelude::*;

use crate::{Trickle, utf16};

type Records = Vec<Result<Record, SourceError>>;

fn read(text: impl AsRef<[u8]>) -> Records {
    let records: Records = Reader::new(text.as_ref()).collect();
    // The size of the pieces in which input comes changes nothing.
    for piece in [1, 7] {
        let others: Records = Reader::new(Trickle::new(text.as_ref(), piece)).collect();
        assert_eq!(format!("{others:?}"), format!("{records:?}"));
    }
    records
}

/// The only record, an object.
fn object(text: impl AsRef<[u8]>) -> DirectoryObject {
    let mut records = read(text);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).expect("a record").into_object().expect("an object")
}

fn error(text: impl AsRef<[u8]>) -> SourceError {
    let mut records = read(text);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).expect_err("no record")
}

fn change(text: &str) -> Change {
    let mut records = read(text);
    assert_eq!(records.len(), 1, "{records:?}");
    match records.remove(0).expect("a record") {
        Record::Change(record) => record.change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn objects_with_their_values_in_order() {
    let records = read(
        "version: 1\ndn: CN=Anna,DC=corp,DC=local\nobjectClass: top\nobjectClass: person\nMAIL: a@x.de\nobjectclass: \
         user\n\n\n\ndn: CN=Bert\nextensionAttribute1:x\n",
    );
    let anna = records[0].as_ref().unwrap().object().unwrap();
    assert_eq!(anna.dn(), "CN=Anna,DC=corp,DC=local");
    let classes: Vec<_> = anna.values(&OBJECT_CLASS).iter().map(|value| value.as_text().unwrap()).collect();
    assert_eq!(classes, ["top", "person", "user"]);
    assert_eq!(anna.text(&MAIL), Some("a@x.de"));
    let bert = records[1].as_ref().unwrap().object().unwrap();
    assert_eq!(bert.text(&AttributeName::from_static("extensionAttribute1")), Some("x"));
    assert_eq!(records.len(), 2);
}

#[test]
fn folded_lines_with_both_line_ends_and_comments() {
    for end in ["\n", "\r\n"] {
        let text =
            "# a comment\n  that goes on\ndn: CN=An\n na,DC=x\n#mail: no\n , really\nmail: a@x\n .d\n e\n"
                .replace('\n', end);
        let anna = object(&text);
        assert_eq!((anna.dn(), anna.text(&MAIL)), ("CN=Anna,DC=x", Some("a@x.de")));
        assert_eq!(anna.attributes().count(), 1);
    }
}

#[test]
fn a_line_may_be_folded_in_a_name_and_in_base64() {
    let anna = object("d\n n: CN=Anna\nma\n il:\n : YUB\n 4LmRl\n");
    assert_eq!(anna.text(&MAIL), Some("a@x.de"));
}

#[test]
fn base64_names_and_values() {
    let anna = object("dn:: Q049w4RubmE=\nmail::YUB4LmRl  \ncn:: AP/+\n");
    assert_eq!((anna.dn(), anna.text(&MAIL)), ("CN=Änna", Some("a@x.de")));
    assert_eq!(anna.values(&CN), [AttributeValue::bytes([0, 0xff, 0xfe])]);
}

#[test]
fn values_are_lossless() {
    let anna = object(
        "dn: CN=Anna\nmail:\nmail: \nmail:   two \nmail:\ta\x0b\nmail: b \r\nmail: c:d: e # no comment\n",
    );
    let values: Vec<_> = anna.values(&MAIL).iter().map(|value| value.as_text().unwrap()).collect();
    assert_eq!(values, ["", "", "two ", "\ta\x0b", "b ", "c:d: e # no comment"]);
    let octets = object(b"dn: CN=Anna\ncn:: Y2Fm6QA=\n");
    assert_eq!(octets.values(&CN), [AttributeValue::bytes(*b"caf\xe9\0")]);
}

#[test]
fn a_file_may_end_without_a_line_end_or_record() {
    assert_eq!(object("dn: CN=Anna\nmail: a@x.de").text(&MAIL), Some("a@x.de"));
    assert_eq!(object("dn: CN=Anna").attributes().count(), 0);
    assert_eq!(object("dn:\nmail: a@x.de\n").dn(), "");
    for empty in ["", "\n\n", "version: 1", "version: 1\n\n# nothing\n", "\u{feff}", "\r\n"] {
        assert!(read(empty).is_empty(), "{empty:?}");
    }
}

#[test]
fn text_in_another_code_page_is_an_error_and_the_next_record_is_read() {
    let records = read(
        b"dn: CN=J,OU=S\nobjectClass: user\ndisplayName: J\xfcrgen \n\ndn: CN=B\nmail: b@x.de\n".as_slice(),
    );
    assert_eq!(records.len(), 2);
    let failed = records[0].as_ref().unwrap_err();
    assert_eq!((failed.kind(), failed.line(), failed.is_fatal()), (SourceErrorKind::Syntax, 3, false));
    assert!(failed.to_string().contains("the value of displayName is not UTF-8"), "{failed}");
    assert!(records[1].is_ok());
}

#[test]
fn every_text_encoding_of_windows() {
    let text = "dn: CN=Änna\r\nmail: a@x.de\r\ndisplayName: 😀\r\n";
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
        utf16(text, u16::to_le_bytes)[2..].to_vec(),
    ] {
        let anna = object(bytes);
        assert_eq!(
            (anna.dn(), anna.text(&MAIL), anna.text(&DISPLAY_NAME)),
            ("CN=Änna", Some("a@x.de"), Some("😀"))
        );
    }
    let mut cut = utf16("dn: CN=Anna\n\ndn: CN=B", u16::to_le_bytes);
    cut.push(0);
    let records = read(cut);
    assert_eq!(records.len(), 2);
    let failed = records[1].as_ref().unwrap_err();
    assert_eq!((failed.kind(), failed.line(), failed.is_fatal()), (SourceErrorKind::Encoding, 3, true));
}

#[test]
fn options_of_attributes() {
    let records = read(
        "dn: CN=Staff\nmember;range=0-1: CN=A\nmember;range=0-1: CN=B\nuserCertificate;binary:: AAE=\ncn;LANG-de: \
         Mannschaft\ncn: Staff\n",
    );
    let Ok(Record::Content(entry)) = &records[0] else { panic!("{records:?}") };
    assert_eq!(entry.object.values(&MEMBER).len(), 2);
    assert!(entry.is_partial(&MEMBER) && !entry.is_partial(&CN));
    assert_eq!(entry.object.text(&CN), Some("Staff"));
    let certificate = AttributeName::from_static("userCertificate");
    assert_eq!(entry.object.values(&certificate), [AttributeValue::bytes([0, 1])]);
    let descriptions: Vec<_> = entry.descriptions.iter().map(ToString::to_string).collect();
    assert_eq!(descriptions, ["member;range=0-1", "userCertificate;binary"]);
    assert_eq!(entry.tagged.len(), 1);
    assert_eq!(entry.tagged[0].0.to_string(), "cn;lang-de");
    assert_eq!(entry.tagged[0].1, [AttributeValue::text("Mannschaft")]);
}

#[test]
fn ranges_that_are_complete_together() {
    let records = read("dn: CN=Staff\nmember;range=0-0: CN=A\nmember;range=1-*: CN=B\n");
    let Ok(Record::Content(entry)) = &records[0] else { panic!("{records:?}") };
    assert_eq!(entry.object.values(&MEMBER).len(), 2);
    assert!(!entry.is_partial(&MEMBER));
}

#[test]
fn the_guid_of_active_directory_and_of_ldbsearch() {
    let text = "8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d";
    let guid = onramp_core::ObjectGuid::parse(text).unwrap();
    assert_eq!(object(format!("dn: CN=Anna\nobjectGUID: {text}\n")).guid(), Some(guid));
    assert_eq!(object("dn: CN=Anna\nobjectGUID:: 7q5TjzJNR0y9PloLDJsaLQ==\n").guid(), Some(guid));
}

#[test]
fn what_ldapsearch_prints_around_objects() {
    let text = "# extended LDIF\n#\n# LDAPv3\n# base <DC=x> with scope subtree\n#\n\n# Anna, x\ndn: CN=Anna,DC=x\nmail: \
                a@x.de\n\n# search reference\nref: ldap://ForestDnsZones.x/DC=ForestDnsZones,DC=x\n\n# refldap://x/CN=y\n\n\
                # search result\nsearch: 2\nresult: 0 Success\ncontrol: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\n\
                pagedresults: cookie=\n\n# numResponses: 3\n# numEntries: 1\n# numReferences: 1\n";
    assert_eq!(object(text).dn(), "CN=Anna,DC=x");
}

#[test]
fn a_search_that_did_not_end_well_is_an_error() {
    let records =
        read("dn: CN=Anna\n\n# search result\nsearch: 2\nresult: 4 Size limit exceeded\n\n# numEntries: 1\n");
    assert_eq!(records.len(), 2);
    let error = records[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Incomplete);
    assert!(error.to_string().contains("4 Size limit exceeded"), "{error}");
}

#[test]
fn an_export_of_ldifde_has_objects() {
    let text = "dn: CN=Anna,DC=x\r\nchangetype: add\r\nobjectClass: user\r\nmail: a@x.de\r\n\r\n";
    let anna = object(text);
    assert_eq!((anna.class(), anna.text(&MAIL)), (Some("user"), Some("a@x.de")));
    let objects: Vec<_> = Reader::new(text.as_bytes()).with_source("file").objects().collect();
    assert_eq!(objects[0].as_ref().unwrap().source(), Some("file"));
}

#[test]
fn modifications() {
    let Change::Modify(modifications) = change(
        "dn: CN=Anna\nchangetype: modify\nadd: mail\nmail: a@x.de\nMAIL:: YkB4LmRl\n-\ndelete: description\n-\nreplace: \
         userCertificate;binary\nuserCertificate;BINARY:: AAE=\n- \nreplace: sn\n",
    ) else {
        panic!("no modification")
    };
    let shown: Vec<_> = modifications
        .iter()
        .map(|one| (one.operation, one.attribute.to_string(), one.values.len()))
        .collect();
    assert_eq!(
        shown,
        [
            (Operation::Add, "mail".to_owned(), 2),
            (Operation::Delete, "description".to_owned(), 0),
            (Operation::Replace, "userCertificate;binary".to_owned(), 1),
            (Operation::Replace, "sn".to_owned(), 0),
        ]
    );
    assert_eq!(modifications[0].values[1], AttributeValue::text("b@x.de"));
    assert_eq!(change("dn: CN=Anna\nchangetype: modify\n"), Change::Modify(Vec::new()));
}

#[test]
fn deletions_and_renames() {
    assert_eq!(change("dn: CN=Anna\nchangetype: DELETE\n"), Change::Delete);
    let renamed = Change::Rename { new_rdn: "CN=Änna".into(), delete_old_rdn: true, new_superior: None };
    assert_eq!(change("dn: CN=Anna\nchangetype: modrdn\nnewrdn:: Q049w4RubmE=\ndeleteoldrdn: 1\n"), renamed);
    let moved =
        Change::Rename { new_rdn: "CN=A".into(), delete_old_rdn: false, new_superior: Some("OU=x".into()) };
    let text = "dn: CN=Anna\nchangetype: moddn\nnewrdn: CN=A\ndeleteoldrdn: 0\nnewsuperior: OU=x\n";
    assert_eq!(change(text), moved);
}

#[test]
fn controls_of_a_change() {
    let records = read(
        "dn: CN=Anna\ncontrol: 1.2.840.113556.1.4.805 true\ncontrol: 1.2.3:: AAE=\ncontrol: 1.2.4 false: x\nchangetype: \
         delete\n",
    );
    let Ok(Record::Change(record)) = &records[0] else { panic!("{records:?}") };
    let controls: Vec<_> =
        record.controls.iter().map(|one| (one.oid(), one.is_critical(), one.value())).collect();
    assert_eq!(
        controls,
        [
            ("1.2.840.113556.1.4.805", true, None),
            ("1.2.3", false, Some(&[0, 1][..])),
            ("1.2.4", false, Some(&b"x"[..])),
        ]
    );
}

#[test]
fn what_cannot_be_read_names_line_object_and_remedy() {
    use SourceErrorKind::{Refused, Syntax};
    let table = [
        ("dn: CN=A\nmail a@x.de\n", Syntax, 2, Some("CN=A"), "no colon"),
        ("mail: a@x.de\n", Syntax, 1, None, "begins with `dn:`"),
        (" dn: CN=A\n", Syntax, 1, None, "begins with a space"),
        ("dn: CN=A\njpegPhoto:< file:///etc/passwd\n", Refused, 2, Some("CN=A"), "refused"),
        ("dn:< file:///etc/passwd\n", Refused, 1, None, "refused"),
        ("dn: CN=A\n# x\ncn:: Zm9v!\n", Syntax, 3, Some("CN=A"), "base64"),
        ("dn:: /w==\n", Syntax, 1, None, "UTF-8"),
        ("dn: CN=A\nmail: x\ndn: CN=B\n", Syntax, 3, Some("CN=A"), "empty line"),
        (
            "dn: CN=A\ncn: A\nchangetype: modify\nreplace: mail\n",
            Syntax,
            3,
            Some("CN=A"),
            "must follow `dn:`",
        ),
        ("dn: CN=A\nfoo bar: x\n", Syntax, 2, Some("CN=A"), "attribute name"),
        ("dn: CN=A\n: x\n", Syntax, 2, Some("CN=A"), "attribute name"),
        ("dn: CN=A\ncn;: x\n", Syntax, 2, Some("CN=A"), "attribute description"),
        ("dn: CN=A\nchangetype: remove\n", Syntax, 2, Some("CN=A"), "modrdn"),
        ("dn: CN=A\nchangetype: delete\ncn: A\n", Syntax, 3, Some("CN=A"), "delete"),
        ("dn: CN=A\nchangetype: modify\ncn: A\n", Syntax, 3, Some("CN=A"), "`add:`"),
        (
            "dn: CN=A\nchangetype: modify\nadd: mail\nmail: x\ncn: A\n",
            Syntax,
            5,
            Some("CN=A"),
            "values of mail",
        ),
        ("dn: CN=A\nchangetype: modify\nadd: mail\n-\n", Syntax, 4, Some("CN=A"), "no value"),
        ("dn: CN=A\nchangetype: modrdn\nnewrdn: CN=B\n", Syntax, 4, Some("CN=A"), "`deleteoldrdn:`"),
        (
            "dn: CN=A\nchangetype: modrdn\nnewrdn: CN=B\ndeleteoldrdn: yes\n",
            Syntax,
            4,
            Some("CN=A"),
            "0 or 1",
        ),
        ("dn: CN=A\ncontrol: 1.2.3\ncn: x\n", Syntax, 3, Some("CN=A"), "`changetype:`"),
        ("dn: CN=A\ncontrol: x\nchangetype: delete\n", Syntax, 2, Some("CN=A"), "object identifier"),
        ("dn: CN=A\ncontrol: 1.2.3 perhaps\nchangetype: delete\n", Syntax, 2, Some("CN=A"), "true or false"),
    ];
    for (text, kind, line, dn, part) in table {
        let error = error(text);
        assert_eq!((error.kind(), error.line(), error.object()), (kind, line, dn), "{text:?}: {error}");
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("line {line}: ")) && message.contains(part),
            "{text:?}: {message}"
        );
        assert!(!error.is_fatal());

        // The next record is there, and has its right line number.
        let records = read(format!("{text}\ndn: CN=Next\nx\n\ndn: CN=Last\n"));
        let lines = text.matches('\n').count() as u64;
        assert_eq!(records.len(), 3, "{text:?}: {records:?}");
        let next = records[1].as_ref().unwrap_err();
        assert_eq!((next.line(), next.object()), (lines + 3, Some("CN=Next")));
        assert_eq!(records[2].as_ref().unwrap().dn(), "CN=Last");
    }
}

#[test]
fn an_unknown_version_is_an_error_and_records_follow() {
    let records = read("version: 2\ndn: CN=A\n");
    assert_eq!(records[0].as_ref().unwrap_err().line(), 1);
    assert_eq!(records[1].as_ref().unwrap().dn(), "CN=A");
    // Joined files.
    assert!(read("version: 1\n\ndn: CN=A\n\nversion: 1\n\ndn: CN=B\n").iter().all(Result::is_ok));
}

#[test]
fn errors_repeat_no_value() {
    let text = "dn: CN=A\nunicodePwd:: Geheim!\nx\n\ndn: CN=B\nGeheim\n\ndn: CN=C\nchangetype: modify\nadd: \
                unicodePwd\nunicodePwd: Geheim\n";
    let shown = format!("{:?}", read(text));
    assert!(shown.contains("unicodePwd") && !shown.contains("Geheim"), "{shown}");
}

#[test]
fn control_characters_of_a_name_are_not_shown() {
    let shown = error("dn:: Q049QRtbMko=\nx\n").to_string();
    assert!(shown.contains("CN=A\\u{1b}[2J"), "{shown}");
}

#[test]
fn values_and_records_have_limits() {
    let limits = Limits::default().with_value(100).with_record(1_000);
    let long = "x".repeat(101);
    let fits = "x".repeat(100 - "cn: ".len());
    let folded = format!("{}\n {}", "x".repeat(60), "x".repeat(60));
    let many = "cn: x\n".repeat(20);
    let text = format!(
        "dn: CN=A\ncn: {long}\ncn: a\n\ndn: CN=B\ncn: {folded}\n y\n\n#{long}\n {long}\ndn: CN=C\ncn: {fits}\n\ndn: \
         CN=D\n{many}\ndn: {long}\n\ndn: CN=E\n"
    );
    for piece in [1, 64, 10_000] {
        let records: Records =
            Reader::new(Trickle::new(text.as_bytes(), piece)).with_limits(limits).collect();
        let shown: Vec<_> = records
            .iter()
            .map(|record| match record {
                Ok(record) => Ok(record.dn()),
                Err(error) => {
                    assert_eq!(error.kind(), SourceErrorKind::TooLong);
                    Err((error.line(), error.object()))
                }
            })
            .collect();
        assert_eq!(
            shown,
            [
                Err((2, Some("CN=A"))),
                Err((6, Some("CN=B"))),
                Ok("CN=C"),
                Err((29, Some("CN=D"))),
                Err((37, None)),
                Ok("CN=E")
            ]
        );
    }
}

/// A huge line, and a record after it.
struct Endless {
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let head = b"dn: CN=A\ncn: ";
        if self.left == u64::MAX {
            self.left = 20 << 20;
            out[..head.len()].copy_from_slice(head);
            return Ok(head.len());
        }
        let count = self.left.min(out.len() as u64) as usize;
        out[..count].fill(b'x');
        self.left -= count as u64;
        Ok(count)
    }
}

#[test]
fn a_huge_line_is_skipped() {
    let tail = b"\n\ndn: CN=B\n";
    let input = Endless { left: u64::MAX }.chain(&tail[..]);
    let limits = Limits::default().with_value(1_000);
    let records: Records = Reader::new(input).with_limits(limits).collect();
    assert_eq!(records[0].as_ref().unwrap_err().object(), Some("CN=A"));
    assert_eq!(records[1].as_ref().unwrap().dn(), "CN=B");
}

#[test]
fn an_error_of_the_input_ends_the_stream() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk gone"))
        }
    }
    let mut records = Reader::new(b"dn: CN=A\n\ndn: CN=B\ncn: x\n".chain(Broken));
    assert_eq!(records.next().unwrap().unwrap().dn(), "CN=A");
    let error = records.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.object()), (SourceErrorKind::Io, Some("CN=B")));
    assert!(error.is_fatal() && error.to_string().contains("disk gone"), "{error}");
    assert!(records.next().is_none() && records.next().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn any_octets_end_and_errors_name_a_line(bytes in octets()) {
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let limits = Limits::default().with_value(50).with_record(500);
        let mut count = 0;
        for record in ldif::Reader::new(bytes.as_slice()).with_limits(limits) {
            count += 1;
            if let Err(error) = record {
                prop_assert!((1..=lines + 1).contains(&error.line()), "{error}");
            }
        }
        prop_assert!(count <= lines);
    }
}

/// Octets that often look like LDIF.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("dn: CN=A"),
        Just("\n"),
        Just("\n"),
        Just("\n\n"),
        Just("\r\n"),
        Just("\n "),
        Just("cn: x"),
        Just("cn:: eA=="),
        Just("changetype: modify\n"),
        Just("changetype: moddn\n"),
        Just("add: cn\n"),
        Just("-"),
        Just("#"),
        Just(":<"),
        Just("version: 1"),
        Just("control: 1.2 true: x\n"),
        Just("newrdn: x\n"),
        Just("search: 2\n"),
        Just("member;range=0-1: x\n"),
    ]
    .prop_map(|text| text.as_bytes().to_vec());
    let any = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![8 => piece, 1 => any], 0..30).prop_map(|pieces| pieces.concat())
}
