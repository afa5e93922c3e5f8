//! Sending with tokens, retries and backoff.

use std::sync::Arc;
use std::time::Duration;

use onramp_core::{Clock, Error, ErrorKind, Result};
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::http::attempt_error::{AttemptError, RetryDecision};
use crate::http::endpoints::Endpoints;
use crate::http::exchange::{BodyObserver, HttpClient};
use crate::http::recently_created::RecentlyCreated;
use crate::http::request::{Effect, Reply, Request};
use crate::http::retry::RetryPolicy;
use crate::http::throttle::{RateLimiter, ServiceBackoff};
use crate::token::{AccessToken, TokenCache};

/// The shared part of a client. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) http: Arc<HttpClient>,
    pub(crate) retry: RetryPolicy,
    /// `None` in the transport that requests the tokens themselves.
    pub(crate) tokens: Option<Arc<TokenCache>>,
    pub(crate) recently_created: Arc<RecentlyCreated>,
    pub(crate) backoff: Arc<ServiceBackoff>,
    /// The rate limiter of bulk writes.
    pub(crate) rate_limiter: Arc<RateLimiter>,
}

impl Transport {
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.http.endpoints
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.http.clock
    }

    /// Sends a request and reads the JSON of the response.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send(request).await?.json(request)
    }

    /// Sends a request, and repeats it where that is safe, within the retry policy.
    pub(crate) async fn send(&self, request: &Request) -> Result<Reply> {
        self.attempt(request).await.map_err(|failure| failure.error)
    }

    /// Sends a request as [`Transport::send`] does, and returns the failure of the last attempt.
    pub(crate) async fn attempt(&self, request: &Request) -> std::result::Result<Reply, AttemptError> {
        self.attempt_observed(request, None).await
    }

    /// Sends a request as [`Transport::attempt`] does. `observer` gets the body of each successful response while it
    /// arrives.
    pub(crate) async fn attempt_observed(
        &self,
        request: &Request,
        observer: Option<&BodyObserver>,
    ) -> std::result::Result<Reply, AttemptError> {
        let began = self.clock().elapsed();
        let policy = &self.retry;
        let (mut attempt, mut replication_attempt) = (1, 1);
        let (mut renewed, mut may_have_applied) = (false, false);
        self.wait_for_backoff(request, began).await?;
        let mut token = self.token(request).await?;
        loop {
            let left = self.time_left(began);
            let failure = match self.http.exchange(request, token.as_ref(), left, observer).await {
                Ok(reply) => return Ok(Reply { follows_lost_reply: may_have_applied, ..reply }),
                Err(failure) => failure,
            };
            if let (ErrorKind::Throttled { .. }, RetryDecision::Retry { after: Some(time), .. }) =
                (failure.error.kind(), &failure.next)
            {
                self.backoff.start(request.service.kind(), self.clock().elapsed(), *time);
            }
            let wait = match &failure.next {
                RetryDecision::RefreshToken { claims } if !renewed => {
                    let (Some(tokens), Some(refused)) = (&self.tokens, &token) else { return Err(failure) };
                    let scope = request.service.scope().unwrap_or_default();
                    token = Some(tokens.replace(scope, refused, claims.clone()).await.map_err(give_up)?);
                    renewed = true;
                    continue;
                }
                RetryDecision::Retry { may_have_applied: true, .. }
                    if request.effect == Effect::CountsAttempts =>
                {
                    return Err(failure);
                }
                RetryDecision::Retry { may_have_applied: true, .. } if request.effect == Effect::Creates => {
                    return Err(outcome_unknown(request, failure));
                }
                RetryDecision::Retry { after, may_have_applied: maybe } => {
                    may_have_applied |= maybe;
                    let wait = policy.wait(attempt, *after, self.clock());
                    attempt += 1;
                    if attempt > policy.max_attempts || wait > self.time_left(began) {
                        return Err(failure);
                    }
                    wait
                }
                // An earlier attempt did it, and its response was lost.
                RetryDecision::RetryIfNew
                    if may_have_applied
                        && request.method == Method::DELETE
                        && failure.error.is_not_found() =>
                {
                    return Ok(Reply::empty());
                }
                RetryDecision::RetryIfNew => {
                    let left = self.recently_created.time_left(&request.refers_to, self.clock().elapsed());
                    let wait = policy.wait(replication_attempt, None, self.clock());
                    replication_attempt += 1;
                    if left.is_none_or(|left| wait > left) {
                        return Err(failure);
                    }
                    wait
                }
                RetryDecision::RefreshToken { .. } | RetryDecision::GiveUp => return Err(failure),
            };
            tracing::debug!(error = %failure.error, ?wait, "waiting to try again");
            self.clock().sleep(wait).await;
            // Another request may have been throttled for longer.
            self.wait_for_backoff(request, began).await?;
            // The token may have expired meanwhile.
            token = self.token(request).await?;
        }
    }

    /// Records an object that was created now, under its ID and under the other names that requests may use for it.
    pub(crate) fn created(&self, id: impl std::fmt::Display, aliases: &[String]) {
        self.recently_created.record(&id.to_string(), aliases, self.clock().elapsed());
    }

    /// Waits for the end of the service's backoff.
    async fn wait_for_backoff(
        &self,
        request: &Request,
        began: Duration,
    ) -> std::result::Result<(), AttemptError> {
        while let Some(end) = self.backoff.ends(request.service.kind(), self.clock().elapsed()) {
            let wait = end.saturating_sub(self.clock().elapsed());
            if wait > self.time_left(began) {
                let error = request
                    .error(ErrorKind::Throttled { retry_after: Some(wait) })
                    .with_detail("it was not sent: the service throttled another request of this client");
                return Err(AttemptError::new(
                    error,
                    RetryDecision::Retry { after: Some(wait), may_have_applied: false },
                ));
            }
            tracing::debug!(
                action = request.action,
                ?wait,
                "waiting for the service, which throttled another request"
            );
            self.clock().sleep(wait).await;
        }
        Ok(())
    }

    async fn token(&self, request: &Request) -> std::result::Result<Option<AccessToken>, AttemptError> {
        match (&self.tokens, request.service.scope()) {
            (Some(tokens), Some(scope)) => tokens.get(scope).await.map(Some).map_err(give_up),
            _ => Ok(None),
        }
    }

    pub(crate) fn time_left(&self, began: Duration) -> Duration {
        self.retry.deadline.saturating_sub(self.clock().elapsed().saturating_sub(began))
    }
}

fn give_up(error: Error) -> AttemptError {
    AttemptError::new(error, RetryDecision::GiveUp)
}

fn outcome_unknown(request: &Request, failure: AttemptError) -> AttemptError {
    let detail = "the response was lost, so it is not known if it happened";
    let error = request
        .error(ErrorKind::OutcomeUnknown)
        .with_detail(detail)
        .with_reply(failure.error.reply().clone())
        .with_hint("Look it up before doing it again.")
        .with_source(failure.error);
    AttemptError::new(error, RetryDecision::GiveUp)
}
