//! A request as a value, and what came back, apart from any I/O.

use bytes::Bytes;
use onramp_core::{Error, ErrorKind, Password, Result, ServerReply};
use reqwest::header::HeaderMap;
use reqwest::{Method, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use crate::endpoints::Audience;
use crate::http::wiped::Wiped;

/// What repeating a request would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it reads.
    Read,
    /// The same again: it sets, or deletes.
    Repeatable,
    /// Perhaps a second object: after a lost reply the caller must look first.
    Creates,
    /// Harm: a sign-in that counts towards lock-out.
    CountsTries,
}

/// One request: everything that goes on the wire, and how to treat what comes back.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is being done, as an infinitive phrase for errors.
    pub(crate) action: &'static str,
    /// To which object.
    pub(crate) object: Option<String>,
    pub(crate) to: Audience,
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Headers beside those that every request has.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Body>,
    pub(crate) effect: Effect,
    /// Objects whose being new excuses a refusal.
    pub(crate) concerns: Vec<String>,
    /// Secrets in the body, to be struck out wherever a reply repeats them.
    pub(crate) secrets: Vec<Password>,
    /// What to do next if it is forbidden.
    pub(crate) permission: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Body {
    pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<Self> {
        // Room from the start, so that no half-written copy of a secret stays behind in a smaller buffer.
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
    pub fn new(action: &'static str, to: Audience, method: Method, url: Url) -> Self {
        let effect = match method {
            Method::GET => Effect::Read,
            Method::POST => Effect::Creates,
            _ => Effect::Repeatable,
        };
        Self {
            action,
            object: None,
            to,
            method,
            url,
            headers: Vec::new(),
            body: None,
            effect,
            concerns: Vec::new(),
            secrets: Vec::new(),
            permission: None,
        }
    }

    /// Sets the name of the object in errors.
    pub fn object(mut self, object: impl std::fmt::Display) -> Self {
        self.object = Some(object.to_string());
        self
    }

    /// Sets the effect of a repetition.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
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
    pub fn concerns(mut self, key: impl std::fmt::Display) -> Self {
        self.concerns.push(key.to_string());
        self
    }

    /// Adds a secret of the body, which is removed from errors and recordings.
    pub fn secret(mut self, secret: &Password) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// The permission to grant when the request is forbidden.
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

    /// An error while doing this.
    pub fn error(&self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.action);
        match &self.object {
            Some(object) => error.with_object(object),
            None => error,
        }
    }

    /// The text with this request's secrets struck out.
    pub fn scrub(&self, text: &str) -> String {
        without(text, &self.secrets)
    }
}

/// The text with those secrets struck out.
pub(crate) fn without(text: &str, secrets: &[Password]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.expose().len() >= 4) {
        text = text.replace(secret.expose(), "***");
    }
    text
}

/// A complete reply.
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Wiped,
    pub(crate) client_request_id: String,
    /// An earlier try may have done it, and its answer was lost.
    pub(crate) after_a_lost_one: bool,
}

impl std::fmt::Debug for Reply {
    /// Without the body, which may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Reply {
    /// What a deletion answers that an earlier try has done.
    pub(crate) fn empty() -> Self {
        Self {
            status: 204,
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body: Wiped::default(),
            client_request_id: String::new(),
            after_a_lost_one: true,
        }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns true if the response to an earlier attempt was lost, so that this one may answer a repetition.
    pub fn follows_a_lost_one(&self) -> bool {
        self.after_a_lost_one
    }

    /// Returns the server's own identifiers, without secrets of the request.
    pub fn server_reply(&self, request: &Request) -> ServerReply {
        crate::http::error::server_reply(request, self)
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
        serde_json::from_slice(&self.body).map_err(|why| self.unreadable(request, &why))
    }

    fn unreadable(&self, request: &Request, why: &serde_json::Error) -> Error {
        // serde's message may quote a value; only where it is and of what class is told.
        let detail = format!(
            "the reply is not the JSON that was expected ({:?} error at line {}, column {})",
            why.classify(),
            why.line(),
            why.column()
        );
        request
            .error(ErrorKind::Unavailable)
            .with_detail(detail)
            .with_reply(crate::http::error::server_reply(request, self))
    }
}
