//! Maps of attributes in CSV and TOML, and the errors in them.

use onramp_readiness::source::SourceErrorKind;
use onramp_readiness::source::attribute_map::{AttributeMap, MapFormat, MapKind, MappedName};

use proptest::prelude::*;

fn read(text: &str, format: MapFormat) -> Result<AttributeMap, Vec<String>> {
    AttributeMap::read(text.as_bytes(), format)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn csv(text: &str) -> AttributeMap {
    read(text, MapFormat::Csv).unwrap()
}

/// The changes in words.
fn words(map: &AttributeMap) -> Vec<String> {
    let words = map.objects().iter().flat_map(|object| {
        object
            .changes
            .iter()
            .map(|change| format!("{} {} {} {:?}", object.name, change.kind, change.attribute, change.values))
    });
    words.collect()
}

const GUID: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

#[test]
fn a_table_sets_adds_and_removes_values_of_objects_by_any_of_their_names() {
    let map = csv(&format!(
        "object;department;+proxyAddresses;-otherTelephone\r\n\
         anna@contoso.com;Sales;smtp:a@x.example;\r\n\
         \"CN=Reed\\, Ben,OU=Staff,DC=corp,DC=local\";;;*\r\n\
         {{{GUID}}};\"Research; Berlin\";;\"1\"\r\n\
         ANNA@contoso.com;;smtp:b@x.example;\r\n"
    ));
    assert_eq!(
        words(&map),
        [
            r#"anna@contoso.com set department ["Sales"]"#.to_owned(),
            r#"anna@contoso.com add proxyAddresses ["smtp:a@x.example", "smtp:b@x.example"]"#.to_owned(),
            r"CN=Reed\, Ben,OU=Staff,DC=corp,DC=local clear otherTelephone []".to_owned(),
            format!(r#"{GUID} set department ["Research; Berlin"]"#),
            format!(r#"{GUID} remove otherTelephone ["1"]"#),
        ]
    );
    assert!(matches!(map.objects()[1].name, MappedName::Dn(_)));
    assert_eq!(map.objects().iter().map(|object| object.line).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_file_of_toml_says_the_same_as_a_table() {
    let toml = read(
        "[[object]]\nname = 'anna@contoso.com'\nset = { department = 'Sales' }\n\
         add = { proxyAddresses = ['smtp:a@x.example', 'smtp:b@x.example'] }\n\
         [[object]]\nname = 'ben@contoso.com'\nremove = { otherTelephone = '1' }\nclear = ['info']\n",
        MapFormat::Toml,
    )
    .unwrap();
    let table = csv("object,-info,-otherTelephone,+proxyAddresses,department\n\
         anna@contoso.com,,,smtp:b@x.example,\nben@contoso.com,*,1,,\nanna@contoso.com,,,smtp:a@x.example,Sales\n");
    assert_eq!(toml.digest(), table.digest());
    assert_eq!(toml.objects()[1].changes[1].kind, MapKind::Clear);
    let other = csv("object,department\nanna@contoso.com,Research\n");
    assert_ne!(other.digest(), csv("object,department\nanna@contoso.com,Sales\n").digest());
}

#[test]
fn each_mistake_is_told_with_its_line() {
    let long = "x".repeat(64 * 1024 + 1);
    for (format, text, line, why) in [
        (MapFormat::Csv, "", 1, "the file is empty"),
        (MapFormat::Csv, "object,department\n", 1, "no object is named"),
        (
            MapFormat::Csv,
            "department,object\nSales,anna@x.example\n",
            1,
            "the first column names the objects",
        ),
        (MapFormat::Csv, "object\nanna@x.example\n", 1, "no column has an attribute"),
        (MapFormat::Csv, "object,Job title\nanna@x.example,x\n", 1, "\"Job title\" is no attribute"),
        (MapFormat::Csv, "object,title\nanna,x\n", 2, "none of objectGUID, distinguished name and UPN"),
        (
            MapFormat::Csv,
            "object,title\nanna@x.example,x\nben@x.example\n",
            3,
            "has 1 cells, and the first row has 2",
        ),
        (
            MapFormat::Csv,
            "object,+url,-url\nanna@x.example,a,\nanna@x.example,,a\n",
            3,
            "add and remove of one value of url contradict each other (line 2)",
        ),
        (MapFormat::Csv, "object,url,+url\nanna@x.example,a,b\n", 2, "set and add of url contradict"),
        (MapFormat::Csv, &format!("object,title\nanna@x.example,{long}\n"), 2, "is longer than 65536 octets"),
        (MapFormat::Csv, "object,title\nanna@x.example,a\0b\n", 2, "NUL"),
        (MapFormat::Toml, "", 1, "no object is named"),
        (MapFormat::Toml, "[[object]]\nname = 'anna'\nset = { title = 'x' }\n", 2, "none of objectGUID"),
        (
            MapFormat::Toml,
            "[[object]]\nname = 'a@x.example'\nste = { title = 'x' }\n",
            3,
            "unknown field `ste`",
        ),
        (
            MapFormat::Toml,
            "[[object]]\nname = 'a@x.example'\nset = { 'a b' = 'x' }\n",
            3,
            "\"a b\" is no attribute",
        ),
        (MapFormat::Toml, "[[object]]\nname = 'a@x.example'\nset = { title = '' }\n", 3, "empty value"),
        (MapFormat::Toml, "[[object]]\nname = 'a@x.example'\nset = { title = [] }\n", 3, "has no value"),
        (MapFormat::Toml, "[[object]]\nname = 'a@x.example'\nset = { title = 7 }\n", 3, "did not match"),
    ] {
        let errors = read(text, format).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(errors[0].starts_with(&format!("line {line}: ")), "{text}: {errors:?}");
        assert!(errors[0].contains(why), "{text}: {errors:?}");
    }
}

#[test]
fn octets_that_are_no_text_and_endless_files_of_errors_are_refused() {
    let errors =
        AttributeMap::read(&b"object,title\nanna@x.example,\xff\xfe\n"[..], MapFormat::Csv).unwrap_err();
    assert!(errors[0].to_string().contains("not UTF-8") && errors[0].line() == 2, "{errors:?}");
    let errors = AttributeMap::read(&b"[[object]]\nname = '\xff'\n"[..], MapFormat::Toml).unwrap_err();
    assert_eq!(errors[0].kind(), SourceErrorKind::Io, "{errors:?}");
    let many = format!("object,title\n{}", "nobody,x\n".repeat(5000));
    assert_eq!(read(&many, MapFormat::Csv).unwrap_err().len(), 100);
}

#[test]
fn the_encodings_of_windows_are_read() {
    let text = "object\ttitle\r\nanna@x.example\tK\u{f6}chin\r\n";
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let map = AttributeMap::read(utf16.as_slice(), MapFormat::Csv).unwrap();
    assert_eq!(words(&map), ["anna@x.example set title [\"K\u{f6}chin\"]"]);
}

proptest! {
    /// Any text is a map, or its errors name lines that it has.
    #[test]
    fn reading_ends_and_errors_name_lines(text in "(object|name|dn)?[,;+*a-z@.=\\[\\]\"'{} \n-]{0,120}") {
        let lines = text.lines().count() as u64 + 1;
        for format in [MapFormat::Csv, MapFormat::Toml] {
            match AttributeMap::read(text.as_bytes(), format) {
                Ok(map) => prop_assert!(map.objects().iter().all(|object| object.line <= lines)),
                Err(errors) => prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line()))),
            }
        }
    }

    /// The property that a table is read as it is written, in any order of its rows.
    #[test]
    fn every_cell_of_a_table_is_read(
        cells in proptest::collection::btree_map("[a-z]{1,8}@x\\.example", "[ -~]{1,20}", 1..20),
    ) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let rows: Vec<String> = cells.iter().map(|(upn, title)| format!("{upn},{}\n", quoted(title))).collect();
        let table = |rows: Vec<String>| csv(&format!("object,title\n{}", rows.concat()));
        let map = table(rows.clone());
        prop_assert_eq!(map.objects().len(), cells.len());
        for (object, (upn, title)) in map.objects().iter().zip(&cells) {
            prop_assert_eq!(&object.name.to_string(), upn);
            prop_assert_eq!(&object.changes[0].values, &vec![title.clone()]);
        }
        let reversed = table(rows.into_iter().rev().collect());
        prop_assert_eq!(map.digest(), reversed.digest());
    }
}
