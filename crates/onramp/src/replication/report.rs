//! The report on replication: the state of a value, or of many, on every domain controller.

use std::fmt;

use onramp_core::forest::{DomainController, InvocationId, OriginatingWrite, ReplicatedValue};
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, ObjectGuid, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The maximum number of mismatches that a report lists.
pub(super) const MISMATCHES_KEPT: usize = 100;

/// The replication state of one domain controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "state")]
#[non_exhaustive]
pub enum ReplicationState {
    /// The domain controller holds everything.
    Converged,
    /// The domain controller answers and does not hold the value yet.
    Lagging,
    /// The domain controller cannot be reached.
    Unreachable {
        /// The reason.
        reason: String,
    },
    /// The domain controller answers, but its inbound replication is disabled: waiting does not help.
    ReplicationDisabled,
    /// The domain controller holds another value that wins over the expected one: waiting does not help.
    Conflict {
        /// The other value; `None` if the attribute has none.
        found: Option<String>,
    },
    /// The up-to-dateness vector of the domain controller shows that changes have not arrived yet.
    Behind {
        /// The number of missing update sequence numbers of the domain controller that was written to.
        usns: u64,
    },
    /// All changes have arrived according to the up-to-dateness vector, and yet there are other values that no later write
    /// explains: waiting does not help.
    Diverged {
        /// The number of these values.
        values: u64,
    },
}

/// A domain controller and its replication state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ControllerStatus {
    /// The DNS host name.
    pub host: String,
    /// The site.
    pub site: String,
    /// The replication state.
    #[serde(flatten)]
    pub state: ReplicationState,
    /// The number of values that were not seen on it yet, if many are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// The last contact, if it has not converged and anyone knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<LastContact>,
}

impl ControllerStatus {
    /// Creates the initial (lagging) state of a domain controller.
    pub(super) fn new(controller: &DomainController) -> Self {
        Self {
            host: controller.host.clone(),
            site: controller.site.clone(),
            state: ReplicationState::Lagging,
            missing: None,
            last_contact: None,
        }
    }
}

impl fmt::Display for ControllerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match (&self.state, self.missing) {
            (ReplicationState::Converged, _) => return write!(f, "{host} has it"),
            (ReplicationState::Unreachable { reason }, _) => write!(f, "{host} cannot be reached: {reason}")?,
            (ReplicationState::ReplicationDisabled, _) => {
                write!(f, "{host} has inbound replication switched off")?;
            }
            (ReplicationState::Conflict { found: Some(found) }, _) => {
                return write!(f, "conflict: {host} holds another value that won, “{found}”");
            }
            (ReplicationState::Conflict { found: None }, _) => {
                return write!(f, "conflict: on {host} the value was removed later");
            }
            (ReplicationState::Behind { usns }, _) => write!(f, "{host} is behind by {usns} USNs")?,
            (ReplicationState::Diverged { values }, _) => write!(
                f,
                "{host} has received everything and holds {values} other values that nothing explains"
            )?,
            (ReplicationState::Lagging, None) => write!(f, "{host} does not have it yet")?,
            (ReplicationState::Lagging, Some(missing)) => {
                write!(f, "{host} does not have {missing} of them yet")?
            }
        }
        match &self.last_contact {
            Some(contact) => write!(f, " ({contact})"),
            None => Ok(()),
        }
    }
}

/// The last contact with a domain controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct LastContact {
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub at: OffsetDateTime,
    /// The domain controller that replicated with it then; `None` if it answered this program.
    pub by: Option<String>,
}

impl fmt::Display for LastContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        match &self.by {
            Some(host) => write!(f, "{host} was last in step with it at {at}"),
            None => write!(f, "it last answered at {at}"),
        }
    }
}

/// The subject of a replication report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum ReplicationSubject {
    /// One value.
    Value {
        /// The value.
        value: ReplicatedValue,
    },
    /// One attribute of many objects.
    Attribute {
        /// The naming context of the objects.
        context: DistinguishedName,
        /// The attribute.
        attribute: AttributeName,
        /// The number of objects.
        expected: u64,
    },
}

impl fmt::Display for ReplicationSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { value } => fmt::Display::fmt(value, f),
            Self::Attribute { context, attribute, expected } => {
                write!(f, "{attribute} of {expected} objects in {context}")
            }
        }
    }
}

/// The state of a value, or of many, on every domain controller, during the wait or at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReplicationReport {
    /// The subject.
    #[serde(flatten)]
    pub subject: ReplicationSubject,
    /// The position that every up-to-dateness vector must reach; `None` for a single value, while it is not known, and if
    /// nothing changed since the mark.
    #[serde(default)]
    pub target: Option<HighWaterMark>,
    /// The domain controllers that must have the subject.
    pub controllers: Vec<ControllerStatus>,
    /// The number of values that will never be the expected ones.
    #[serde(default)]
    pub differing: u64,
    /// The first of these values.
    #[serde(default)]
    pub differences: Vec<ValueMismatch>,
    /// The milliseconds waited.
    pub waited_ms: u64,
    /// The milliseconds after which waiting ends.
    pub timeout_ms: u64,
}

