//! The state of a run, as its events tell it.

use std::collections::BTreeMap;

use onramp_core::tenant::VerificationRecord;
use onramp_core::{DomainName, Upn};
use time::OffsetDateTime;

use crate::event::Event;
use crate::outcome::{Outcome, WaitReason};
use crate::replication::ReplicationReport;

/// The state of a run, as its events tell it: for terminals, web pages and reports, live or from an
/// [`EventLog`](crate::EventLog).
///
/// The same events give the same state.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ObservedRun {
    /// The time of the first event.
    pub started_at: Option<OffsetDateTime>,
    /// The time of the last event.
    pub last_at: Option<OffsetDateTime>,
    /// The numbers of objects that were read, by their kind.
    pub read: BTreeMap<String, u64>,
    /// The number of changes in the plan.
    pub total: u64,
    /// The changes that were begun, by their number in the plan; all users together are one.
    pub changes: BTreeMap<u64, ObservedChange>,
    /// The progress of changing users, of the latest group.
    pub users: Option<ObservedUsers>,
    /// The reason of the present wait.
    pub waiting: Option<WaitReason>,
    /// The latest replication report of each subject, by the subject in words.
    pub replication: BTreeMap<String, ReplicationReport>,
    /// The DNS records of which one must be published, by domain.
    pub dns_records: BTreeMap<DomainName, Vec<VerificationRecord>>,
    /// The places of new passwords, by account.
    pub secrets: Vec<(Upn, String)>,
    /// The locations of new private keys, by the unique name of the application.
    pub keys: Vec<(String, String)>,
}

/// A change of an observed run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ObservedChange {
    /// The title.
    pub title: String,
    /// The time of its start.
    pub started_at: OffsetDateTime,
    /// The time of its end; `None` until then.
    pub ended_at: Option<OffsetDateTime>,
    /// The outcome.
    pub outcome: Option<Outcome>,
    /// Details in words, empty if there are none.
    pub detail: String,
}

/// The progress of changing users.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ObservedUsers {
    /// The number of users with an outcome.
    pub done: u64,
    /// The number of users to change.
    pub total: u64,
    /// The number of users that do not have the new UPN after their outcome.
    pub failed: u64,
    /// The outcomes per second since the start.
    pub per_second: f64,
}

impl ObservedRun {
    /// Adds an event.
    pub fn observe(&mut self, at: OffsetDateTime, event: &Event) {
        self.started_at.get_or_insert(at);
        self.last_at = Some(at);
        match event {
            Event::Reading { what, count } => {
                self.read.insert(what.clone(), *count);
            }
            Event::ChangeStarted { number, total, title } => {
                (self.total, self.waiting) = (*total, None);
                // A change that an interrupted run began keeps its start.
                let change = self.changes.entry(*number).or_insert_with(|| ObservedChange {
                    title: title.clone(),
                    started_at: at,
                    ended_at: None,
                    outcome: None,
                    detail: String::new(),
                });
                (change.ended_at, change.outcome) = (None, None);
            }
            Event::ChangeEnded { number, total, outcome, detail } => {
                (self.total, self.waiting) = (*total, None);
                if let Some(change) = self.changes.get_mut(number) {
                    (change.ended_at, change.outcome) = (Some(at), Some(*outcome));
                    change.detail.clone_from(detail);
                }
            }
            Event::Users { done, total, failed, per_second } => {
                let (done, total, failed, per_second) = (*done, *total, *failed, *per_second);
                self.users = Some(ObservedUsers { done, total, failed, per_second });
            }
            Event::DnsRecordNeeded { domain, records } => {
                self.dns_records.insert(domain.clone(), records.clone());
            }
            Event::Waiting { reason, .. } => self.waiting = Some(reason.clone()),
            Event::Replication { report } | Event::BulkReplication { report } => {
                self.waiting = Some(WaitReason::Replication);
                self.replication.insert(report.subject.to_string(), report.clone());
            }
            Event::KeyStored { application, place } => {
                self.keys.retain(|(known, _)| known != application);
                self.keys.push((application.clone(), place.clone()));
            }
            Event::SecretStored { upn, place } => {
                self.secrets.retain(|(known, _)| known != upn);
                self.secrets.push((upn.clone(), place.clone()));
            }
        }
    }
}
