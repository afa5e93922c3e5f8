use std::io::Read;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ObjectGuid, Sid};
use onramp_readiness::DirectoryObject;
use onramp_readiness::attributes::{
    CN, CONSISTENCY_GUID, DISPLAY_NAME, DISTINGUISHED_NAME, MAIL, MAIL_NICKNAME, MEMBER, OBJECT_CLASS,
    OBJECT_GUID, OBJECT_SID, PROXY_ADDRESSES, SN, TARGET_ADDRESS, TELEPHONE_NUMBER,
};
use onramp_readiness::source::csv::Reader;
use onramp_readiness::source::{Limits, SourceError, SourceErrorKind};
use proptest::prelude::*;

use crate::{Trickle, utf16};

type Rows = Vec<Result<DirectoryObject, SourceError>>;

fn read(text: impl AsRef<[u8]>) -> Rows {
    let rows: Rows = Reader::new(text.as_ref()).collect();
    let others: Rows = Reader::new(Trickle::new(text.as_ref(), 5)).collect();
    assert_eq!(format!("{others:?}"), format!("{rows:?}"));
    rows
}

fn only(text: impl AsRef<[u8]>) -> DirectoryObject {
    let mut rows = read(text);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).expect("an object")
}

fn texts(object: &DirectoryObject, attribute: &AttributeName) -> Vec<String> {
    object.values(attribute).iter().map(|value| value.as_text().expect("text").to_owned()).collect()
}

/// The values of a cell in this column.
fn values(column: &str, cell: &str) -> Vec<String> {
    let object = only(format!("DN,{column}\nCN=A,\"{}\"\n", cell.replace('"', "\"\"")));
    texts(&object, &AttributeName::parse(column).unwrap())
}

#[test]
fn get_ad_user_exported_by_windows_powershell() {
    let text = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n\"DistinguishedName\",\"EmailAddress\",\"GivenName\",\
                \"ObjectClass\",\"ObjectGUID\",\"SamAccountName\",\"SID\",\"Surname\",\"UserPrincipalName\",\"OfficePhone\",\
                \"Enabled\"\r\n\"CN=Anna,DC=x\",\"anna@x.de\",\"Anna\",\"user\",\"8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d\",\
                \"anna\",\"S-1-5-21-1-2-3-500\",\"Müller\",\"anna@x.de\",\"1\",\"True\"\r\n";
    let anna = only(text);
    let guid = ObjectGuid::parse("8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d").unwrap();
    assert_eq!((anna.dn(), anna.guid(), anna.class()), ("CN=Anna,DC=x", Some(guid), Some("user")));
    for (attribute, value) in [
        (MAIL, "anna@x.de"),
        (SN, "Müller"),
        (DISTINGUISHED_NAME, "CN=Anna,DC=x"),
        (TELEPHONE_NUMBER, "1"),
        (AttributeName::from_static("Enabled"), "True"),
    ] {
        assert_eq!(anna.text(&attribute), Some(value), "{attribute}");
    }
    assert_eq!(anna.values(&OBJECT_GUID), [AttributeValue::bytes(*guid.as_bytes())]);
    assert_eq!(
        anna.values(&OBJECT_SID),
        [AttributeValue::bytes(Sid::parse("S-1-5-21-1-2-3-500").unwrap().to_bytes())]
    );
}

#[test]
fn csvde_with_octets_and_escaped_separators() {
    let text = "DN,objectClass,distinguishedName,objectGUID,proxyAddresses,mS-DS-ConsistencyGuid,member\r\n\
                \"CN=Anna,DC=x\",top;person;user,\"CN=Anna,DC=x\",X'eeae538f324d474cbd3e5a0b0c9b1a2d',\
                SMTP:a@x.de;x500:/o=a\\;b;smtp:c@x.de,X'00ff',CN=A\\;B;CN=C\r\n";
    let anna = only(text);
    assert_eq!(
        anna.guid().map(|guid| guid.to_string()).as_deref(),
        Some("8f53aeee-4d32-4c47-bd3e-5a0b0c9b1a2d")
    );
    assert_eq!(texts(&anna, &OBJECT_CLASS), ["top", "person", "user"]);
    assert_eq!(texts(&anna, &PROXY_ADDRESSES), ["SMTP:a@x.de", "x500:/o=a;b", "smtp:c@x.de"]);
    assert_eq!(anna.values(&CONSISTENCY_GUID), [AttributeValue::bytes([0, 0xff])]);
    // The escape is the name's own.
    assert_eq!(texts(&anna, &MEMBER), ["CN=A\\;B", "CN=C"]);
}

