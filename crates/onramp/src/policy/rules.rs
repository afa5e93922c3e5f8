//! The rules of a change policy as data.

use async_trait::async_trait;
use onramp_core::{DistinguishedName, Result, visible};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use super::not_empty::not_empty;
use super::{
    ChangePolicy, ChangeWindow, PolicyDecision, PolicyRequest, PolicyViolation, RunProgress, canary,
    preflight, protected,
};
use crate::history::History;
use crate::plan_store::{StoredPlan, is_same_person};
use crate::preflight::catalog;
use crate::spec::{SpecError, nearest};

/// The maximum time by which the clock of the machine that surveyed may be ahead.
const CLOCK_TOLERANCE: Duration = Duration::minutes(5);

/// The rules of a change policy. The default has no rule.
///
/// Built with `with_…` methods, or read from TOML by [`PolicyRules::from_toml`]. They hold for a plan that undoes a run, too,
/// except for the canary. A plan that changes nothing breaks none.
///
/// ```
/// let rules = onramp::PolicyRules::from_toml(r#"
///     max_changes = 2000
///     max_failures = 10
///     max_plan_age_minutes = 1440
///     separate_approver = true
///     canary_users = 50
///     protected_ous = ["OU=Executives,DC=corp,DC=local"]
///     protected_accounts = ['CORP\breakglass']
///     windows = [{ days = ["sat", "sun"], from = "22:00", to = "04:00", utc_offset = "+01:00" }]
/// "#)?;
/// assert_eq!(rules.max_changes, Some(2000));
/// # Ok::<(), onramp::SpecError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, remote = "Self")]
#[non_exhaustive]
pub struct PolicyRules {
    /// The maximum number of changes of a plan, without waits and tests.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "positive")]
    pub max_changes: Option<u64>,
    /// The number of failed changes after which a run stops, at least 1; one that is skipped because somebody else changed the
    /// value, and one with an unknown outcome, count, too. Changes that are in flight are completed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "positive")]
    pub max_failures: Option<u64>,
    /// The maximum age of a plan, from its survey on, when its run starts, and when it goes on after a wait; and that of an approval.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "positive")]
    pub max_plan_age_minutes: Option<u32>,
    /// True if somebody else than its author must have approved a plan in a [`PlanStore`](crate::PlanStore).
    pub separate_approver: bool,
    /// True if the person who applies a plan must not be one who approved it.
    pub separate_operator: bool,
    /// The number of users that are changed and verified before a plan that changes more.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "positive")]
    pub canary_users: Option<u64>,
    /// The time for which the changed users of the canary are observed before the others are changed.
    pub canary_observation_minutes: u32,
    /// The OUs whose users no plan may change, with the OUs below them. One that does not exist refuses every plan.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "not_empty")]
    pub protected_ous: Vec<DistinguishedName>,
    /// The accounts that no plan may change, named as in [`UsersSpec::only`](crate::UsersSpec::only). A name that fits no
    /// user of the forest refuses every plan, except for a UPN: it may be that of an account of the tenant
    /// ([`PolicyRules::unknown_accounts`]).
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "not_empty")]
    pub protected_accounts: Vec<String>,
    /// The times at which changes may be made; empty is any time. A run waits while none is open; a change that waits itself,
    /// such as for a DNS record, is completed outside of a window, too.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "not_empty")]
    pub windows: Vec<ChangeWindow>,
    /// The names of items of the preflight that stop a run if they fail, such as `security-defaults`. They are judged anew
    /// when the plan is reviewed and before the first change.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "item_names")]
    pub preflight: Vec<String>,
    /// True if one of these items that cannot be told stops a run, too.
    pub preflight_must_be_known: bool,
}

