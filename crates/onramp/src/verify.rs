//! The verification of a job: an approved plan and its spec, held against what both sides hold now.

use std::collections::{HashMap, HashSet};
use std::fmt;

use futures_util::TryStreamExt;
use onramp_core::forest::{ReplicatedValue, UserQuery};
use onramp_core::tenant::SignInProbe;
use onramp_core::{Error, ErrorKind, ObjectGuid, ObjectId, Result, Upn, UpnSuffix};
use serde::Serialize;

use crate::everywhere::Sample;
use crate::plan::{ApprovedPlan, Blocker, Change, Plan, Problem, forest_of, is_federated, is_implicit, plan};
use crate::run::Onramp;
use crate::secret::SecretSink;
use crate::spec::{ServiceAccountSpec, Spec, UsersSpec};
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
    /// Returns true if everything that the spec wants is so, but for what the approved plan named.
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
    /// With a secret store the sign-in of the service account is proven anew; without one it is not checked. A stored
    /// password that an interrupted run left, and that is proven right, becomes the current one.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or domain; those of reading.
    pub async fn verify(
        &self,
        spec: &Spec,
        approved: Option<&ApprovedPlan>,
        secrets: Option<&dyn SecretSink>,
    ) -> Result<Verification> {
        let survey = self.recalling(spec, approved).survey(spec).await?;
        if let Some(approved) = approved {
            same_job(spec, &survey, approved)?;
        }
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

        let renames = approved.is_some_and(|approved| approved.plan().users_changed() > 0);
        if spec.users.is_some() || renames {
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
            if let Some((id, now)) = approved.and_then(|approved| exchanged(approved, &survey)) {
                let name = format!("{} is the account that the plan was made from", wanted.upn);
                let detail = format!("the plan was made from {id}, and {now} has that name");
                verification.check(name, CheckStatus::False, detail);
            }
        }
        let fatal: Vec<String> =
            rest.blockers().iter().filter(|blocker| blocker.is_fatal()).map(ToString::to_string).collect();
        if !fatal.is_empty() {
            verification.check("nothing blocks the plan", CheckStatus::False, fatal.join("; "));
        }
        Ok(verification)
    }

    /// The same with the knowledge of what the approved plan renamed, where the spec has names that may be former ones.
    fn recalling(&self, spec: &Spec, approved: Option<&ApprovedPlan>) -> Self {
        let mut this = self.clone();
        let has_names =
            |users: &UsersSpec| !(users.only.is_empty() && users.exclude.is_empty() && users.map.is_empty());
        if let Some(approved) = approved.filter(|_| spec.users.as_ref().is_some_and(has_names)) {
            this.history.add_plan(approved.plan());
        }
        this
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
                    Err(error) if error.kind() == ErrorKind::Unreadable => {
                        unreadable += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let Some(after) = planned.remove(&user.guid) else { continue };
                let present = user.upn.as_deref().unwrap_or("(none)");
                if Upn::parse(present).ok().as_ref() == Some(after) {
                    // As it is spelled now: somebody may have changed its case.
                    sample.offer(&user);
                } else {
                    lost.push(format!("{} has {present}, not {after}", user.sam_account_name));
                }
            }
        }
        let gone = planned.len();
        let values = sample.into_values();
        // Both samples are of the same users, mostly.
        let sampled = survey.users_sampled.max(values.len() as u64);
        let (missing_on, silent) = self.ask_everywhere(&values, &survey.controllers).await;
        let excused = approved.map(ApprovedPlan::left_out).unwrap_or_default();
        let silent: Vec<String> = (silent.into_iter())
            .filter(|host| !excused.iter().any(|left| left.eq_ignore_ascii_case(host)))
            .collect();
        let lagging: HashSet<ObjectGuid> = (missing_on.iter())
            .chain(&survey.users_missing_on)
            .filter_map(|value| match value {
                ReplicatedValue::UserUpn { guid, .. } => Some(*guid),
                _ => None,
            })
            .collect();
        let known: HashSet<(ObjectGuid, Problem)> =
            approved.iter().flat_map(|approved| approved.plan().blockers()).filter_map(of_user).collect();
        let blockers: Vec<&Blocker> = rest.blockers().iter().filter(|blocker| !blocker.is_fatal()).collect();
        let is_shared = |blocker: &Blocker| matches!(blocker.problem, Problem::Shared { .. });
        let is_known = |blocker: &Blocker| of_user(blocker).is_some_and(|blocked| known.contains(&blocked));
        let mut fresh: Vec<&Blocker> =
            blockers.iter().copied().filter(|blocker| is_shared(blocker) || !is_known(blocker)).collect();
        // Two users with one UPN are worse than one whose UPN cannot be changed.
        fresh.sort_by_key(|blocker| !is_shared(blocker));
        let had =
            survey.skipped_counts.get(&crate::candidate::SkipReason::AlreadySo).copied().unwrap_or_default();
        let have = had.max((total - gone).saturating_sub(lost.len()) as u64);
        let missing = rest.users_changed();

        let mut detail = vec![format!("{have} have it, {missing} do not, {} are blocked", blockers.len())];
        if !lost.is_empty() || gone > 0 {
            let mut text = format!("of {total} that the plan changed, {} have another UPN", lost.len());
            if !lost.is_empty() {
                text.push_str(&format!(" ({})", named(&lost)));
            }
            if gone > 0 {
                text.push_str(&format!(" and {gone} no longer exist"));
            }
            detail.push(text);
        }
        if !fresh.is_empty() {
            let (count, named) = (fresh.len(), named(&fresh));
            detail.push(format!("{count} with a problem that the plan did not name or excuse ({named})"));
        }
        if unreadable > 0 {
            detail.push(format!("{unreadable} users could not be understood"));
        }
        detail.push(match lagging.len() {
            0 if sampled == 0 => "no user was looked at on every domain controller".to_owned(),
            0 => format!("a sample of {sampled} is on every domain controller that answers"),
            lagging => format!("{lagging} of a sample of {sampled} are not on every domain controller"),
        });
        if !silent.is_empty() {
            detail.push(format!("no answer about them from {}", silent.join(", ")));
        }
        let wrong = missing as usize + lost.len() + gone + lagging.len() + fresh.len();
        let status = match (wrong, have, blockers.len()) {
            (1.., ..) => CheckStatus::False,
            // Nobody selected, or everybody blocked: nothing was shown to be so.
            (0, 0, 0) => CheckStatus::Unknown,
            (0, 0, _) => CheckStatus::False,
            (0, ..) if !silent.is_empty() => CheckStatus::Unknown,
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
        let name = wanted.upn.as_str();
        let (current, newest) = match (secrets.load(name), secrets.pending(name)) {
            (Err(error), _) | (_, Err(error)) => return (CheckStatus::Unknown, error.to_string()),
            // An interrupted run may have given it the newest one.
            (Ok(current), Ok(pending)) => (current, pending.into_iter().next()),
        };
        let mut told = (
            CheckStatus::Unknown,
            "its password is not in the secret store; `new_password` gives it a new one".to_owned(),
        );
        for password in current.iter().chain(&newest) {
            let probe = match self.tenant.sign_in.probe(&wanted.upn, password).await {
                Ok(probe) => probe,
                Err(error) => return (CheckStatus::Unknown, error.to_string()),
            };
            if probe.password_is_right() == Some(true)
                && let Err(error) = secrets.promote(name, password)
            {
                return (CheckStatus::Unknown, error.to_string());
            }
            told = match &probe {
                SignInProbe::Accepted => return (CheckStatus::True, "a token was issued".into()),
                SignInProbe::WrongPassword => {
                    (CheckStatus::False, format!("{probe}; `new_password` gives it a new one"))
                }
                SignInProbe::Inconclusive { .. }
                | SignInProbe::NotCheckedHere { .. }
                | SignInProbe::ApplicationRefused { .. } => return (CheckStatus::Unknown, probe.to_string()),
                _ => return (CheckStatus::False, probe.to_string()),
            };
        }
        told
    }
}

/// Refuses a plan that was made for another tenant or another domain.
fn same_job(spec: &Spec, survey: &Survey, approved: &ApprovedPlan) -> Result<()> {
    let (header, forest) = (approved.plan().header(), forest_of(&survey.controllers));
    let detail = if header.tenant != survey.sync.tenant_id {
        format!("the plan is for the tenant {}, not for {}", header.tenant_name, survey.sync.display_name)
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

/// The object ID of the account that a plan was made from and of the one that has its name now, if those differ.
fn exchanged(approved: &ApprovedPlan, survey: &Survey) -> Option<(ObjectId, ObjectId)> {
    let planned = approved.plan().changes().iter().find_map(|planned| planned.change.account_id())?;
    let now = survey.service_account.as_ref()?.user.as_ref()?.id;
    (planned != now).then_some((planned, now))
}

/// The first three of several, in words.
fn named(all: &[impl fmt::Display]) -> String {
    let mut text = all.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if all.len() > 3 {
        text.push_str("; …");
    }
    text
}

/// The user that a blocker is about, with the problem.
fn of_user(blocker: &Blocker) -> Option<(ObjectGuid, Problem)> {
    Some((blocker.user.as_ref()?.guid, blocker.problem.clone()))
}
