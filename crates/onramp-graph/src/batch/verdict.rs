//! A change on its way, and what becomes of it by what came back.

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};
use reqwest::Method;
use serde_json::Value;

use super::{Applied, Evidence};
use crate::batch::change::GraphChange;
use crate::endpoints::Audience;
use crate::http::error::{Failure, Next, of_reply};
use crate::http::request::{Effect, Reply, Request};
use crate::http::transport::Transport;

/// A change on its way.
pub(super) struct Job<K> {
    pub(super) number: u64,
    pub(super) key: K,
    pub(super) change: GraphChange,
    pub(super) request: Request,
    /// How often it was sent.
    pub(super) sent: u32,
    /// How often it failed otherwise than by throttling.
    pub(super) failures: u32,
    /// How often in a row it had to wait.
    pub(super) waits: u32,
    /// It is sent no more after this time.
    pub(super) until: Option<Duration>,
    /// An answer was lost: it may have happened.
    pub(super) lost: Option<Error>,
    /// It must not be in a batch with others.
    pub(super) alone: bool,
}

impl<K> Job<K> {
    /// After a lost answer a creation must be looked up.
    pub(super) fn must_look(&self) -> bool {
        self.lost.is_some() && self.request.effect == Effect::Creates
    }

    /// Whether a wait ends before the deadline of the change.
    fn in_time(&self, now: Duration, wait: Duration) -> bool {
        self.until.is_none_or(|until| now + wait <= until)
    }
}

/// What is to become of a job after its answer.
pub(super) enum Verdict {
    Over(Result<Applied>),
    Again { wait: Duration, throttled: bool },
}

/// What becomes of a change by its own answer; `None`: there was none, or two that contradict each other.
pub(super) fn judge<K>(transport: &Transport, job: &mut Job<K>, reply: Option<Reply>) -> Verdict {
    let Some(reply) = reply else {
        let detail = "the answer to the batch does not say what became of it";
        let error = job.request.error(ErrorKind::Unavailable).with_detail(detail);
        return judge_failure(
            transport,
            job,
            Failure::new(error, Next::Again { after: None, maybe_done: true }),
        );
    };
    if (200..300).contains(&reply.status) {
        let evidence = if job.lost.is_some() { Evidence::AnswerToRepetition } else { Evidence::Answer };
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        if job.request.effect == Effect::Creates
            && let Some(id) = body.get("id").and_then(Value::as_str)
        {
            transport.created(id, &[]);
        }
        return Verdict::Over(Ok(Applied { body, evidence }));
    }
    let failure = of_reply(&job.request, &reply, transport.clock().now());
    judge_failure(transport, job, failure)
}

pub(super) fn judge_failure<K>(transport: &Transport, job: &mut Job<K>, failure: Failure) -> Verdict {
    let now = transport.clock().elapsed();
    let policy = &transport.retry;
    let (wait, throttled) = match &failure.next {
        Next::Again { after, .. } if policy.max_attempts <= 1 && is_throttling(&failure.error) => {
            // Nobody waits for this change, but whoever comes next has to.
            if let Some(time) = after {
                transport.gate.close(Audience::Graph, now, *time);
            }
            return Verdict::Over(Err(failure.error));
        }
        Next::Again { after, maybe_done: false } if is_throttling(&failure.error) => {
            job.waits += 1;
            (policy.wait(job.waits, *after, transport.clock()), true)
        }
        Next::Again { after, maybe_done } => {
            job.failures += 1;
            let creates = job.request.effect == Effect::Creates;
            if *maybe_done && creates && !job.change.can_be_looked_up() {
                return Verdict::Over(Err(unknown(job, failure.error)));
            }
            let wait = policy.wait(job.failures, *after, transport.clock());
            if *maybe_done {
                job.lost = Some(failure.error);
                // What is looked up has tries of its own.
                return if creates || (job.failures < policy.max_attempts && job.in_time(now, wait)) {
                    Verdict::Again { wait, throttled: false }
                } else {
                    let error = job.lost.take().unwrap_or_else(|| job.request.error(ErrorKind::Unavailable));
                    Verdict::Over(Err(unknown(job, error)))
                };
            }
            if job.failures >= policy.max_attempts {
                return Verdict::Over(Err(failure.error));
            }
            (wait, false)
        }
        // Sent alone it is asked for the token that it needs.
        Next::NewToken { .. } if !job.alone => {
            job.alone = true;
            (Duration::ZERO, false)
        }
        Next::IfNew
            if job.lost.is_some() && job.request.method == Method::DELETE && failure.error.is_not_found() =>
        {
            let evidence = Evidence::AnswerToRepetition;
            return Verdict::Over(Ok(Applied { body: Value::Null, evidence }));
        }
        Next::IfNew => {
            job.waits += 1;
            let wait = policy.wait(job.waits, None, transport.clock());
            let patient = transport.fresh.time_left(&job.request.concerns, now);
            if patient.is_none_or(|patient| wait > patient) {
                return Verdict::Over(Err(failure.error));
            }
            (wait, false)
        }
        Next::NewToken { .. } | Next::Stop => return Verdict::Over(Err(failure.error)),
    };
    if job.in_time(now, wait) {
        Verdict::Again { wait, throttled }
    } else {
        Verdict::Over(Err(failure.error))
    }
}

fn is_throttling(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Throttled { .. })
}

pub(super) fn unknown<K>(job: &Job<K>, lost: Error) -> Error {
    let reply = lost.reply().clone();
    job.request
        .error(ErrorKind::OutcomeUnknown)
        .with_reply(reply)
        .with_hint("Look at the object before doing it again.")
        .with_source(lost)
}
