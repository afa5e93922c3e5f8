//! The check of messages from a server before they are parsed: size, number of elements and nesting. Pure.
//!
//! The LDAP library waits for a message of any announced length and recurses into its elements without a
//! limit. A length can announce gigabytes; a few kilobytes can nest deep enough to overflow the stack, which
//! ends the process; an element that claims to be longer than its parent is waited for forever. So a message
//! is passed on only if it is one that an LDAP server may send (RFC 4511 4.1.1, 5.1). Only the position in
//! the message is kept, and the content of a message that answers no request.

use std::fmt;

use ldap3::asn1::{PL, StructureTag, parse_tag};

/// The maximum size of a message in octets: an object with all of its attributes, or a result.
const MAX_MESSAGE_SIZE: u64 = 64 << 20;
/// The maximum number of elements in a message. Each takes far more memory than on the wire.
const MAX_ELEMENTS: u32 = 1 << 20;
/// The maximum nesting. A value of an attribute of an object is at level six.
const MAX_DEPTH: usize = 16;
/// The maximum size of an unsolicited message in octets.
const MAX_UNSOLICITED_SIZE: usize = 16 << 10;
/// The maximum length of the server's diagnostic text in an error.
const MAX_DIAGNOSTIC_LENGTH: usize = 500;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const CONTROLS: u8 = 0xA0;
/// The tag of the response name where Active Directory puts it: after the operation instead of inside.
const MISPLACED_NAME: u8 = 0x8A;
/// The tag number of an extended response.
const EXTENDED_RESPONSE: u64 = 24;
const RESPONSE_NAME: u64 = 10;
/// Notice of Disconnection (RFC 4511 4.4.1).
const DISCONNECTION: &[u8] = b"1.3.6.1.4.1.1466.20036";

/// The reason why a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The server sent something that is no valid LDAP.
    ProtocolError(&'static str),
    /// The server announced that it closes the connection.
    Disconnection {
        /// The result code.
        code: u32,
        /// The diagnostic text of the server.
        diagnostic: String,
    },
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtocolError(what) => write!(f, "the server sent {what}, so the connection was closed"),
            Self::Disconnection { code, diagnostic } => {
                write!(f, "the server gave notice that it closes the connection, with result code {code}")?;
                if diagnostic.is_empty() { Ok(()) } else { write!(f, " (\"{diagnostic}\")") }
            }
        }
    }
}

impl std::error::Error for CloseReason {}

/// The parser state of one connection.
#[derive(Debug, Default)]
pub(crate) struct FrameGuard {
    /// The number of octets of the current message so far.
    at: u64,
    state: State,
    /// The ends of the open elements, the message first.
    ends: Vec<u64>,
    elements: u32,
    /// The number of direct children of the message.
    parts: u32,
    message_id: u32,
    /// The content of an unsolicited message after its ID.
    unsolicited: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Tag,
    Length {
        tag: u8,
    },
    /// `left` more octets of the length follow.
    LongLength {
        tag: u8,
        left: u8,
        length: u64,
    },
    /// The content of a primitive element, up to `to`.
    Octets {
        to: u64,
        is_message_id: bool,
    },
}

impl FrameGuard {
    /// Checks the next octets.
    ///
    /// # Errors
    /// The reason to close the connection. The guard must not be used any more.
    pub(crate) fn take(&mut self, mut octets: &[u8]) -> Result<(), CloseReason> {
        while !octets.is_empty() {
            let wanted = match self.state {
                State::Octets { to, .. } => usize::try_from(to - self.at).unwrap_or(usize::MAX),
                _ => 1,
            };
            let (some, others) = octets.split_at_checked(wanted).unwrap_or((octets, &[]));
            octets = others;
            self.keep_unsolicited(some)?;
            self.at += some.len() as u64;
            self.step(some)?;
        }
        Ok(())
    }

