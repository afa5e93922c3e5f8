//! The canary: a few users who are changed and verified before the others.

use std::collections::BTreeMap;

use time::Duration;

use super::{PolicyRequest, PolicyRules, PolicyViolation};
use crate::history::History;
use crate::plan::{Change, Plan};
use crate::spec::{Spec, SyncSpec};

const RULE: &str = "canary_users";

impl PolicyRules {
    /// Returns true if a plan changes more users than the canary, and no run of a canary is verified.
    pub fn needs_canary(&self, plan: &Plan, history: &History) -> bool {
        self.canary_of(plan).is_some_and(|users| history.verified_at(&plan.header().domain, users).is_none())
    }

    /// Returns the number of users of the canary that has to precede a plan.
    fn canary_of(&self, plan: &Plan) -> Option<u64> {
        // What an undo restores was there before.
        self.canary_users.filter(|users| plan.header().undoes.is_none() && plan.users_changed() > *users)
    }
}

/// Adds a violation if the canary of a plan is not verified, or not for long enough.
pub(super) fn review(
    rules: &PolicyRules,
    request: &PolicyRequest<'_>,
    violations: &mut Vec<PolicyViolation>,
) {
    let plan = request.plan;
    let Some(users) = rules.canary_of(plan) else { return };
    let changed = plan.users_changed();
    let Some(verified_at) = request.history.verified_at(&plan.header().domain, users) else {
        let detail = format!(
            "the plan changes {changed} users, and no canary of {users} users was changed and verified before"
        );
        violations.push(PolicyViolation::new(RULE, detail));
        return;
    };
    let until = verified_at + Duration::minutes(rules.canary_observation_minutes.into());
    if request.now < until {
        let detail = format!("the canary was verified at {verified_at}, and is observed until {until}");
        violations.push(PolicyViolation::new("canary_observation_minutes", detail));
    }
}

impl Spec {
    /// Returns the spec of a canary: the same new UPNs for some users of a plan alone, without synchronization and without
    /// the service account.
    ///
    /// The users are spread over the plan evenly, and named by `objectGUID`. A plan that is made from it is approved,
    /// applied and verified like any other; the plan for the rest then needs an approval of its own.
    ///
    /// ```
    /// # fn example(spec: onramp::Spec, survey: onramp::Survey) {
    /// let whole = onramp::plan(&spec, &survey);
    /// let canary = spec.canary(&whole, 50);
    /// # }
    /// ```
    #[must_use]
    pub fn canary(&self, plan: &Plan, users: u64) -> Self {
        let all: Vec<_> = (plan.changes().iter())
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some(upn),
                _ => None,
            })
            .collect();
        let users = usize::try_from(users).unwrap_or(usize::MAX).min(all.len());
        let chosen: Vec<_> = (0..users).filter_map(|place| all.get(place * all.len() / users)).collect();
        let mut spec = Self { sync: SyncSpec::default(), service_account: None, ..self.clone() };
        if let Some(selected) = &mut spec.users {
            selected.only = chosen.iter().map(|upn| upn.guid.to_string()).collect();
            if !selected.map.is_empty() {
                // Names of users outside of the canary would have no effect.
                selected.map = chosen
                    .iter()
                    .map(|upn| (upn.guid.to_string(), upn.after.clone()))
                    .collect::<BTreeMap<_, _>>();
            }
        }
        spec
    }
}
