//! The error of one exchange with a server, before the purpose of the exchange is known.

use std::time::Duration;

use ldap3::{LdapError, LdapResult};
use onramp_core::{Error, ErrorKind, ServerReply};

use crate::ldap::result_code::{self, Meaning};
use crate::ldap::tls_error;

/// The delivery state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// There was no connection.
    NotConnected,
    /// Not sent: the connection was closed before. The request had no effect.
    NotSent,
    /// Sent, and the connection was lost before an answer came. The request may have had its effect.
    Lost,
    /// Sent, and not answered in time. The request may have had its effect, or may have it later.
    TimedOut,
    /// Refused by the server with that result code. The request had no effect.
    Refused(u32),
}

/// A failed exchange with one server. Cheap to clone, so that all tasks that waited for a connection get the
/// error.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeError {
    pub(crate) delivery: Delivery,
    /// True if a network timeout was reached: another attempt would take as long.
    pub(crate) is_timeout: bool,
    /// The error, with a placeholder for the action.
    error: Error,
}

/// The action until [`ExchangeError::during`] names the real one.
const EXCHANGE: &str = "exchange messages with the domain controller";

impl ExchangeError {
    /// Creates the error of a connection that could not be opened.
    pub(crate) fn not_connected(host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(Delivery::NotConnected, host, kind, detail)
    }

    /// Creates the error of a request that was not sent.
    pub(crate) fn not_sent(host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(Delivery::NotSent, host, kind, detail)
    }

    /// Creates the error of a request that was sent and whose answer was lost.
    pub(crate) fn lost(host: &str, detail: impl Into<String>) -> Self {
        Self::new(Delivery::Lost, host, ErrorKind::Unavailable, detail)
    }

    /// Creates the error of a request that was not answered in time.
    pub(crate) fn timed_out(host: &str, limit: Duration) -> Self {
        let detail = format!("no answer came within {} s", limit.as_secs_f32());
        let hint =
            "Check the load of the domain controller and the network; or set longer timeouts (LdapTimeouts).";
        Self { is_timeout: true, ..Self::new(Delivery::TimedOut, host, ErrorKind::Unavailable, detail) }
            .with_hint(hint)
    }

    fn new(delivery: Delivery, host: &str, kind: ErrorKind, detail: impl Into<String>) -> Self {
        let reply = ServerReply::from_server(host);
        let error = Error::new(kind, EXCHANGE).with_detail(detail).with_reply(reply);
        Self { delivery, is_timeout: false, error }
    }

    /// Creates the error of an answer that breaks the protocol.
    pub(crate) fn malformed(host: &str, what: impl Into<String>) -> Self {
        Self::lost(host, format!("the server's answer could not be understood: {}", what.into()))
            .with_hint("Check that the host is an Active Directory domain controller.")
    }

    /// Creates the error of a result code other than success.
    pub(crate) fn refused(host: &str, result: &LdapResult) -> Self {
        let mut reply = ServerReply::from_server(host);
        reply.ldap_code = Some(result.rc);
        reply.diagnostic = Some(result.text.clone()).filter(|text| !text.is_empty());
        let Meaning { kind, detail, hint } = result_code::meaning(result);
        let mut error = Error::new(kind, EXCHANGE).with_reply(reply);
        if let Some(detail) = detail {
            error = error.with_detail(detail);
        }
        if let Some(hint) = hint {
            error = error.with_hint(hint);
        }
        Self { delivery: Delivery::Refused(result.rc), is_timeout: false, error }
    }

    /// Adds the account to the error of a bind: "as CORP\\anna".
    pub(crate) fn with_account(self, who: &str) -> Self {
        let detail = self.error.detail().unwrap_or_default();
        let detail = format!("{detail}, signing in {who}");
        Self { error: self.error.with_detail(detail), ..self }
    }

    /// Converts an error of the LDAP library during an operation.
    pub(crate) fn from_operation(host: &str, error: LdapError) -> Self {
        match error {
            LdapError::LdapResult { result } => Self::refused(host, &result),
            LdapError::FilterParsing => Self::not_sent(
                host,
                ErrorKind::Invalid,
                "the search filter has a syntax that LDAP does not allow",
            ),
            // The text of the library is dropped: it contains the request, which might be a bind.
            LdapError::OpSend { .. } | LdapError::IdScrubSend { .. } | LdapError::MiscSend { .. } => {
                Self::not_sent(host, ErrorKind::Unavailable, "the connection was closed")
            }
            LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                Self::lost(host, "the connection was lost before the answer came")
            }
            #[cfg(feature = "kerberos")]
            LdapError::GssapiOperationError(text) => {
                Self::not_sent(host, ErrorKind::Unauthenticated, format!("Kerberos refused: {text}")).with_hint(
                    "Get a ticket (kinit), name the domain controller by its full DNS name, and check krb5.conf and the clocks.",
                )
            }
            other => Self::lost(host, other.to_string()),
        }
    }

    /// Converts an error of the LDAP library during the TLS handshake.
    pub(crate) fn from_handshake(host: &str, error: LdapError) -> Self {
        match error {
            LdapError::Io { source } => {
                let explained = tls_error::explain(host, &source);
                Self::not_connected(host, explained.kind, explained.detail)
                    .with_hint(explained.hint)
                    .with_source(source)
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

    /// Sets the delivery state to not connected.
    pub(crate) fn while_connecting(mut self) -> Self {
        self.delivery = Delivery::NotConnected;
        self
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { error: self.error.with_hint(hint), ..self }
    }

    pub(crate) fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { error: self.error.with_source(source), ..self }
    }

    /// Adds the number of objects that a search had returned before.
    pub(crate) fn after_receiving(self, objects: u64) -> Self {
        let detail = self.error.detail().unwrap_or("the server ended the search");
        let detail = format!("{detail}, after {objects} objects");
        Self { error: self.error.with_detail(detail), ..self }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    pub(crate) fn diagnostic(&self) -> &str {
        self.error.reply().diagnostic.as_deref().unwrap_or_default()
    }

    pub(crate) fn has_code(&self, code: u32) -> bool {
        self.delivery == Delivery::Refused(code)
    }

    /// Returns true if the request may have had its effect.
    pub(crate) fn may_have_applied(&self) -> bool {
        matches!(self.delivery, Delivery::Lost | Delivery::TimedOut)
    }

    /// Replaces kind, detail and, if there is one, the hint, where the operation knows better than the result code.
    pub(crate) fn with_meaning(self, kind: ErrorKind, detail: impl Into<String>, hint: Option<&str>) -> Self {
        let mut error = self.error.with_kind(kind).with_detail(detail);
        if let Some(hint) = hint {
            error = error.with_hint(hint);
        }
        Self { error, ..self }
    }

    /// Converts it for the caller. The action is an infinitive phrase such as "read the users below".
    pub(crate) fn during(self, action: impl Into<String>) -> Error {
        self.error.with_action(action)
    }
}
