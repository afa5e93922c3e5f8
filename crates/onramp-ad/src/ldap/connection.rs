//! A connection to one domain controller, secured and bound.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, StdStream};
use onramp_core::ErrorKind;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::ldap::base::Base;
use crate::ldap::endpoint::Endpoint;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::guarded_tls::close_reason_in;
use crate::ldap::security::LdapSecurity;
use crate::ldap::settings::Settings;
use crate::ldap::{resolve, start_tls};

/// The idle time after which a connection is not used again. Windows closes it after 15 minutes
/// (`MaxConnIdleTime`).
const IDLE_LIMIT: Duration = Duration::from_secs(10 * 60);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// The time that the driver may take to report why it ended.
const END_REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// An open connection, shared by the operations of several tasks; their requests are pipelined.
pub(crate) struct Connection {
    ldap: Ldap,
    pub(crate) host: String,
    operation_limit: Duration,
    /// The clock at the last use, in milliseconds.
    last_used: AtomicU64,
    /// True after an answer was not received: no other operation should use this connection.
    retired: AtomicBool,
    /// The reason why the driver ended.
    ended: watch::Receiver<Option<String>>,
}

impl Connection {
    /// Connects, negotiates TLS and binds.
    pub(crate) async fn open(endpoint: &Endpoint, settings: &Settings) -> Result<Self, ExchangeError> {
        if let Some(refusal) = settings.refusal() {
            return Err(refusal);
        }
        let host = endpoint.host.as_str();
        let mut stage = "its name was being looked up";
        let limit = settings.timeouts.connect;
        let connecting = async {
            let stream = dial(endpoint, settings, &mut stage).await?;
            stage = "TLS was being negotiated";
            secure(endpoint, settings, stream).await
        };
        let (driver, ldap) = match timeout(limit, connecting).await {
            Ok(outcome) => outcome?,
            Err(_) => {
                let detail = format!("it did not answer within {} s while {stage}", limit.as_secs_f32());
                let mut error = ExchangeError::not_connected(host, ErrorKind::Unavailable, detail)
                    .with_hint("Check that the domain controller runs and that no firewall is in between.");
                error.is_timeout = true;
                return Err(error);
            }
        };
        let connection = Self {
            ldap,
            host: host.to_owned(),
            operation_limit: settings.timeouts.operation,
            last_used: AtomicU64::new(milliseconds(settings.clock.elapsed())),
            retired: AtomicBool::new(false),
            ended: supervise(driver),
        };
        connection.sign_in(settings).await.map_err(ExchangeError::while_connecting)?;
        Ok(connection)
    }

    /// Returns true if another operation may use the connection.
    pub(crate) fn is_usable(&self, settings: &Settings) -> bool {
        let idle =
            milliseconds(settings.clock.elapsed()).saturating_sub(self.last_used.load(Ordering::Relaxed));
        !self.retired.load(Ordering::Relaxed)
            && !self.ldap.clone().is_closed()
            && idle < milliseconds(IDLE_LIMIT)
    }

    pub(crate) fn mark_used(&self, settings: &Settings) {
        self.last_used.store(milliseconds(settings.clock.elapsed()), Ordering::Relaxed);
    }

    /// Marks the connection as unusable; it is not handed out again.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Returns a handle of the LDAP library, for one operation.
    pub(crate) fn ldap(&self) -> Ldap {
        self.ldap.clone()
    }

    /// Modifies one object.
    pub(crate) async fn modify<V>(&self, base: &Base, changes: Vec<Mod<V>>) -> Result<(), ExchangeError>
    where
        V: AsRef<[u8]> + Eq + Hash,
    {
        let mut ldap = self.ldap();
        let name = base.to_string();
        let result = self.answer(self.operation_limit, ldap.modify(&name, changes)).await?;
        if result.rc == 0 { Ok(()) } else { Err(ExchangeError::refused(&self.host, &result)) }
    }

