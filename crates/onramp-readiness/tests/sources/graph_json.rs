use std::io::Read;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ObjectGuid, Sid};
use onramp_readiness::DirectoryObject;
use onramp_readiness::attributes::{
    CN, COMPANY, CONSISTENCY_GUID, DISPLAY_NAME, DISTINGUISHED_NAME, IS_CRITICAL_SYSTEM_OBJECT, MAIL,
    OBJECT_SID, PROXY_ADDRESSES, SAM_ACCOUNT_NAME, SN, TELEPHONE_NUMBER, TITLE,
};
use onramp_readiness::source::graph_json::Reader;
use onramp_readiness::source::{Limits, SourceError, SourceErrorKind};
use proptest::prelude::*;

use crate::{Trickle, utf16};

type Objects = Vec<Result<DirectoryObject, SourceError>>;

fn read(text: impl AsRef<[u8]>) -> Objects {
    let objects: Objects = Reader::new(text.as_ref()).collect();
    let others: Objects = Reader::new(Trickle::new(text.as_ref(), 3)).collect();
    assert_eq!(format!("{others:?}"), format!("{objects:?}"));
    objects
}

fn only(text: impl AsRef<[u8]>) -> DirectoryObject {
    let mut objects = read(text);
    assert_eq!(objects.len(), 1, "{objects:?}");
    objects.remove(0).expect("an object")
}

/// Name of each object, or line of its error.
fn names(objects: &Objects) -> Vec<Result<&str, u64>> {
    objects.iter().map(|object| object.as_ref().map(DirectoryObject::dn).map_err(SourceError::line)).collect()
}

#[test]
fn a_user_of_graph() {
    let anna = only(
        r##"{"@odata.context": "x", "@odata.type": "#microsoft.graph.user", "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
            "userPrincipalName": "anna@x.de", "mail": null, "displayName": "Änna \"A\"", "surname": "Müller",
            "jobTitle": "Boss", "companyName": "X", "businessPhones": ["1", "2"], "accountEnabled": true,
            "onPremisesImmutableId": "7q5TjzJNR0y9PloLDJsaLQ==", "onPremisesSamAccountName": "anna",
            "onPremisesSecurityIdentifier": "S-1-5-21-1-2-3-500", "onPremisesDistinguishedName": "CN=Anna,DC=x",
            "onPremisesExtensionAttributes": {"extensionAttribute1": "one", "extensionAttribute2": null},
            "assignedLicenses": [{"skuId": "x"}], "manager@odata.bind": "y", "proxyAddresses": []}"##,
    );
    assert_eq!((anna.dn(), anna.class(), anna.guid()), ("CN=Anna,DC=x", Some("user"), None));
    for (attribute, value) in [
        (AttributeName::from_static("id"), "87d349ed-44d7-43e1-9a83-5f2406dee5bd"),
        (DISPLAY_NAME, "Änna \"A\""),
        (SN, "Müller"),
        (TITLE, "Boss"),
        (COMPANY, "X"),
        (SAM_ACCOUNT_NAME, "anna"),
        (DISTINGUISHED_NAME, "CN=Anna,DC=x"),
        (AttributeName::from_static("accountEnabled"), "TRUE"),
        (AttributeName::from_static("extensionAttribute1"), "one"),
    ] {
        assert_eq!(anna.text(&attribute), Some(value), "{attribute}");
    }
    assert_eq!(anna.values(&TELEPHONE_NUMBER).len(), 2);
    assert_eq!((anna.values(&MAIL).len(), anna.values(&PROXY_ADDRESSES).len()), (0, 0));
    let sid = Sid::parse("S-1-5-21-1-2-3-500").unwrap();
    assert_eq!(anna.values(&OBJECT_SID), [AttributeValue::bytes(sid.to_bytes())]);
    let guid = ObjectGuid::parse("8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d").unwrap();
    assert_eq!(anna.values(&CONSISTENCY_GUID), [AttributeValue::bytes(*guid.as_bytes())]);
}