#[test]
fn columns_of_exchange() {
    let text = "DistinguishedName,Alias,EmailAddresses,ExternalEmailAddress\nCN=A,anna,SMTP:a@x.de;smtp:b@x.de,SMTP:c@y.de\n";
    let anna = only(text);
    assert_eq!((anna.text(&MAIL_NICKNAME), anna.text(&TARGET_ADDRESS)), (Some("anna"), Some("SMTP:c@y.de")));
    assert_eq!(anna.values(&PROXY_ADDRESSES).len(), 2);
}

#[test]
fn delimiters_are_recognized() {
    for (text, delimiter) in [
        ("dn,mail,cn\nCN=A,a@x.de,A\n", b','),
        ("dn;mail;cn\nCN=A;a@x.de;A\n", b';'),
        ("dn\tmail\tcn\nCN=A\ta@x.de\tA\n", b'\t'),
        ("\"dn,name,first\";cn;dn;mail\nx;A;CN=A;a@x.de\n", b';'),
        ("sep=;\r\ndn;mail;cn\r\nCN=A;a@x.de;A\r\n", b';'),
        ("sep=\t\ndn\tmail\tcn\nCN=A\ta@x.de\tA\n", b'\t'),
        ("sep=|\ndn|mail|cn\nCN=A|a@x.de|A\n", b'|'),
    ] {
        let mut reader = Reader::new(text.as_bytes());
        assert_eq!(reader.header().unwrap().delimiter, delimiter, "{text:?}");
        let anna = only(text);
        assert_eq!(
            (anna.dn(), anna.text(&MAIL), anna.text(&CN)),
            ("CN=A", Some("a@x.de"), Some("A")),
            "{text:?}"
        );
    }
    let set = Reader::new("dn|mail\nCN=A|a@x.de\n".as_bytes()).with_delimiter(b'|').next().unwrap().unwrap();
    assert_eq!(set.text(&MAIL), Some("a@x.de"));
    assert_eq!(only("userPrincipalName\nanna@x.de\n").dn(), "anna@x.de");
}

#[test]
fn text_encodings_of_windows_and_excel() {
    let text = "DN;displayName\r\nCN=Änna;😀\r\n";
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
    ] {
        let anna = only(bytes);
        assert_eq!((anna.dn(), anna.text(&DISPLAY_NAME)), ("CN=Änna", Some("😀")));
    }
    let rows = read(b"DN,displayName\nCN=A,caf\xe9\nCN=B,x\n");
    let error = rows[0].as_ref().unwrap_err();
    assert_eq!(error.line(), 2);
    assert!(error.to_string().contains("CSV UTF-8"), "{error}");
    assert_eq!(rows[1].as_ref().unwrap().dn(), "CN=B");
    let workbook: Rows = Reader::new(&b"PK\x03\x04\x14\0\x06\0"[..]).collect();
    assert_eq!(workbook.len(), 1);
    assert_eq!(workbook[0].as_ref().unwrap_err().kind(), SourceErrorKind::Encoding);
}

#[test]
fn values_are_lossless() {
    for end in ["\n", "\r\n"] {
        let text =
            "DN,cn,displayName,mail\n\"CN=A\", a ,\" b\n\"\"c\"\" \",d \nCN=B,=1+1,\ta,\n".replace('\n', end);
        let rows = read(&text);
        let a = rows[0].as_ref().unwrap();
        assert_eq!((a.text(&CN), a.text(&MAIL)), (Some(" a "), Some("d ")));
        assert_eq!(a.text(&DISPLAY_NAME), Some(format!(" b{end}\"c\" ").as_str()));
        let b = rows[1].as_ref().unwrap();
        assert_eq!(
            (b.text(&CN), b.text(&DISPLAY_NAME), b.values(&MAIL).len()),
            (Some("=1+1"), Some("\ta"), 0)
        );
    }
}