impl PolicyRules {
    /// Reads rules from TOML.
    ///
    /// # Errors
    /// The position at which the text is not TOML, or has an unknown key or an invalid value.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        SpecError::read_toml(text)
    }

    /// Sets the maximum number of changes of a plan.
    #[must_use]
    pub fn with_max_changes(mut self, changes: u64) -> Self {
        self.max_changes = Some(changes);
        self
    }

    /// Sets the number of failed changes after which a run stops.
    #[must_use]
    pub fn with_max_failures(mut self, failures: u64) -> Self {
        self.max_failures = Some(failures);
        self
    }

    /// Sets the maximum age of a plan.
    #[must_use]
    pub fn with_max_plan_age_minutes(mut self, minutes: u32) -> Self {
        self.max_plan_age_minutes = Some(minutes);
        self
    }

    /// Requires the approval of somebody else than the author.
    #[must_use]
    pub fn with_separate_approver(mut self) -> Self {
        self.separate_approver = true;
        self
    }

    /// Requires that somebody else than an approver applies a plan.
    #[must_use]
    pub fn with_separate_operator(mut self) -> Self {
        self.separate_operator = true;
        self
    }

    /// Sets the number of users that are changed and verified first, and the time for which they are observed.
    #[must_use]
    pub fn with_canary(mut self, users: u64, observation_minutes: u32) -> Self {
        (self.canary_users, self.canary_observation_minutes) = (Some(users), observation_minutes);
        self
    }

    /// Adds an OU whose users no plan may change.
    #[must_use]
    pub fn with_protected_ou(mut self, ou: DistinguishedName) -> Self {
        self.protected_ous.push(ou);
        self
    }

    /// Adds an account that no plan may change.
    #[must_use]
    pub fn with_protected_account(mut self, account: impl Into<String>) -> Self {
        self.protected_accounts.push(account.into());
        self
    }

    /// Adds a time at which changes may be made.
    #[must_use]
    pub fn with_window(mut self, window: ChangeWindow) -> Self {
        self.windows.push(window);
        self
    }

    /// Adds an item of the preflight that stops a run if it fails.
    #[must_use]
    pub fn with_preflight(mut self, item: impl Into<String>) -> Self {
        self.preflight.push(item.into());
        self
    }

    /// Requires that the items of the preflight that stop a run can be told.
    #[must_use]
    pub fn with_known_preflight(mut self) -> Self {
        self.preflight_must_be_known = true;
        self
    }

    fn review_plan(&self, request: &PolicyRequest<'_>, violations: &mut Vec<PolicyViolation>) {
        let plan = request.plan;
        let writes = plan.changes().iter().filter(|planned| planned.change.writes()).count() as u64;
        if let Some(max) = self.max_changes.filter(|max| writes > *max) {
            let detail = format!("the plan makes {writes} changes, and {max} are allowed");
            violations.push(PolicyViolation::new("max_changes", detail));
        }
        if let Some(max) = self.max_plan_age_minutes
            && let Some(detail) = too_old("surveyed", surveyed_at(request), request.now, max)
        {
            violations.push(PolicyViolation::new("max_plan_age_minutes", detail));
        }
        if let Some(review) = request.review.filter(|_| self.separate_approver) {
            let digest = plan.digest();
            for at in &review.approved_at {
                violations.extend(self.ended(&digest, *at, request.history, request.now));
            }
        }
        if self.separate_approver && request.review.is_none_or(|review| review.approvers.is_empty()) {
            let detail = match request.review {
                Some(review) => format!("nobody but its author {} approved the plan", review.author),
                None => "the plan was not approved by somebody else than its author".to_owned(),
            };
            violations.push(PolicyViolation::new("separate_approver", detail));
        }
        if self.separate_operator
            && let Some(review) = request.review
        {
            let operator = request.operator.unwrap_or_default();
            let same = |approver: &&String| operator.is_empty() || is_same_person(approver, operator);
            violations.extend(review.approvers.iter().find(same).map(|approver| {
                let detail = match operator {
                    "" => "the person who applies the plan is not known".to_owned(),
                    operator => format!(
                        "{} approved the plan, and {} would apply it: the same account name",
                        visible(approver),
                        visible(operator)
                    ),
                };
                PolicyViolation::new("separate_operator", detail)
            }));
        }
    }
}

/// Reads a number of which 0 would be a mistake: it would refuse every plan.
fn positive<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default + PartialEq,
    D: Deserializer<'de>,
{
    let number = Option::<T>::deserialize(deserializer)?;
    if number.as_ref() == Some(&T::default()) {
        let detail = "0 would refuse every plan: write at least 1, or remove the line";
        return Err(serde::de::Error::custom(detail));
    }
    Ok(number)
}

/// Reads names of items of the preflight; an unknown one would stop nothing.
fn item_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> = not_empty(deserializer)?;
    let known = || catalog().iter().map(|item| item.id);
    match names.iter().find(|name| !known().any(|id| id == name.as_str())) {
        None => Ok(names),
        Some(name) => {
            let near =
                nearest(name, known()).map(|id| format!("; did you mean \"{id}\"?")).unwrap_or_default();
            let detail = format!("\"{name}\" is no item of the preflight{near}");
            Err(serde::de::Error::custom(detail))
        }
    }
}