#[test]
fn classes_of_graph() {
    for (text, class) in [
        (r#"{"id": "1", "userPrincipalName": "a@x.de"}"#, Some("user")),
        (r#"{"id": "1", "displayName": "G", "groupTypes": ["Unified"]}"#, Some("group")),
        (r##"{"@odata.type": "#microsoft.graph.orgContact", "id": "1"}"##, Some("contact")),
        (r##"{"@odata.type": "#microsoft.graph.group", "id": "1"}"##, Some("group")),
        (r##"{"@odata.type": "#microsoft.graph.device", "id": "1"}"##, None),
        (
            r#"{"id": "1", "userPrincipalName": "a@x.de", "objectClass": ["top", "inetOrgPerson"]}"#,
            Some("inetOrgPerson"),
        ),
        (r#"{"dn": "CN=A", "userPrincipalName": "a@x.de"}"#, None),
    ] {
        assert_eq!(only(text).class(), class, "{text}");
    }
}

#[test]
fn maps_of_attributes() {
    for text in [
        r#"{"dn": "CN=A,DC=x", "attributes": {"mail": "a@x.de", "proxyAddresses": ["SMTP:a@x.de", "smtp:b@x.de"]}}"#,
        r#"{"distinguishedName": "CN=A,DC=x", "mail": "a@x.de", "proxyAddresses": ["SMTP:a@x.de", "smtp:b@x.de"]}"#,
        r#"{"DN": "CN=A,DC=x", "EmailAddress": "a@x.de", "proxyAddresses": ["SMTP:a@x.de", "smtp:b@x.de"]}"#,
    ] {
        let a = only(text);
        assert_eq!(
            (a.dn(), a.text(&MAIL), a.values(&PROXY_ADDRESSES).len()),
            ("CN=A,DC=x", Some("a@x.de"), 2),
            "{text}"
        );
    }
    let a = only(
        r#"{"dn": "CN=A", "cn": ["", "X'41'", " a\u0000\n ", {"base64": "AP8="}, null, 5, 1.5], "isCriticalSystemObject": false,
            "objectGUID": "8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d"}"#,
    );
    let expected = [&b""[..], b"X'41'", b" a\0\n ", b"\0\xff", b"5", b"1.5"].map(AttributeValue::bytes);
    assert_eq!(a.values(&CN), expected);
    assert_eq!(a.text(&IS_CRITICAL_SYSTEM_OBJECT), Some("FALSE"));
    assert!(a.guid().is_some());
}

#[test]
fn arrays_pages_and_lines() {
    let a = r#"{"dn":"CN=A","mail":"}]\"{"}"#;
    let b = r#"{"dn":"CN=B"}"#;
    for text in [
        format!("[{a},{b}]"),
        format!("[\n  {a},\n  {b}\n]\n"),
        format!("{a}\n{b}\n"),
        format!("{a}\r\n\r\n{b}"),
        format!("{a}{b}"),
        format!("\u{1e}{a}\n\u{1e}{b}\n"),
        format!("\u{feff}[{a},{b}]"),
        format!(r#"{{"@odata.context": "x", "value": [{a},{b}]}}"#),
        format!(r#"{{"value":[{a}],"@odata.nextLink":"https://x"}}{{ "value" : [{b}] }}"#),
        format!(r#"[{{"value":[{a}]}},{{"value":[{b}]}}]"#),
        format!(r#"[[{a}],[{b}],[]]"#),
    ] {
        assert_eq!(names(&read(&text)), [Ok("CN=A"), Ok("CN=B")], "{text}");
        let wide = utf16(text.trim_start_matches('\u{feff}'), u16::to_le_bytes);
        assert_eq!(names(&read(wide)), [Ok("CN=A"), Ok("CN=B")], "{text}");
    }
    for empty in ["", "[]", " \n", r#"{"value": []}"#] {
        assert!(read(empty).is_empty(), "{empty:?}");
    }
    // A string “value” that is no key of a page.
    assert_eq!(
        names(&read(r#"{"dn": "CN=A", "cn": "value", "sn": ["x"], "title": {"value": []}}"#)),
        [Ok("CN=A")]
    );
}

#[test]
fn pages_without_the_last_one_are_incomplete() {
    for text in [
        r#"{"@odata.nextLink": "https://x", "value": [{"dn": "CN=A"}]}"#,
        r#"{"value": [{"dn": "CN=A"}], "@odata.nextLink": "https://x"}"#,
        r#"[{"dn": "CN=A"}"#,
        r#"{"value": [{"dn": "CN=A"}"#,
        r#"{"value": [{"dn": "CN=A"}]"#,
    ] {
        let objects = read(text);
        assert_eq!(names(&objects), [Ok("CN=A"), Err(1)], "{text}");
        assert_eq!(objects[1].as_ref().unwrap_err().kind(), SourceErrorKind::Incomplete, "{text}");
    }
}

#[test]
fn what_cannot_be_read_names_its_line() {
    let objects = read(
        "[\n{\"dn\": \"CN=A\"},\n{\"dn\":\n \"CN=B\",, },\n5, \"x\",\n{\"title\": \"x\"},\n{\"dn\": \"CN=C\"}\n]",
    );
    assert_eq!(names(&objects), [Ok("CN=A"), Err(4), Err(5), Err(5), Err(6), Ok("CN=C")]);
    assert!(objects[1].as_ref().unwrap_err().to_string().contains("not JSON"));
    assert!(objects[2].as_ref().unwrap_err().to_string().contains("array of objects"));
    let objects = read(
        "{\"dn\": \"CN=A\"}\nnot json {}\n{\"dn\": \"CN=B\", \"mail\n{\"dn\": \"CN=C\"}\n{\"dn\": \"CN=D\"\n{\"dn\": \"CN=E\"}\n{\"dn\"",
    );
    assert_eq!(names(&objects), [Ok("CN=A"), Err(2), Err(3), Ok("CN=C"), Err(5), Ok("CN=E"), Err(7)]);
    let deep = format!(
        "{{\"dn\": \"CN=A\", \"cn\": {}1{}}}\n{{\"dn\": \"CN=B\"}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(names(&read(deep)), [Err(1), Ok("CN=B")]);
    let arrays = "[".repeat(100_000);
    assert!(read(&arrays[..50]).iter().all(Result::is_err));
}

#[test]
fn errors_repeat_no_value() {
    let objects = read(
        "{\"dn\": \"CN=A\", \"unicodePwd\": \"Geheim\" \"Geheim\"}\n{\"unicodePwd\": \"Geheim\"}\nGeheim\n",
    );
    assert_eq!(objects.len(), 3);
    assert!(!format!("{objects:?}").contains("Geheim"), "{objects:?}");
}

#[test]
fn names_that_are_not_read_are_reported() {
    let text = r#"[{"dn": "CN=A", "extension_1_x": "y", "assignedPlans": [{"x": 1}], "cn": ["A", {"a": 1}]}, {"dn": "CN=B", "extension_1_x": 1}]"#;
    let mut reader = Reader::new(text.as_bytes());
    assert_eq!(reader.by_ref().filter(Result::is_ok).count(), 2);
    assert_eq!(reader.ignored().collect::<Vec<_>>(), ["assignedPlans", "cn", "extension_1_x"]);
}

#[test]
fn an_object_has_a_limit() {
    let limits = Limits::default().with_record(100);
    let text = format!("[{{\"dn\":\"CN=A\",\"cn\":\"{}\"}},{{\"dn\":\"CN=B\"}}]", "x".repeat(200));
    let objects: Objects = Reader::new(text.as_bytes()).with_limits(limits).collect();
    assert_eq!(names(&objects), [Err(1), Ok("CN=B")]);
    assert_eq!(objects[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
    let many: Objects = Reader::new(&b"{\"dn\":\"CN=A\",\"cn\":[1,2,3]}\n{\"dn\":\"CN=B\"}"[..])
        .with_limits(limits)
        .collect();
    assert_eq!(names(&many), [Err(1), Ok("CN=B")]);
    let endless = (&b"{\"dn\":\""[..]).chain(std::io::repeat(b'x').take(10 << 20));
    let objects: Objects = Reader::new(endless).with_limits(limits).collect();
    assert_eq!(names(&objects), [Err(1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn any_octets_end_and_errors_name_a_line(bytes in octets()) {
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let objects: Objects = Reader::new(bytes.as_slice()).with_limits(Limits::default().with_record(200)).collect();
        prop_assert!(objects.len() <= bytes.len() + 1);
        for object in &objects {
            if let Err(error) = object {
                prop_assert!((1..=lines + 1).contains(&error.line()), "{error}");
            }
        }
    }

    #[test]
    fn every_text_is_read_back(values in proptest::collection::vec("(?s).{0,20}", 1..4), is_pretty in any::<bool>()) {
        let json = serde_json::json!([{"dn": "CN=A", "title": values}, {"dn": "CN=B"}]);
        let text = if is_pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let objects = read(text);
        prop_assert_eq!(names(&objects), [Ok("CN=A"), Ok("CN=B")]);
        let title: Vec<_> = objects[0].as_ref().unwrap().values(&TITLE).iter().map(|one| one.as_text().unwrap().to_owned()).collect();
        prop_assert_eq!(title, values);
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("{\"dn\":\"CN=A\"}"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just("\"value\":["),
        Just(","),
        Just("\n"),
        Just("\""),
        Just("\\"),
        Just("{\"value\":["),
        Just("\"@odata.nextLink\":\"x\""),
        Just("null"),
        Just(":"),
    ]
    .prop_map(|text| text.as_bytes().to_vec());
    let any = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![8 => piece, 1 => any], 0..25).prop_map(|pieces| pieces.concat())
}
