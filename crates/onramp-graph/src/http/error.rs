//! What a refusal means: Graph, Azure Resource Manager and the token endpoint mapped to the one error.
//!
//! Codes decide, never messages, except where Microsoft gives no code of its own.

use std::time::Duration;

use base64::Engine;
use onramp_core::{Error, ErrorKind, ServerReply};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::http::hints;
use crate::http::request::{Reply, Request};
use crate::http::retry::retry_after;

/// Why a request did not succeed, and what may be done about it.
#[derive(Debug)]
pub struct Failure {
    pub(crate) error: Error,
    pub(crate) next: Next,
    /// What the server said, if it said anything.
    pub(crate) body: ErrorBody,
}

impl Failure {
    /// Returns the error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the error by value.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// Returns the AADSTS code, if the token endpoint gave one.
    pub fn sign_in_code(&self) -> Option<u32> {
        self.body.aadsts()
    }

    /// Returns the service's message; empty if it gave none.
    pub fn message(&self) -> &str {
        &self.body.message
    }

    pub(crate) fn new(error: Error, next: Next) -> Self {
        Self { error, next, body: ErrorBody::default() }
    }
}

/// What may be done about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: repeating cannot help.
    Stop,
    /// Wait and repeat. `maybe_done`: it may have happened nevertheless.
    Again { after: Option<Duration>, maybe_done: bool },
    /// Repeat once with another token.
    NewToken { claims: Option<String> },
    /// Wait and repeat if the object is new, and so perhaps not visible everywhere yet.
    IfNew,
}

/// Reads a reply whose status is not 2xx.
pub(crate) fn of_reply(request: &Request, reply: &Reply, now: OffsetDateTime) -> Failure {
    let body = ErrorBody::read(&reply.body);
    let after = reply.header("retry-after").and_then(|value| retry_after(value, now));
    let claims = claims_challenge(reply);
    let (kind, next) = judge(reply.status, &body, after, claims);
    let mut error = request.error(kind).with_reply(server_reply(request, reply));
    if let Some(detail) = detail(reply, &body) {
        error = error.with_detail(request.scrub(&detail));
    }
    if let Some(hint) = hints::hint(request, kind, &body) {
        error = error.with_hint(hint);
    }
    Failure { error, next, body }
}

fn judge(
    status: u16,
    body: &ErrorBody,
    after: Option<Duration>,
    claims: Option<String>,
) -> (ErrorKind, Next) {
    let again = |maybe_done| Next::Again { after, maybe_done };
    match (status, body.code.as_str()) {
        // Another token of the same tenant would be refused as well.
        (
            401,
            "InvalidAuthenticationTokenTenant"
            | "Authorization_IdentityNotFound"
            | "Authorization_IdentityDisabled",
        ) => (ErrorKind::Unauthenticated, Next::Stop),
        (401, _) => (ErrorKind::Unauthenticated, Next::NewToken { claims }),
        (403, _) if claims.is_some() => (ErrorKind::Forbidden, Next::NewToken { claims }),
        (429 | 403, "Request_ThrottledPermanently") => {
            (ErrorKind::Throttled { retry_after: after }, Next::Stop)
        }
        (_, "Authorization_IdentityNotFound" | "Authorization_IdentityDisabled") => {
            (ErrorKind::Unauthenticated, Next::Stop)
        }
        (_, code) if hints::LICENCE_CODES.contains(&code) => (ErrorKind::Unsupported, Next::Stop),
        (_, code) if hints::FINAL_REFUSALS.contains(&code) => (ErrorKind::Forbidden, Next::Stop),
        // Azure answers both with 409, as it does for what exists already.
        _ if body.tells(hints::SCOPE_LOCKED) || body.tells(hints::SUBSCRIPTION_DISABLED) => {
            (ErrorKind::Forbidden, Next::Stop)
        }
        (429, _) => (ErrorKind::Throttled { retry_after: after }, again(false)),
        (_, "Directory_ConcurrencyViolation") => (ErrorKind::Unavailable, again(false)),
        (400 | 409, code) if is_duplicate(code, body) => (ErrorKind::AlreadyExists, Next::Stop),
        (400, "PrincipalNotFound") => (ErrorKind::NotFound, Next::IfNew),
        (400, "Directory_ExpiredPageToken" | "syncStateNotFound" | "resyncRequired") | (410, _) => {
            (ErrorKind::Stale, Next::Stop)
        }
        (400, "RoleDefinitionDoesNotExist") => (ErrorKind::NotFound, Next::Stop),
        (400, _) if body.speaks_of_a_missing_reference() => (ErrorKind::NotFound, Next::IfNew),
        (403, _) => (ErrorKind::Forbidden, Next::IfNew),
        (404, _) => (ErrorKind::NotFound, Next::IfNew),
        (412, _) => (ErrorKind::Stale, Next::Stop),
        (402 | 405 | 501, _) => (ErrorKind::Unsupported, Next::Stop),
        (423, _) => (ErrorKind::Unavailable, again(false)),
        (408, _) | (500..=599, _) => (ErrorKind::Unavailable, again(true)),
        _ if body.is_transient_sign_in_error() => (ErrorKind::Unavailable, again(true)),
        _ if body.is_sign_in_error() => (ErrorKind::Unauthenticated, Next::Stop),
        _ => (ErrorKind::Invalid, Next::Stop),
    }
}