impl<'de> Deserialize<'de> for PolicyRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = Self::deserialize(deserializer)?;
        let useless = if rules.canary_observation_minutes > 0 && rules.canary_users.is_none() {
            "`canary_observation_minutes` has no effect without `canary_users`"
        } else if rules.separate_operator && !rules.separate_approver {
            "`separate_operator` has no effect without `separate_approver`"
        } else if rules.preflight_must_be_known && rules.preflight.is_empty() {
            "`preflight_must_be_known` has no effect without `preflight`"
        } else {
            return Ok(rules);
        };
        Err(serde::de::Error::custom(useless))
    }
}

impl Serialize for PolicyRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl PolicyRules {
    /// Removes the approvals of a stored plan that are no longer good: a run with them completed or was undone, or they are older
    /// than a plan may be. Returns a violation for each.
    pub fn remove_ended_approvals(
        &self,
        stored: &mut StoredPlan,
        history: &History,
        now: OffsetDateTime,
    ) -> Vec<PolicyViolation> {
        let (digest, mut ended) = (stored.plan.digest(), Vec::new());
        stored.approvals.retain(|approval| match self.ended(&digest, approval.at, history, now) {
            Some(mut violation) => {
                violation.detail = format!("{} (by {})", violation.detail, visible(&approval.approver));
                ended.push(violation);
                false
            }
            None => true,
        });
        ended
    }

    /// Returns a violation if the approval of a plan is no longer good.
    fn ended(
        &self,
        digest: &str,
        approved_at: OffsetDateTime,
        history: &History,
        now: OffsetDateTime,
    ) -> Option<PolicyViolation> {
        if history.is_used(digest, approved_at) {
            let detail = format!(
                "the approval of {approved_at} was for a run that completed or was undone; another run needs a new one"
            );
            return Some(PolicyViolation::new("separate_approver", detail));
        }
        let detail = too_old("approved", approved_at, now, self.max_plan_age_minutes?)?;
        Some(PolicyViolation::new("max_plan_age_minutes", detail))
    }
}

/// Returns the time of the survey; not later than that at which the plan was stored, which its file cannot change.
fn surveyed_at(request: &PolicyRequest<'_>) -> OffsetDateTime {
    let surveyed = request.plan.header().surveyed_at;
    request.review.map_or(surveyed, |review| surveyed.min(review.saved_at))
}

fn too_old(what: &str, at: OffsetDateTime, now: OffsetDateTime, max_minutes: u32) -> Option<String> {
    let age = now - at;
    if age < -CLOCK_TOLERANCE {
        return Some(format!("the plan was {what} at {at}, which is in the future; a clock is wrong"));
    }
    let is_old = age > Duration::minutes(max_minutes.into());
    is_old.then(|| {
        format!("the plan was {what} {} minutes ago, and {max_minutes} are allowed", age.whole_minutes())
    })
}

#[async_trait]
impl ChangePolicy for PolicyRules {
    async fn review(&self, request: &PolicyRequest<'_>) -> Result<Vec<PolicyViolation>> {
        let mut violations = Vec::new();
        // An empty plan of a canary says that it is complete.
        canary::review(self, request, &mut violations);
        if request.plan.is_empty() {
            return Ok(violations);
        }
        self.review_plan(request, &mut violations);
        protected::review(self, request, &mut violations).await?;
        preflight::review(&self.preflight, self.preflight_must_be_known, request, &mut violations).await;
        Ok(violations)
    }

    fn decide(&self, progress: &RunProgress<'_>) -> PolicyDecision {
        let (outcome, now) = (progress.outcome, progress.now);
        let failures = outcome.failed + outcome.stale + outcome.unknown;
        if let Some(max) = self.max_failures.filter(|max| failures >= (*max).max(1)) {
            let reason = format!("the policy stops a run after {max} failed changes (max_failures)");
            return PolicyDecision::Stop { reason };
        }
        if self.windows.is_empty() || self.windows.iter().any(|window| window.is_open_at(now)) {
            return PolicyDecision::Continue;
        }
        match self.windows.iter().filter_map(|window| window.next_opening(now)).min() {
            Some(until) => {
                PolicyDecision::WaitUntil { until, reason: "the change window to open".to_owned() }
            }
            None => PolicyDecision::Stop { reason: "no change window opens any more (windows)".to_owned() },
        }
    }
}
