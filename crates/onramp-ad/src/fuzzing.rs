//! Entry points of the fuzz targets. A target fails by a panic.

#![allow(clippy::expect_used, clippy::panic)]

use ldap3::asn1::{ASNTag, PL, StructureTag, parse_tag};
use ldap3::controls::{Control, RawControl};
use onramp_core::{AttributeName, LdapFilter};

use crate::ldap::ber;
use crate::ldap::frame_guard::FrameGuard;
use crate::ports::up_to_dateness;
use crate::search::entry::Entry;
use crate::{changes::dir_sync, search::request};

/// Checks and parses messages of a server.
pub fn messages(octets: &[u8]) {
    let Some((&size, octets)) = octets.split_first() else { return };
    let (mut whole, mut pieces) = (FrameGuard::default(), FrameGuard::default());
    let at_once = whole.take(octets);
    let in_pieces = octets.chunks(usize::from(size).max(1)).try_for_each(|piece| pieces.take(piece));
    assert_eq!(at_once, in_pieces, "pieces make a difference");
    control(octets);
    if at_once.is_err() || !whole.is_between_messages() {
        return;
    }
    let mut rest = octets;
    while !rest.is_empty() {
        let (more, message) = parse_tag(rest).expect("what passed can be taken apart");
        rest = more;
        let PL::C(parts) = message.payload else { panic!("a message is a sequence") };
        assert!((2..=3).contains(&parts.len()), "an id, an operation and controls");
        parts.into_iter().for_each(entry);
    }
}

/// Decodes replication metadata.
pub fn replication(octets: &[u8]) {
    let cursors = up_to_dateness::decode_vector(octets).unwrap_or_default();
    assert!(cursors.len() * 24 <= octets.len(), "more cursors than there is room for");
    let _ = (up_to_dateness::decode_property(octets, 0x0009_0290), up_to_dateness::decode_partner(octets));
    let text = String::from_utf8_lossy(octets);
    let _ = up_to_dateness::decode_cursor_xml(&text);
    let _ = up_to_dateness::decode_property_xml(&text, "userPrincipalName");
}

/// Parses a filter, and builds one with that value.
pub fn filter(text: &str) {
    const CN: AttributeName = AttributeName::from_static("cn");
    if let Ok(filter) = LdapFilter::parse(text) {
        // The library refuses some filters without a meaning.
        let _ = ldap3::parse_filter(filter.as_str());
    }
    if text.is_empty() {
        return;
    }
    let made = LdapFilter::equal(&CN, text);
    let sent: StructureTag = ldap3::parse_filter(made.as_str()).expect("it is a filter").into_structure();
    let PL::C(parts) = sent.payload else { panic!("a comparison has two parts") };
    let value = parts.into_iter().next_back().map(|part| part.payload);
    assert_eq!(value, Some(PL::P(text.as_bytes().to_vec())), "another value goes over the wire");
}

fn entry(part: StructureTag) {
    if let Some(entry) = Entry::decode(part) {
        let _ = (entry.guid(), entry.size(), entry.is_truncated(), entry.usn("uSNCreated"));
        let _ = (entry.flags("userAccountControl"), entry.text("userPrincipalName"));
        let mut again = entry.clone();
        again.extend(entry);
        let _ = again.into_attributes().count();
    }
}

fn control(value: &[u8]) {
    let raw = |oid: &str| RawControl { ctype: oid.to_owned(), crit: false, val: Some(value.to_vec()) };
    let _ = dir_sync::answer(&[Control(None, raw(dir_sync::DIR_SYNC))]);
    let _ = request::cookie(&[Control(None, raw(request::PAGED_RESULTS))]);
    if let Some([number, octets]) = ber::sequence(value, [ber::INTEGER, ber::OCTETS]) {
        let written = [ber::element(ber::INTEGER, number), ber::element(ber::OCTETS, octets)].concat();
        let written = ber::element(ber::SEQUENCE, &written);
        assert_eq!(ber::sequence(&written, [ber::INTEGER, ber::OCTETS]), Some([number, octets]));
    }
}