#[test]
fn cells_with_several_values() {
    for (cell, expected) in [
        ("SMTP:a@x.de;smtp:b@x.de", &["SMTP:a@x.de", "smtp:b@x.de"][..]),
        ("SMTP:a@x.de|smtp:b@x.de", &["SMTP:a@x.de", "smtp:b@x.de"]),
        ("SMTP:a@x.de\r\nsmtp:b@x.de\r\n", &["SMTP:a@x.de", "smtp:b@x.de"]),
        ("SMTP:a@x.de; smtp:b@x.de;;", &["SMTP:a@x.de", " smtp:b@x.de"]),
        ("a@x.de\\|b\\x", &["a@x.de|b\\x"]),
        ("X400:c=US;a= ;p=Contoso;s=Doe;", &["X400:c=US;a= ;p=Contoso;s=Doe;"]),
        ("X400:c=US;a= ;s=Doe;SMTP:a@x.de;b@x.de", &["X400:c=US;a= ;s=Doe", "SMTP:a@x.de", "b@x.de"]),
        ("x.400:c=US|s=Doe", &["x.400:c=US", "s=Doe"]),
        ("SMTP:a@x.de", &["SMTP:a@x.de"]),
    ] {
        assert_eq!(values("proxyAddresses", cell), expected, "{cell:?}");
    }
    // One value only, whatever is in it.
    assert_eq!(values("displayName", "A; B|C"), ["A; B|C"]);
    let mut reader =
        Reader::new("DN,cn\nCN=A,a/b\n".as_bytes()).with_separators(&['/']).with_multi_valued([CN]);
    assert_eq!(texts(&reader.next().unwrap().unwrap(), &CN), ["a", "b"]);
}

#[test]
fn the_name_of_a_type_in_place_of_values_is_told_once() {
    let name = "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection";
    let rows =
        read(format!("DN,proxyAddresses,mS-DS-ConsistencyGuid\nCN=A,{name},System.Byte[]\nCN=B,{name},\n"));
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(rows[0].as_ref().unwrap().values(&PROXY_ADDRESSES).len(), 0);
    for row in &rows[1..3] {
        let error = row.as_ref().unwrap_err();
        assert_eq!((error.kind(), error.line()), (SourceErrorKind::Incomplete, 2));
        assert!(error.to_string().contains("-join"), "{error}");
    }
    assert_eq!(rows[3].as_ref().unwrap().dn(), "CN=B");
}

#[test]
fn columns_that_no_attribute_can_have_are_reported() {
    let mut reader = Reader::new("DN,Account status, mail ,,Büro\nCN=A,on,a@x.de,,5\n".as_bytes());
    let header = reader.header().unwrap();
    assert_eq!(header.ignored, ["Account status", "Büro"]);
    assert_eq!(header.attributes, [MAIL]);
    let object = reader.next().unwrap().unwrap();
    assert_eq!(object.attributes().count(), 1);
}

#[test]
fn objects_without_a_distinguished_name() {
    let rows =
        read("displayName,sAMAccountName,userPrincipalName\nAnna,anna,anna@x.de\nBert,bert,\nCarl,,\n,,\n\n");
    let names: Vec<_> = rows.iter().map(|row| row.as_ref().unwrap().dn()).collect();
    assert_eq!(names, ["anna@x.de", "bert", "Carl"]);
    let rows = read("DN,title\n,Boss\nCN=B,x\n");
    assert_eq!(rows[0].as_ref().unwrap_err().line(), 2);
    assert_eq!(rows[1].as_ref().unwrap().dn(), "CN=B");
}

