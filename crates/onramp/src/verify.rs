//! The verification of a job: the state of both sides, compared with the spec and the approved plan.

use std::fmt;

use onramp_core::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Change, Plan, plan};
use crate::report::REPORT_FORMAT_VERSION;
use crate::secret_store::SecretStore;
use crate::spec::{Spec, UsersSpec};
use crate::steps;
use crate::survey::Survey;

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
            Self::Unknown => "unknown",
            Self::False => "false",
        })
    }
}

impl Verification {
    /// Returns true if every check is true, except for the users and domain controllers that the approved plan leaves out.
    pub fn is_green(&self) -> bool {
        !self.checks.is_empty()
            && self
                .checks
                .iter()
                .all(|c| matches!(c.status, CheckStatus::True | CheckStatus::TrueButForBlocked))
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

impl Onramp {
    /// Reads both sides again and compares them with the approved plan and the spec.
    ///
    /// Every user that the plan changed is found by its object GUID and must have the planned UPN, also if the user no
    /// longer fits the selection. Then both sides are surveyed: a change that a new plan would still make is reported
    /// as false, and so is a problem that the approved plan did not name. Without an approved plan, nothing is excused.
    ///
    /// With a secret store, the sign-in of the service account is tried again; without one it is not checked. A stored
    /// password that an interrupted run left becomes the current one if it is correct.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant, forest or domain; errors of reading.
    pub async fn verify(
        &self,
        spec: &Spec,
        approved: Option<&ApprovedPlan>,
        secrets: Option<&dyn SecretStore>,
    ) -> Result<Verification> {
        let survey = self.with_plan_in_history(spec, approved).survey(spec).await?;
        if let Some(approved) = approved {
            same_job(spec, &survey, approved)?;
        }
        let rest = plan(spec, &survey);
        let comparison = Comparison { onramp: self, spec, survey: &survey, rest: &rest, approved, secrets };
        let mut verification = Verification { format_version: REPORT_FORMAT_VERSION, checks: Vec::new() };
        steps::verify(&comparison, &mut verification).await?;
        let fatal: Vec<String> =
            rest.blockers().iter().filter(|blocker| blocker.is_fatal()).map(ToString::to_string).collect();
        if !fatal.is_empty() {
            verification.check("nothing blocks the plan", CheckStatus::False, fatal.join("; "));
        }
        Ok(verification)
    }

    /// Adds the changes of the approved plan to the history, if the spec has names that may be former ones.
    fn with_plan_in_history(&self, spec: &Spec, approved: Option<&ApprovedPlan>) -> Self {
        let mut this = self.clone();
        let has_names =
            |users: &UsersSpec| !(users.only.is_empty() && users.exclude.is_empty() && users.map.is_empty());
        if let Some(approved) = approved.filter(|_| spec.users.as_ref().is_some_and(has_names)) {
            this.history.add_plan(approved.plan());
        }
        this
    }
}

/// Refuses a plan that was made for another tenant or another domain.
fn same_job(spec: &Spec, survey: &Survey, approved: &ApprovedPlan) -> Result<()> {
    let (header, forest) = (approved.plan().header(), survey.suffix.forest());
    let detail = if header.tenant != survey.sync.status.tenant_id {
        format!(
            "the plan is for the tenant {}, not for {}",
            header.tenant_name, survey.sync.status.display_name
        )
    } else if !header.forest.is_empty() && !forest.is_empty() && header.forest != forest {
        format!("the plan is for the forest {}, not for {forest}", header.forest)
    } else if header.domain != spec.domain {
        format!("the plan is for the domain {}, not for {}", header.domain, spec.domain)
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, "verify the plan")
        .with_detail(detail)
        .with_hint("Verify with the spec and the tenant that the plan was made from."))
}