    /// Returns true at the end of a message.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.at == 0
    }

    fn step(&mut self, octets: &[u8]) -> Result<(), CloseReason> {
        let first = octets.first().copied().unwrap_or_default();
        match self.state {
            State::Tag => self.tag(first),
            State::Length { tag } if first < 0x80 => self.element(tag, first.into()),
            State::Length { tag } => match first & 0x7F {
                left @ 1..=8 => {
                    self.state = State::LongLength { tag, left, length: 0 };
                    Ok(())
                }
                _ => Err(CloseReason::ProtocolError("a length that LDAP does not allow")),
            },
            State::LongLength { tag, left, length } => {
                let (left, length) = (left - 1, (length << 8) | u64::from(first));
                if left == 0 {
                    return self.element(tag, length);
                }
                self.state = State::LongLength { tag, left, length };
                Ok(())
            }
            State::Octets { to, is_message_id } => {
                if is_message_id {
                    self.message_id =
                        octets.iter().fold(self.message_id, |id, &octet| (id << 8) | u32::from(octet));
                }
                if self.at < to {
                    return Ok(());
                }
                if is_message_id && self.message_id == 0 {
                    self.unsolicited = Some(Vec::new());
                }
                self.close()
            }
        }
    }

    fn tag(&mut self, tag: u8) -> Result<(), CloseReason> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(CloseReason::ProtocolError("a message of more than a million elements"));
        }
        let is_right = match self.ends.len() {
            0 => tag == SEQUENCE,
            1 => {
                self.parts += 1;
                match self.parts {
                    1 => tag == INTEGER,
                    2 => tag & 0xC0 == 0x40,
                    3 => matches!(tag, CONTROLS | MISPLACED_NAME),
                    _ => false,
                }
            }
            // LDAP has no multi-octet tags.
            _ => tag & 0x1F != 0x1F,
        };
        self.state = State::Length { tag };
        if is_right { Ok(()) } else { Err(CloseReason::ProtocolError("something that is no LDAP message")) }
    }

    /// Enters an element with that tag and length.
    fn element(&mut self, tag: u8, length: u64) -> Result<(), CloseReason> {
        let end = self.at.saturating_add(length);
        match self.ends.last() {
            None if end > MAX_MESSAGE_SIZE => {
                return Err(CloseReason::ProtocolError("a message of more than 64 MiB"));
            }
            Some(&around) if end > around => {
                return Err(CloseReason::ProtocolError("an element that is longer than the one around it"));
            }
            _ => {}
        }
        let is_message_id = self.ends.len() == 1 && self.parts == 1;
        if is_message_id && !(1..=4).contains(&length) {
            return Err(CloseReason::ProtocolError("a message id that LDAP does not allow"));
        }
        if tag & 0x20 == 0 {
            self.state = State::Octets { to: end, is_message_id };
            return if length == 0 { self.close() } else { Ok(()) };
        }
        if self.ends.len() >= MAX_DEPTH {
            return Err(CloseReason::ProtocolError("elements nested deeper than LDAP's"));
        }
        self.ends.push(end);
        self.state = State::Tag;
        if length == 0 { self.close() } else { Ok(()) }
    }

    /// Leaves an element, and each of its parents that ends at the same position.
    fn close(&mut self) -> Result<(), CloseReason> {
        self.state = State::Tag;
        while self.ends.last() == Some(&self.at) {
            self.ends.pop();
        }
        if !self.ends.is_empty() {
            return Ok(());
        }
        if self.parts < 2 {
            return Err(CloseReason::ProtocolError("a message without an operation"));
        }
        (self.at, self.elements, self.parts, self.message_id) = (0, 0, 0, 0);
        match self.unsolicited.take().as_deref().and_then(disconnection) {
            Some(stop) => Err(stop),
            None => Ok(()),
        }
    }

    fn keep_unsolicited(&mut self, octets: &[u8]) -> Result<(), CloseReason> {
        let Some(unsolicited) = &mut self.unsolicited else { return Ok(()) };
        if unsolicited.len() + octets.len() > MAX_UNSOLICITED_SIZE {
            return Err(CloseReason::ProtocolError("a long unsolicited message"));
        }
        unsolicited.extend_from_slice(octets);
        Ok(())
    }
}