#[test]
fn rows_that_cannot_be_read_name_their_line() {
    for end in ["\n", "\r\n"] {
        let text =
            "DN,mail\nCN=A\nCN=B,\"b\nb\"\n\n\nCN=C,c,c\nCN=D,d\nCN=E,\"e\nCN=F,f\n".replace('\n', end);
        let rows = read(&text);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Ok(object) => Ok(object.dn()),
                Err(error) => Err(error.line()),
            })
            .collect();
        // The last cell is never closed.
        assert_eq!(shown, [Err(2), Ok("CN=B"), Err(7), Ok("CN=D"), Ok("CN=E")], "{end:?} {rows:?}");
    }
    let rows = read("#TYPE x\n\nDN,mail,cn\nCN=A,\"a\nCN=B,b,c\n");
    let error = rows[0].as_ref().unwrap_err();
    assert_eq!(error.line(), 4);
    assert!(error.to_string().contains("goes on to line") && error.to_string().contains("quote"), "{error}");
    let rows = read("DN,objectGUID\nCN=A,none\nCN=B,7q5TjzJNR0y9PloLDJsaLQ==\n");
    assert!(rows[0].as_ref().unwrap_err().to_string().contains("GUID"));
    assert!(rows[1].as_ref().unwrap().guid().is_some());
}

#[test]
fn files_without_a_usable_first_row() {
    for text in ["", "\n\n", "#TYPE x\n", "a@x.de,Anna\n", "title\nBoss\n"] {
        let rows = read(text);
        assert_eq!(rows.len(), 1, "{text:?}: {rows:?}");
        assert!(rows[0].as_ref().unwrap_err().to_string().contains("first row"), "{rows:?}");
    }
    assert!(read("DN,mail\n").is_empty());
}

#[test]
fn a_row_has_a_limit() {
    let limits = Limits::default().with_record(1_000);
    let text = format!("DN,mail\nCN=A,a\nCN=B,\"{}", "x\n".repeat(1_000_000));
    let rows: Rows = Reader::new(text.as_bytes()).with_limits(limits).collect();
    assert_eq!(rows.len(), 2);
    let error = rows[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.line()), (SourceErrorKind::TooLong, 3));
    // The limit is one of a row, not of a file.
    let text = format!("DN,mail\n{}", "CN=A,a\n".repeat(100_000));
    assert_eq!(Reader::new(text.as_bytes()).with_limits(limits).filter(Result::is_ok).count(), 100_000);
    let many: Rows = Reader::new("DN,member\nCN=A,a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a\nCN=B,a\n".as_bytes())
        .with_limits(limits)
        .collect();
    assert_eq!(many[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
    assert_eq!(many[1].as_ref().unwrap().dn(), "CN=B");
    let wide: Rows = Reader::new(format!("DN{}\n", ",x".repeat(20_000)).as_bytes()).collect();
    assert_eq!(wide[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
    let endless = std::io::repeat(b'x').take(1 << 40);
    let rows: Rows = Reader::new(endless).with_limits(limits).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_octets_end_and_errors_name_a_line(bytes in octets()) {
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let rows: Rows = Reader::new(bytes.as_slice()).with_limits(Limits::default().with_record(100)).collect();
        for row in &rows {
            if let Err(error) = row {
                prop_assert!((1..=lines + 1).contains(&error.line()), "{error}");
            }
        }
    }

    #[test]
    fn every_text_in_quotes_is_read_back(cells in proptest::collection::vec("(?s)[^\0]{1,12}", 1..5), crlf in any::<bool>()) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = format!("DN,title{end}");
        for cell in &cells {
            text.push_str(&format!("CN=A,\"{}\"{end}", cell.replace('"', "\"\"")));
        }
        let title = AttributeName::from_static("title");
        let read: Vec<_> = read(&text).into_iter().map(|row| row.unwrap().text(&title).map(str::to_owned)).collect();
        prop_assert_eq!(read, cells.into_iter().map(Some).collect::<Vec<_>>());
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("DN,mail"),
        Just("\n"),
        Just("\r\n"),
        Just("\""),
        Just(","),
        Just("CN=A,x"),
        Just("objectGUID"),
        Just("#TYPE x\n"),
        Just("sep="),
        Just("X'00'"),
        Just("proxyAddresses"),
        Just("X400:a;b"),
        Just("\\;"),
    ]
    .prop_map(|text| text.as_bytes().to_vec());
    let any = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![8 => piece, 1 => any], 0..30).prop_map(|pieces| pieces.concat())
}
