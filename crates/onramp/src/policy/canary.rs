//! The canary: a few users who are changed and verified before the others.

use time::Duration;

use super::{PolicyRequest, PolicyRules, PolicyViolation};
use crate::canary::Canary;
use crate::history::{EarlierCanary, History};
use crate::plan::{Change, Plan, UserValues};
use crate::spec::{Spec, SyncSpec};

const RULE: &str = "canary_users";

/// The maximum number of users that one violation names.
const NAMED: usize = 3;

impl PolicyRules {
    /// Returns true if a canary has to be changed and verified before a plan: a new one, or one that an earlier run began.
    pub fn needs_canary(&self, plan: &Plan, history: &History) -> bool {
        self.canary_of(plan, history).is_some_and(|users| {
            unverified(plan, history).is_some() || history.verified_at(plan, users).is_none()
        })
    }

    /// Returns the spec of the canary that has to precede a plan of a spec: that of an earlier run, if there is one that is
    /// neither verified nor undone, so that no other user is changed before; else a new one.
    ///
    /// ```
    /// # fn example(rules: onramp::PolicyRules, spec: onramp::Spec, survey: onramp::Survey, history: onramp::History) {
    /// let whole = onramp::plan(&spec, &survey);
    /// let next = rules.next_canary(&spec, &whole, &history).unwrap_or(spec);
    /// # }
    /// ```
    pub fn next_canary(&self, spec: &Spec, plan: &Plan, history: &History) -> Option<Spec> {
        if !self.needs_canary(plan, history) {
            return None;
        }
        let canary = unverified(plan, history).map(|earlier| earlier.canary.clone());
        Some(match canary {
            Some(canary) => spec.with_canary(canary),
            None => spec.canary(plan, self.canary_users?),
        })
    }

    /// Returns the number of users of the canary that has to precede a plan.
    fn canary_of(&self, plan: &Plan, history: &History) -> Option<u64> {
        let header = plan.header();
        let users = self.canary_users?;
        let changed = plan.users_changed();
        // What an undo restores was there before.
        if header.undoes.is_some() || header.canary.is_some() || changed == 0 {
            return None;
        }
        // The rest of a canary may be fewer users than the canary.
        (changed > users || !history.canaries_before(plan).is_empty()).then_some(users)
    }
}

/// Returns the canary of earlier runs that is to be finished before a plan.
fn unverified<'a>(plan: &Plan, history: &'a History) -> Option<EarlierCanary<'a>> {
    history.canaries_before(plan).into_iter().find(|earlier| earlier.verified_at.is_none())
}

/// Adds a violation if the canary of a plan is not verified, or not for long enough, and if its users were changed since.
pub(super) fn review(
    rules: &PolicyRules,
    request: &PolicyRequest<'_>,
    violations: &mut Vec<PolicyViolation>,
) {
    let (plan, history) = (request.plan, request.history);
    if rules.canary_users.is_none() || plan.header().undoes.is_some() {
        return;
    }
    let mut violation = |detail| violations.push(PolicyViolation::new(RULE, detail));
    for earlier in history.canaries_before(plan) {
        let again: Vec<UserValues<'_>> = (plan.changes().iter())
            .filter_map(|planned| planned.change.of_user())
            .filter(|values| earlier.done.contains(&values.guid))
            .collect();
        if !again.is_empty() {
            violation(changed_since(&earlier, &again));
        }
    }
    if let Some(canary) = &plan.header().canary {
        review_canary(rules, canary, request, &mut violation);
        return;
    }
    let Some(users) = rules.canary_of(plan, history) else { return };
    let changed = plan.users_changed();
    if let Some(earlier) = unverified(plan, history) {
        let canary = earlier.canary;
        violation(format!("the {canary} was begun and is neither verified nor undone ({})", plans(&earlier)));
        return;
    }
    let Some(verified_at) = history.verified_at(plan, users) else {
        violation(format!(
            "the plan changes {changed} users, and no canary of {users} users was changed and verified before"
        ));
        return;
    };
    let observed = Duration::minutes(rules.canary_observation_minutes.into());
    let until = verified_at.checked_add(observed);
    if until.is_none_or(|until| request.now < until) {
        let until = until.map_or("the end of time".to_owned(), |until| until.to_string());
        let detail = format!("the canary was verified at {verified_at}, and is observed until {until}");
        violations.push(PolicyViolation::new("canary_observation_minutes", detail));
    }
}

/// Reviews a plan that is a canary itself.
fn review_canary(
    rules: &PolicyRules,
    canary: &Canary,
    request: &PolicyRequest<'_>,
    violation: &mut impl FnMut(String),
) {
    let plan = request.plan;
    let begun = unverified(plan, request.history);
    // A spec is a file: it could call every user a canary.
    let (changed, scope) = (plan.users_changed(), plan.header().scope);
    if let Some(users) = rules.canary_users.filter(|users| changed > *users && begun.is_none()) {
        violation(format!("the canary changes {changed} users, and {users} are allowed"));
    }
    if scope.sync || scope.service_account || scope.application {
        violation("a canary changes users, and neither synchronization, nor the service account, nor the application".to_owned());
    }
    if let Some(other) = begun.filter(|other| other.canary.users != canary.users) {
        violation(format!(
            "another {} was begun and is neither verified nor undone ({})",
            other.canary,
            plans(&other)
        ));
    }
    let blocked: Vec<String> = (plan.blockers().iter())
        .filter(|blocker| !blocker.is_fatal())
        .map(ToString::to_string)
        .take(NAMED)
        .collect();
    if !blocked.is_empty() {
        violation(format!("users of the canary cannot be changed: {}", blocked.join("; ")));
    }
}

fn changed_since(earlier: &EarlierCanary<'_>, again: &[UserValues<'_>]) -> String {
    let named = again.iter().take(NAMED).map(|values| {
        let has = values.before.unwrap_or("none");
        onramp_core::visible(&format!("{} has the UPN {has}", values.dn)).into_owned()
    });
    let named = named.collect::<Vec<_>>().join("; ");
    let more = match again.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "users of the {} were changed again or undone since ({named}{more}): undo it ({}), or give them back their new UPN",
        earlier.canary,
        plans(earlier)
    )
}

/// Returns the plans of a canary as `onramp undo` takes them.
fn plans(earlier: &EarlierCanary<'_>) -> String {
    let mut short: Vec<&str> = earlier.plans.iter().map(|plan| plan.get(..12).unwrap_or(plan)).collect();
    short.dedup();
    format!("plan {}", short.join(", "))
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
                Change::ChangeUpn { upn } => Some(upn.guid),
                _ => None,
            })
            .collect();
        let users = usize::try_from(users).unwrap_or(usize::MAX).min(all.len());
        let chosen = (0..users).filter_map(|place| all.get(place * all.len() / users)).copied();
        self.with_canary(Canary::new(chosen, all.len() as u64))
    }

    /// Returns the spec of a canary that was chosen before.
    #[must_use]
    pub fn with_canary(&self, canary: Canary) -> Self {
        let mut spec =
            Self { sync: SyncSpec::default(), service_account: None, application: None, ..self.clone() };
        if let Some(selected) = &mut spec.users {
            selected.canary = Some(canary);
        }
        spec
    }
}
