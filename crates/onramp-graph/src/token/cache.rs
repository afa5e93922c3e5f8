//! The token cache: renewal before expiry, one request per scope at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use onramp_core::{Clock, Result};

use super::source::{AccessToken, TokenSource};

/// A token closer to its expiry than this is renewed, while it is still used.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// A token closer to its expiry than this is not sent any more.
const UNUSABLE_BEFORE: Duration = Duration::from_secs(10);
/// The delay before the next renewal after a failed one, while the token is still valid.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// A cache of tokens per scope.
///
/// * Callers of one scope share one request and its failure; none of them sends another.
/// * Scopes never wait for each other.
/// * A token that is still valid is returned at once. Its renewal advances with each caller; only after the expiry do
///   callers wait for it.
/// * A claims challenge is kept: later tokens satisfy it too.
#[derive(Debug)]
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<String, Arc<Mutex<Slot>>>>,
}

#[derive(Debug, Default)]
struct Slot {
    token: Option<AccessToken>,
    /// The last claims challenge.
    claims: Option<String>,
    /// The earliest time of the next renewal of a token that is still valid.
    not_before: Duration,
    pending: Option<PendingRequest>,
    requests: u64,
}

type TokenFuture = BoxFuture<'static, Result<AccessToken>>;

/// A request to the source that is in flight.
#[derive(Debug)]
struct PendingRequest {
    number: u64,
    claims: Option<String>,
    /// Does not keep the request alive when no caller waits for it.
    result: WeakShared<TokenFuture>,
    /// Keeps the request alive although no caller waits for it.
    background: Option<Shared<TokenFuture>>,
}

/// The state of a cached token.
enum Validity {
    Valid(AccessToken),
    RenewSoon(AccessToken),
    Expired,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, slots: Mutex::default() }
    }

    /// Returns a token for the scope.
    pub(crate) async fn get(&self, scope: &str) -> Result<AccessToken> {
        let slot = self.slot(scope);
        match self.validity(&slot) {
            Validity::Valid(token) => Ok(token),
            Validity::RenewSoon(token) => {
                let (number, answer) = self.request(&slot, scope, true);
                // One step; the next caller takes the next one.
                match answer.now_or_never() {
                    None => Ok(token),
                    Some(Ok(renewed)) => {
                        self.finish(&slot, number, Ok(&renewed));
                        Ok(renewed)
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, scope, "the access token could not be renewed and is used until it expires");
                        self.finish(&slot, number, Err(()));
                        Ok(token)
                    }
                }
            }
            Validity::Expired => self.wait(&slot, scope).await,
        }
    }

    /// Returns a token in place of one that the server refused, with its claims challenge if there is one.
    pub(crate) async fn replace(
        &self,
        scope: &str,
        refused: &AccessToken,
        claims: Option<String>,
    ) -> Result<AccessToken> {
        let slot = self.slot(scope);
        {
            let mut slot = locked(&slot);
            let answered = claims.is_none() || claims == slot.claims;
            if let Some(other) = &slot.token
                && answered
                && !other.secret().is_same(refused.secret())
            {
                return Ok(other.clone()); // another caller has replaced it
            }
            slot.token = None;
            if claims.is_some() {
                slot.claims = claims;
            }
        }
        self.wait(&slot, scope).await
    }

    async fn wait(&self, slot: &Mutex<Slot>, scope: &str) -> Result<AccessToken> {
        let (number, answer) = self.request(slot, scope, false);
        let answer = answer.await;
        self.finish(slot, number, answer.as_ref().map_err(|_| ()));
        answer
    }

    /// Returns the request in flight, or starts one. `background`: it continues when the caller does not wait.
    fn request(&self, slot: &Mutex<Slot>, scope: &str, background: bool) -> (u64, Shared<TokenFuture>) {
        let mut slot = locked(slot);
        let claims = slot.claims.clone();
        if let Some(pending) = slot.pending.as_mut().filter(|pending| pending.claims == claims)
            && let Some(answer) = pending.result.upgrade()
        {
            pending.background = background.then(|| answer.clone());
            return (pending.number, answer);
        }
        slot.requests += 1;
        let number = slot.requests;
        let (source, scope, request_claims) = (Arc::clone(&self.source), scope.to_owned(), claims.clone());
        let answer = async move { source.token(&scope, request_claims.as_deref()).await };
        let answer: Shared<TokenFuture> = answer.boxed().shared();
        if let Some(weak) = answer.downgrade() {
            let background = background.then(|| answer.clone());
            slot.pending = Some(PendingRequest { number, claims, result: weak, background });
        }
        (number, answer)
    }

    /// Stores the result of a request. Every waiting caller reports it; only the first report of the latest request counts.
    fn finish(&self, slot: &Mutex<Slot>, number: u64, answer: std::result::Result<&AccessToken, ()>) {
        let mut slot = locked(slot);
        if slot.pending.as_ref().is_none_or(|pending| pending.number != number) {
            return;
        }
        slot.pending = None;
        match answer {
            Ok(token) => {
                slot.token = Some(token.clone());
                slot.not_before = Duration::ZERO;
            }
            Err(()) => slot.not_before = self.clock.elapsed() + PAUSE_AFTER_FAILURE,
        }
    }

    fn validity(&self, slot: &Mutex<Slot>) -> Validity {
        let slot = locked(slot);
        let Some(token) = &slot.token else { return Validity::Expired };
        let left = token.expires_at() - self.clock.now();
        if left <= UNUSABLE_BEFORE {
            Validity::Expired
        } else if left <= RENEW_BEFORE && self.clock.elapsed() >= slot.not_before {
            Validity::RenewSoon(token.clone())
        } else {
            Validity::Valid(token.clone())
        }
    }

    fn slot(&self, scope: &str) -> Arc<Mutex<Slot>> {
        let mut slots = locked(&self.slots);
        match slots.get(scope) {
            Some(slot) => Arc::clone(slot),
            None => Arc::clone(slots.entry(scope.to_owned()).or_default()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
