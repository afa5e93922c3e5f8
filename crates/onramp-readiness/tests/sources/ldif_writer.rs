use std::io;

use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;
use onramp_readiness::attributes::{CN, MAIL, PROXY_ADDRESSES};
use onramp_readiness::ldif::{
    AttributeDescription, Change, ChangeRecord, Control, Entry, Modification, Operation, Reader, Record,
    Writer,
};
use onramp_readiness::{DirectoryObject, FixChange};
use proptest::prelude::*;

fn written(records: &[Record]) -> Vec<u8> {
    let mut out = Writer::new(Vec::new());
    for record in records {
        out.write(record).expect("a vector takes everything");
    }
    out.finish().expect("a vector takes everything")
}

/// The line of a value.
fn line(value: &[u8]) -> String {
    let mut object = DirectoryObject::new("CN=A");
    object.push(CN, AttributeValue::bytes(value));
    let text = String::from_utf8(written(&[Record::Content(object.into())])).expect("ASCII");
    text.strip_prefix("version: 1\n\ndn: CN=A\n").unwrap().strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn exactly_the_safe_strings_are_not_base64() {
    for (value, expected) in [
        (&b"Anna"[..], "cn: Anna"),
        (b"", "cn:"),
        (b" x", "cn:: IHg="),
        (b"x ", "cn:: eCA="),
        (b" ", "cn:: IA=="),
        (b":x", "cn:: Ong="),
        (b"<x", "cn:: PHg="),
        (b"x:<y z", "cn: x:<y z"),
        (b"#x", "cn: #x"),
        (b"-", "cn: -"),
        (b"\tx\t", "cn: \tx\t"),
        (b"\x01\x7f", "cn: \x01\x7f"),
        (b"a\0b", "cn:: YQBi"),
        (b"a\nb", "cn:: YQpi"),
        (b"a\rb", "cn:: YQ1i"),
        ("ä".as_bytes(), "cn:: w6Q="),
        (b"\xff", "cn:: /w=="),
    ] {
        assert_eq!(line(value), expected, "{value:?}");
    }
}

#[test]
fn lines_are_folded_at_76_octets() {
    assert_eq!(line(&[b'x'; 72]), format!("cn: {}", "x".repeat(72)));
    assert_eq!(line(&[b'x'; 73]), format!("cn: {}\n x", "x".repeat(72)));
    assert_eq!(line(&[b'x'; 148]), format!("cn: {}\n {}\n x", "x".repeat(72), "x".repeat(75)));
    assert!(line("ä".repeat(500).as_bytes()).lines().all(|line| line.len() <= 76));
}

#[test]
fn a_file_without_records_has_its_version() {
    assert_eq!(written(&[]), b"version: 1\n");
}

#[test]
fn changes_of_every_kind() {
    let mut delete = ChangeRecord::new("CN=Änna", Change::Delete);
    delete.controls.push(Control::new("1.2.840.113556.1.4.805", true, None).unwrap());
    delete.controls.push(Control::new("1.2.3", false, Some(b"\0".to_vec())).unwrap());
    let rename =
        Change::Rename { new_rdn: "CN=B".into(), delete_old_rdn: true, new_superior: Some("OU=x".into()) };
    let replace = Modification {
        operation: Operation::Replace,
        attribute: AttributeDescription::parse("cn;lang-de").unwrap(),
        values: Vec::new(),
    };
    let records = [
        Record::Change(delete),
        Record::Change(ChangeRecord::new("CN=A", rename)),
        Record::Change(ChangeRecord::new("CN=A", Change::Modify(vec![replace]))),
        Record::Change(ChangeRecord::new(
            "CN=A",
            Change::Add(DirectoryObject::new("CN=A").with_text(CN, "A").into()),
        )),
    ];
    let text = "version: 1\n\ndn:: Q049w4RubmE=\ncontrol: 1.2.840.113556.1.4.805 true\ncontrol: 1.2.3 false:: AA==\n\
                changetype: delete\n\ndn: CN=A\nchangetype: moddn\nnewrdn: CN=B\ndeleteoldrdn: 1\nnewsuperior: OU=x\n\n\
                dn: CN=A\nchangetype: modify\nreplace: cn;lang-de\n-\n\ndn: CN=A\nchangetype: add\ncn: A\n";
    assert_eq!(String::from_utf8(written(&records)).unwrap(), text);
}

#[test]
fn a_fix_deletes_the_old_values_first() {
    let change = |attribute, remove: &[&str], add: &[&str]| FixChange {
        attribute,
        remove: remove.iter().map(ToString::to_string).collect(),
        add: add.iter().map(ToString::to_string).collect(),
    };
    let record = ChangeRecord::of_fix(
        "CN=A",
        &[
            change(MAIL, &[], &["a@x.de"]),
            change(PROXY_ADDRESSES, &["smtp:a b@x.de"], &[]),
            change(CN, &["x "], &["x"]),
        ],
    );
    let text = "version: 1\n\ndn: CN=A\nchangetype: modify\nadd: mail\nmail: a@x.de\n-\ndelete: proxyAddresses\n\
                proxyAddresses: smtp:a b@x.de\n-\ndelete: cn\ncn:: eCA=\n-\nadd: cn\ncn: x\n-\n";
    assert_eq!(String::from_utf8(written(&[Record::Change(record)])).unwrap(), text);
}

#[test]
fn objects_and_changes_do_not_mix() {
    let mut out = Writer::new(Vec::new());
    out.write_object(&DirectoryObject::new("CN=A")).unwrap();
    let error = out.write_change(&ChangeRecord::new("CN=A", Change::Delete)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(out.finish().unwrap(), b"version: 1\n\ndn: CN=A\n");
}

#[test]
fn a_modification_that_adds_nothing_is_refused() {
    let empty = Modification { operation: Operation::Add, attribute: MAIL.into(), values: Vec::new() };
    let mut out = Writer::new(Vec::new());
    let error = out.write_change(&ChangeRecord::new("CN=A", Change::Modify(vec![empty]))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(out.finish().unwrap(), b"version: 1\n");
}

#[test]
fn comments_hold_no_line_of_their_own() {
    let mut out = Writer::new(Vec::new());
    out.write_comment(&format!("one\ndn: CN=Evil\rä {}", "x".repeat(100))).unwrap();
    out.write_object(&DirectoryObject::new("CN=A")).unwrap();
    let text = String::from_utf8(out.finish().unwrap()).unwrap();
    assert!(text.starts_with("version: 1\n\n# one\n# dn: CN=Evil\\u{d}\\u{e4} xxx"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 76));
    let records: Vec<_> = Reader::new(text.as_bytes()).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].as_ref().unwrap().dn(), "CN=A");
}

#[test]
fn options_are_written_as_they_were_read() {
    let text =
        "version: 1\n\ndn: CN=A\nmember;range=0-1: CN=B\nuserCertificate;binary:: AAE=\ncn;lang-de: x\n";
    let records: Vec<_> = Reader::new(text.as_bytes()).map(Result::unwrap).collect();
    assert_eq!(String::from_utf8(written(&records)).unwrap(), text);
}

#[test]
fn secrets_are_written_and_not_shown() {
    let secret = Modification {
        operation: Operation::Replace,
        attribute: AttributeName::from_static("unicodePwd").into(),
        values: vec![AttributeValue::text("Geheim")],
    };
    let shown = format!("{secret:?}");
    assert!(shown.contains("***") && !shown.contains("Geheim"), "{shown}");
    let text = written(&[Record::Change(ChangeRecord::new("CN=A", Change::Modify(vec![secret])))]);
    assert!(String::from_utf8(text).unwrap().contains("unicodePwd: Geheim\n"));
}

/// Octets with many of those that LDIF cares about.
pub(crate) fn octets() -> impl Strategy<Value = Vec<u8>> {
    let special = prop_oneof![
        Just(b' '),
        Just(b':'),
        Just(b'<'),
        Just(b'\n'),
        Just(b'\r'),
        Just(0),
        Just(b'#'),
        Just(b'-')
    ];
    prop_oneof![
        proptest::collection::vec(prop_oneof![special, b'a'..=b'z'], 0..20),
        proptest::collection::vec(any::<u8>(), 0..200),
        "[ -~]{0,160}".prop_map(String::into_bytes),
        "\\PC{0,20}".prop_map(String::into_bytes),
    ]
}

fn values() -> impl Strategy<Value = Vec<AttributeValue>> {
    proptest::collection::vec(octets().prop_map(AttributeValue::bytes), 1..4)
}

fn name() -> impl Strategy<Value = AttributeName> {
    let name = prop_oneof!["[a-zA-Z][a-zA-Z0-9-]{0,8}", Just("mail".into()), Just("1.2.840.3".into())];
    name.prop_filter_map("no name of a line", |name: String| match name.to_ascii_lowercase().as_str() {
        "dn" | "changetype" | "control" => None,
        _ => Some(AttributeName::parse(&name).unwrap()),
    })
}

fn dn() -> impl Strategy<Value = String> {
    prop_oneof!["CN=[a-z]{1,5},DC=x", "\\PC{0,40}", "(?s).{0,10}", "[ -~]{70,80}"]
}

pub(crate) fn object() -> impl Strategy<Value = DirectoryObject> {
    (dn(), proptest::collection::vec((name(), values()), 0..5)).prop_map(|(dn, attributes)| {
        let mut object = DirectoryObject::new(dn);
        for (name, values) in attributes {
            // By set, so that no name stands there twice.
            object.set(name, values);
        }
        object
    })
}

fn modification() -> impl Strategy<Value = Modification> {
    let operation = prop_oneof![Just(Operation::Add), Just(Operation::Delete), Just(Operation::Replace)];
    let option = prop_oneof![3 => Just(""), 1 => Just(";lang-de"), 1 => Just(";binary")];
    (operation, name(), option, values()).prop_map(|(operation, name, option, values)| Modification {
        operation,
        attribute: AttributeDescription::parse(&format!("{name}{option}")).unwrap(),
        values,
    })
}

fn change() -> impl Strategy<Value = ChangeRecord> {
    let change = prop_oneof![
        object().prop_map(|object| Change::Add(object.into())),
        Just(Change::Delete),
        proptest::collection::vec(modification(), 0..4).prop_map(Change::Modify),
        (dn(), any::<bool>(), proptest::option::of(dn())).prop_map(
            |(new_rdn, delete_old_rdn, new_superior)| {
                Change::Rename { new_rdn, delete_old_rdn, new_superior }
            }
        ),
    ];
    let control = (any::<bool>(), proptest::option::of(octets()))
        .prop_map(|(is_critical, value)| Control::new("1.2.840.113556.1.4.805", is_critical, value).unwrap());
    (dn(), change, proptest::collection::vec(control, 0..3)).prop_map(|(dn, change, controls)| {
        let change = match change {
            Change::Add(entry) => {
                // The name of the record is that of the object.
                let mut object = DirectoryObject::new(dn.as_str());
                for (name, values) in entry.object.attributes() {
                    object.set(name.clone(), values.to_vec());
                }
                Change::Add(Entry::from(object))
            }
            other => other,
        };
        let mut record = ChangeRecord::new(dn, change);
        record.controls = controls;
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn objects_are_read_back_octet_by_octet(objects in proptest::collection::vec(object(), 0..4)) {
        let records: Vec<_> = objects.into_iter().map(|object| Record::Content(object.into())).collect();
        let text = written(&records);
        prop_assert!(text.is_ascii() && text.split(|&byte| byte == b'\n').all(|line| line.len() <= 76));
        let read: Result<Vec<_>, _> = Reader::new(text.as_slice()).collect();
        prop_assert_eq!(read.unwrap(), records);
    }

    #[test]
    fn changes_are_read_back_octet_by_octet(changes in proptest::collection::vec(change(), 0..4)) {
        let records: Vec<_> = changes.into_iter().map(Record::Change).collect();
        let text = written(&records);
        prop_assert!(text.is_ascii() && text.split(|&byte| byte == b'\n').all(|line| line.len() <= 76));
        let read: Result<Vec<_>, _> = Reader::new(text.as_slice()).collect();
        prop_assert_eq!(read.unwrap(), records);
    }
}
