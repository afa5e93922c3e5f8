//! Tokens kept until shortly before they end, one request per scope at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use onramp_core::{Clock, Result};

use super::source::{AccessToken, TokenSource};

/// A token with less life left than this is renewed, while it still serves.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// A token with less life left than this is not sent any more.
const USELESS_BEFORE: Duration = Duration::from_secs(10);
/// After a failed renewal of a token that still serves, the next attempt waits this long.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Keeps tokens per scope.
///
/// * Callers of one scope share one request, and its failure: none of them asks again by itself.
/// * Scopes never wait for each other.
/// * A token that still serves is served at once. Its renewal goes on beside, a step with each caller; only when the
///   token has ended is the renewal waited for.
/// * A claims challenge is remembered: later tokens answer it too.
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
    /// No renewal of a token that still serves is begun before this time.
    not_before: Duration,
    asking: Option<Asking>,
    asked: u64,
}

type Answer = BoxFuture<'static, Result<AccessToken>>;

/// A request to the source that is under way.
#[derive(Debug)]
struct Asking {
    number: u64,
    claims: Option<String>,
    /// Does not keep it going when nobody waits for it any more.
    answer: WeakShared<Answer>,
    /// Keeps it going although nobody waits for it.
    beside: Option<Shared<Answer>>,
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
                let (number, answer) = self.ask(&slot, scope, true);
                // One step; whoever comes next takes the next one.
                match answer.now_or_never() {
                    None => Ok(token),
                    Some(Ok(renewed)) => {
                        self.finish(&slot, number, Ok(&renewed));
                        Ok(renewed)
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, scope, "the access token could not be renewed and is used as long as it lasts");
                        self.finish(&slot, number, Err(()));
                        Ok(token)
                    }
                }
            }
            Life::Over => self.wait(&slot, scope).await,
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
        {
            let mut slot = locked(&slot);
            let answered = claims.is_none() || claims == slot.claims;
            if let Some(other) = &slot.token
                && answered
                && other.secret().expose() != refused.secret().expose()
            {
                return Ok(other.clone()); // somebody else replaced it meanwhile
            }
            slot.token = None;
            if claims.is_some() {
                slot.claims = claims;
            }
        }
        self.wait(&slot, scope).await
    }

    async fn wait(&self, slot: &Mutex<Slot>, scope: &str) -> Result<AccessToken> {
        let (number, answer) = self.ask(slot, scope, false);
        let answer = answer.await;
        self.finish(slot, number, answer.as_ref().map_err(|_| ()));
        answer
    }

    /// The request that is under way, or a new one. `beside`: it goes on when the caller does not wait.
    fn ask(&self, slot: &Mutex<Slot>, scope: &str, beside: bool) -> (u64, Shared<Answer>) {
        let mut slot = locked(slot);
        let claims = slot.claims.clone();
        if let Some(asking) = slot.asking.as_mut().filter(|asking| asking.claims == claims)
            && let Some(answer) = asking.answer.upgrade()
        {
            asking.beside = beside.then(|| answer.clone());
            return (asking.number, answer);
        }
        slot.asked += 1;
        let number = slot.asked;
        let (source, scope, asked_claims) = (Arc::clone(&self.source), scope.to_owned(), claims.clone());
        let answer = async move { source.token(&scope, asked_claims.as_deref()).await };
        let answer: Shared<Answer> = answer.boxed().shared();
        if let Some(weak) = answer.downgrade() {
            let beside = beside.then(|| answer.clone());
            slot.asking = Some(Asking { number, claims, answer: weak, beside });
        }
        (number, answer)
    }

    /// Everybody who waited for an answer tells it; only the first, and only of the latest request, is listened to.
    fn finish(&self, slot: &Mutex<Slot>, number: u64, answer: std::result::Result<&AccessToken, ()>) {
        let mut slot = locked(slot);
        if slot.asking.as_ref().is_none_or(|asking| asking.number != number) {
            return;
        }
        slot.asking = None;
        match answer {
            Ok(token) => (slot.token, slot.not_before) = (Some(token.clone()), Duration::ZERO),
            Err(()) => slot.not_before = self.clock.elapsed() + PAUSE_AFTER_FAILURE,
        }
    }

    fn life(&self, slot: &Mutex<Slot>) -> Life {
        let slot = locked(slot);
        let Some(token) = &slot.token else { return Life::Over };
        let left = token.expires_at() - self.clock.now();
        if left <= USELESS_BEFORE {
            Life::Over
        } else if left <= RENEW_BEFORE && self.clock.elapsed() >= slot.not_before {
            Life::Ending(token.clone())
        } else {
            Life::Good(token.clone())
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
