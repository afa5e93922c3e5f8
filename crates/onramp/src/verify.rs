//! The verification of a job: the state of both sides, compared with the spec and the approved plan.

use std::fmt;

use serde::Serialize;

use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Change, Plan};
use crate::secret_store::SecretStore;
use crate::spec::Spec;
use crate::survey::Survey;

/// The version of the format of the report page and of a serialized verification.
pub const REPORT_FORMAT_VERSION: u32 = 2;

/// The result of a verification, check by check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The version of the format of a serialized verification.
    pub format_version: u32,
    /// The checks, in the order of the job.
    pub checks: Vec<Check>,
}

/// A check of one part of the spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The name of the check.
    pub name: String,
    /// The status.
    pub status: CheckStatus,
    /// The result in words.
    pub detail: String,
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// The state is as the spec wants it.
    True,
    /// The state is as the spec wants it, except for the users and domain controllers that the approved plan leaves out.
    TrueButForBlocked,
    /// The check was not made, because the spec leaves it out, or because the secret that it needs is kept elsewhere.
    /// Nothing is claimed, and it is no error.
    NotChecked,
    /// The state could not be read.
    Unknown,
    /// The state is not as the spec wants it.
    False,
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::TrueButForBlocked => "true but for what the plan named",
            Self::NotChecked => "not checked",
            Self::Unknown => "unknown",
            Self::False => "false",
        })
    }
}

impl Verification {
    /// Returns true if every check is true, except for the users and domain controllers that the approved plan leaves out, and
    /// for checks that were not made on purpose ([`CheckStatus::NotChecked`]).
    pub fn is_green(&self) -> bool {
        use CheckStatus::{NotChecked, True, TrueButForBlocked};
        !self.checks.is_empty()
            && self.checks.iter().all(|c| matches!(c.status, True | TrueButForBlocked | NotChecked))
    }

    pub(crate) fn check(&mut self, name: impl Into<String>, status: CheckStatus, detail: impl Into<String>) {
        self.checks.push(Check { name: name.into(), status, detail: detail.into() });
    }
}

/// Returns the status of a check that is either true or false.
pub(crate) fn truth(is: bool) -> CheckStatus {
    if is { CheckStatus::True } else { CheckStatus::False }
}

/// The data that the steps compare: the spec, a new survey, and the plan for the remaining changes.
pub(crate) struct Comparison<'a> {
    pub(crate) onramp: &'a Onramp,
    pub(crate) spec: &'a Spec,
    pub(crate) survey: &'a Survey,
    pub(crate) rest: &'a Plan,
    pub(crate) approved: Option<&'a ApprovedPlan>,
    pub(crate) secrets: Option<&'a dyn SecretStore>,
}

impl Comparison<'_> {
    /// Returns true if a new plan still has a change of that kind.
    pub(crate) fn still_has(&self, kind: impl Fn(&Change) -> bool) -> bool {
        self.rest.changes().iter().any(|planned| kind(&planned.change))
    }

    /// Returns the host names of the domain controllers that the approved plan leaves out.
    pub(crate) fn left_out(&self) -> Vec<&str> {
        self.approved.map(ApprovedPlan::left_out).unwrap_or_default()
    }
}
