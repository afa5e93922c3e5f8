//! A handle to a service of one domain controller: its connection is opened on demand, and again after a
//! loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::ldap::connection::Connection;
use crate::ldap::endpoint::Endpoint;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::settings::Settings;
use crate::ldap::write_limiter::WriteLimiter;

#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) endpoint: Endpoint,
    pub(crate) settings: Arc<Settings>,
    /// The limit on the changes in flight.
    pub(crate) write_limiter: WriteLimiter,
    slot: Mutex<Slot>,
    /// The number of finished attempts to connect.
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct Slot {
    connection: Option<Arc<Connection>>,
    /// The error of the last attempt to connect, if it failed.
    failure: Option<ExchangeError>,
}

impl ConnectionHandle {
    pub(crate) fn new(endpoint: Endpoint, settings: Arc<Settings>) -> Self {
        let write_limiter = WriteLimiter::new(settings.max_in_flight, settings.changes_per_second);
        Self { endpoint, settings, write_limiter, slot: Mutex::default(), attempts: AtomicU64::new(0) }
    }

    pub(crate) fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// Returns the connection, and opens it if necessary. Tasks that wait for an attempt share its error and
    /// do not try again themselves.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, ExchangeError> {
        let seen = self.attempts.load(Ordering::Acquire);
        let mut slot = self.slot.lock().await;
        if let Some(connection) = slot.connection.as_ref().filter(|c| c.is_usable(&self.settings)) {
            connection.mark_used(&self.settings);
            return Ok(Arc::clone(connection));
        }
        if let Some(failure) = slot.failure.clone().filter(|_| self.attempts.load(Ordering::Acquire) != seen)
        {
            return Err(failure);
        }
        slot.connection = None;
        let opened = Box::pin(Connection::open(&self.endpoint, &self.settings)).await;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        match opened {
            Ok(connection) => {
                let connection = Arc::new(connection);
                slot.failure = None;
                slot.connection = Some(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                slot.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
