//! The way to one service of one domain controller: a connection that is opened when needed and reopened when it
//! was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ldap3::Mod;
use tokio::sync::Mutex;

use crate::ldap::base::Base;
use crate::ldap::connection::Connection;
use crate::ldap::endpoint::Endpoint;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::settings::Settings;
use crate::ldap::write_limiter::WriteLimiter;

#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) endpoint: Endpoint,
    pub(crate) settings: Arc<Settings>,
    /// The way of changes that are made many at a time.
    pub(crate) write_limiter: WriteLimiter,
    slot: Mutex<Slot>,
    /// Attempts to connect that have ended.
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct Slot {
    connection: Option<Arc<Connection>>,
    /// Why the last attempt failed, if it did.
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

    /// The connection, opened if there is none that can be used. Those who wait while an attempt fails share its
    /// failure instead of making another attempt each.
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

    /// Changes one object. Not repeated here: only the caller knows whether that is safe.
    pub(crate) async fn modify(&self, base: &Base, changes: Vec<Mod<String>>) -> Result<(), ExchangeError> {
        self.connection().await?.modify(base, changes).await
    }
}