/// Parses a notice of disconnection; `None` if the message is another one.
fn disconnection(message: &[u8]) -> Option<CloseReason> {
    let (rest, operation) = parse_tag(message).ok()?;
    let PL::C(parts) = operation.payload else { return None };
    let names =
        |part: &StructureTag| part.id == RESPONSE_NAME && part.payload == PL::P(DISCONNECTION.to_vec());
    let is_named = parts.iter().any(names) || parse_tag(rest).is_ok_and(|(_, part)| names(&part));
    if operation.id != EXTENDED_RESPONSE || !is_named {
        return None;
    }
    let octets = |at: usize| match parts.get(at).map(|part| &part.payload) {
        Some(PL::P(octets)) => octets.as_slice(),
        _ => &[],
    };
    let code = octets(0).iter().fold(0, |code: u32, &octet| (code << 8) | u32::from(octet));
    let diagnostic = String::from_utf8_lossy(octets(2))
        .trim_end_matches('\0')
        .chars()
        .take(MAX_DIAGNOSTIC_LENGTH)
        .collect();
    Some(CloseReason::Disconnection { code, diagnostic })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    }

    fn message(id: &[u8], rest: &[u8]) -> Vec<u8> {
        element(SEQUENCE, &[element(INTEGER, id), rest.to_vec()].concat())
    }

    fn check(octets: &[u8]) -> Result<(), CloseReason> {
        FrameGuard::default().take(octets)
    }

    fn protocol_error(octets: &[u8]) -> &'static str {
        match check(octets) {
            Err(CloseReason::ProtocolError(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    /// An entry with one attribute, with a control.
    fn entry(value: &[u8]) -> Vec<u8> {
        let values = element(0x31, &element(0x04, value));
        let attribute = element(SEQUENCE, &[element(0x04, b"cn"), values].concat());
        let entry = element(0x64, &[element(0x04, b"CN=a"), element(SEQUENCE, &attribute)].concat());
        let control = element(CONTROLS, &element(SEQUENCE, &element(0x04, b"1.2.3")));
        message(&[2], &[entry, control].concat())
    }

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(element(0x04, b"x"), |inner, _| element(SEQUENCE, &inner))
    }

    #[test]
    fn what_servers_send_passes_in_any_pieces() {
        let stream =
            [entry(b"Anna"), entry(b""), message(&[1, 0, 0], &element(0x65, b"")), entry(&[7; 300])].concat();
        for size in [1, 2, 3, 7, stream.len()] {
            let mut messages = FrameGuard::default();
            for piece in stream.chunks(size) {
                messages.take(piece).unwrap();
            }
            assert!(messages.is_between_messages());
        }
        let mut messages = FrameGuard::default();
        messages.take(&stream[..10]).unwrap();
        assert!(!messages.is_between_messages());
    }

    #[test]
    fn what_would_exhaust_memory_or_the_stack_is_stopped_before_it_has_come() {
        assert_eq!(protocol_error(&[SEQUENCE, 0x84, 0x04, 0, 0, 1]), "a message of more than 64 MiB");
        assert_eq!(
            protocol_error(&[SEQUENCE, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            "a message of more than 64 MiB"
        );
        assert_eq!(
            protocol_error(&message(&[2], &element(0x64, &nested(MAX_DEPTH)))),
            "elements nested deeper than LDAP's"
        );
        assert_eq!(check(&message(&[2], &element(0x64, &nested(MAX_DEPTH - 2)))), Ok(()));
        let many = vec![0; 2 * MAX_ELEMENTS as usize];
        assert_eq!(
            protocol_error(&message(&[2], &element(0x64, &many))),
            "a message of more than a million elements"
        );
        // The library would wait for it until the connection ends, and keep everything that follows.
        let longer = [0x04, 0x84, 0, 0, 1, 0];
        assert_eq!(
            protocol_error(&message(&[2], &element(0x64, &longer))),
            "an element that is longer than the one around it"
        );
    }

    #[test]
    fn what_is_no_message_is_stopped() {
        let done = element(0x65, b"");
        for octets in [
            b"HTTP/1.1 400 Bad Request".to_vec(),
            element(SEQUENCE, &done),
            message(&[2], &element(0x04, b"x")),
            message(&[2], &[done.clone(), element(0x04, b"x")].concat()),
            message(&[2], &[done.clone(), element(CONTROLS, b""), element(CONTROLS, b"")].concat()),
            message(&[], &done),
            message(&[1, 2, 3, 4, 5], &done),
            message(&[2], b""),
            vec![SEQUENCE, 0],
            vec![SEQUENCE, 0x80],
            vec![SEQUENCE, 0x89],
        ] {
            assert!(matches!(check(&octets), Err(CloseReason::ProtocolError(_))), "{octets:02x?}");
        }
    }

    #[test]
    fn a_notice_of_disconnection_is_told_wherever_its_name_stands() {
        let name = element(0x8A, DISCONNECTION);
        let result =
            [element(0x0A, &[52]), element(0x04, b""), element(0x04, "shutting down\0".as_bytes())].concat();
        let expected = CloseReason::Disconnection { code: 52, diagnostic: "shutting down".into() };
        let inside = message(&[0], &element(0x78, &[result.clone(), name.clone()].concat()));
        assert_eq!(check(&inside), Err(expected.clone()));
        let outside = message(&[0], &[element(0x78, &result), name.clone()].concat());
        assert_eq!(check(&[entry(b"x"), outside].concat()), Err(expected));
        // The same as the answer to a request, or with another name, is no notice.
        assert_eq!(check(&message(&[3], &element(0x78, &[result.clone(), name].concat()))), Ok(()));
        assert_eq!(
            check(&message(&[0], &element(0x78, &[result, element(0x8A, b"1.2.3")].concat()))),
            Ok(())
        );
        let long = message(&[0], &element(0x78, &element(0x04, &[b'x'; MAX_UNSOLICITED_SIZE])));
        assert_eq!(protocol_error(&long), "a long unsolicited message");
    }

    proptest! {
        #[test]
        fn what_passes_can_be_taken_apart_and_pieces_do_not_matter(
            octets in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                // A valid message with one octet replaced.
                (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, octet)| {
                    let mut octets = entry(b"Anna");
                    let at = at.index(octets.len());
                    octets[at] = octet;
                    octets
                }),
            ],
            size in 1_usize..9,
        ) {
            let mut messages = FrameGuard::default();
            let whole = messages.take(&octets);
            let mut pieces = FrameGuard::default();
            prop_assert_eq!(octets.chunks(size).try_for_each(|piece| pieces.take(piece)), whole.clone());
            if whole.is_ok() && messages.is_between_messages() && !octets.is_empty() {
                prop_assert!(parse_tag(&octets).is_ok());
            }
        }
    }
}
