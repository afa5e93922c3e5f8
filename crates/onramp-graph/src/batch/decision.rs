//! A change in progress, and the decision after each response.

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};
use reqwest::Method;
use serde_json::Value;

use super::change::GraphChange;
use super::outcome::{Applied, Evidence};
use crate::http::attempt_error::{AttemptError, RetryDecision, of_reply};
use crate::http::request::{Effect, Reply, Request};
use crate::http::service::ServiceKind;
use crate::http::transport::Transport;

/// A change in progress.
pub(super) struct PendingChange<K> {
    pub(super) number: u64,
    pub(super) key: K,
    pub(super) change: GraphChange,
    pub(super) request: Request,
    /// The number of times it was sent.
    pub(super) sent: u32,
    /// The number of failures other than throttling.
    pub(super) failures: u32,
    /// The number of delays in a row.
    pub(super) delays: u32,
    /// The time after which it is not sent any more.
    pub(super) deadline: Option<Duration>,
    /// The error of a lost response: the change may have been applied.
    pub(super) lost_reply: Option<Error>,
    /// True if it must not be in a batch with others.
    pub(super) alone: bool,
}

impl<K> PendingChange<K> {
    /// Returns true for a creation whose response was lost.
    pub(super) fn needs_lookup(&self) -> bool {
        self.lost_reply.is_some() && self.request.effect == Effect::Creates
    }

    /// Returns true if a delay ends before the deadline of the change.
    fn in_time(&self, now: Duration, wait: Duration) -> bool {
        self.deadline.is_none_or(|deadline| now + wait <= deadline)
    }
}

/// The decision about a change after a response.
pub(super) enum Decision {
    Done(Result<Applied>),
    Retry { wait: Duration, throttled: bool },
}

/// Decides about a change by its own response. `None`: it is missing or contradictory.
pub(super) fn decide<K>(transport: &Transport, job: &mut PendingChange<K>, reply: Option<Reply>) -> Decision {
    let Some(reply) = reply else {
        let detail = "the response to the batch does not contain its result";
        let error = job.request.error(ErrorKind::Unavailable).with_detail(detail);
        return decide_failure(
            transport,
            job,
            AttemptError::new(error, RetryDecision::Retry { after: None, may_have_applied: true }),
        );
    };
    if (200..300).contains(&reply.status) {
        let evidence = if job.lost_reply.is_some() { Evidence::ReplyToRetry } else { Evidence::Reply };
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        if job.request.effect == Effect::Creates
            && let Some(id) = body.get("id").and_then(Value::as_str)
        {
            transport.created(id, &[]);
        }
        return Decision::Done(Ok(Applied { body, evidence }));
    }
    let failure = of_reply(&job.request, &reply, transport.clock().now());
    decide_failure(transport, job, failure)
}

/// Decides about a change by its failure.
pub(super) fn decide_failure<K>(
    transport: &Transport,
    job: &mut PendingChange<K>,
    failure: AttemptError,
) -> Decision {
    let now = transport.clock().elapsed();
    let policy = &transport.retry;
    let (wait, throttled) = match &failure.next {
        RetryDecision::Retry { after, .. } if policy.max_attempts <= 1 && is_throttling(&failure.error) => {
            // This change is not retried, but the next request has to wait.
            if let Some(time) = after {
                transport.backoff.start(ServiceKind::Graph, now, *time);
            }
            return Decision::Done(Err(failure.error));
        }
        RetryDecision::Retry { after, may_have_applied: false } if is_throttling(&failure.error) => {
            job.delays += 1;
            (policy.wait(job.delays, *after, transport.clock()), true)
        }
        RetryDecision::Retry { after, may_have_applied } => {
            job.failures += 1;
            let creates = job.request.effect == Effect::Creates;
            if *may_have_applied && creates && !job.change.can_be_looked_up() {
                return Decision::Done(Err(unknown(job, failure.error)));
            }
            let wait = policy.wait(job.failures, *after, transport.clock());
            if *may_have_applied {
                job.lost_reply = Some(failure.error);
                // A lookup has attempts of its own.
                return if creates || (job.failures < policy.max_attempts && job.in_time(now, wait)) {
                    Decision::Retry { wait, throttled: false }
                } else {
                    let error =
                        job.lost_reply.take().unwrap_or_else(|| job.request.error(ErrorKind::Unavailable));
                    Decision::Done(Err(unknown(job, error)))
                };
            }
            if job.failures >= policy.max_attempts {
                return Decision::Done(Err(failure.error));
            }
            (wait, false)
        }
        // Sent alone, it gets the token that it needs.
        RetryDecision::RefreshToken { .. } if !job.alone => {
            job.alone = true;
            (Duration::ZERO, false)
        }
        RetryDecision::RetryIfNew
            if job.lost_reply.is_some()
                && job.request.method == Method::DELETE
                && failure.error.is_not_found() =>
        {
            let evidence = Evidence::ReplyToRetry;
            return Decision::Done(Ok(Applied { body: Value::Null, evidence }));
        }
        RetryDecision::RetryIfNew => {
            job.delays += 1;
            let wait = policy.wait(job.delays, None, transport.clock());
            let left = transport.recently_created.time_left(&job.request.refers_to, now);
            if left.is_none_or(|left| wait > left) {
                return Decision::Done(Err(failure.error));
            }
            (wait, false)
        }
        RetryDecision::RefreshToken { .. } | RetryDecision::GiveUp => {
            return Decision::Done(Err(failure.error));
        }
    };
    if job.in_time(now, wait) {
        Decision::Retry { wait, throttled }
    } else {
        Decision::Done(Err(failure.error))
    }
}

fn is_throttling(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Throttled { .. })
}

/// Returns the error for a change with an unknown outcome.
pub(super) fn unknown<K>(job: &PendingChange<K>, lost: Error) -> Error {
    let reply = lost.reply().clone();
    job.request
        .error(ErrorKind::OutcomeUnknown)
        .with_reply(reply)
        .with_hint("Check the object before doing it again.")
        .with_source(lost)
}
