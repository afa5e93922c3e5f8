//! The verification of a job: an approved plan and its spec, held against what both sides hold now.

use std::collections::{HashMap, HashSet};
use std::fmt;

use futures_util::TryStreamExt;
use onramp_core::forest::{ReplicatedValue, UserQuery};
use onramp_core::tenant::SignInProbe;
use onramp_core::{ErrorKind, ObjectGuid, Result, Upn, UpnSuffix};
use serde::Serialize;

use crate::everywhere::Sample;
use crate::plan::{ApprovedPlan, Blocker, Change, Plan, Problem, is_federated, is_implicit, plan};
use crate::run::Onramp;
use crate::secret::SecretSink;
use crate::spec::{ServiceAccountSpec, Spec};
use crate::survey::Survey;

/// The result of a verification, check by check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The checks, in the order of the job.
    pub checks: Vec<Check>,
}

/// A check of one thing that the spec wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The name of what is wanted.
    pub name: String,
    /// The status.
    pub status: CheckStatus,
    /// The finding, in words.
    pub detail: String,
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// It is.
    True,
    /// It is, but for what the approved plan named: users that are blocked, domain controllers that are left out.
    TrueButForBlocked,
    /// It cannot be told.
    Unknown,
    /// It is not.
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
    /// Whether everything that the spec wants is so, but for what the approved plan named.
    pub fn is_green(&self) -> bool {
        !self.checks.is_empty()
            && self
                .checks
                .iter()
                .all(|c| matches!(c.status, CheckStatus::True | CheckStatus::TrueButForBlocked))
    }

    fn check(&mut self, name: impl Into<String>, status: CheckStatus, detail: impl Into<String>) {
        self.checks.push(Check { name: name.into(), status, detail: detail.into() });
    }
}

fn truth(is: bool) -> CheckStatus {
    if is { CheckStatus::True } else { CheckStatus::False }
}

