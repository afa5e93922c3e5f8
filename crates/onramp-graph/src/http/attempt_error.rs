//! The failure of one attempt: refusals of Graph, Azure Resource Manager and the token endpoint, mapped to one error.
//!
//! Codes decide, never messages, except where Microsoft gives no code of its own.

use std::time::Duration;

use base64::Engine;
use onramp_core::{Error, ErrorKind};
use time::OffsetDateTime;

use crate::http::error_body::ErrorBody;
use crate::http::hints;
use crate::http::request::{Reply, Request};
use crate::http::retry::retry_after;

/// The failure of one attempt to send a request, with the decision about a retry.
#[derive(Debug)]
pub struct AttemptError {
    pub(crate) error: Error,
    pub(crate) next: RetryDecision,
    /// The error body of the response; empty without one.
    pub(crate) body: ErrorBody,
}

impl AttemptError {
    /// Returns the error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Converts into the error.
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

    pub(crate) fn new(error: Error, next: RetryDecision) -> Self {
        Self { error, next, body: ErrorBody::default() }
    }
}

/// The decision about a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// A retry cannot help.
    GiveUp,
    /// Wait and retry. `may_have_applied`: the service may have done it nevertheless.
    Retry { after: Option<Duration>, may_have_applied: bool },
    /// Retry once with another token.
    RefreshToken { claims: Option<String> },
    /// Wait and retry if the object was created recently, so that some replicas may not have it yet.
    RetryIfNew,
}

/// Converts a response whose status is not 2xx.
pub(crate) fn of_reply(request: &Request, reply: &Reply, now: OffsetDateTime) -> AttemptError {
    let body = ErrorBody::read(&reply.body);
    let after = reply.header("retry-after").and_then(|value| retry_after(value, now));
    let claims = claims_challenge(reply);
    let (kind, next) = classify(reply.status, &body, after, claims);
    let mut error = request.error(kind).with_reply(reply.server_reply(request));
    if let Some(detail) = detail(reply, &body) {
        error = error.with_detail(request.scrub(&detail));
    }
    if let Some(hint) = hints::hint(request.permission, kind, &body) {
        error = error.with_hint(hint);
    }
    AttemptError { error, next, body }
}

fn classify(
    status: u16,
    body: &ErrorBody,
    after: Option<Duration>,
    claims: Option<String>,
) -> (ErrorKind, RetryDecision) {
    let again = |may_have_applied| RetryDecision::Retry { after, may_have_applied };
    match (status, body.code.as_str()) {
        // Another token of the same tenant would be refused too.
        (
            401,
            "InvalidAuthenticationTokenTenant"
            | "Authorization_IdentityNotFound"
            | "Authorization_IdentityDisabled",
        ) => (ErrorKind::Unauthenticated, RetryDecision::GiveUp),
        (401, _) => (ErrorKind::Unauthenticated, RetryDecision::RefreshToken { claims }),
        (403, _) if claims.is_some() => (ErrorKind::Forbidden, RetryDecision::RefreshToken { claims }),
        (429 | 403, "Request_ThrottledPermanently") => {
            (ErrorKind::Throttled { retry_after: after }, RetryDecision::GiveUp)
        }
        (_, "Authorization_IdentityNotFound" | "Authorization_IdentityDisabled") => {
            (ErrorKind::Unauthenticated, RetryDecision::GiveUp)
        }
        (_, code) if hints::LICENSE_CODES.contains(&code) => (ErrorKind::Unsupported, RetryDecision::GiveUp),
        (_, code) if hints::FINAL_REFUSALS.contains(&code) => (ErrorKind::Forbidden, RetryDecision::GiveUp),
        // Azure responds to both with 409, as it does for an object that already exists.
        _ if body.has_code(hints::SCOPE_LOCKED) || body.has_code(hints::SUBSCRIPTION_DISABLED) => {
            (ErrorKind::Forbidden, RetryDecision::GiveUp)
        }
        (429, _) => (ErrorKind::Throttled { retry_after: after }, again(false)),
        (_, "Directory_ConcurrencyViolation") => (ErrorKind::Unavailable, again(false)),
        (400 | 409, code) if is_duplicate(code, body) => (ErrorKind::AlreadyExists, RetryDecision::GiveUp),
        (400, "PrincipalNotFound") => (ErrorKind::NotFound, RetryDecision::RetryIfNew),
        (400, "Directory_ExpiredPageToken" | "syncStateNotFound" | "resyncRequired") | (410, _) => {
            (ErrorKind::Stale, RetryDecision::GiveUp)
        }
        (400, "RoleDefinitionDoesNotExist") => (ErrorKind::NotFound, RetryDecision::GiveUp),
        (400, _) if body.is_missing_reference() => (ErrorKind::NotFound, RetryDecision::RetryIfNew),
        (403, _) => (ErrorKind::Forbidden, RetryDecision::RetryIfNew),
        (404, _) => (ErrorKind::NotFound, RetryDecision::RetryIfNew),
        (412, _) => (ErrorKind::Stale, RetryDecision::GiveUp),
        (402 | 405 | 501, _) => (ErrorKind::Unsupported, RetryDecision::GiveUp),
        (423, _) => (ErrorKind::Unavailable, again(false)),
        (408, _) | (500..=599, _) => (ErrorKind::Unavailable, again(true)),
        _ if body.is_transient_sign_in_error() => (ErrorKind::Unavailable, again(true)),
        _ if body.is_sign_in_error() => (ErrorKind::Unauthenticated, RetryDecision::GiveUp),
        _ => (ErrorKind::Invalid, RetryDecision::GiveUp),
    }
}

fn is_duplicate(code: &str, body: &ErrorBody) -> bool {
    const CODES: [&str; 4] = [
        "Request_MultipleObjectsWithSameKeyValue",
        "RoleAssignmentExists",
        "ObjectConflict",
        "ConflictingObjects",
    ];
    // Microsoft gives a duplicate role assignment or member no code of its own, and sometimes leaves details out; these
    // are its messages.
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

/// Returns the decoded claims challenge of a `WWW-Authenticate` header (continuous access evaluation, step-up).
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

#[cfg(test)]
mod tests {
    use super::*;

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
        fn no_header_makes_reading_panic(header in "\\PC{0,60}") {
            let _ = challenge(&header);
            let _ = challenge(&format!("Bearer claims=\"{header}\""));
        }
    }
}
