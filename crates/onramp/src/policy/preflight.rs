//! Items of the preflight that stop a run.

use onramp_core::tenant::RoleTemplateId;
use onramp_core::visible;

use super::{PolicyRequest, PolicyViolation};
use crate::plan::{Change, Plan};
use crate::preflight::{ItemStatus, PreflightScope, RightsSample};

/// The name of the rule.
const RULE: &str = "preflight";
/// The number of objects on which rights are tested.
const SAMPLE: usize = 20;
/// The role of a service account unless the spec names another one.
const DEFAULT_ROLE: RoleTemplateId = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;

/// Adds a violation for each item of these names that fails now, or that cannot be told and must be known.
pub(super) async fn review(
    names: &[String],
    must_be_known: bool,
    request: &PolicyRequest<'_>,
    violations: &mut Vec<PolicyViolation>,
) {
    if names.is_empty() {
        return;
    }
    let Some(runner) = request.preflight else {
        let detail = "the preflight cannot be made here, and the policy names items of it";
        violations.push(PolicyViolation::new(RULE, detail));
        return;
    };
    let made = runner.run_only(&scope_of(request.plan), names).await;
    let stops = |status| match status {
        ItemStatus::Fail => true,
        ItemStatus::CannotTell => must_be_known,
        _ => false,
    };
    for item in made.items.iter().filter(|item| stops(item.status)) {
        let (id, status, evidence) = (&item.id, item.status, visible(&item.evidence));
        violations.push(PolicyViolation::new(RULE, format!("{id} ({status}): {evidence}")));
    }
}

/// Returns the scope of the job that a plan belongs to. The objects that it changes are the sample.
fn scope_of(plan: &Plan) -> PreflightScope {
    let header = plan.header();
    let mut scope = PreflightScope::new(header.domain.clone());
    scope.sync = header.scope.sync;
    let objects: Vec<_> = plan
        .changes()
        .iter()
        .filter_map(|planned| planned.change.object_change())
        .map(|change| (change.guid, change.attributes.into_iter().map(|edit| edit.attribute).collect()))
        .take(SAMPLE)
        .collect();
    scope.sample = (!objects.is_empty()).then_some(RightsSample::Objects(objects));
    if header.scope.service_account {
        let role = plan.changes().iter().find_map(|planned| match &planned.change {
            Change::AssignRole { role, .. } => Some(*role),
            _ => None,
        });
        // A plan that does not give the role is for an account that has it.
        scope.service_account = Some(role.unwrap_or(DEFAULT_ROLE));
        scope.new_password = plan
            .changes()
            .iter()
            .any(|planned| matches!(planned.change, Change::SetServiceAccountPassword { .. }));
    }
    scope
}
