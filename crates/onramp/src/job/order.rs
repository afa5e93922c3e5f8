//! The order of the steps: whatever names each of them is here.

use futures_util::future::try_join;
use onramp_core::{Error, ErrorKind, Result};

use crate::apply::Context;
use crate::onramp::Onramp;
use crate::plan::{
    ApprovedPlan, Change, Consequence, Draft, PLAN_FORMAT_VERSION, Plan, PlanHeader, Scope, by_place, sorted,
};
use crate::secret_store::SecretStore;
use crate::spec::{Spec, UsersSpec};
use crate::steps::result::StepResult;
use crate::steps::{application, domain, replication, service_account, suffix, sync, users};
use crate::survey::{Survey, SurveyCounts, Unreadable, UsersSurvey};
use crate::verify::{CheckStatus, Comparison, REPORT_FORMAT_VERSION, Verification};

impl Onramp {
    /// Reads both sides, as far as the spec needs it. Changes nothing.
    ///
    /// # Errors
    /// The first error of a port, except for single objects that cannot be read; `NotFound` if an OU does not exist;
    /// `Invalid` if the spec selects users and none is found; `Cancelled`.
    pub async fn survey(&self, spec: &Spec) -> Result<Survey> {
        self.unless_cancelled("survey both sides", survey_steps(self, spec)).await
    }
}

/// Reads what the steps need, in order of their cost.
async fn survey_steps(onramp: &Onramp, spec: &Spec) -> Result<Survey> {
    let taken_at = onramp.clock.now();
    let tenant = async {
        let (sync, domain) = try_join(sync::survey(onramp), domain::survey(onramp, spec)).await?;
        let service_account = match &spec.service_account {
            Some(wanted) => Some(service_account::survey(onramp, wanted).await?),
            None => None,
        };
        let application = match &spec.application {
            Some(wanted) => Some(application::survey(onramp, wanted).await?),
            None => None,
        };
        Ok((sync, domain, service_account, application))
    };
    let forest = try_join(suffix::survey(onramp, spec), onramp.forest.password_policies.domain_policies());
    let ((sync, domain, service_account, application), (suffix, password_policies)) =
        try_join(tenant, forest).await?;
    let mut survey = Survey {
        taken_at,
        domain,
        suffix,
        users: UsersSurvey::default(),
        sync,
        service_account,
        application,
        password_policies,
        unreadable: Unreadable::default(),
        counts: SurveyCounts::default(),
        preflight: None,
    };
    users::survey(onramp, spec, &mut survey).await?;
    onramp.report_read("users of the forest", survey.counts.forest_users);
    onramp.report_read("principals of the forest", survey.counts.principals);
    Ok(survey)
}

/// Computes the changes that make a spec true, given the state that a survey found.
///
/// The same spec and survey give the same plan. A user that cannot be changed is left as it is: it has a [`Blocker`](crate::Blocker)
/// that names the reason, and the plan has the consequence [`Consequence::UsersLeftBehind`].
pub fn plan(spec: &Spec, survey: &Survey) -> Plan {
    let mut draft = Draft::default();
    add_changes(spec, survey, &mut draft);
    let users = &survey.users;
    Plan {
        header: PlanHeader {
            format_version: PLAN_FORMAT_VERSION,
            surveyed_at: survey.taken_at,
            tenant: survey.sync.status.tenant_id,
            tenant_name: survey.sync.status.display_name.clone(),
            forest: survey.suffix.forest(),
            domain: spec.domain.clone(),
            scope: Scope {
                users: spec.users.is_some(),
                sync: spec.sync.enable,
                service_account: spec.service_account.is_some(),
                application: spec.application.is_some(),
                attributes: false,
            },
            users_read: survey.counts.forest_users,
            users_skipped: (users.skipped_counts.iter())
                .map(|(reason, count)| (reason.to_string(), *count))
                .collect(),
            waits: spec.waits,
            undoes: None,
            users_digest: spec.users_digest(),
            canary: spec.users.as_ref().and_then(|users| users.canary.clone()),
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        warnings: draft.warnings,
        preflight: survey.preflight.as_ref().map(|made| made.items.clone()).unwrap_or_default(),
        skipped: sorted(&users.skipped, |skipped| by_place(&skipped.user)).into_iter().cloned().collect(),
    }
}

/// Adds the changes of every step to a plan, in the order in which they are made.
fn add_changes(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let collisions = users::Collisions::new(&survey.users);
    domain::plan(spec, survey, draft);
    suffix::plan(spec, survey, draft);
    users::plan(spec, survey, &collisions, draft);
    sync::plan(spec, survey, draft);
    service_account::plan(spec, survey, &collisions, draft);
    application::plan(spec, survey, draft);
    let unreadable = &survey.unreadable;
    if unreadable.count > 0 {
        let (count, named, digest) = (unreadable.count, unreadable.named.clone(), unreadable.digest.clone());
        draft.consequences.push(Consequence::ObjectsUnreadable { count, named, digest });
    }
}

/// The state of the steps during a run.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) replication: replication::Marks,
    service_account: service_account::Account,
    application: application::Identity,
}

impl Steps {
    /// Makes one change. Those of users are made as a group: see [`users::apply`].
    pub(crate) async fn apply(&mut self, context: &Context<'_>, change: &Change) -> StepResult {
        match change {
            Change::AddDomain { domain } => domain::add(context, domain).await,
            Change::VerifyDomain { domain } => domain::prove_ownership(context, domain).await,
            Change::AddSuffix { suffix } => suffix::add(context, suffix).await,
            Change::AwaitReplication { values, without } => {
                self.replication.wait(context, values, without).await
            }
            Change::EnableSync => sync::enable(context).await,
            Change::DisableSync => sync::disable(context).await,
            Change::RemoveDomain { domain, .. } => domain::remove(context, domain).await,
            Change::RemoveSuffix { suffix } => suffix::remove(context, suffix).await,
            change if change.is_of_application() => self.application.apply(context, change).await,
            change => self.service_account.apply(context, change).await,
        }
    }

    /// Returns the object ID of the service account or the application for the journal, if a change concerns it.
    pub(crate) fn object(&self, change: &Change) -> Option<String> {
        if change.is_of_application() {
            return self.application.id().map(|id| id.to_string());
        }
        self.service_account.id().filter(|_| change.is_of_account()).map(|id| id.to_string())
    }
}

/// Adds the checks of every step to a verification.
async fn add_checks(comparison: &Comparison<'_>, verification: &mut Verification) -> Result<()> {
    domain::verify(comparison, verification);
    suffix::verify(comparison, verification).await;
    users::verify(comparison, verification).await?;
    sync::verify(comparison, verification);
    service_account::verify(comparison, verification).await;
    application::verify(comparison, verification).await;
    Ok(())
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
        // Boxed, so that the futures of callers stay small.
        let this = self.with_plan_in_history(spec, approved);
        let survey = Box::pin(this.survey(spec)).await?;
        if let Some(approved) = approved {
            same_job(spec, &survey, approved)?;
        }
        let rest = plan(spec, &survey);
        let comparison = Comparison { onramp: self, spec, survey: &survey, rest: &rest, approved, secrets };
        let mut verification = Verification { format_version: REPORT_FORMAT_VERSION, checks: Vec::new() };
        Box::pin(add_checks(&comparison, &mut verification)).await?;
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
