//! The events of a run: its progress for a terminal, a web page or a test.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use onramp_core::tenant::VerificationRecord;
use onramp_core::{DomainName, Upn};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use crate::outcome::{Outcome, WaitReason};
use crate::replication::ReplicationReport;

/// The version of the format of serialized events.
pub const EVENT_FORMAT_VERSION: u32 = 3;

/// An event of a run. Contains no secret.
///
/// To store or send it, put it into an [`EventRecord`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// The progress of reading.
    Reading {
        /// The kind of objects.
        what: String,
        /// The number of objects so far.
        count: u64,
    },
    /// The start of a change.
    ChangeStarted {
        /// The number in the plan, from 1.
        number: u64,
        /// The number of changes in the plan.
        total: u64,
        /// The title of the change.
        title: String,
    },
    /// The end of a change.
    ChangeEnded {
        /// The number in the plan, from 1.
        number: u64,
        /// The number of changes in the plan.
        total: u64,
        /// The outcome.
        outcome: Outcome,
        /// Details in words, empty if there are none.
        detail: String,
    },
    /// The progress of changing users.
    Users {
        /// The number of users with an outcome.
        done: u64,
        /// The number of users to change.
        total: u64,
        /// The number of users that do not have the new UPN after their outcome.
        failed: u64,
        /// The outcomes per second since the start.
        per_second: f64,
    },
    /// A request to publish one of several DNS records.
    DnsRecordNeeded {
        /// The domain.
        domain: DomainName,
        /// The records, of which one is enough.
        records: Vec<VerificationRecord>,
    },
    /// The progress of a wait.
    Waiting {
        /// The reason of the wait.
        reason: WaitReason,
        /// The time since its start.
        #[serde(rename = "waited_ms", with = "crate::millis")]
        #[cfg_attr(feature = "schemars", schemars(with = "u64"))]
        waited: Duration,
        /// The time after which the wait ends.
        #[serde(rename = "timeout_ms", with = "crate::millis")]
        #[cfg_attr(feature = "schemars", schemars(with = "u64"))]
        timeout: Duration,
    },
    /// The progress of the replication of a value.
    Replication {
        /// The state of every domain controller.
        report: ReplicationReport,
    },
    /// The progress of the replication of many changes.
    BulkReplication {
        /// The state of every domain controller.
        report: ReplicationReport,
    },
    /// A new private key of an application in the secret store.
    KeyStored {
        /// The unique name of the application.
        application: String,
        /// The location in the store.
        place: String,
    },
    /// A new password in the secret store.
    SecretStored {
        /// The account.
        upn: Upn,
        /// The location in the store.
        place: String,
    },
}

/// An event with its time, as it is stored and sent: one line of an event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EventRecord {
    /// The version of the format.
    #[serde(deserialize_with = "known_version")]
    pub format_version: u32,
    /// The time, in the form of RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub at: OffsetDateTime,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl EventRecord {
    /// Creates the record of an event.
    pub fn new(at: OffsetDateTime, event: Event) -> Self {
        Self { format_version: EVENT_FORMAT_VERSION, at, event }
    }
}

/// Reads a format version, and refuses one that this version does not know.
fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if (3..=EVENT_FORMAT_VERSION).contains(&version) {
        return Ok(version);
    }
    let detail = format!(
        "it has the format version {version}, and this version of Onramp reads {EVENT_FORMAT_VERSION}"
    );
    Err(serde::de::Error::custom(detail))
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
            Self::Waiting { reason, waited, timeout } => {
                let (waited, timeout) = (waited.as_secs(), timeout.as_secs());
                write!(f, "waiting for {reason}: {waited} s of at most {timeout} s")
            }
            Self::Replication { report } | Self::BulkReplication { report } => fmt::Display::fmt(report, f),
            Self::KeyStored { application, place } => {
                write!(f, "the new private key of {application} is stored in {place}")
            }
            Self::SecretStored { upn, place } => write!(f, "the new password of {upn} is stored in {place}"),
        }
    }
}

type Listener = dyn Fn(&Event) + Send + Sync;

/// A receiver of events.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Listener>>);

impl Observer {
    /// Creates an observer that calls a function.
    pub fn new(observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Sends an event.
    pub fn notify(&self, event: &Event) {
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
