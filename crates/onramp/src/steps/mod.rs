//! The steps of the job. Each module has the survey, the plan, the changes, the verification and the undo of one step.
//!
//! To add a step: write a module here, add its section to [`Survey`] and its variants to [`Change`], and call it from
//! the four functions below. Its undo is called from `crate::undo`.

pub(crate) mod domain;
pub(crate) mod replication;
pub(crate) mod service_account;
pub(crate) mod suffix;
pub(crate) mod sync;
pub(crate) mod users;

use futures_util::future::try_join;
use onramp_core::Result;

use crate::apply::Context;
use crate::journal::Outcome;
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, Draft};
use crate::spec::Spec;
use crate::survey::{Survey, SurveyCounts, Unreadable};
use crate::verify::{Comparison, Verification};

/// The outcome of one change, with details in words.
pub(crate) type StepResult = Result<(Outcome, String)>;

fn done() -> StepResult {
    Ok((Outcome::Done, String::new()))
}

fn already() -> StepResult {
    Ok((Outcome::Unchanged, String::new()))
}

/// Reads what the steps need, in order of their cost.
pub(crate) async fn survey(onramp: &Onramp, spec: &Spec) -> Result<Survey> {
    let taken_at = onramp.clock.now();
    let tenant = async {
        let (sync, domain) = try_join(sync::survey(onramp), domain::survey(onramp, spec)).await?;
        let service_account = match &spec.service_account {
            Some(wanted) => Some(service_account::survey(onramp, wanted).await?),
            None => None,
        };
        Ok((sync, domain, service_account))
    };
    let forest = try_join(suffix::survey(onramp, spec), onramp.forest.password_policies.domain_policies());
    let ((sync, domain, service_account), (suffix, password_policies)) = try_join(tenant, forest).await?;
    let mut survey = Survey {
        taken_at,
        domain,
        suffix,
        users: users::UsersSurvey::default(),
        sync,
        service_account,
        password_policies,
        unreadable: Unreadable::default(),
        counts: SurveyCounts::default(),
    };
    users::survey(onramp, spec, &mut survey).await?;
    Ok(survey)
}

/// Adds the changes of every step to a plan, in the order in which they are made.
pub(crate) fn plan(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let collisions = users::Collisions::new(&survey.users);
    domain::plan(spec, survey, draft);
    suffix::plan(spec, survey, draft);
    users::plan(spec, survey, &collisions, draft);
    sync::plan(spec, survey, draft);
    service_account::plan(spec, survey, &collisions, draft);
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
            Change::RemoveDomain { domain } => domain::remove(context, domain).await,
            Change::RemoveSuffix { suffix } => suffix::remove(context, suffix).await,
            change => self.service_account.apply(context, change).await,
        }
    }

    /// Returns the object ID of the service account for the journal, if a change concerns it.
    pub(crate) fn object(&self, change: &Change) -> Option<String> {
        self.service_account.id().filter(|_| change.is_of_account()).map(|id| id.to_string())
    }
}

/// Adds the checks of every step to a verification.
pub(crate) async fn verify(comparison: &Comparison<'_>, verification: &mut Verification) -> Result<()> {
    domain::verify(comparison, verification);
    suffix::verify(comparison, verification).await;
    users::verify(comparison, verification).await?;
    sync::verify(comparison, verification);
    service_account::verify(comparison, verification).await;
    Ok(())
}
