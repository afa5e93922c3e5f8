//! The one error type: a kind to act on, what was being done to which object, the server's own words.

use std::fmt;
use std::time::Duration;

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as the caller's next step depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object does not exist, or the caller may not know that it does. Do not retry.
    NotFound,
    /// An object with the same key exists. Read it and decide; do not retry.
    AlreadyExists,
    /// Something else still depends on it; nothing was changed. Deal with that first.
    InUse,
    /// The value is no longer what the caller said it was; nothing was written. Survey and plan again.
    Stale,
    /// The caller is known but may not do this. A permission, role or ACL is missing.
    Forbidden,
    /// The server does not accept who the caller says it is. Never retried: retries lock accounts.
    Unauthenticated,
    /// Too many requests. Retry after the given time, or with growing waits when there is none.
    Throttled {
        /// How long the server asked to wait.
        retry_after: Option<Duration>,
    },
    /// The server cannot be reached or cannot answer now. May be retried if the operation is idempotent.
    Unavailable,
    /// A write was sent and its answer lost: it may or may not have happened. Look before doing it again.
    OutcomeUnknown,
    /// The request or the input is wrong and stays wrong however often it is repeated.
    Invalid,
    /// This server, cloud or kind of credential cannot do this at all.
    Unsupported,
    /// One object of a stream could not be understood. The stream goes on with the next one; every other kind of error
    /// ends it.
    Unreadable,
    /// The caller asked to stop.
    Cancelled,
}

impl ErrorKind {
    fn phrase(&self) -> &'static str {
        match self {
            Self::NotFound => "it was not found",
            Self::AlreadyExists => "it exists already",
            Self::InUse => "it is still in use",
            Self::Stale => "it was changed by somebody else meanwhile",
            Self::Forbidden => "permission was denied",
            Self::Unauthenticated => "the credentials were not accepted",
            Self::Throttled { .. } => "the server asks for fewer requests",
            Self::Unavailable => "the server is unavailable",
            Self::OutcomeUnknown => "the answer was lost, so whether it happened is not known",
            Self::Invalid => "the request is not valid",
            Self::Unsupported => "this is not supported here",
            Self::Unreadable => "it could not be understood",
            Self::Cancelled => "it was cancelled",
        }
    }
}

/// The server's own identifiers for a failed exchange, to quote to its operator or its maker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReply {
    /// Who answered: host name or origin.
    pub server: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Graph, ARM or AADSTS error code.
    pub code: Option<String>,
    /// `request-id` response header (or the token endpoint's `trace_id`).
    pub request_id: Option<String>,
    /// `client-request-id` that was sent.
    pub client_request_id: Option<String>,
    /// LDAP result code (RFC 4511 4.1.9).
    pub ldap_code: Option<u32>,
    /// LDAP diagnostic message, or the message of an HTTP error body.
    pub diagnostic: Option<String>,
}

impl ServerReply {
    /// A reply about which only the answering server is known.
    pub fn from_server(server: impl Into<String>) -> Self {
        Self { server: Some(server.into()), ..Self::default() }
    }
}

impl fmt::Display for ServerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if let Some(server) = &self.server {
            parts.push(server.clone());
        }
        if let Some(status) = self.status {
            parts.push(format!("HTTP {status}"));
        }
        if let Some(code) = self.ldap_code {
            parts.push(format!("LDAP result {code}"));
        }
        if let Some(code) = self.code.as_deref().filter(|c| !c.is_empty()) {
            parts.push(code.to_owned());
        }
        if let Some(text) = self.diagnostic.as_deref().filter(|t| !t.is_empty()) {
            parts.push(format!("“{}”", text.trim_end_matches('\0').trim()));
        }
        if let Some(id) = &self.request_id {
            parts.push(format!("request-id {id}"));
        }
        if let Some(id) = &self.client_request_id {
            parts.push(format!("client-request-id {id}"));
        }
        f.write_str(&parts.join(", "))
    }
}

/// The error of every Onramp crate.
///
/// `Display` says what happened to which object and what to do next, on one line:
///
/// ```
/// use onramp_core::{Error, ErrorKind, ServerReply};
/// let mut reply = ServerReply::default();
/// reply.status = Some(403);
/// reply.code = Some("Authorization_RequestDenied".into());
/// let error = Error::new(ErrorKind::Forbidden, "add the domain")
///     .object("contoso.com")
///     .reply(reply)
///     .hint("Grant the application Domain.ReadWrite.All.");
/// assert_eq!(
///     error.to_string(),
///     "could not add the domain contoso.com: permission was denied \
///      (HTTP 403, Authorization_RequestDenied). Grant the application Domain.ReadWrite.All."
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    action: String,
    object: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    reply: ServerReply,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of that kind while doing `action`, an infinitive phrase such as "add the UPN suffix".
    pub fn new(kind: ErrorKind, action: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            action: action.into(),
            object: None,
            detail: None,
            hint: None,
            reply: ServerReply::default(),
            source: None,
        }))
    }

    /// Names the object it was done to.
    #[must_use]
    pub fn object(mut self, object: impl fmt::Display) -> Self {
        self.0.object = Some(object.to_string());
        self
    }

    /// What happened, where more is known than the kind says. A clause without a full stop.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// What to do next. A whole sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The server's own identifiers.
    #[must_use]
    pub fn reply(mut self, reply: ServerReply) -> Self {
        self.0.reply = reply;
        self
    }

    /// The error underneath.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error once more, for another caller who waited for the same thing. The original is underneath.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use onramp_core::{Error, ErrorKind};
    /// let error = Arc::new(Error::new(ErrorKind::Unauthenticated, "get a token").detail("the secret has expired"));
    /// assert_eq!(error.repeated().to_string(), error.to_string());
    /// ```
    #[must_use]
    pub fn repeated(self: &std::sync::Arc<Self>) -> Self {
        let Inner { kind, action, object, detail, hint, reply, .. } = &*self.0;
        Self(Box::new(Inner {
            kind: kind.clone(),
            action: action.clone(),
            object: object.clone(),
            detail: detail.clone(),
            hint: hint.clone(),
            reply: reply.clone(),
            source: Some(Box::new(std::sync::Arc::clone(self))),
        }))
    }

    /// What the caller can act on.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What was being done.
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// To which object, if one was named.
    pub fn object_name(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// What to do next, if that is known.
    pub fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The server's own identifiers; empty if no server answered.
    pub fn server_reply(&self) -> &ServerReply {
        &self.0.reply
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Throttled { .. } | ErrorKind::Unavailable)
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            ErrorKind::Throttled { retry_after } => retry_after,
            _ => None,
        }
    }

    /// Whether the object is missing.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether the object is there already.
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyExists
    }

    /// Whether somebody else changed the value meanwhile.
    pub fn is_stale(&self) -> bool {
        self.0.kind == ErrorKind::Stale
    }

    /// Whether the caller asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.0.action)?;
        if let Some(object) = &self.0.object {
            write!(f, " {object}")?;
        }
        write!(f, ": {}", self.0.detail.as_deref().unwrap_or(self.0.kind.phrase()))?;
        if self.0.reply != ServerReply::default() {
            write!(f, " ({})", self.0.reply)?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, ". {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.to_string());
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

impl From<crate::ParseError> for Error {
    fn from(error: crate::ParseError) -> Self {
        Error::new(ErrorKind::Invalid, format!("read the {}", error.expected())).detail(error.to_string())
    }
}
