//! Requests and responses as values. No I/O.

use bytes::Bytes;
use onramp_core::{Error, ErrorKind, Password, Result, ServerReply};
use reqwest::header::HeaderMap;
use reqwest::{Method, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use crate::http::error_body::ErrorBody;
use crate::http::service::{Service, ServiceUrl};
use crate::http::zeroizing_buf::ZeroizingBuf;

/// The effect of repeating a request, which decides about retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// None: a safe method.
    Safe,
    /// The same state: it sets or deletes.
    Idempotent,
    /// A second object, possibly: after a lost response the caller has to look it up first.
    Creates,
    /// A failed sign-in that counts toward lockout.
    CountsAttempts,
}

/// One request, and the rules for its response.
///
/// ```no_run
/// # async fn run(client: onramp_graph::GraphClient) -> onramp_core::Result<()> {
/// use onramp_graph::http::Request;
/// use onramp_graph::reqwest::Method;
///
/// let url = client.endpoints().graph().url(&["v1.0", "organization"])?;
/// let request = Request::new("read the organization", Method::GET, url)
///     .query("$select", "id,displayName")
///     .needs("Organization.Read.All");
/// let organization: serde_json::Value = client.json(&request).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    /// An infinitive phrase for errors.
    pub(crate) action: &'static str,
    /// The name of the object in errors.
    pub(crate) object: Option<String>,
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Headers in addition to those of every request.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Body>,
    pub(crate) effect: Effect,
    /// Objects that the request refers to. A refusal is retried while one of them is new.
    pub(crate) refers_to: Vec<String>,
    /// Secrets in the body, which are replaced wherever a response repeats them.
    pub(crate) secrets: Vec<Password>,
    /// The permission to grant if it is forbidden.
    pub(crate) permission: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Body {
    pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<Self> {
        // Allocated once, so that no partial copy of a secret stays behind in a smaller buffer.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *bytes, value)?;
        Ok(Self { content_type: "application/json", bytes: Bytes::from_owner(bytes) })
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

impl Request {
    /// Creates a request. `action` is an infinitive phrase for errors, such as "read the user". The effect follows from
    /// the method: GET reads, POST creates, everything else is idempotent.
    pub fn new(action: &'static str, method: Method, at: ServiceUrl) -> Self {
        let effect = match method {
            Method::GET => Effect::Safe,
            Method::POST => Effect::Creates,
            _ => Effect::Idempotent,
        };
        Self {
            action,
            object: None,
            service: at.service,
            method,
            url: at.url,
            headers: Vec::new(),
            body: None,
            effect,
            refers_to: Vec::new(),
            secrets: Vec::new(),
            permission: None,
        }
    }

    /// Sets the name of the object in errors.
    pub fn object(mut self, object: impl std::fmt::Display) -> Self {
        self.object = Some(object.to_string());
        self
    }

    /// Sets the effect of repeating the request.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Appends a filter for objects whose property has this text.
    pub fn filter_eq(self, property: &str, value: impl std::fmt::Display) -> Self {
        self.query("$filter", &format!("{property} eq {}", string_literal(&value.to_string())))
    }

    /// Appends a query parameter.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds an object that the request refers to. As long as it was created recently, a refusal that may be due to
    /// replication is retried.
    pub fn refers_to(mut self, key: impl std::fmt::Display) -> Self {
        self.refers_to.push(key.to_string());
        self
    }

    /// Adds a secret of the body, which is removed from errors and recordings.
    pub fn secret(mut self, secret: &Password) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// Sets the permission to grant if the request is forbidden.
    pub fn needs(mut self, hint: &'static str) -> Self {
        self.permission = Some(hint);
        self
    }

    /// Sets a JSON body.
    ///
    /// # Errors
    /// `Invalid` if the value cannot be written as JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let body = Body::json(value);
        self.with_body(body)
    }

    fn with_body(mut self, body: serde_json::Result<Body>) -> Result<Self> {
        self.body = Some(body.map_err(|why| self.error(ErrorKind::Invalid).with_source(why))?);
        Ok(self)
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let room = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
        let mut text = Zeroizing::new(String::with_capacity(room));
        url::form_urlencoded::Serializer::new(&mut *text).extend_pairs(fields);
        self.body =
            Some(Body { content_type: "application/x-www-form-urlencoded", bytes: Bytes::from_owner(text) });
        self
    }

    /// Creates an error with the action and the object of this request.
    pub fn error(&self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.action);
        match &self.object {
            Some(object) => error.with_object(object),
            None => error,
        }
    }

    /// Replaces the secrets of this request in a text.
    pub fn scrub(&self, text: &str) -> String {
        redact(text, &self.secrets)
    }
}

