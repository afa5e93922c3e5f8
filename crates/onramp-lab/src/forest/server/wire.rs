//! LDAP messages as they stand on the wire. Decoding is done here as far as `ldap3_proto` would insist on text, because filter
//! values need not be text.

use bytes::{Buf, BytesMut};
use ldap3_lber::Parser;
use ldap3_lber::structure::{PL, StructureTag};
use ldap3_proto::proto::{LdapMsg, LdapOp};

use crate::forest::reading::filter::Filter;
use crate::forest::reading::search::Scope;

/// The longest message taken, in bytes.
const MAX_MESSAGE: usize = 10 << 20;
/// The maximum depth of a message: a filter of a hundred levels and its surroundings.
const MAX_DEPTH: usize = 128;

/// A message from a client.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: i32,
    pub(super) operation: Incoming,
    pub(super) controls: Vec<Control>,
}

/// The operation of a request.
#[derive(Debug)]
pub(super) enum Incoming {
    Search(SearchRequest),
    /// Anything but a search.
    Other(LdapOp),
}

/// A search request.
#[derive(Debug)]
pub(super) struct SearchRequest {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) size_limit: usize,
    pub(super) names_only: bool,
    /// `None` if it is no filter.
    pub(super) filter: Option<Filter>,
    pub(super) attributes: Vec<String>,
}

/// A control of a request.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// A message that cannot be understood: the connection has to end.
#[derive(Debug)]
pub(super) struct Malformed;

/// Takes one message off the front of `buffer`, if it is there in full.
pub(super) fn take_request(buffer: &mut BytesMut) -> Result<Option<Request>, Malformed> {
    let Some(length) = message_length(buffer)? else { return Ok(None) };
    if buffer.len() < length {
        buffer.reserve(length - buffer.len());
        return Ok(None);
    }
    let message = buffer.split_to(length);
    let parsed = Parser::new(MAX_DEPTH).parse(&message).map(|(_, tag)| tag);
    request(parsed.map_err(|_| Malformed)?).map(Some).ok_or(Malformed)
}

/// Returns the length of the message that `buffer` begins with, header included.
fn message_length(buffer: &BytesMut) -> Result<Option<usize>, Malformed> {
    let mut header = buffer.as_ref();
    if header.len() < 2 {
        return Ok(None);
    }
    if header.get_u8() != 0x30 {
        return Err(Malformed);
    }
    let first = header.get_u8();
    let (digits, length) = match first {
        0..=0x7f => (0, usize::from(first)),
        0x81..=0x84 => {
            let digits = usize::from(first & 0x7f);
            if header.len() < digits {
                return Ok(None);
            }
            let number = header.iter().take(digits).fold(0, |sum: usize, &byte| sum << 8 | usize::from(byte));
            (digits, number)
        }
        _ => return Err(Malformed),
    };
    if length > MAX_MESSAGE {
        return Err(Malformed);
    }
    Ok(Some(2 + digits + length))
}

fn request(message: StructureTag) -> Option<Request> {
    let mut parts = message.expect_constructed()?.into_iter();
    let (id, operation, controls) = (parts.next()?, parts.next()?, parts.next());
    let controls = match controls {
        Some(controls) => {
            controls.expect_constructed()?.into_iter().map(control).collect::<Option<Vec<_>>>()?
        }
        None => Vec::new(),
    };
    let number = i32::try_from(integer(&id)?).ok()?;
    let operation = match (operation.id, operation.payload) {
        (3, PL::C(inner)) => Incoming::Search(search(inner)?),
        (kind, payload) => {
            let operation = StructureTag { class: operation.class, id: kind, payload };
            let payload = PL::C(vec![id, operation]);
            let message = StructureTag { class: message_class(), id: 16, payload };
            Incoming::Other(LdapMsg::try_from(message).ok()?.op)
        }
    };
    Some(Request { id: number, operation, controls })
}

fn message_class() -> ldap3_lber::common::TagClass {
    ldap3_lber::common::TagClass::Universal
}

