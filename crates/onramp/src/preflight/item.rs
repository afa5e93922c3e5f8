//! An item of a preflight: a question, its answer, and the reason.

use std::fmt;

use onramp_core::visible;
use serde::{Deserialize, Serialize};

use super::catalog::Definition;
use super::side::CheckSide;

/// The answer to one question of a preflight.
///
/// Evidence holds names from directories and services as they are; [`Display`](fmt::Display) escapes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckItem {
    /// The stable name, such as `security-defaults`.
    pub id: String,
    /// The side that it is about.
    pub side: CheckSide,
    /// The answer.
    pub status: ItemStatus,
    /// The facts that the answer rests on; of an item that cannot be told, the reason.
    pub evidence: String,
    /// The advice if it does not pass; empty if it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// The document that the question comes from.
    pub source: String,
}

/// The answer of an item of a preflight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ItemStatus {
    /// Something stops the job, or makes it dangerous.
    Fail,
    /// Something to know, or to change at leisure.
    Warn,
    /// The facts could not be read.
    CannotTell,
    /// No obstacle was found.
    Pass,
}

impl fmt::Display for ItemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::CannotTell => "cannot tell",
            Self::Pass => "pass",
        })
    }
}

impl fmt::Display for CheckItem {
    /// One line, with control characters and invisible ones escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", visible(&self.id), self.status, visible(&self.evidence))
    }
}

impl CheckItem {
    pub(super) fn of(definition: &Definition, verdict: Verdict) -> Self {
        let remedy = if verdict.status == ItemStatus::Pass { "" } else { definition.remedy };
        Self {
            id: definition.id.to_owned(),
            side: definition.side,
            status: verdict.status,
            evidence: verdict.evidence,
            remedy: remedy.to_owned(),
            source: definition.source.to_owned(),
        }
    }
}

/// The judgment of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: ItemStatus,
    pub(super) evidence: String,
}

/// The judgment of a question by its name.
pub(super) type Judged = (&'static str, Verdict);

impl Verdict {
    fn new(status: ItemStatus, evidence: impl Into<String>) -> Self {
        Self { status, evidence: evidence.into() }
    }

    pub(super) fn pass(evidence: impl Into<String>) -> Self {
        Self::new(ItemStatus::Pass, evidence)
    }

    pub(super) fn warn(evidence: impl Into<String>) -> Self {
        Self::new(ItemStatus::Warn, evidence)
    }

    pub(super) fn fail(evidence: impl Into<String>) -> Self {
        Self::new(ItemStatus::Fail, evidence)
    }

    pub(super) fn cannot_tell(reason: impl fmt::Display) -> Self {
        Self::new(ItemStatus::CannotTell, reason.to_string())
    }

    /// Judges by lists of findings: one failure is enough to fail, one warning to warn. Findings that could not be read count
    /// if there is no other.
    pub(super) fn of_findings(findings: Findings, sound: impl Into<String>) -> Self {
        let Findings { failures, warnings, unknown } = findings;
        let status = if !failures.is_empty() {
            ItemStatus::Fail
        } else if !unknown.is_empty() {
            ItemStatus::CannotTell
        } else if !warnings.is_empty() {
            ItemStatus::Warn
        } else {
            return Self::pass(sound);
        };
        let all = [failures, warnings, unknown].concat();
        Self::new(status, all.join("; "))
    }
}

/// The findings about the parts of one question.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) failures: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) unknown: Vec<String>,
}
