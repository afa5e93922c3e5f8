//! Sending changes once, in a batch or alone.

use onramp_core::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::verdict::{Job, unknown};
use super::{Applied, BulkWriter, Evidence, envelope};
use crate::http::error::{Failure, Next};
use crate::http::request::{Effect, Reply, Request};
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;

/// What came back.
pub(super) enum Answer {
    /// To a batch, or to the only change in it sent directly.
    Replies(Vec<Option<Reply>>),
    /// The exchange failed as a whole.
    Failed(Failure),
    /// A change whose answer was lost was looked up.
    Found(Result<Applied>),
}

/// Sends the changes once.
pub(super) async fn exchange<K>(writer: &BulkWriter, jobs: &mut [Job<K>]) -> Answer {
    let deadline = writer.transport.retry.deadline;
    // One try: whether and when there is another is decided for each change.
    let once = Transport { retry: RetryPolicy::never().with_deadline(deadline), ..writer.transport.clone() };
    if let [job] = jobs {
        if job.must_look() {
            return Answer::Found(look_and_create(writer, job).await);
        }
        // Its own answer says more than one in an envelope.
        let request = Request { concerns: Vec::new(), ..job.request.clone() };
        return match raw(&once, request).await {
            Ok(reply) => Answer::Replies(vec![Some(reply)]),
            Err(failure) => Answer::Failed(failure),
        };
    }
    let requests: Vec<&Request> = jobs.iter().map(|job| &job.request).collect();
    let batch = match envelope::pack(once.endpoints(), writer.version, &requests, writer.in_order) {
        Ok(batch) => batch,
        Err(error) => return Answer::Failed(Failure::new(error, Next::Stop)),
    };
    match raw(&once, batch).await {
        // An answer that is none leaves as much unknown as one that was lost.
        Ok(reply) => Answer::Replies(
            envelope::unpack(&reply, jobs.len()).unwrap_or_else(|| jobs.iter().map(|_| None).collect()),
        ),
        Err(failure) => Answer::Failed(failure),
    }
}

/// One exchange, with what it may mean for a creation left to be judged.
async fn raw(once: &Transport, request: Request) -> std::result::Result<Reply, Failure> {
    once.attempt(&request.effect(Effect::Repeatable)).await
}

#[derive(Deserialize)]
struct Found {
    value: Vec<Value>,
}

/// After a lost answer: looks for the object, and creates it if it is not there.
async fn look_and_create<K>(writer: &BulkWriter, job: &mut Job<K>) -> Result<Applied> {
    let transport = &writer.transport;
    let lost = job.lost.take().unwrap_or_else(|| job.request.error(ErrorKind::OutcomeUnknown));
    let lost = unknown(job, lost);
    let Some(look_up) = job.change.look_up(transport.endpoints(), writer.version) else { return Err(lost) };
    let look_up = look_up?;
    let find = || async {
        let found: Found = transport.json(&look_up).await?;
        let ours = found.value.into_iter().find(|found| job.change.is_ours(found));
        Ok(ours.map(|body| Applied { body, evidence: Evidence::LookUp }))
    };
    let read = |reply: &Reply| {
        let body = reply.json(&job.request)?;
        Ok(Applied { body, evidence: Evidence::AnswerToRepetition })
    };
    transport.create_or_find(&job.request, Some(lost), find, read).await
}
