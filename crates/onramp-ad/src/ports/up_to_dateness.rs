//! Decoders of replication metadata: up-to-dateness vectors and originating writes, in binary ([MS-DRSR]
//! 5.166, 5.162) and in XML ([MS-ADTS] 3.1.1.4.5.29 ff.). The input is not trusted.

use onramp_core::forest::{InvocationId, OriginatingWrite, ReplicationCursor};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The seconds from the start of 1601, the epoch of Active Directory, to the start of 1970.
const EPOCH_1601: i64 = 11_644_473_600;
/// The earliest valid time of a replication, before the release of Active Directory. (Samba writes the start
/// of 1970.)
const FIRST_TIME: i64 = 915_148_800;

/// Decodes `replUpToDateVector`, version 1 or 2; `None` if it is malformed.
pub(crate) fn decode_vector(bytes: &[u8]) -> Option<Vec<ReplicationCursor>> {
    let mut reader = Reader(bytes);
    let with_time = match reader.u32()? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let _reserved = reader.u32()?;
    let count = reader.u32()?;
    let _reserved = reader.u32()?;
    let mut cursors = Vec::new();
    for _ in 0..count {
        cursors.push(ReplicationCursor {
            invocation_id: reader.invocation_id()?,
            usn: reader.u64()?,
            last_sync: if with_time { sync_time(reader.u64()?) } else { None },
        });
    }
    Some(cursors)
}

/// Decodes one value of `repsFrom`, of either version ([MS-DRSR] 5.170): the partner and the time of the last
/// success. `None` without a success, or if it is malformed.
pub(crate) fn decode_partner(bytes: &[u8]) -> Option<(InvocationId, OffsetDateTime)> {
    const LAST_SUCCESS: usize = 16;
    const INVOCATION_ID: usize = 176;
    let at = |offset: usize| bytes.get(offset..).map(Reader);
    if !matches!(at(0)?.u32()?, 1 | 2) {
        return None;
    }
    Some((at(INVOCATION_ID)?.invocation_id()?, sync_time(at(LAST_SUCCESS)?.u64()?)?))
}

/// Decodes one value of `msDS-NCReplCursors`; `None` if it is malformed.
pub(crate) fn decode_cursor_xml(text: &str) -> Option<ReplicationCursor> {
    let time =
        element(text, "ftimeLastSyncSuccess").and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    Some(ReplicationCursor {
        invocation_id: InvocationId::parse(element(text, "uuidSourceDsaInvocationID")?).ok()?,
        usn: element(text, "usnAttributeFilter")?.parse().ok()?,
        last_sync: time.filter(|time| time.unix_timestamp() >= FIRST_TIME),
    })
}

/// Decodes the originating write of an attribute from `replPropertyMetaData`; `None` without one, or if it is
/// malformed.
pub(crate) fn decode_property(bytes: &[u8], attribute_id: u32) -> Option<OriginatingWrite> {
    let mut reader = Reader(bytes);
    if reader.u32()? != 1 {
        return None;
    }
    let _reserved = reader.u32()?;
    let count = reader.u32()?;
    let _reserved = reader.u32()?;
    for _ in 0..count {
        let identifier = reader.u32()?;
        let version = reader.u32()?;
        let at = time_since_1601(reader.u64()?)?;
        let (by, usn, _local) = (reader.invocation_id()?, reader.u64()?, reader.u64()?);
        if identifier == attribute_id {
            return Some(OriginatingWrite { version, at, by, usn });
        }
    }
    None
}

/// Decodes one value of `msDS-ReplAttributeMetaData`; `None` if it is malformed or of another attribute.
pub(crate) fn decode_property_xml(text: &str, attribute: &str) -> Option<OriginatingWrite> {
    if !element(text, "pszAttributeName")?.eq_ignore_ascii_case(attribute) {
        return None;
    }
    Some(OriginatingWrite {
        version: element(text, "dwVersion")?.parse().ok()?,
        at: OffsetDateTime::parse(element(text, "ftimeLastOriginatingChange")?, &Rfc3339).ok()?,
        by: InvocationId::parse(element(text, "uuidLastOriginatingDsaInvocationID")?).ok()?,
        usn: element(text, "usnOriginatingChange")?.parse().ok()?,
    })
}

