//! What went wrong in one exchange, before it is known what the exchange was for.

use std::sync::Arc;
use std::time::Duration;

use ldap3::{LdapError, LdapResult};
use onramp_core::{Error, ErrorKind, ServerReply};

use crate::ldap::result_code;
use crate::ldap::tls_error;

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// There is no connection to send it on.
    NotConnected,
    /// The connection was closed before it was sent: it did not happen.
    NotSent,
    /// It was sent, and the connection was lost before an answer came: it may have happened.
    Lost,
    /// It was sent, and no answer came in time: it may have happened, or happen yet.
    TimedOut,
    /// The server answered with that result code: it did not happen.
    Refused(u32),
}

/// A failed exchange with one server. Cheap to clone, so that all who waited for a connection learn why there is
/// none.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeError {
    pub(crate) delivery: Delivery,
    /// A limit on the network was reached: trying again would take as long.
    pub(crate) is_slow: bool,
    kind: ErrorKind,
    words: Box<Words>,
}

#[derive(Debug, Clone, Default)]
struct Words {
    detail: Option<String>,
    hint: Option<String>,
    reply: ServerReply,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl ExchangeError {
    /// There is no connection, for that reason.
    pub(crate) fn not_connected(host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(Delivery::NotConnected, host, kind, detail)
    }

    /// Nothing was sent, for that reason.
    pub(crate) fn not_sent(host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(Delivery::NotSent, host, kind, detail)
    }

    /// A request was sent and its answer lost, for that reason.
    pub(crate) fn lost(host: &str, detail: impl Into<String>) -> Self {
        Self::new(Delivery::Lost, host, ErrorKind::Unavailable, detail)
    }

    /// A request was sent and not answered in time.
    pub(crate) fn timed_out(host: &str, limit: Duration) -> Self {
        let detail = format!("no answer came within {} s", limit.as_secs_f32());
        let hint = "Look what keeps the domain controller busy, and at the network in between; or allow more time (Timeouts).";
        Self { is_slow: true, ..Self::new(Delivery::TimedOut, host, ErrorKind::Unavailable, detail) }
            .with_hint(hint)
    }

    fn new(delivery: Delivery, host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        let words =
            Words { detail: Some(detail.into()), reply: ServerReply::from_server(host), ..Words::default() };
        Self { delivery, is_slow: false, kind, words: Box::new(words) }
    }

    /// The server's answer breaks the protocol.
    pub(crate) fn malformed(host: &str, what: impl Into<String>) -> Self {
        Self::lost(host, format!("the server's answer could not be understood: {}", what.into()))
            .with_hint("Check that the host is an Active Directory domain controller.")
    }

    /// The server said no.
    pub(crate) fn refused(host: &str, result: &LdapResult) -> Self {
        let mut reply = ServerReply::from_server(host);
        reply.ldap_code = Some(result.rc);
        reply.diagnostic = Some(result.text.clone()).filter(|text| !text.is_empty());
        let meaning = result_code::meaning(result);
        let words = Words { detail: meaning.detail, hint: meaning.hint, reply, source: None };
        Self {
            delivery: Delivery::Refused(result.rc),
            is_slow: false,
            kind: meaning.kind,
            words: Box::new(words),
        }
    }

    /// The same error of a bind, with who signed in and how: "as CORP\\anna".
    pub(crate) fn signing_in(mut self, who: &str) -> Self {
        let detail = self.words.detail.take().unwrap_or_default();
        self.words.detail = Some(format!("{detail}, signing in {who}"));
        self
    }

    /// From the LDAP library, while a request was under way.
    pub(crate) fn of_operation(host: &str, error: LdapError) -> Self {
        match error {
            LdapError::LdapResult { result } => Self::refused(host, &result),
            LdapError::FilterParsing => Self::not_sent(
                host,
                ErrorKind::Invalid,
                "the search filter has a syntax that LDAP does not allow",
            ),
            // The library's own text is not taken over: its request is in there, and might be a bind.
            LdapError::OpSend { .. } | LdapError::IdScrubSend { .. } | LdapError::MiscSend { .. } => {
                Self::not_sent(host, ErrorKind::Unavailable, "the connection was closed")
            }
            LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                Self::lost(host, "the connection was lost before the answer came")
            }
            #[cfg(feature = "kerberos")]
            LdapError::GssapiOperationError(said) => {
                Self::not_sent(host, ErrorKind::Unauthenticated, format!("Kerberos refused: {said}")).with_hint(
                    "Get a ticket (kinit), name the domain controller by its full DNS name, and check krb5.conf and the clocks.",
                )
            }
            other => Self::lost(host, other.to_string()),
        }
    }

    /// From the LDAP library, while a connection was being secured.
    pub(crate) fn of_handshake(host: &str, error: LdapError) -> Self {
        match error {
            LdapError::Io { source } => {
                let told = tls_error::explain(host, &source);
                Self::not_connected(host, told.kind, told.detail).with_hint(told.hint).with_source(source)
            }
            LdapError::DNSName { .. } => Self::not_connected(
                host,
                ErrorKind::Invalid,
                "this is not a host name that a certificate can name",
            )
            .with_hint("Give the domain controller's DNS host name."),
            _ => Self::not_connected(
                host,
                ErrorKind::Unavailable,
                "the connection was closed before it was secured",
            )
            .with_hint(tls_error::WRONG_PORT),
        }
    }

    /// The same error, met on the way to a connection.
    pub(crate) fn while_connecting(mut self) -> Self {
        self.delivery = Delivery::NotConnected;
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.words.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.words.source = Some(Arc::new(source));
        self
    }

    /// The same error of a search that had given so many objects before.
    pub(crate) fn after_receiving(mut self, objects: u64) -> Self {
        let detail = self.words.detail.take().unwrap_or_else(|| "the server broke off".to_owned());
        self.words.detail = Some(format!("{detail}, after {objects} objects"));
        self
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn diagnostic(&self) -> &str {
        self.words.reply.diagnostic.as_deref().unwrap_or_default()
    }

    pub(crate) fn has_code(&self, code: u32) -> bool {
        self.delivery == Delivery::Refused(code)
    }

    /// Whether the server may have done what was asked although it did not say so.
    pub(crate) fn may_have_happened(&self) -> bool {
        matches!(self.delivery, Delivery::Lost | Delivery::TimedOut)
    }

    /// The same error under another kind, when the operation knows better than the code says.
    pub(crate) fn retold(mut self, kind: ErrorKind, detail: impl Into<String>, hint: Option<&str>) -> Self {
        self.kind = kind;
        self.words.detail = Some(detail.into());
        self.words.hint = hint.map(str::to_owned);
        self
    }

    /// The error to give out: what was being done is an infinitive phrase such as "read the users below".
    pub(crate) fn during(self, action: impl Into<String>) -> Error {
        let Words { detail, hint, reply, source } = *self.words;
        let mut error = Error::new(self.kind, action).with_reply(reply);
        if let Some(detail) = detail {
            error = error.with_detail(detail);
        }
        if let Some(hint) = hint {
            error = error.with_hint(hint);
        }
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
