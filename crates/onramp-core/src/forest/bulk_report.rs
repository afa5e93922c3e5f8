//! How far all domain controllers are with many changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ControllerProgress, Convergence, InvocationId, OriginatingWrite};
use crate::{AttributeName, DistinguishedName, Error, ErrorKind, ObjectGuid, Result};

/// How many differing values are kept in words.
pub(super) const DIFFERENCES_KEPT: usize = 100;

/// How far all domain controllers are with many changes, at some moment of waiting or at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkReport {
    /// The naming context that was changed.
    pub context: DistinguishedName,
    /// The attribute that was changed.
    pub attribute: AttributeName,
    /// Of how many objects.
    pub expected: u64,
    /// What every up-to-dateness vector must reach; `None` while it is not known, and if nothing changed since the mark.
    pub target: Option<HighWaterMark>,
    /// Every domain controller that holds the naming context.
    pub controllers: Vec<ControllerProgress>,
    /// How many values will not be what was expected, however long one waits.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<DifferingValue>,
    /// Milliseconds waited.
    pub waited_ms: u64,
    /// Milliseconds after which waiting ends.
    pub timeout_ms: u64,
}

/// The highest update sequence number of what was changed, where it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // a place and a number
pub struct HighWaterMark {
    /// The domain controller that was written to.
    pub host: String,
    /// The identity of its database.
    pub invocation_id: InvocationId,
    /// The highest `uSNChanged` of the objects that were changed.
    pub usn: u64,
}

/// A value that will not be what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DifferingValue {
    /// Whose.
    pub guid: ObjectGuid,
    /// What was expected; `None` is no value.
    pub expected: Option<String>,
    /// What is there; `None` is no value, or no object.
    pub found: Option<String>,
    /// The domain controllers where it was seen.
    pub on: Vec<String>,
    /// Why.
    pub verdict: Verdict,
    /// The write that it comes from, where this account may see that.
    pub written: Option<OriginatingWrite>,
    /// The domain controller on which it was written, if the forest still has it.
    pub written_on: Option<String>,
}

/// Why a value is not what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Somebody else wrote it later, or on another domain controller at the same time and won: a conflict. It was left
    /// as it is.
    Overwritten,
    /// Everything has arrived there, and no later write explains it: replication itself is broken.
    Diverged,
}

impl fmt::Display for DifferingValue {
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
        match self.verdict {
            Verdict::Overwritten => f.write_str(": somebody else wrote it")?,
            Verdict::Diverged => f.write_str(": no later write explains it")?,
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

impl BulkReport {
    /// Whether every domain controller has everything, and every value is what was expected.
    pub fn is_complete(&self) -> bool {
        self.behind().next().is_none() && self.differing == 0
    }

    /// The domain controllers that do not have everything, or cannot be asked.
    pub fn behind(&self) -> impl Iterator<Item = &ControllerProgress> {
        self.controllers.iter().filter(|c| c.convergence != Convergence::Converged)
    }

    /// `Ok` if complete.
    ///
    /// # Errors
    /// `Unavailable`, naming each domain controller that is behind or cannot be reached; `Stale` if all have everything
    /// and some values are not what was expected.
    pub fn require_complete(&self) -> Result<()> {
        const ACTION: &str = "see on every domain controller the";
        if self.is_complete() {
            return Ok(());
        }
        let behind: Vec<String> = self.behind().map(ToString::to_string).collect();
        let first = self.differences.first().map(|first| format!("; the first: {first}"));
        let differing =
            format!("{} values are not what was written{}", self.differing, first.unwrap_or_default());
        let error = |kind| Error::new(kind, ACTION).with_object(self);
        if behind.is_empty() {
            return Err(error(ErrorKind::Stale)
                .with_detail(differing)
                .with_hint("Look who changed them; survey the forest again and make a new plan."));
        }
        let mut detail = format!(
            "after {} s {} of {} have everything; {}",
            self.waited_ms / 1000,
            self.controllers.len() - behind.len(),
            self.controllers.len(),
            behind.join("; ")
        );
        if self.differing > 0 {
            detail = format!("{detail}; {differing}");
        }
        Err(error(ErrorKind::Unavailable).with_detail(detail).with_hint(
            "Nothing is lost: start these domain controllers or repair replication, then run again.",
        ))
    }
}

impl fmt::Display for BulkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} objects in {}", self.attribute, self.expected, self.context)
    }
}
