//! The error type of all Onramp crates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, which decides the caller's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The credentials were not accepted. Never retried: retries lock accounts.
    Unauthenticated,
    /// Too many requests. Retry after the given time, or with growing waits when there is none.
    Throttled {
        /// The time that the server asked to wait.
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
    /// One object of a stream could not be parsed. The stream goes on with the next one; every other kind of error
    /// ends it.
    Unreadable,
    /// The caller cancelled the operation.
    Cancelled,
}

impl ErrorKind {
    fn phrase(self) -> &'static str {
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

/// The server's identifiers for a failed request, to quote in a support case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServerReply {
    /// The host name or origin that answered.
    pub server: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The Graph, ARM or AADSTS error code.
    pub code: Option<String>,
    /// The `request-id` response header (or the token endpoint's `trace_id`).
    pub request_id: Option<String>,
    /// The `client-request-id` that was sent.
    pub client_request_id: Option<String>,
    /// The LDAP result code (RFC 4511 4.1.9).
    pub ldap_code: Option<u32>,
    /// The LDAP diagnostic message, or the message of an HTTP error body.
    pub diagnostic: Option<String>,
}

impl ServerReply {
    /// Creates a reply that names the server and nothing else.
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

/// The error of all Onramp crates.
///
/// [`kind`](Error::kind) is what a program acts on; `Display` is one line for people, with what was done to which object,
/// what happened, the server's identifiers and the next step:
///
/// ```
/// use onramp_core::{Error, ErrorKind, ServerReply};
/// let mut reply = ServerReply::default();
/// reply.status = Some(403);
/// reply.code = Some("Authorization_RequestDenied".into());
/// let error = Error::new(ErrorKind::Forbidden, "add the domain")
///     .with_object("contoso.com")
///     .with_reply(reply)
///     .with_hint("Grant the application Domain.ReadWrite.All.");
/// assert_eq!(error.kind(), ErrorKind::Forbidden);
/// assert_eq!(
///     error.to_string(),
///     "could not add the domain contoso.com: permission was denied \
///      (HTTP 403, Authorization_RequestDenied). Grant the application Domain.ReadWrite.All."
/// );
/// ```
///
/// A clone shares the source:
///
/// ```
/// use std::error::Error as _;
/// use onramp_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Unavailable, "read the file").with_source(std::io::Error::other("the disk failed"));
/// assert_eq!(error.clone().source().map(ToString::to_string).as_deref(), Some("the disk failed"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    action: String,
    object: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    reply: ServerReply,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error of a failed action, an infinitive phrase such as "add the UPN suffix".
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

    /// Replaces the category, for a caller that knows better.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the action, for a caller that knows the purpose of what failed.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.0.action = action.into();
        self
    }

    /// Sets the object that the action was done to.
    #[must_use]
    pub fn with_object(mut self, object: impl fmt::Display) -> Self {
        self.0.object = Some(object.to_string());
        self
    }

    /// Sets the description of what happened, which replaces the kind's own. A clause without a full stop.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Sets the next step for the reader. A whole sentence.
    ///
    /// ```
    /// use onramp_core::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Forbidden, "add the domain").with_object("contoso.com").with_hint("Grant Domain.ReadWrite.All.");
    /// assert!(error.to_string().ends_with("Grant Domain.ReadWrite.All."));
    /// ```
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the server's identifiers.
    #[must_use]
    pub fn with_reply(mut self, reply: ServerReply) -> Self {
        self.0.reply = reply;
        self
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Returns the category of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the action that failed.
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// Returns the object that the action was done to.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// Returns the description of what happened, if there is more than the kind's own.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Returns the next step for the reader.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the server's identifiers; empty if no server answered.
    pub fn reply(&self) -> &ServerReply {
        &self.0.reply
    }

    /// Returns true if the same call may succeed later without any other change.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Throttled { .. } | ErrorKind::Unavailable)
    }

    /// Returns the time that the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            ErrorKind::Throttled { retry_after } => retry_after,
            _ => None,
        }
    }

    /// Returns true for [`ErrorKind::NotFound`].
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Returns true for [`ErrorKind::AlreadyExists`].
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyExists
    }

    /// Returns true for [`ErrorKind::Stale`].
    pub fn is_stale(&self) -> bool {
        self.0.kind == ErrorKind::Stale
    }

    /// Returns true for [`ErrorKind::Cancelled`].
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
        Error::new(ErrorKind::Invalid, format!("read the {}", error.expected()))
            .with_detail(error.to_string())
    }
}