fn search(parts: Vec<StructureTag>) -> Option<SearchRequest> {
    let mut parts = parts.into_iter();
    let base = text(parts.next()?)?;
    let scope = match integer(&parts.next()?)? {
        0 => Scope::Base,
        1 => Scope::One,
        _ => Scope::Subtree,
    };
    let _aliases = parts.next()?;
    let size_limit = usize::try_from(integer(&parts.next()?)?).ok()?;
    let _time_limit = parts.next()?;
    let names_only = integer(&parts.next()?)? != 0;
    let filter = Filter::decode(parts.next()?);
    let attributes = parts.next()?.expect_constructed()?.into_iter().map(text).collect::<Option<_>>()?;
    Some(SearchRequest { base, scope, size_limit, names_only, filter, attributes })
}

fn control(tag: StructureTag) -> Option<Control> {
    let mut parts = tag.expect_constructed()?.into_iter();
    let oid = text(parts.next()?)?;
    let (mut critical, mut value) = (false, Vec::new());
    for part in parts {
        match part.id {
            1 => critical = integer(&part)? != 0,
            _ => value = part.expect_primitive()?,
        }
    }
    Some(Control { oid, critical, value })
}

/// Page size and cookie of a paged-results control (RFC 2696).
pub(super) fn paged_results(value: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (_, tag) = Parser::new(MAX_DEPTH).parse(value).ok()?;
    let mut parts = tag.expect_constructed()?.into_iter();
    let size = usize::try_from(integer(&parts.next()?)?).ok()?;
    Some((size, parts.next()?.expect_primitive()?))
}

/// A DirSync control.
#[derive(Debug)]
pub(super) struct DirSync {
    pub(super) flags: i64,
    pub(super) max_bytes: i64,
    pub(super) cookie: Vec<u8>,
}

/// Reads the value of a DirSync control ([MS-ADTS] 3.1.1.3.4.1.3).
pub(super) fn dir_sync(value: &[u8]) -> Option<DirSync> {
    let (_, tag) = Parser::new(MAX_DEPTH).parse(value).ok()?;
    let mut parts = tag.expect_constructed()?.into_iter();
    let (flags, max_bytes) = (integer(&parts.next()?)?, integer(&parts.next()?)?);
    Some(DirSync { flags, max_bytes, cookie: parts.next()?.expect_primitive()? })
}

/// Returns the number in a control that has nothing else, such as the flags of search options.
pub(super) fn flags(value: &[u8]) -> Option<i64> {
    let (_, tag) = Parser::new(MAX_DEPTH).parse(value).ok()?;
    integer(tag.expect_constructed()?.first()?)
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

fn integer(tag: &StructureTag) -> Option<i64> {
    let PL::P(bytes) = &tag.payload else { return None };
    let (&first, rest) = bytes.split_first()?;
    let start = i64::from(i8::from_be_bytes([first]));
    (bytes.len() <= 8).then(|| rest.iter().fold(start, |sum, &byte| sum << 8 | i64::from(byte)))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use ldap3_proto::LdapCodec;
    use ldap3_proto::proto::{LdapMsg, LdapOp};
    use proptest::prelude::*;
    use tokio_util::codec::Encoder;

    use super::{Incoming, take_request};

    fn unbind(id: i32) -> BytesMut {
        let mut bytes = BytesMut::new();
        LdapCodec::default().encode(LdapMsg::new(id, LdapOp::UnbindRequest), &mut bytes).expect("encoded");
        bytes
    }

    #[test]
    fn a_message_is_taken_when_it_is_there_in_full() {
        let whole = unbind(7);
        for length in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..length]);
            assert!(take_request(&mut part).expect("so far so good").is_none(), "{length} bytes");
            assert_eq!(part, whole[..length], "and nothing is lost");
        }
        let mut two = whole.clone();
        two.extend_from_slice(&unbind(8));
        for id in [7, 8] {
            let request = take_request(&mut two).expect("well-formed").expect("there in full");
            assert_eq!(request.id, id);
            assert!(matches!(request.operation, Incoming::Other(LdapOp::UnbindRequest)));
        }
        assert!(two.is_empty());
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_before_it_arrives() {
        let mut header = BytesMut::from(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..]);
        assert!(take_request(&mut header).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = take_request(&mut BytesMut::from(&bytes[..]));
            let mut framed = BytesMut::from(&[0x30, bytes.len().min(127) as u8][..]);
            framed.extend_from_slice(&bytes);
            let _ = take_request(&mut framed);
        }
    }
}