/// Returns the attribute's number in `replPropertyMetaData`: the index of its OID prefix in the default
/// prefix table, and the last arc. Only the attributes that are verified are listed.
pub(crate) fn attribute_id(name: &str) -> Option<u32> {
    const KNOWN: &[(&str, u32)] = &[
        ("userPrincipalName", 0x0009_0290),
        ("uPNSuffixes", 0x0009_037A),
        ("sAMAccountName", 0x0009_00DD),
        ("mail", 0x0014_0003),
        ("proxyAddresses", 0x0002_00D2),
        ("displayName", 0x0002_000D),
        ("mS-DS-ConsistencyGuid", 0x0009_0550),
        ("userAccountControl", 0x0009_0008),
    ];
    KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, id)| *id)
}

/// Returns the text of the first element with that name. The server's XML has neither attributes nor nested
/// elements of the same name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let opening = format!("<{name}>");
    let (_, rest) = xml.split_once(&opening)?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

fn time_since_1601(seconds: u64) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(seconds).ok()?.checked_sub(EPOCH_1601)?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

fn sync_time(seconds: u64) -> Option<OffsetDateTime> {
    time_since_1601(seconds).filter(|time| time.unix_timestamp() >= FIRST_TIME)
}

/// A reader of little-endian numbers.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn invocation_id(&mut self) -> Option<InvocationId> {
        self.take().map(InvocationId::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    #[test]
    fn a_partner_is_told_with_its_last_success() {
        let mut value = vec![0; 208];
        value[0] = 1;
        value[16..24].copy_from_slice(&13_445_568_000_u64.to_le_bytes());
        value[176..192].copy_from_slice(&[7; 16]);
        let partner = (InvocationId::from_bytes([7; 16]), datetime!(2027-01-28 00:00 UTC));
        assert_eq!(decode_partner(&value), Some(partner));
        assert_eq!(decode_partner(&value[..191]), None, "cut short");
        value[0] = 3;
        assert_eq!(decode_partner(&value), None, "another version");
        value[0] = 2;
        value[16..24].fill(0);
        assert_eq!(decode_partner(&value), None, "never");
    }

    fn words(words: [u32; 4]) -> Vec<u8> {
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    fn vector(version: u32, cursors: &[([u8; 16], u64, u64)]) -> Vec<u8> {
        let mut bytes = words([version, 0, u32::try_from(cursors.len()).unwrap(), 0]);
        for (identity, usn, time) in cursors {
            bytes.extend(identity);
            bytes.extend(usn.to_le_bytes());
            if version == 2 {
                bytes.extend(time.to_le_bytes());
            }
        }
        bytes
    }

    const MODERN: u64 = 13_400_000_000;

    #[test]
    fn both_versions_of_a_vector_are_read() {
        let samba = 11_644_473_600; // the start of 1970 stands for "not known"
        let second = decode_vector(&vector(2, &[([7; 16], 4711, samba), ([8; 16], 1, MODERN)])).unwrap();
        assert_eq!(second[0].invocation_id, InvocationId::from_bytes([7; 16]));
        assert_eq!((second[0].usn, second[0].last_sync), (4711, None));
        assert_eq!(second[1].last_sync, Some(datetime!(2025-08-18 14:13:20 UTC)));
        let first = decode_vector(&vector(1, &[([7; 16], 4711, 0)])).unwrap();
        assert_eq!((first[0].usn, first[0].last_sync), (4711, None));
        assert_eq!(decode_vector(&vector(2, &[])), Some(vec![]));
        assert_eq!(decode_vector(&vector(3, &[])), None);
        assert_eq!(decode_vector(&words([2, 0, u32::MAX, 0])), None, "the count is not believed");
    }

    #[test]
    fn who_wrote_an_attribute_is_read() {
        let mut bytes = words([1, 0, 2, 0]);
        for (identifier, version) in [(3_u32, 9_u32), (0x0009_0290, 5)] {
            bytes.extend(identifier.to_le_bytes());
            bytes.extend(version.to_le_bytes());
            bytes.extend(MODERN.to_le_bytes());
            bytes.extend([9; 16]);
            bytes.extend(77_u64.to_le_bytes());
            bytes.extend(78_u64.to_le_bytes());
        }
        let id = attribute_id("USERPRINCIPALNAME").unwrap();
        let write = decode_property(&bytes, id).unwrap();
        assert_eq!((write.version, write.usn), (5, 77));
        assert_eq!(write.by, InvocationId::from_bytes([9; 16]));
        assert_eq!(decode_property(&bytes, 4), None);
        assert_eq!(decode_property(&bytes[..bytes.len() - 1], id), None);
    }

    #[test]
    fn windows_xml_is_read() {
        let cursor = "<DS_REPL_CURSOR>\n\t<uuidSourceDsaInvocationID>00112233-4455-6677-8899-aabbccddeeff</uuidSourceDsaInvocationID>\n\
                      \t<usnAttributeFilter>57001</usnAttributeFilter>\n\t<ftimeLastSyncSuccess>2026-03-04T05:06:07Z</ftimeLastSyncSuccess>\n\
                      \t<pszSourceDsaDN>CN=NTDS Settings,CN=DC1,CN=Servers</pszSourceDsaDN>\n</DS_REPL_CURSOR>\n\0";
        let read = decode_cursor_xml(cursor).unwrap();
        assert_eq!((read.usn, read.last_sync), (57001, Some(datetime!(2026-03-04 05:06:07 UTC))));
        let property = "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>userPrincipalName</pszAttributeName>\n\t<dwVersion>2</dwVersion>\n\
                        \t<ftimeLastOriginatingChange>2026-03-04T05:06:07Z</ftimeLastOriginatingChange>\n\
                        \t<uuidLastOriginatingDsaInvocationID>00112233-4455-6677-8899-aabbccddeeff</uuidLastOriginatingDsaInvocationID>\n\
                        \t<usnOriginatingChange>16402</usnOriginatingChange>\n\t<usnLocalChange>20401</usnLocalChange>\n</DS_REPL_ATTR_META_DATA>\n";
        let write = decode_property_xml(property, "userprincipalname").unwrap();
        assert_eq!((write.version, write.usn), (2, 16402));
        assert_eq!(decode_property_xml(property, "mail"), None);
        assert_eq!(decode_cursor_xml("<DS_REPL_CURSOR>"), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            version in 1_u32..3,
            cursors in prop::collection::vec((any::<[u8; 16]>(), any::<u64>(), any::<u64>()), 0..20),
        ) {
            let read = decode_vector(&vector(version, &cursors)).unwrap();
            prop_assert_eq!(read.len(), cursors.len());
            for (read, written) in read.iter().zip(&cursors) {
                prop_assert_eq!((read.invocation_id.as_bytes(), read.usn), (&written.0, written.1));
            }
        }

        #[test]
        fn a_vector_that_is_cut_short_is_none(
            cursors in prop::collection::vec((any::<[u8; 16]>(), any::<u64>(), any::<u64>()), 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = vector(2, &cursors);
            prop_assert_eq!(decode_vector(&bytes[..cut.index(bytes.len())]), None);
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".*") {
            let _ = decode_vector(&bytes);
            let _ = decode_property(&bytes, 0);
            let mut marked = words([2, 0, 9, 0]);
            marked.extend(&bytes);
            let _ = decode_vector(&marked);
            let _ = (decode_cursor_xml(&text), decode_property_xml(&text, "mail"));
        }
    }
}