/// The highest update sequence number of the changes, on the domain controller where they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct HighWaterMark {
    /// The domain controller that was written to.
    pub host: String,
    /// The identity of its database.
    pub invocation_id: InvocationId,
    /// The highest `uSNChanged` of the changed objects.
    pub usn: u64,
}

/// A value that will never be the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ValueMismatch {
    /// The `objectGUID` of the object.
    pub guid: ObjectGuid,
    /// The expected value; `None` is no value.
    pub expected: Option<String>,
    /// The value found; `None` is no value, or no object.
    pub found: Option<String>,
    /// The domain controllers that have the value found.
    pub on: Vec<String>,
    /// The cause.
    #[serde(rename = "verdict")]
    pub cause: MismatchCause,
    /// The write that the value comes from, where this account may see that.
    pub written: Option<OriginatingWrite>,
    /// The domain controller that took the write, if the forest still has it.
    pub written_on: Option<String>,
}

/// The cause of a mismatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MismatchCause {
    /// A later write, or a concurrent write on another domain controller that won. The value is left as it is.
    Overwritten,
    /// A replication error: all changes have arrived there, and no later write explains the value.
    Diverged,
}

impl fmt::Display for ValueMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "no value".to_owned());
        write!(
            f,
            "{} has {} on {} where {} was expected",
            self.guid,
            value(&self.found),
            self.on.join(", "),
            value(&self.expected)
        )?;
        match self.cause {
            MismatchCause::Overwritten => f.write_str(": somebody else wrote it")?,
            MismatchCause::Diverged => f.write_str(": no later write explains it")?,
        }
        if let Some(written) = &self.written {
            let at = written.at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
            write!(f, ", at {at}")?;
            match &self.written_on {
                Some(host) => write!(f, " on {host}")?,
                None => write!(f, " in the database {}", written.by)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ReplicationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, all) = (&self.subject, self.controllers.len());
        let seen = all - self.behind().count();
        match subject {
            ReplicationSubject::Value { .. } => {
                write!(f, "{subject} is on {seen} of {all} domain controllers")?;
                let behind: Vec<&str> = self.behind().map(|controller| controller.host.as_str()).collect();
                if behind.is_empty() { Ok(()) } else { write!(f, ", not on {}", behind.join(", ")) }
            }
            ReplicationSubject::Attribute { .. } => {
                write!(f, "{subject}: on {seen} of {all} domain controllers")?;
                self.behind().try_for_each(|controller| write!(f, "; {controller}"))
            }
        }
    }
}

impl ReplicationReport {
    /// Returns true if every domain controller has everything, and every value is the expected one.
    pub fn is_complete(&self) -> bool {
        self.behind().next().is_none() && self.differing == 0
    }

    /// Returns the domain controllers that do not have everything, or cannot be reached.
    pub fn behind(&self) -> impl Iterator<Item = &ControllerStatus> {
        self.controllers.iter().filter(|c| c.state != ReplicationState::Converged)
    }

    /// Returns an error unless the report is complete.
    ///
    /// # Errors
    /// `Stale` if another value won and, where many values are waited for, every domain controller has everything;
    /// `Unavailable` otherwise, naming each domain controller that is behind or cannot be reached.
    pub fn require_complete(&self) -> Result<()> {
        const CHANGED: &str = "Somebody else changed it at the same time: look who, and make a new plan.";
        const REPAIR: &str =
            "Nothing is lost: start these domain controllers or repair replication, then run again.";
        if self.is_complete() {
            return Ok(());
        }
        let behind: Vec<String> = self.behind().map(ToString::to_string).collect();
        let error = |kind| Error::new(kind, "see on every domain controller the").with_object(&self.subject);
        let is_single = matches!(self.subject, ReplicationSubject::Value { .. });
        let counted = format!(
            "after {} s {} of {} {}; {}",
            self.waited_ms / 1000,
            self.controllers.len() - behind.len(),
            self.controllers.len(),
            if is_single { "hold it" } else { "have everything" },
            behind.join("; ")
        );
        if is_single {
            let has_conflict =
                self.behind().any(|one| matches!(one.state, ReplicationState::Conflict { .. }));
            return Err(match has_conflict {
                true => error(ErrorKind::Stale).with_detail(counted).with_hint(CHANGED),
                false => error(ErrorKind::Unavailable).with_detail(counted).with_hint(REPAIR),
            });
        }
        let first = self.differences.first().map(|first| format!("; the first: {first}"));
        let differing =
            format!("{} values are not what was written{}", self.differing, first.unwrap_or_default());
        Err(match (behind.is_empty(), self.differing) {
            (true, _) => error(ErrorKind::Stale)
                .with_detail(differing)
                .with_hint("Look who changed them; survey the forest again and make a new plan."),
            (false, 0) => error(ErrorKind::Unavailable).with_detail(counted).with_hint(REPAIR),
            (false, _) => {
                error(ErrorKind::Unavailable).with_detail(format!("{counted}; {differing}")).with_hint(REPAIR)
            }
        })
    }
}
