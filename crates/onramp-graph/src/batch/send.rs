//! Sending changes once, in a batch or alone.

use onramp_core::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::decision::{PendingChange, unknown};
use super::envelope;
use super::outcome::{Applied, Evidence};
use super::settings::BulkSettings;
use crate::http::attempt_error::{AttemptError, RetryDecision};
use crate::http::request::{Effect, Reply, Request};
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;

/// The result of sending.
pub(super) enum SendResult {
    /// The responses to a batch, or to a change sent alone.
    Replies(Vec<Option<Reply>>),
    /// The failure of the whole exchange.
    Failed(AttemptError),
    /// The result of a lookup after a lost response.
    Found(Result<Applied>),
}

/// Sends changes once.
pub(super) async fn send<K>(writer: &BulkSettings, changes: &mut [PendingChange<K>]) -> SendResult {
    let deadline = writer.transport.retry.deadline;
    // One attempt: retries are decided for each change.
    let once = Transport { retry: RetryPolicy::never().with_deadline(deadline), ..writer.transport.clone() };
    if let [job] = changes {
        if job.needs_lookup() {
            return SendResult::Found(look_up_or_create(writer, job).await);
        }
        // Its own response has more detail than one in a batch.
        let request = Request { refers_to: Vec::new(), ..job.request.clone() };
        return match send_once(&once, request).await {
            Ok(reply) => SendResult::Replies(vec![Some(reply)]),
            Err(failure) => SendResult::Failed(failure),
        };
    }
    let requests: Vec<&Request> = changes.iter().map(|change| &change.request).collect();
    let batch = match envelope::pack(once.endpoints(), writer.version, &requests, writer.in_order) {
        Ok(batch) => batch,
        Err(error) => return SendResult::Failed(AttemptError::new(error, RetryDecision::GiveUp)),
    };
    match send_once(&once, batch).await {
        // A malformed response leaves as much unknown as a lost one.
        Ok(reply) => SendResult::Replies(
            envelope::unpack(&reply, changes.len()).unwrap_or_else(|| changes.iter().map(|_| None).collect()),
        ),
        Err(failure) => SendResult::Failed(failure),
    }
}

/// Sends one request; the decision about a creation is left to the caller.
async fn send_once(once: &Transport, request: Request) -> std::result::Result<Reply, AttemptError> {
    once.attempt(&request.effect(Effect::Idempotent)).await
}

#[derive(Deserialize)]
struct Found {
    value: Vec<Value>,
}

/// Looks up an object after a lost response, and creates it if it does not exist.
async fn look_up_or_create<K>(writer: &BulkSettings, job: &mut PendingChange<K>) -> Result<Applied> {
    let transport = &writer.transport;
    let lost = job.lost_reply.take().unwrap_or_else(|| job.request.error(ErrorKind::OutcomeUnknown));
    let lost = unknown(job, lost);
    let Some(look_up) = job.change.look_up(transport.endpoints(), writer.version) else { return Err(lost) };
    let look_up = look_up?;
    let find = || async {
        let found: Found = transport.json(&look_up).await?;
        let ours = found.value.into_iter().find(|found| job.change.matches(found));
        Ok(ours.map(|body| Applied { body, evidence: Evidence::Lookup }))
    };
    let read = |reply: &Reply| {
        let body = reply.json(&job.request)?;
        Ok(Applied { body, evidence: Evidence::ReplyToRetry })
    };
    transport.create_or_find(&job.request, Some(lost), find, read).await
}
