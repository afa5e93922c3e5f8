//! Tokens kept until shortly before they end, one request per scope at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onramp_core::{Clock, Result};

use super::source::{AccessToken, TokenSource};

/// A token with less life left than this is renewed, while it still serves.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// A token with less life left than this is not sent any more.
const USELESS_BEFORE: Duration = Duration::from_secs(10);
/// After a failed renewal of a token that still serves, the next attempt waits this long.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Keeps tokens per scope. Callers of one scope share one request; scopes never wait for each other; a token
/// that is still valid is served while its renewal is under way or fails.
#[derive(Debug)]
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Held>,
    /// Held by whoever asks the source.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<AccessToken>,
    /// The last claims challenge: later tokens must answer it too.
    claims: Option<String>,
    not_before: Duration,
}

enum Life {
    Good(AccessToken),
    Ending(AccessToken),
    Over,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, slots: Mutex::default() }
    }

    /// A token for the scope.
    pub(crate) async fn get(&self, scope: &str) -> Result<AccessToken> {
        let slot = self.slot(scope);
        match self.life(&slot) {
            Life::Good(token) => Ok(token),
            Life::Ending(token) => {
                let Ok(_asking) = slot.asking.try_lock() else { return Ok(token) };
                match self.ask(&slot, scope).await {
                    Ok(renewed) => Ok(renewed),
                    Err(error) => {
                        tracing::warn!(%error, scope, "the access token could not be renewed and is used as long as it lasts");
                        locked(&slot.held).not_before = self.clock.elapsed() + PAUSE_AFTER_FAILURE;
                        Ok(token)
                    }
                }
            }
            Life::Over => {
                let _asking = slot.asking.lock().await;
                match self.life(&slot) {
                    Life::Good(token) | Life::Ending(token) => Ok(token),
                    Life::Over => self.ask(&slot, scope).await,
                }
            }
        }
    }

    /// A token in place of one that the server refused, answering its claims challenge if there is one.
    pub(crate) async fn replace(
        &self,
        scope: &str,
        refused: &AccessToken,
        claims: Option<String>,
    ) -> Result<AccessToken> {
        let slot = self.slot(scope);
        let _asking = slot.asking.lock().await;
        {
            let mut held = locked(&slot.held);
            if let Some(other) = &held.token
                && other.secret().expose() != refused.secret().expose()
            {
                return Ok(other.clone()); // somebody else replaced it meanwhile
            }
            held.token = None;
            if claims.is_some() {
                held.claims = claims;
            }
        }
        self.ask(&slot, scope).await
    }

    async fn ask(&self, slot: &Slot, scope: &str) -> Result<AccessToken> {
        let claims = locked(&slot.held).claims.clone();
        let token = self.source.token(scope, claims.as_deref()).await?;
        let mut held = locked(&slot.held);
        held.token = Some(token.clone());
        held.not_before = Duration::ZERO;
        Ok(token)
    }

    fn life(&self, slot: &Slot) -> Life {
        let held = locked(&slot.held);
        let Some(token) = &held.token else { return Life::Over };
        let left = token.expires_at() - self.clock.now();
        if left <= USELESS_BEFORE {
            Life::Over
        } else if left <= RENEW_BEFORE && self.clock.elapsed() >= held.not_before {
            Life::Ending(token.clone())
        } else {
            Life::Good(token.clone())
        }
    }

    fn slot(&self, scope: &str) -> Arc<Slot> {
        Arc::clone(locked(&self.slots).entry(scope.to_owned()).or_default())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