/// Returns a string literal for an OData `$filter`: quoted, with apostrophes doubled.
pub(crate) fn string_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Replaces secrets in a text.
pub(crate) fn redact(text: &str, secrets: &[Password]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.expose().len() >= 4) {
        text = text.replace(secret.expose(), "***");
    }
    text
}

/// A complete response.
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ZeroizingBuf,
    pub(crate) client_request_id: String,
    /// True if the response to an earlier attempt was lost, which may have been applied.
    pub(crate) follows_lost_reply: bool,
}

impl std::fmt::Debug for Reply {
    /// Without the body, which may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Reply {
    /// Creates the response to a deletion that an earlier attempt has applied.
    pub(crate) fn empty() -> Self {
        Self {
            status: 204,
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body: ZeroizingBuf::default(),
            client_request_id: String::new(),
            follows_lost_reply: true,
        }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns true if the response to an earlier attempt was lost. The request may have been applied twice then.
    pub fn follows_lost_reply(&self) -> bool {
        self.follows_lost_reply
    }

    /// Returns the server's own identifiers, without secrets of the request.
    pub fn server_reply(&self, request: &Request) -> ServerReply {
        let body = ErrorBody::read(&self.body);
        let mut out = ServerReply::from_server(request.url.host_str().unwrap_or_default());
        out.status = Some(self.status);
        out.code = (!body.code.is_empty()).then_some(body.code);
        out.diagnostic = (!body.message.is_empty()).then(|| cut(&request.scrub(&body.message)));
        let header = ["request-id", "x-ms-request-id"].iter().find_map(|name| self.header(name));
        out.request_id = header.map(str::to_owned).or(body.request_id);
        out.client_request_id = Some(self.client_request_id.clone());
        out
    }

    /// Returns the value of a header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// `Unavailable` if it is not JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|why| self.unreadable_object(request, &why))
    }

    fn unreadable_object(&self, request: &Request, why: &serde_json::Error) -> Error {
        // serde's message may quote a value; class and position of the error do not.
        let detail = format!(
            "the reply is not the JSON that was expected ({:?} error at line {}, column {})",
            why.classify(),
            why.line(),
            why.column()
        );
        request.error(ErrorKind::Unavailable).with_detail(detail).with_reply(self.server_reply(request))
    }
}

fn cut(text: &str) -> String {
    const MAX_CHARS: usize = 600;
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apostrophes_are_doubled() {
        assert_eq!(string_literal("o'neil@contoso.com"), "'o''neil@contoso.com'");
        assert_eq!(string_literal(""), "''");
    }

    proptest::proptest! {
        /// No text ends the literal early: apostrophes in it come in pairs only.
        #[test]
        fn a_literal_cannot_be_left(text in "\\PC{0,40}|[' ]{0,12}") {
            let quoted = string_literal(&text);
            let inner = &quoted[1..quoted.len() - 1];
            proptest::prop_assert_eq!(inner.replace("''", "").matches('\'').count(), 0);
            proptest::prop_assert_eq!(inner.replace("''", "'"), text);
        }

        #[test]
        fn cutting_keeps_whole_characters(text in "\\PC{0,700}") {
            proptest::prop_assert!(cut(&text).chars().count() <= 601);
        }
    }
}
