//! The ports of [`onramp_core::tenant`] over the model, without HTTP in between.
//!
//! Faults, latency, write limit and the log work here as they do on the wire, under the path a client would have called.

mod access;
mod applications;
mod caller;
mod domains;
mod policies;
mod users;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use onramp_core::{BoxStream, Error, ErrorKind, Result, ServerReply, Tenant};
use time::OffsetDateTime;

use crate::tenant::LabTenant;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::limits::faults::Action;
use crate::tenant::sign_in::permissions::suffice;

/// The time after which an object that was just created is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The number of times that it is looked for again.
const LOOKS: u32 = 60;

/// Every port of one tenant.
#[derive(Clone, Debug)]
struct Ports {
    lab: LabTenant,
}

impl LabTenant {
    /// Returns the tenant as its ports.
    pub fn tenant(&self) -> Tenant {
        let ports = Arc::new(Ports { lab: self.clone() });
        Tenant::from_ports(Arc::clone(&ports)).with_application_sign_in(ports)
    }
}

/// A list that the model answers in one piece, as a stream.
fn whole<T: Send + 'static>(
    read: impl Future<Output = Result<Vec<Result<T>>>> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    stream::once(read)
        .flat_map(|answer| match answer {
            Ok(items) => stream::iter(items),
            Err(error) => stream::iter(vec![Err(error)]),
        })
        .boxed()
}

/// One operation: how a client would call it, and how errors speak of it.
#[derive(Clone, Debug)]
struct Operation {
    method: &'static str,
    path: String,
    query: String,
    action: &'static str,
    object: String,
}

impl Operation {
    fn new(
        method: &'static str,
        path: impl Into<String>,
        action: &'static str,
        object: impl ToString,
    ) -> Self {
        Self { method, path: path.into(), query: String::new(), action, object: object.to_string() }
    }

    fn with_query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    fn error(&self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.action);
        if self.object.is_empty() { error } else { error.with_object(&self.object) }
    }

    /// Returns the error for a lost connection.
    fn lost(&self) -> Error {
        let kind = if self.method == "GET" { ErrorKind::Unavailable } else { ErrorKind::OutcomeUnknown };
        self.error(kind).with_detail("the connection was cut before an answer came")
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        let mut reply = ServerReply::from_server("lab");
        reply.status = Some(refusal.status);
        reply.code = Some(refusal.code.to_string());
        reply.diagnostic = Some(refusal.message.clone());
        self.error(kind_of(refusal)).with_reply(reply)
    }
}

fn kind_of(refusal: &Refusal) -> ErrorKind {
    let conflict =
        refusal.details.iter().any(|detail| ["ObjectConflict", "ConflictingObjects"].contains(&detail.code));
    match (refusal.status, refusal.code.as_ref()) {
        _ if conflict => ErrorKind::AlreadyExists,
        (_, "RoleAssignmentExists" | "Request_MultipleObjectsWithSameKeyValue") => ErrorKind::AlreadyExists,
        // A domain that is verified in another tenant: Graph has no code of its own for it.
        (400, _) if refusal.message.contains("used elsewhere") => ErrorKind::AlreadyExists,
        (_, "ScopeLocked" | "ReadOnlyDisabledSubscription") => ErrorKind::Forbidden,
        (404, _) | (_, "PrincipalNotFound") => ErrorKind::NotFound,
        (401, _) => ErrorKind::Unauthenticated,
        (403, _) => ErrorKind::Forbidden,
        (429, _) => ErrorKind::Throttled { retry_after: refusal.retry_after },
        (500.., _) => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

impl Ports {
    /// Carries an operation out, through the gate. An object that is not in sight yet is waited for on the clock.
    async fn run<T>(
        &self,
        operation: &Operation,
        mut work: impl FnMut(&mut State, OffsetDateTime) -> Outcome<T>,
    ) -> Result<T> {
        let mut looks = 0;
        loop {
            let outcome = self.once(operation, &mut work).await?;
            match outcome {
                Ok(value) => return Ok(value),
                Err(refusal) if refusal.not_yet && looks < LOOKS => {
                    looks += 1;
                    self.lab.clock().sleep(LOOK_AGAIN).await;
                }
                Err(refusal) => return Err(operation.refused(&refusal)),
            }
        }
    }

    /// Refuses an operation if the lab's own application, for which the ports speak, lacks the permission at the moment.
    fn allow(&self, operation: &Operation, state: &State) -> Outcome<()> {
        let path: Vec<&str> = operation.path.split('/').skip(1).collect();
        let (["v1.0" | "beta", path @ ..], method) = (path.as_slice(), operation.method) else {
            return Ok(());
        };
        let granted = state.permissions_of_application(&self.lab.credentials().client_id.to_string());
        if suffice(&granted, method, path) { Ok(()) } else { Err(Refusal::forbidden()) }
    }

    async fn once<T>(
        &self,
        operation: &Operation,
        work: impl FnOnce(&mut State, OffsetDateTime) -> Outcome<T>,
    ) -> Result<Outcome<T>> {
        let Operation { method, path, query, .. } = operation;
        let ((action, changes), latency) =
            self.lab.with_gate(|gate| (gate.faults.strike(method, path, query), gate.draw_latency()));
        changes.iter().for_each(|change| change.act(&self.lab));
        let delay = if let Some(Action::Delay(time)) = &action { Some(*time) } else { None };
        for wait in latency.into_iter().chain(delay) {
            self.lab.clock().sleep(wait).await;
        }
        let now = self.lab.clock().now();
        let outcome = match &action {
            Some(Action::Status { status, retry_after, .. }) => Err(Refusal {
                retry_after: retry_after
                    .as_deref()
                    .and_then(|text| text.parse().ok())
                    .and_then(|s| Duration::try_from_secs_f64(s).ok()),
                ..Refusal::of_status(*status)
            }),
            Some(Action::Refuse(refusal)) => Err(refusal.clone()),
            Some(Action::Text { status, .. }) => Err(Refusal::of_status(*status)),
            Some(Action::Redirect(_)) => Err(Refusal::of_status(302)),
            Some(Action::CutBefore) => {
                self.lab.record(method, path, query, None);
                return Err(operation.lost());
            }
            _ => {
                let is_write = *method != "GET" && !path.ends_with("/token");
                let limit = if is_write { self.lab.with_gate(|gate| gate.count_write(now)) } else { Ok(()) };
                let charged = || self.lab.with_gate(|gate| gate.charge(method, path, query, now));
                let limit = limit.and_then(|()| match charged().and_then(|charge| charge.refused) {
                    Some((_, wait)) => Err(Refusal::throttled(Some(wait))),
                    None => Ok(()),
                });
                limit.and_then(|()| {
                    self.lab.with_state(|state| self.allow(operation, state).and_then(|()| work(state, now)))
                })
            }
        };
        if matches!(action, Some(Action::CutAfter | Action::CutWithin)) {
            self.lab.record(method, path, query, None);
            return Err(operation.lost());
        }
        let success = if *method == "GET" { 200 } else { 204 };
        self.lab.record(
            method,
            path,
            query,
            Some(outcome.as_ref().map_or_else(|refusal| refusal.status, |_| success)),
        );
        Ok(outcome)
    }
}
