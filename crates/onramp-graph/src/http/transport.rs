//! Sending with tokens, retries and patience for new objects.

use std::sync::Arc;
use std::time::Duration;

use onramp_core::{Clock, Error, ErrorKind, Result};
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::auth::{AccessToken, TokenCache};
use crate::endpoints::Endpoints;
use crate::http::error::{Failure, Next};
use crate::http::fresh::Fresh;
use crate::http::gate::Gate;
use crate::http::pacer::Pacer;
use crate::http::request::{Effect, Reply, Request};
use crate::http::retry::RetryPolicy;
use crate::http::wire::{Watch, Wire};

/// The shared part of a client: cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) wire: Arc<Wire>,
    pub(crate) retry: RetryPolicy,
    /// Absent in the transport that fetches tokens itself.
    pub(crate) tokens: Option<Arc<TokenCache>>,
    pub(crate) fresh: Arc<Fresh>,
    /// Closed for everybody when a service throttled anybody.
    pub(crate) gate: Arc<Gate>,
    /// What everybody who writes in bulk shares.
    pub(crate) pacer: Arc<Pacer>,
}

impl Transport {
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.wire.endpoints
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.wire.clock
    }

    /// Sends and reads the JSON of the reply.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send(request).await?.json(request)
    }

    /// Sends, repeating what may be repeated within the retry policy.
    pub(crate) async fn send(&self, request: &Request) -> Result<Reply> {
        self.attempt(request).await.map_err(|failure| failure.error)
    }

    /// As [`Transport::send`], with the last failure as it came.
    pub(crate) async fn attempt(&self, request: &Request) -> std::result::Result<Reply, Failure> {
        self.watched(request, None).await
    }

    /// As [`Transport::attempt`]; `watch` sees the body of each successful reply while it comes in.
    pub(crate) async fn watched(
        &self,
        request: &Request,
        watch: Option<&Watch>,
    ) -> std::result::Result<Reply, Failure> {
        let began = self.clock().elapsed();
        let policy = &self.retry;
        let (mut attempt, mut patience, mut renewed, mut maybe_done) = (1, 1, false, false);
        self.pass_gate(request, began).await?;
        let mut token = self.token(request).await?;
        loop {
            let left = self.time_left(began);
            let failure = match self.wire.exchange(request, token.as_ref(), left, watch).await {
                Ok(reply) => return Ok(Reply { after_a_lost_one: maybe_done, ..reply }),
                Err(failure) => failure,
            };
            if let (ErrorKind::Throttled { .. }, Next::Again { after: Some(time), .. }) =
                (failure.error.kind(), &failure.next)
            {
                self.gate.close(request.to, self.clock().elapsed(), *time);
            }
            let wait = match &failure.next {
                Next::NewToken { claims } if !renewed => {
                    let (Some(tokens), Some(refused)) = (&self.tokens, &token) else { return Err(failure) };
                    let scope = self.endpoints().scope(request.to).unwrap_or_default();
                    token = Some(tokens.replace(&scope, refused, claims.clone()).await.map_err(stop)?);
                    renewed = true;
                    continue;
                }
                Next::Again { maybe_done: true, .. } if request.effect == Effect::CountsTries => {
                    return Err(failure);
                }
                Next::Again { maybe_done: true, .. } if request.effect == Effect::Creates => {
                    return Err(outcome_unknown(request, failure));
                }
                Next::Again { after, maybe_done: maybe } => {
                    maybe_done |= maybe;
                    let wait = policy.wait(attempt, *after, self.clock());
                    attempt += 1;
                    if attempt > policy.max_attempts || wait > self.time_left(began) {
                        return Err(failure);
                    }
                    wait
                }
                // The first try did it, and its answer was lost.
                Next::IfNew
                    if maybe_done && request.method == Method::DELETE && failure.error.is_not_found() =>
                {
                    return Ok(Reply::empty());
                }
                Next::IfNew => {
                    let patient = self.fresh.time_left(&request.concerns, self.clock().elapsed());
                    let wait = policy.wait(patience, None, self.clock());
                    patience += 1;
                    if patient.is_none_or(|patient| wait > patient) {
                        return Err(failure);
                    }
                    wait
                }
                Next::NewToken { .. } | Next::Stop => return Err(failure),
            };
            tracing::debug!(error = %failure.error, ?wait, "waiting to try again");
            self.clock().sleep(wait).await;
            // Somebody else may have been told to wait longer.
            self.pass_gate(request, began).await?;
            // The wait may have outlived the token.
            token = self.token(request).await?;
        }
    }

    /// Remembers an object that was created now, under its ID and under other names it can be asked for by.
    pub(crate) fn created(&self, id: impl std::fmt::Display, aliases: &[String]) {
        self.fresh.remember(&id.to_string(), aliases, self.clock().elapsed());
    }

    /// Waits until the service may be asked again, if it has told anybody to wait.
    async fn pass_gate(&self, request: &Request, began: Duration) -> std::result::Result<(), Failure> {
        while let Some(opens) = self.gate.opens(request.to, self.clock().elapsed()) {
            let wait = opens.saturating_sub(self.clock().elapsed());
            if wait > self.time_left(began) {
                let error = request
                    .error(ErrorKind::Throttled { retry_after: Some(wait) })
                    .with_detail("it was not sent: the service throttled another request of this client");
                return Err(Failure::new(error, Next::Again { after: Some(wait), maybe_done: false }));
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

    async fn token(&self, request: &Request) -> std::result::Result<Option<AccessToken>, Failure> {
        match (&self.tokens, self.endpoints().scope(request.to)) {
            (Some(tokens), Some(scope)) => tokens.get(&scope).await.map(Some).map_err(stop),
            _ => Ok(None),
        }
    }

    pub(crate) fn time_left(&self, began: Duration) -> Duration {
        self.retry.deadline.saturating_sub(self.clock().elapsed().saturating_sub(began))
    }
}

fn stop(error: Error) -> Failure {
    Failure::new(error, Next::Stop)
}

fn outcome_unknown(request: &Request, failure: Failure) -> Failure {
    let detail = "the answer was lost, so whether it happened is not known";
    let error = request
        .error(ErrorKind::OutcomeUnknown)
        .with_detail(detail)
        .with_reply(failure.error.reply().clone())
        .with_hint("Look whether it is there before doing it again.")
        .with_source(failure.error);
    Failure::new(error, Next::Stop)
}
