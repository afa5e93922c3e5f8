//! LDIF beside the module `ldif` of python-ldap and OpenLDAP's `ldapmodify -n`, which parses without a server. They need to be
//! installed (Debian: `python3-ldap`, `ldap-utils`), so these tests run when asked for:
//! `cargo test -p onramp-readiness -- --ignored`.

use std::io::Write;
use std::process::{Command, Stdio};

use onramp_core::forest::AttributeValue;
use onramp_readiness::attributes::{CN, DISPLAY_NAME, MAIL};
use onramp_readiness::ldif::{
    Change, ChangeRecord, Control, Modification, Operation, Reader, Record, Writer,
};
use onramp_readiness::{DirectoryObject, FixChange};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::ldif_writer::object;

/// Debian's own, which sees the packages of Debian.
const PYTHON: &str = "/usr/bin/python3";

/// Prints objects as lines of JSON: name, and attributes in their order with values in hexadecimal.
const READ: &str = r#"
import json, ldif, sys
class Parser(ldif.LDIFParser):
    def handle(self, dn, entry):
        print(json.dumps([dn, [[name, [value.hex() for value in values]] for name, values in entry.items()]]))
parser = Parser(sys.stdin.buffer)
parser.parse()
"#;

const READ_CHANGES: &str = r#"
import json, ldif, sys
class Parser(ldif.LDIFParser):
    def handle_modify(self, dn, modifications, controls=None):
        print(json.dumps([dn, [[op, name, [value.hex() for value in values or []]] for op, name, values in modifications]]))
Parser(sys.stdin.buffer).parse_change_records()
"#;

const WRITE: &str = r#"
import json, ldif, sys
writer = ldif.LDIFWriter(sys.stdout)
for line in sys.stdin:
    dn, attributes = json.loads(line)
    writer.unparse(dn, {name: [bytes.fromhex(value) for value in values] for name, values in attributes})
"#;

