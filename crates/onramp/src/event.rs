//! What happens during a run, for a terminal, a web page or a test to follow.

use std::fmt;
use std::sync::Arc;

use onramp_core::forest::{BulkReport, ConvergenceReport};
use onramp_core::tenant::VerificationRecord;
use onramp_core::{DomainName, Upn};
use serde::Serialize;

use crate::journal::Outcome;

/// Something that happened, or how far something is. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// Reading began or went on: so many objects of a kind are read.
    Reading {
        /// What is read.
        what: &'static str,
        /// How many so far.
        count: u64,
    },
    /// A change is about to be made.
    ChangeStarted {
        /// Its number in the plan, from 1.
        number: u64,
        /// Of how many.
        total: u64,
        /// What it does.
        title: String,
    },
    /// A change ended.
    ChangeEnded {
        /// Its number in the plan, from 1.
        number: u64,
        /// Of how many.
        total: u64,
        /// How.
        outcome: Outcome,
        /// What there is to say about it, empty if nothing.
        detail: String,
    },
    /// How far the change of UPNs is.
    Users {
        /// How many have an outcome.
        done: u64,
        /// Of how many.
        total: u64,
        /// How many of the outcomes are neither "changed" nor "already so".
        failed: u64,
        /// Outcomes per second since the first.
        per_second: f64,
    },
    /// The domain's owner must publish one of these DNS records.
    DnsRecordNeeded {
        /// The domain.
        domain: DomainName,
        /// The records; one is enough.
        records: Vec<VerificationRecord>,
    },
    /// Waiting for something that others must do.
    Waiting {
        /// For what.
        what: String,
        /// Seconds waited.
        waited_s: u64,
        /// Seconds after which waiting ends.
        timeout_s: u64,
    },
    /// How far replication is.
    Replication {
        /// Every domain controller that must have the value.
        report: ConvergenceReport,
    },
    /// How far replication of many changes is.
    BulkReplication {
        /// Every domain controller that must have them.
        report: BulkReport,
    },
    /// The service account's new password was stored where the caller keeps secrets.
    SecretStored {
        /// Whose.
        upn: Upn,
        /// Where, in the store's words.
        place: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { what, count } => write!(f, "read {count} {what}"),
            Self::ChangeStarted { number, total, title } => write!(f, "[{number}/{total}] {title}"),
            Self::ChangeEnded { number, total, outcome, detail } if detail.is_empty() => {
                write!(f, "[{number}/{total}] {outcome}")
            }
            Self::ChangeEnded { number, total, outcome, detail } => {
                write!(f, "[{number}/{total}] {outcome}: {detail}")
            }
            Self::Users { done, total, failed, per_second } => {
                write!(f, "{done} of {total} users, {failed} failed, {per_second:.0} a second")
            }
            Self::DnsRecordNeeded { domain, records } => {
                write!(f, "publish one of these DNS records for {domain}:")?;
                records.iter().try_for_each(|record| write!(f, "\n    {record}"))
            }
            Self::Waiting { what, waited_s, timeout_s } => {
                write!(f, "waiting for {what}: {waited_s} s of at most {timeout_s} s")
            }
            Self::Replication { report } => {
                let behind: Vec<&str> = report.behind().map(|c| c.host.as_str()).collect();
                let all = report.controllers.len();
                write!(f, "{} is on {} of {all} domain controllers", report.value, all - behind.len())?;
                if behind.is_empty() { Ok(()) } else { write!(f, ", not on {}", behind.join(", ")) }
            }
            Self::BulkReplication { report } => {
                let (behind, all) = (report.behind().count(), report.controllers.len());
                write!(f, "{report}: on {} of {all} domain controllers", all - behind)?;
                report.behind().try_for_each(|controller| write!(f, "; {controller}"))
            }
            Self::SecretStored { upn, place } => write!(f, "the new password of {upn} is stored in {place}"),
        }
    }
}

type Listener = dyn Fn(&Event) + Send + Sync;

/// Whom to tell.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Listener>>);

impl Observer {
    /// Tells a function.
    pub fn new(observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Tells it.
    pub fn tell(&self, event: &Event) {
        if let Some(observer) = &self.0 {
            observer(event);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer(set)" } else { "Observer(none)" })
    }
}