fn is_duplicate(code: &str, body: &ErrorBody) -> bool {
    const CODES: [&str; 4] = [
        "Request_MultipleObjectsWithSameKeyValue",
        "RoleAssignmentExists",
        "ObjectConflict",
        "ConflictingObjects",
    ];
    // Microsoft gives a duplicate role assignment or member no code of its own, and leaves details out at times; these
    // are its words.
    const WORDS: [&str; 4] = [
        "conflicting object with one or more of the specified property values",
        "Another object with the same value for property",
        "added object references already exist",
        "already exists on the object",
    ];
    CODES.contains(&code)
        || body.details.iter().any(|detail| CODES.contains(&detail.code.as_str()))
        || WORDS.iter().any(|words| body.message.contains(words))
}

fn detail(reply: &Reply, body: &ErrorBody) -> Option<String> {
    if (300..400).contains(&reply.status) {
        return Some("the server answered with a redirect, which is not followed".into());
    }
    let target =
        |code: &str| body.details.iter().find(|detail| detail.code == code).map(|detail| &detail.target);
    let property = target("ObjectConflict").filter(|target| !target.is_empty())?;
    Some(match target("ConflictingObjects").filter(|target| !target.is_empty()) {
        Some(holder) => format!("the value of {property} is taken by {holder}"),
        None => format!("the value of {property} is taken"),
    })
}

/// The server's own identifiers, with secrets of the request struck out.
pub(crate) fn server_reply(request: &Request, reply: &Reply) -> ServerReply {
    let body = ErrorBody::read(&reply.body);
    let mut out = ServerReply::from_server(request.url.host_str().unwrap_or_default());
    out.status = Some(reply.status);
    out.code = (!body.code.is_empty()).then_some(body.code);
    out.diagnostic = (!body.message.is_empty()).then(|| cut(&request.scrub(&body.message)));
    let header = ["request-id", "x-ms-request-id"].iter().find_map(|name| reply.header(name));
    out.request_id = header.map(str::to_owned).or(body.request_id);
    out.client_request_id = Some(reply.client_request_id.clone());
    out
}

/// The claims that a `WWW-Authenticate` header asks for, decoded (continuous access evaluation, step-up).
fn claims_challenge(reply: &Reply) -> Option<String> {
    let value = reply.header("www-authenticate")?;
    let (_, rest) = value.split_once("claims=\"")?;
    let (encoded, _) = rest.split_once('"')?;
    let engine = base64::engine::GeneralPurpose::new(
        if encoded.contains(['-', '_']) { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD },
        base64::engine::general_purpose::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    String::from_utf8(engine.decode(encoded).ok()?).ok()
}

/// What Graph, ARM and the token endpoint say in the body of a refusal, in one shape; empty if it is none of theirs.
#[derive(Debug, Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
    pub(crate) request_id: Option<String>,
    pub(crate) error_codes: Vec<u32>,
    from_sign_in: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Detail {
    #[serde(default, deserialize_with = "text")]
    pub(crate) code: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) target: String,
}

#[derive(Deserialize)]
struct Envelope {
    error: Either,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    trace_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    SignIn(String),
    Graph(Box<GraphError>),
}

#[derive(Deserialize)]
struct GraphError {
    #[serde(default, deserialize_with = "text")]
    code: String,
    #[serde(default, deserialize_with = "text")]
    message: String,
    #[serde(default)]
    details: Option<Vec<Detail>>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<serde_json::Value>,
}