fn run(program: &str, arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is installed");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that refuses its input may not read all of it.
    let _ = feeder.join().unwrap();
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn hex(value: &AttributeValue) -> String {
    value.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json_of(object: &DirectoryObject) -> serde_json::Value {
    let attributes: Vec<_> = object
        .attributes()
        .map(|(name, values)| (name.as_str(), values.iter().map(hex).collect::<Vec<_>>()))
        .collect();
    serde_json::json!([object.dn(), attributes])
}

fn lines_of(output: &[u8]) -> Vec<serde_json::Value> {
    output
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Objects with names that python-ldap takes for distinguished names, each another one.
fn objects() -> Vec<DirectoryObject> {
    let mut runner = TestRunner::deterministic();
    (0..300)
        .map(|index| {
            let made = object().new_tree(&mut runner).unwrap().current();
            let mut object = DirectoryObject::new(format!("CN=Nümmer {index},DC=corp,DC=local"));
            for (name, values) in made.attributes() {
                object.set(name.clone(), values.to_vec());
            }
            object
        })
        .collect()
}

#[test]
#[ignore = "needs python3-ldap"]
fn python_ldap_reads_what_is_written() {
    let objects = objects();
    let mut out = Writer::new(Vec::new());
    objects.iter().try_for_each(|object| out.write_object(object)).unwrap();
    let (ok, output, errors) = run(PYTHON, &["-c", READ], &out.finish().unwrap());
    assert!(ok, "{errors}");
    let expected: Vec<_> = objects.iter().map(json_of).collect();
    assert_eq!(lines_of(&output), expected);
}

#[test]
#[ignore = "needs python3-ldap"]
fn what_python_ldap_writes_is_read() {
    let objects: Vec<_> = objects().into_iter().filter(|object| object.attributes().count() > 0).collect();
    let input: String = objects.iter().map(|object| format!("{}\n", json_of(object))).collect();
    let (ok, output, errors) = run(PYTHON, &["-c", WRITE], input.as_bytes());
    assert!(ok, "{errors}");
    let read: Vec<_> =
        Reader::new(output.as_slice()).map(|record| record.unwrap().into_object().unwrap()).collect();
    // It sorts the attributes.
    let sorted = |object: &DirectoryObject| {
        let mut attributes: Vec<_> =
            object.attributes().map(|(name, values)| (name.clone(), values.to_vec())).collect();
        attributes.sort();
        (object.dn().to_owned(), attributes)
    };
    assert_eq!(read.iter().map(sorted).collect::<Vec<_>>(), objects.iter().map(sorted).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs python3-ldap"]
fn both_readers_see_the_same_in_tricky_input() {
    for text in [
        "version: 1\ndn: CN=A,DC=x\ncn: A\n\n\n\ndn: CN=B,DC=x\ncn: B",
        "# c\n  goes on\ndn: CN=A\n  B,DC=x\n# in between\n  goes on\ncn: a\n b\n  c\nsn:\n",
        "dn:: Q049w4RubmEsREM9eA==\ncn:: w4Ru\n bmE=\nsn::IHg=\n",
        "dn: CN=A,DC=x\r\ncn: a\r\n b\r\n\r\ndn: CN=B,DC=x\r\nsn: b\r\n\r\n",
        "dn: CN=A,DC=x\ncn;lang-de: a\ncn;lang-de: b\nuserCertificate;binary:: AAE=\n",
        "dn: CN=A,DC=x\ncn: a:b::c:<d\nsn: #no comment\ndescription: - \ntitle: trailing  \n",
        "dn: CN=A\\, B+SN=x,DC=x\n1.2.3: oid\nCN: upper\n",
    ] {
        let (ok, output, errors) = run(PYTHON, &["-c", READ], text.as_bytes());
        assert!(ok, "{text:?}: {errors}");
        let read: Vec<_> = Reader::new(text.as_bytes())
            .map(|record| {
                let Ok(Record::Content(entry)) = record else { panic!("{text:?}: {record:?}") };
                let value = |name: String, values: &[AttributeValue]| {
                    (name, values.iter().map(hex).collect::<Vec<_>>())
                };
                let described = |name: &onramp_core::AttributeName| {
                    entry
                        .descriptions
                        .iter()
                        .find(|description| description.name() == name)
                        .map_or_else(|| name.to_string(), ToString::to_string)
                };
                let mut attributes: Vec<_> = entry
                    .object
                    .attributes()
                    .map(|(name, values)| value(described(name), values))
                    .chain(entry.tagged.iter().map(|(name, values)| value(name.to_string(), values)))
                    .collect();
                attributes.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
                attributes.sort();
                (entry.object.dn().to_owned(), attributes)
            })
            .collect();
        let expected: Vec<_> = lines_of(&output)
            .into_iter()
            .map(|line| {
                let (dn, mut attributes): (String, Vec<(String, Vec<String>)>) =
                    serde_json::from_value(line).unwrap();
                attributes.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
                attributes.sort();
                (dn, attributes)
            })
            .collect();
        assert_eq!(read, expected, "{text:?}");
    }
}

/// Changes of every kind, with values that need care.
fn changes() -> Vec<ChangeRecord> {
    let fix = |remove: &str, add: &str| FixChange {
        attribute: MAIL,
        remove: vec![remove.into()],
        add: vec![add.into()],
    };
    let long = "x".repeat(200);
    let modify = |operation, attribute: onramp_core::AttributeName, values: &[&str]| Modification {
        operation,
        attribute: attribute.into(),
        values: values.iter().map(|value| AttributeValue::text(*value)).collect(),
    };
    let mut deletion = ChangeRecord::new("CN=Alt,DC=x", Change::Delete);
    deletion.controls.push(Control::new("1.2.840.113556.1.4.805", true, None).unwrap());
    let object = DirectoryObject::new("CN=Neu,DC=x").with_text(CN, "Neu").with_text(DISPLAY_NAME, "Ñeu ");
    vec![
        ChangeRecord::of_fix("CN=Änna,DC=x", &[fix(" a@x.de", "a@x.de")]),
        ChangeRecord::of_fix("CN=Bert,DC=x", &[fix(&long, "b@x.de")]),
        ChangeRecord::new(
            "CN=C,DC=x",
            Change::Modify(vec![
                modify(Operation::Replace, DISPLAY_NAME, &["one", ":two", "<three", "four\nlines"]),
                modify(Operation::Delete, MAIL, &[]),
            ]),
        ),
        ChangeRecord::new("CN=Neu,DC=x", Change::Add(object.into())),
        ChangeRecord::new(
            "CN=D,DC=x",
            Change::Rename {
                new_rdn: "CN=Ö".into(),
                delete_old_rdn: true,
                new_superior: Some("OU=O,DC=x".into()),
            },
        ),
        ChangeRecord::new(
            "CN=E,DC=x",
            Change::Rename { new_rdn: "CN=F".into(), delete_old_rdn: false, new_superior: None },
        ),
        deletion,
    ]
}

fn text_of(changes: &[ChangeRecord]) -> Vec<u8> {
    let mut out = Writer::new(Vec::new());
    out.write_comment("fixes of readiness").unwrap();
    changes.iter().try_for_each(|change| out.write_change(change)).unwrap();
    out.finish().unwrap()
}

#[test]
#[ignore = "needs python3-ldap"]
fn python_ldap_reads_changes() {
    let changes: Vec<_> =
        changes().into_iter().filter(|one| matches!(one.change, Change::Modify(_))).collect();
    let (ok, output, errors) = run(PYTHON, &["-c", READ_CHANGES], &text_of(&changes));
    assert!(ok, "{errors}");
    let expected: Vec<_> = changes
        .iter()
        .map(|record| {
            let Change::Modify(modifications) = &record.change else { unreachable!() };
            let shown: Vec<_> = modifications
                .iter()
                .map(|one| {
                    // LDAP_MOD_ADD, _DELETE, _REPLACE.
                    let operation = match one.operation {
                        Operation::Add => 0,
                        Operation::Delete => 1,
                        _ => 2,
                    };
                    (operation, one.attribute.to_string(), one.values.iter().map(hex).collect::<Vec<_>>())
                })
                .collect();
            serde_json::json!([record.dn, shown])
        })
        .collect();
    assert_eq!(lines_of(&output), expected);
}

#[test]
#[ignore = "needs ldap-utils"]
fn openldap_accepts_changes_and_objects() {
    let file = tempfile::tempdir().unwrap();
    let mut objects = Writer::new(Vec::new());
    self::objects()
        .iter()
        .filter(|one| one.attributes().count() > 0)
        .try_for_each(|one| objects.write_object(one))
        .unwrap();
    let broken = b"version: 1\n\ndn: CN=A,DC=x\nchangetype: modify\nreplace: mail\ncn: x\n-\n".to_vec();
    for (program, text, accepted) in [
        ("ldapmodify", text_of(&changes()), true),
        ("ldapadd", objects.finish().unwrap(), true),
        ("ldapmodify", broken, false),
    ] {
        let path = file.path().join("input.ldif");
        std::fs::write(&path, &text).unwrap();
        let (ok, _, errors) =
            run(program, &["-n", "-x", "-H", "ldap://127.0.0.1:1", "-f", path.to_str().unwrap()], b"");
        assert_eq!(ok, accepted, "{program}: {errors}");
    }
}
