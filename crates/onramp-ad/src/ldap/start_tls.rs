//! StartTLS (RFC 4511 4.14), the only exchange in plain text. It does not use the LDAP library, so that the
//! amount of data that is read has a limit.

use std::io;

use ldap3::LdapResult;
use ldap3::asn1::{PL, parse_tag};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ldap::frame_guard::{CloseReason, FrameGuard};

/// Message 1, an extended request for 1.3.6.1.4.1.1466.20037.
const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// The maximum size of the answer in octets.
const MAX_ANSWER_SIZE: usize = 4096;

/// Sends the request and returns the server's result; after success, TLS begins.
///
/// # Errors
/// The connection broke, or the answer is malformed.
pub(crate) async fn negotiate(stream: &mut TcpStream) -> io::Result<LdapResult> {
    stream.write_all(REQUEST).await?;
    let mut messages = FrameGuard::default();
    let mut answer = Vec::new();
    while answer.is_empty() || !messages.is_between_messages() {
        if answer.len() >= MAX_ANSWER_SIZE {
            return Err(broken("its answer to StartTLS has no end"));
        }
        // Read octet by octet: everything after the answer belongs to TLS.
        let octet = stream.read_u8().await?;
        answer.push(octet);
        messages
            .take(&[octet])
            .map_err(|stop: CloseReason| io::Error::new(io::ErrorKind::InvalidData, stop))?;
    }
    result(&answer).ok_or_else(|| broken("its answer to StartTLS could not be understood"))
}

/// Parses the extended response to message 1.
fn result(answer: &[u8]) -> Option<LdapResult> {
    const ID: &[u8] = &[1];
    const EXTENDED_RESPONSE: u64 = 24;
    let (_, message) = parse_tag(answer).ok()?;
    let PL::C(parts) = message.payload else { return None };
    let [id, operation, ..] = parts.as_slice() else { return None };
    let (PL::P(id), PL::C(result), EXTENDED_RESPONSE) = (&id.payload, &operation.payload, operation.id)
    else {
        return None;
    };
    let [code, matched, text, ..] = result.as_slice() else { return None };
    let (PL::P(code), PL::P(matched), PL::P(text)) = (&code.payload, &matched.payload, &text.payload) else {
        return None;
    };
    let to_text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let rc = code.iter().fold(0, |rc: u32, &octet| (rc << 8) | u32::from(octet));
    let is_answer = id.as_slice() == ID;
    is_answer.then(|| LdapResult {
        rc,
        matched: to_text(matched),
        text: to_text(text),
        refs: Vec::new(),
        ctrls: Vec::new(),
    })
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