impl ErrorBody {
    /// Never fails: a body that is no error of theirs (HTML of a gateway, say) reads as an empty one.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else { return Self::default() };
        match envelope.error {
            Either::SignIn(code) => Self {
                code,
                message: envelope.error_description.unwrap_or_default(),
                details: Vec::new(),
                request_id: envelope.trace_id,
                error_codes: envelope.error_codes,
                from_sign_in: true,
            },
            Either::Graph(error) => {
                let inner = |name: &str| error.inner.as_ref()?.get(name)?.as_str().map(str::to_owned);
                let code = if error.code.is_empty() { inner("code").unwrap_or_default() } else { error.code };
                Self {
                    code,
                    request_id: inner("request-id"),
                    message: error.message,
                    details: error.details.unwrap_or_default(),
                    ..Self::default()
                }
            }
        }
    }

    /// The AADSTS number, if the token endpoint gave one.
    pub(crate) fn aadsts(&self) -> Option<u32> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.message.split_once("AADSTS")?.1;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }

    pub(crate) fn is_sign_in_error(&self) -> bool {
        self.from_sign_in
    }

    /// Returns true if that is the code of the refusal, or of one of its details.
    pub(crate) fn tells(&self, code: &str) -> bool {
        self.code == code || self.details.iter().any(|detail| detail.code == code)
    }

    fn is_transient_sign_in_error(&self) -> bool {
        self.from_sign_in
            && (matches!(self.code.as_str(), "temporarily_unavailable" | "server_error")
                || matches!(
                    self.aadsts(),
                    Some(50_087 | 90_006 | 90_012 | 90_024 | 90_033 | 90_055 | 90_090)
                ))
    }

    /// A 400 that means “the object you refer to is not here”, which for a new one means “not yet”.
    fn speaks_of_a_missing_reference(&self) -> bool {
        const CODES: [&str; 3] =
            ["NoBackingApplicationObject", "Request_ResourceNotFound", "ResourceNotFound"];
        const WORDS: [&str; 3] =
            ["backing application", "NoBackingApplicationObject", "does not reference a valid"];
        CODES.contains(&self.code.as_str())
            || self.details.iter().any(|detail| CODES.contains(&detail.code.as_str()))
            || WORDS.iter().any(|words| self.message.contains(words))
            || (self.message.to_lowercase().contains("principal") && self.message.contains("does not exist"))
    }
}

fn text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 600;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_inner_errors_and_their_codes_are_read() {
        for spelling in ["innerError", "innererror"] {
            let body = format!(
                r#"{{"error":{{"code":"","message":null,"{spelling}":{{"code":"deep","request-id":"r"}}}}}}"#
            );
            let read = ErrorBody::read(body.as_bytes());
            assert_eq!((read.code.as_str(), read.request_id.as_deref()), ("deep", Some("r")), "{spelling}");
        }
    }

    #[test]
    fn a_sign_in_number_is_found_in_the_text_if_need_be() {
        let read = |body: &str| ErrorBody::read(body.as_bytes()).aadsts();
        assert_eq!(read(r#"{"error":"invalid_grant","error_codes":[50126]}"#), Some(50_126));
        assert_eq!(read(r#"{"error":"x","error_description":"AADSTS50034: no such user"}"#), Some(50_034));
        assert_eq!(read(r#"{"error":"x","error_description":"AADSTS"}"#), None);
        assert_eq!(read("<html>AADSTS50034"), None);
    }

    fn challenge(header: &str) -> Option<String> {
        let mut reply = Reply::empty();
        reply.headers.insert("www-authenticate", header.parse().ok()?);
        claims_challenge(&reply)
    }

    #[test]
    fn claims_are_decoded_padded_or_not_in_either_alphabet() {
        assert_eq!(challenge(r#"Bearer error="x", claims="eyJhIjoxfQ==""#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(challenge(r#"Bearer claims="eyJhIjoxfQ""#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(challenge(r#"Bearer claims="eyJhIjoiw7_Dv34ifQ""#).as_deref(), Some("{\"a\":\"ÿÿ~\"}"));
        assert_eq!(challenge(r#"Bearer claims="!!!""#), None);
        assert_eq!(challenge("Bearer"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_reply_and_no_header_makes_reading_panic(body in proptest::collection::vec(0_u8.., 0..200), header in "\\PC{0,60}") {
            let _ = ErrorBody::read(&body).aadsts();
            let _ = challenge(&header);
            let _ = challenge(&format!("Bearer claims=\"{header}\""));
        }

        #[test]
        fn cutting_keeps_whole_characters(text in "\\PC{0,700}") {
            proptest::prop_assert!(cut(&text).chars().count() <= 601);
        }
    }
}
