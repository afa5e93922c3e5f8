//! The canary: a few users who are changed and verified before the others.

use onramp_core::ObjectGuid;
use time::Duration;

use super::{PolicyRequest, PolicyRules, PolicyViolation};
use crate::canary::Canary;
use crate::history::{EarlierCanary, History};
use crate::plan::{Change, Plan};
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

    /// Returns the canary that has to precede a plan of fixes. As with [`next_canary`](Self::next_canary), it is that of an
    /// earlier run which is neither verified nor undone, else a new one.
    ///
    /// ```
    /// # fn example(rules: onramp::PolicyRules, survey: onramp::fixes::FixSurvey, history: onramp::History) {
    /// let whole = onramp::fixes::plan(&survey);
    /// let plan = match rules.next_canary_of_fixes(&whole, &history) {
    ///     Some(canary) => onramp::fixes::plan(&survey.with_canary(canary)),
    ///     None => whole,
    /// };
    /// # }
    /// ```
    pub fn next_canary_of_fixes(&self, plan: &Plan, history: &History) -> Option<Canary> {
        if !self.needs_canary(plan, history) {
            return None;
        }
        Some(match unverified(plan, history) {
            Some(earlier) => earlier.canary.clone(),
            None => spread(plan, self.canary_users?),
        })
    }

    /// Returns the number of users or other objects of the canary that has to precede a plan.
    fn canary_of(&self, plan: &Plan, history: &History) -> Option<u64> {
        let header = plan.header();
        let users = self.canary_users?;
        let changed = changed_by(plan);
        // What an undo restores was there before.
        if header.undoes.is_some() || header.canary.is_some() || changed == 0 {
            return None;
        }
        // The rest of a canary may be fewer users than the canary.
        (changed > users || !history.canaries_before(plan).is_empty()).then_some(users)
    }
}

/// Returns the number of users and other objects of the forest that a plan changes.
fn changed_by(plan: &Plan) -> u64 {
    plan.users_changed() + plan.objects_changed()
}

/// Returns a canary of so many objects that a plan changes, spread evenly.
fn spread(plan: &Plan, count: u64) -> Canary {
    let all: Vec<ObjectGuid> =
        plan.changes().iter().filter_map(|planned| Some(planned.change.object()?.0)).collect();
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(all.len());
    let chosen = (0..count).filter_map(|place| all.get(place * all.len() / count)).copied();
    Canary::new(chosen, all.len() as u64)
}

/// Returns the word for what a plan changes.
fn noun(plan: &Plan) -> &'static str {
    if plan.header().scope.attributes { "objects" } else { "users" }
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
        // An object that was fixed may have a finding of another kind later.
        let again: Vec<&Change> = (plan.changes().iter())
            .map(|planned| &planned.change)
            .filter(|change| change.is_of_user())
            .filter(|change| change.object().is_some_and(|(guid, _)| earlier.done.contains(&guid)))
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
    let (changed, noun) = (changed_by(plan), noun(plan));
    if let Some(earlier) = unverified(plan, history) {
        let canary = earlier.canary;
        violation(format!("the {canary} was begun and is neither verified nor undone ({})", plans(&earlier)));
        return;
    }
    let Some(verified_at) = history.verified_at(plan, users) else {
        violation(format!(
            "the plan changes {changed} {noun}, and no canary of {users} {noun} was changed and verified before"
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
    let (changed, noun, scope) = (changed_by(plan), noun(plan), plan.header().scope);
    if let Some(users) = rules.canary_users.filter(|users| changed > *users && begun.is_none()) {
        violation(format!("the canary changes {changed} {noun}, and {users} are allowed"));
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
        violation(format!("{noun} of the canary cannot be changed: {}", blocked.join("; ")));
    }
}

fn changed_since(earlier: &EarlierCanary<'_>, again: &[&Change]) -> String {
    let named = again.iter().take(NAMED).filter_map(|change| {
        let text = match change.of_user() {
            Some(values) => format!("{} has the UPN {}", values.dn, values.before.unwrap_or("none")),
            None => format!("{} has other addresses", change.object()?.1),
        };
        Some(onramp_core::visible(&text).into_owned())
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
        self.with_canary(spread(plan, users))
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