impl Onramp {
    /// Reads both sides again and holds them against the approved plan and the spec.
    ///
    /// Every user that the plan changed is looked up by its object GUID and must have the planned UPN; that does not
    /// depend on the selection, which may no longer fit. Then both sides are surveyed: what a new plan would still
    /// change is not true, and neither is a problem that the approved plan did not name. Without an approved plan
    /// nothing is excused.
    ///
    /// With a secret store the sign-in of the service account is proven anew; without one it is not checked.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn verify(
        &self,
        spec: &Spec,
        approved: Option<&ApprovedPlan>,
        secrets: Option<&dyn SecretSink>,
    ) -> Result<Verification> {
        let survey = self.survey(spec).await?;
        let rest = plan(spec, &survey);
        let mut verification = Verification { checks: Vec::new() };
        let open =
            |wanted: fn(&Change) -> bool| rest.changes().iter().filter(move |p| wanted(&p.change)).count();

        let domain = open(|c| matches!(c, Change::AddDomain { .. } | Change::VerifyDomain { .. })) == 0;
        let found = match &survey.domain {
            Some(domain) if domain.is_verified => "verified",
            Some(_) => "added, not verified",
            None => "not in the tenant",
        };
        verification.check(format!("the tenant owns {}", spec.domain), truth(domain), found);

        let (status, detail) = self.suffix_everywhere(spec, &survey, approved).await;
        let name = format!("every domain controller offers the suffix {}", spec.domain);
        verification.check(name, status, detail);

        if spec.users.is_some() {
            let (status, detail) = self.users(&rest, &survey, approved).await?;
            verification.check("the selected users have their new UPN", status, detail);
        }
        if spec.sync.enable {
            let on = open(|c| matches!(c, Change::EnableSync)) == 0;
            let detail = format!("the switch is {}", survey.sync.state);
            verification.check("directory synchronization is on", truth(on), detail);
        }
        if let Some(wanted) = &spec.service_account {
            self.service_account(wanted, &rest, &survey, secrets, &mut verification).await;
        }
        let fatal: Vec<String> =
            rest.blockers().iter().filter(|blocker| blocker.is_fatal()).map(ToString::to_string).collect();
        if !fatal.is_empty() {
            verification.check("nothing blocks the plan", CheckStatus::False, fatal.join("; "));
        }
        Ok(verification)
    }

    async fn suffix_everywhere(
        &self,
        spec: &Spec,
        survey: &Survey,
        approved: Option<&ApprovedPlan>,
    ) -> (CheckStatus, String) {
        let suffix = UpnSuffix::from(&spec.domain);
        let is_implicit = is_implicit(&suffix, survey);
        let value = ReplicatedValue::Suffix { suffix };
        let excused = approved.map(ApprovedPlan::left_out).unwrap_or_default();
        let (mut have, mut lack, mut silent, mut left_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for controller in &survey.controllers {
            let host = controller.host.as_str();
            match self.forest.replication.holds(controller, &value).await {
                Ok(found) if found || is_implicit => have.push(host),
                Ok(_) => lack.push(host),
                Err(_) if excused.iter().any(|left| left.eq_ignore_ascii_case(host)) => left_out.push(host),
                Err(_) => silent.push(host),
            }
        }
        let words = if is_implicit { "the name of a domain of the forest; answers from" } else { "on" };
        let detail =
            [(words, &have), ("not on", &lack), ("no answer from", &silent), ("left out:", &left_out)]
                .into_iter()
                .filter(|(_, hosts)| !hosts.is_empty())
                .map(|(words, hosts)| format!("{words} {}", hosts.join(", ")))
                .collect::<Vec<_>>()
                .join("; ");
        match (lack.is_empty(), silent.is_empty() && !have.is_empty(), left_out.is_empty()) {
            (false, ..) => (CheckStatus::False, detail),
            (true, false, _) if detail.is_empty() => {
                (CheckStatus::Unknown, "no domain controller is known".into())
            }
            (true, false, _) => (CheckStatus::Unknown, detail),
            (true, true, false) => (CheckStatus::TrueButForBlocked, detail),
            (true, true, true) => (CheckStatus::True, detail),
        }
    }

    /// Holds the users of the approved plan against the forest, and a new plan against the approved one.
    async fn users(
        &self,
        rest: &Plan,
        survey: &Survey,
        approved: Option<&ApprovedPlan>,
    ) -> Result<(CheckStatus, String)> {
        let mut planned: HashMap<ObjectGuid, &Upn> = HashMap::new();
        let mut sample = Sample::default();
        for change in approved.iter().flat_map(|approved| approved.plan().changes()) {
            if let Change::ChangeUpn { upn } = &change.change {
                planned.insert(upn.guid, &upn.after);
                sample.offer_value(change.value());
            }
        }
        let total = planned.len();
        let (mut lost, mut unreadable) = (Vec::new(), 0_u64);
        if total > 0 {
            let mut users = self.forest.users.search(UserQuery::all());
            loop {
                let user = match users.try_next().await {
                    Ok(Some(user)) => user,
                    Ok(None) => break,
                    Err(error) if *error.kind() == ErrorKind::Unreadable => {
                        unreadable += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let Some(after) = planned.remove(&user.guid) else { continue };
                let present = user.upn.as_deref().unwrap_or("(none)");
                if Upn::parse(present).ok().as_ref() != Some(after) {
                    lost.push(format!("{} has {present}, not {after}", user.sam_account_name));
                }
            }
        }
        let gone = planned.len();
        let values = sample.into_values();
        let sampled = values.len() as u64 + survey.users_sampled;
        let lagging: HashSet<ObjectGuid> = (self.missing_on(&values, &survey.controllers).await.iter())
            .chain(&survey.users_missing_on)
            .filter_map(|value| match value {
                ReplicatedValue::UserUpn { guid, .. } => Some(*guid),
                _ => None,
            })
            .collect();
        let known: HashSet<(ObjectGuid, Problem)> =
            approved.iter().flat_map(|approved| approved.plan().blockers()).filter_map(of_user).collect();
        let blockers: Vec<(ObjectGuid, Problem)> = rest.blockers().iter().filter_map(of_user).collect();
        let is_shared = |problem: &Problem| matches!(problem, Problem::Shared { .. });
        let fresh = blockers
            .iter()
            .filter(|blocked| !known.contains(blocked) || is_shared(&blocked.1))
            .collect::<Vec<_>>();
        let had =
            survey.skipped_counts.get(&crate::candidate::SkipReason::AlreadySo).copied().unwrap_or_default();
        let have = had.max((total - gone).saturating_sub(lost.len()) as u64);
        let missing = rest.users_changed();

        let mut detail = vec![format!("{have} have it, {missing} do not, {} are blocked", blockers.len())];
        if !lost.is_empty() || gone > 0 {
            let named: Vec<&str> = lost.iter().take(3).map(String::as_str).collect();
            let more = lost.len().saturating_sub(named.len());
            let mut text = format!("of {total} that the plan changed, {} have another UPN", lost.len());
            if !named.is_empty() {
                text.push_str(&format!(" ({}{})", named.join("; "), if more > 0 { "; …" } else { "" }));
            }
            if gone > 0 {
                text.push_str(&format!(" and {gone} no longer exist"));
            }
            detail.push(text);
        }
        if let Some((_, problem)) = fresh.first() {
            detail.push(format!("{} problems that the plan did not name, the first: {problem}", fresh.len()));
        }
        if unreadable > 0 {
            detail.push(format!("{unreadable} users could not be understood"));
        }
        detail.push(match lagging.len() {
            0 if sampled == 0 => "no user was looked at on every domain controller".to_owned(),
            0 => format!("a sample of {sampled} is on every domain controller that answers"),
            lagging => format!("{lagging} of a sample of {sampled} are not on every domain controller"),
        });
        let wrong = missing as usize + lost.len() + gone + lagging.len() + fresh.len();
        let status = match (wrong, have, blockers.len()) {
            (1.., ..) => CheckStatus::False,
            // Nobody selected, or everybody blocked: nothing was shown to be so.
            (0, 0, 0) => CheckStatus::Unknown,
            (0, 0, _) => CheckStatus::False,
            (0, _, 0) => CheckStatus::True,
            (0, ..) => CheckStatus::TrueButForBlocked,
        };
        Ok((status, detail.join("; ")))
    }

    async fn service_account(
        &self,
        wanted: &ServiceAccountSpec,
        rest: &Plan,
        survey: &Survey,
        secrets: Option<&dyn SecretSink>,
        verification: &mut Verification,
    ) {
        let Some(state) = &survey.service_account else { return };
        let open =
            |wanted: fn(&Change) -> bool| rest.changes().iter().filter(move |p| wanted(&p.change)).count();
        let account = open(|c| {
            matches!(
                c,
                Change::CreateServiceAccount { .. }
                    | Change::SetAlternateEmail { .. }
                    | Change::EnableServiceAccount { .. }
                    | Change::SetServiceAccountPassword { .. }
                    | Change::SetMfaState { .. }
            )
        }) == 0;
        let found = match &state.user {
            Some(user) => {
                let mfa = state.mfa.map(|mfa| format!(", per-user MFA {mfa}")).unwrap_or_default();
                format!("object ID {}{mfa}", user.id)
            }
            None => "it does not exist".into(),
        };
        verification.check(format!("the service account {} is set up", wanted.upn), truth(account), found);
        let role = open(|c| matches!(c, Change::AssignRole { .. })) == 0;
        let held: Vec<String> = state.roles.iter().map(|held| held.role.to_string()).collect();
        let name = format!("{} has the role {}", wanted.upn, wanted.role);
        verification.check(name, truth(role), held.join(", "));
        for access in &state.subscriptions {
            let (subscription, detail) = match access.found.as_slice() {
                [] => (access.wanted.as_str(), "no such subscription is visible".to_owned()),
                [found] => (found.display_name.as_str(), format!("subscription {}", found.id)),
                several => {
                    (access.wanted.as_str(), format!("{} subscriptions have that name", several.len()))
                }
            };
            let name = format!("{} has the role {} on {subscription}", wanted.upn, access.role);
            verification.check(name, truth(access.granted), detail);
        }
        if let Some(secrets) = secrets {
            let (status, detail) = if is_federated(&wanted.upn, survey) {
                (CheckStatus::Unknown, "its domain is federated: Entra cannot check its password".to_owned())
            } else {
                self.sign_in(wanted, secrets).await
            };
            verification.check(format!("{} can sign in with its password alone", wanted.upn), status, detail);
        }
    }

    async fn sign_in(&self, wanted: &ServiceAccountSpec, secrets: &dyn SecretSink) -> (CheckStatus, String) {
        let stored = match secrets.load(wanted.upn.as_str()) {
            Err(error) => return (CheckStatus::Unknown, error.to_string()),
            Ok(None) => return (CheckStatus::Unknown, "its password is not in the secret store".into()),
            Ok(Some(password)) => password,
        };
        match self.tenant.sign_in.probe(&wanted.upn, &stored).await {
            Ok(SignInProbe::Accepted) => (CheckStatus::True, "a token was issued".into()),
            Ok(other) => (CheckStatus::False, other.to_string()),
            Err(error) => (CheckStatus::Unknown, error.to_string()),
        }
    }
}

/// The user that a blocker is about, with the problem.
fn of_user(blocker: &Blocker) -> Option<(ObjectGuid, Problem)> {
    Some((blocker.user.as_ref()?.guid, blocker.problem.clone()))
}
