//! Tests of the parsers: the output of `ldapsearch`, and the metadata of a directory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_samba::{AttributeMetadata, Entry, attribute_line, parse_ldif};
use proptest::prelude::*;

#[test]
fn reads_entries_with_wrapped_lines_base64_and_comments() {
    let text = "\
version: 1

# a comment
#  that goes on
 and on
dn: CN=Ann,DC=corp,DC=example,
 DC=com
cn: Ann
displayName:: WsO2ZSBNw7xsbGVy
proxyAddresses: smtp:a@corp.example.com
proxyAddresses: SMTP:b@corp.example.com
member;range=0-1: CN=x

dn:: Q049Wm/DqyxEQz1jb20=
objectGUID:: AAECAwQFBgcICQoLDA0O/w==

# refldaps://corp.example.com/CN=Configuration,DC=corp,DC=example,DC=com
";
    let entries = parse_ldif(text).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].dn, "CN=Ann,DC=corp,DC=example,DC=com");
    assert_eq!(entries[0].text("CN"), Some("Ann"));
    assert_eq!(entries[0].text("displayname"), Some("Zöe Müller"));
    assert_eq!(entries[0].texts("proxyAddresses"), ["smtp:a@corp.example.com", "SMTP:b@corp.example.com"]);
    assert_eq!(entries[0].texts("member;range=0-1"), ["CN=x"]);
    assert_eq!(entries[1].dn, "CN=Zoë,DC=com");
    assert_eq!(entries[1].bytes("objectGUID").map(<[u8]>::len), Some(16));
    assert_eq!(entries[1].text("objectGUID"), None, "0xff is not text");
}

#[test]
fn says_on_which_line_something_is_wrong() {
    let line = |text: &str| parse_ldif(text).unwrap_err().line;
    assert_eq!(line("cn: no dn before"), 1);
    assert_eq!(line("dn: CN=x\nno colon here"), 2);
    assert_eq!(line("dn: CN=x\ncn:: ***"), 2);
    assert_eq!(line("dn: CN=x\ncn:< file:///etc/passwd"), 2);
    assert_eq!(line("dn: CN=x\n\n continued from nothing"), 3);
    assert_eq!(line("dn: CN=x\n: no name"), 2);
}

#[test]
fn an_empty_result_has_no_entries() {
    assert_eq!(parse_ldif("").unwrap(), []);
    assert_eq!(parse_ldif("\n\n# pagedresults: cookie=\n").unwrap(), []);
}

/// Writes an entry as `ldapsearch` would, folding its lines at `width`.
fn write(dn: &str, attributes: &[(String, Vec<u8>)], width: usize) -> String {
    let mut lines = vec![attribute_line("dn", dn)];
    for (name, value) in attributes {
        lines.push(match std::str::from_utf8(value) {
            Ok(text) => attribute_line(name, text),
            Err(_) => format!("{name}:: {}", STANDARD.encode(value)),
        });
    }
    let folded: Vec<String> = lines
        .iter()
        .map(|line| {
            let characters: Vec<char> = line.chars().collect();
            let parts: Vec<String> = characters.chunks(width).map(|part| part.iter().collect()).collect();
            parts.join("\n ")
        })
        .collect();
    folded.join("\n") + "\n"
}

proptest! {
    /// Every entry is read back as it was written, however its lines are folded.
    #[test]
    fn reads_back_what_was_written(
        entries in prop::collection::vec(
            (".{1,40}", prop::collection::vec(("[a-z]{1,8}(;range=0-[0-9]{1,3})?", prop::collection::vec(any::<u8>(), 0..80)), 0..6)),
            0..5,
        ),
        width in 2_usize..90,
    ) {
        let text: Vec<String> = entries.iter().map(|(dn, attributes)| write(dn, attributes, width)).collect();
        let read = parse_ldif(&text.join("\n")).unwrap();
        prop_assert_eq!(read.len(), entries.len());
        for (entry, (dn, attributes)) in read.iter().zip(&entries) {
            prop_assert_eq!(&entry.dn, dn);
            for (name, _) in attributes {
                let written: Vec<&Vec<u8>> =
                    attributes.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
                let values: Vec<&Vec<u8>> = entry.attributes[name].iter().collect();
                prop_assert_eq!(values, written);
            }
        }
    }

    /// No text makes the parser panic, and an entry always has a name.
    #[test]
    fn survives_any_text(text in "(dn|cn|#|:|<| |\n|[a-z=,]|\\PC){0,60}") {
        if let Ok(entries) = parse_ldif(&text) {
            let lines = text.lines().count();
            prop_assert!(entries.iter().map(|entry: &Entry| 1 + entry.attributes.len()).sum::<usize>() <= lines);
        }
    }
}

proptest! {
    #[test]
    fn metadata_is_read_as_it_was_written(attributes: Vec<(u32, u32, [u8; 16])>, cut in 1_usize..16) {
        let mut value = [1, 0, u32::try_from(attributes.len()).unwrap(), 0].map(u32::to_le_bytes).concat();
        for (attribute, version, written_by) in &attributes {
            value.extend([attribute.to_le_bytes(), version.to_le_bytes()].concat());
            value.extend([[7; 8].as_slice(), written_by, &[8; 16]].concat());
        }
        let read = AttributeMetadata::parse(&value).unwrap();
        let read: Vec<_> = read.iter().map(|each| (each.attribute, each.version, each.written_by)).collect();
        prop_assert_eq!(read, attributes);
        prop_assert_eq!(AttributeMetadata::parse(&value[..value.len() - cut]), None);
    }

    #[test]
    fn metadata_of_any_shape_is_read_or_refused(value: Vec<u8>) {
        let read = AttributeMetadata::parse(&value);
        prop_assert!(read.is_none_or(|read| value.len() == 16 + 48 * read.len()));
    }
}