    /// Waits for an answer within a limit. The LDAP library panics on answers that break the protocol; that
    /// becomes an error here.
    pub(crate) async fn answer<T>(
        &self,
        limit: Duration,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, ExchangeError> {
        let error = match timeout(limit, AssertUnwindSafe(operation).catch_unwind()).await {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => {
                let error = ExchangeError::from_operation(&self.host, error);
                let is_lost = error.kind() == ErrorKind::Unavailable;
                match if is_lost { self.end_reason().await } else { None } {
                    Some(why) => error.with_meaning(ErrorKind::Unavailable, why, None),
                    None => error,
                }
            }
            Ok(Err(_)) => ExchangeError::malformed(&self.host, "a result of another shape than LDAP's"),
            Err(_) => ExchangeError::timed_out(&self.host, limit),
        };
        if error.kind() == ErrorKind::Unavailable {
            self.retire();
        }
        Err(error)
    }

    /// Returns the reason why the driver ended, if it did. It drops the pending requests shortly before it
    /// reports the reason.
    async fn end_reason(&self) -> Option<String> {
        let mut ended = self.ended.clone();
        let sender = timeout(END_REASON_TIMEOUT, ended.wait_for(Option::is_some)).await;
        sender.ok()?.ok()?.clone()
    }

    async fn sign_in(&self, settings: &Settings) -> Result<(), ExchangeError> {
        let sign_in = &settings.bind;
        let bind = sign_in.run(self.ldap(), &self.host, settings.security);
        let result: LdapResult = self.answer(self.operation_limit, bind).await?;
        if result.rc == 0 {
            return Ok(());
        }
        let error = sign_in.explain(ExchangeError::refused(&self.host, &result));
        settings.remember_refusal(&error);
        Err(error)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("host", &self.host)
            .field("retired", &self.retired)
            .field("ended", &*self.ended.borrow())
            .finish_non_exhaustive()
    }
}

async fn dial(
    endpoint: &Endpoint,
    settings: &Settings,
    stage: &mut &str,
) -> Result<TcpStream, ExchangeError> {
    let host = endpoint.host.as_str();
    let unreachable = |detail: String, error: std::io::Error| {
        ExchangeError::not_connected(host, ErrorKind::Unavailable, detail)
            .with_hint("Check the host name, the port, and that the domain controller runs.")
            .with_source(error)
    };
    let addresses: Vec<SocketAddr> = match settings.address(host, endpoint.service) {
        Some(address) => vec![address],
        None => {
            let port = endpoint.port.unwrap_or_else(|| endpoint.service.port(settings.security));
            let found = resolve::addresses(host, settings).await;
            let found = found.map_err(|e| unreachable(format!("its name cannot be resolved: {e}"), e))?;
            found.into_iter().map(|address| SocketAddr::new(address, port)).collect()
        }
    };
    *stage = "TCP was connecting";
    let mut failure = ExchangeError::not_connected(host, ErrorKind::Unavailable, "its name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                tune(&stream);
                return Ok(stream);
            }
            Err(error) => failure = unreachable(format!("{address} cannot be reached: {error}"), error),
        }
    }
    Err(failure)
}

/// Turns off Nagle's delay, which costs a third of the rate at 40 ms, and turns on keepalive. A socket that
/// refuses an option still works.
fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
}

async fn secure(
    endpoint: &Endpoint,
    settings: &Settings,
    mut stream: TcpStream,
) -> Result<(LdapConnAsync, Ldap), ExchangeError> {
    let host = endpoint.host.as_str();
    if settings.security == LdapSecurity::StartTls {
        match start_tls::negotiate(&mut stream).await {
            Ok(answer) if answer.rc == 0 => {}
            Ok(answer) => {
                return Err(ExchangeError::refused(host, &answer)
                    .with_hint("The server does not offer StartTLS; use LDAPS, or give it a certificate.")
                    .while_connecting());
            }
            Err(error) => return Err(ExchangeError::from_handshake(host, error.into())),
        }
    }
    let stream = stream.into_std().map_err(|error| {
        ExchangeError::not_connected(host, ErrorKind::Unavailable, "the socket broke").with_source(error)
    })?;
    // The host in the URL is the name that TLS verifies; the address was chosen above.
    let url = format!("ldaps://{host}");
    let how =
        LdapConnSettings::new().set_config(Arc::clone(&settings.tls)).set_std_stream(StdStream::Tcp(stream));
    match AssertUnwindSafe(LdapConnAsync::with_settings(how, &url)).catch_unwind().await {
        Ok(opened) => opened.map_err(|error| ExchangeError::from_handshake(host, error)),
        Err(_) => {
            Err(ExchangeError::malformed(host, "what it sent while TLS was being negotiated")
                .while_connecting())
        }
    }
}

/// Runs the driver until the connection ends, and records the reason.
fn supervise(driver: LdapConnAsync) -> watch::Receiver<Option<String>> {
    let (sender, ended) = watch::channel(None);
    tokio::spawn(async move {
        let why = match AssertUnwindSafe(driver.drive()).catch_unwind().await {
            Ok(Ok(())) => "the server closed the connection".to_owned(),
            Ok(Err(LdapError::Io { source })) => match close_reason_in(&source) {
                Some(reason) => reason.to_string(),
                None => format!("the connection broke: {source}"),
            },
            Ok(Err(error)) => format!("the connection broke: {error}"),
            Err(_) => {
                "the server sent an answer that breaks the protocol, so the connection was closed".to_owned()
            }
        };
        let _ = sender.send(Some(why));
    });
    ended
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
