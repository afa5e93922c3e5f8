//! Is it true now? A survey held against the spec.

use std::fmt;

use onramp_core::Result;
use onramp_core::UpnSuffix;
use onramp_core::forest::ReplicatedValue;
use onramp_core::tenant::SignInProbe;
use serde::Serialize;

use crate::plan::{Change, Plan, plan};
use crate::run::Onramp;
use crate::secret::SecretSink;
use crate::spec::Spec;
use crate::survey::Survey;

/// What is true now, check by check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The checks, in the order of the job.
    pub checks: Vec<Check>,
}

/// One thing that the spec wants, and whether it is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What is wanted.
    pub name: String,
    /// Whether it is so.
    pub status: CheckStatus,
    /// What was found.
    pub detail: String,
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// It is.
    True,
    /// It is, but for what stands in the way and was named in the plan.
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
            Self::TrueButForBlocked => "true but for those blocked",
            Self::Unknown => "unknown",
            Self::False => "false",
        })
    }
}

impl Verification {
    /// Whether everything that the spec wants is so, but for users whom the plan named as blocked.
    pub fn is_green(&self) -> bool {
        self.checks.iter().all(|c| matches!(c.status, CheckStatus::True | CheckStatus::TrueButForBlocked))
    }
}

impl Onramp {
    /// Reads both sides again and holds them against the spec: what a new plan would still change is not true.
    ///
    /// With a secret store the sign-in of the service account is proven anew; without one it is not checked.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn verify(&self, spec: &Spec, secrets: Option<&dyn SecretSink>) -> Result<Verification> {
        let survey = self.survey(spec).await?;
        let rest = plan(spec, &survey);
        let mut checks = Vec::new();
        let mut check = |name: String, status: CheckStatus, detail: String| {
            checks.push(Check { name, status, detail });
        };
        let open =
            |wanted: fn(&Change) -> bool| rest.changes().iter().filter(move |p| wanted(&p.change)).count();
        let truth = |is: bool| if is { CheckStatus::True } else { CheckStatus::False };

        let domain = open(|c| matches!(c, Change::AddDomain { .. } | Change::VerifyDomain { .. })) == 0;
        let found = match &survey.domain {
            Some(domain) if domain.is_verified => "verified",
            Some(_) => "added, not verified",
            None => "not in the tenant",
        };
        check(format!("the tenant owns {}", spec.domain), truth(domain), found.into());

        let (status, detail) = self.suffix_everywhere(spec, &survey).await;
        check(format!("every domain controller offers the suffix {}", spec.domain), status, detail);

        if spec.users.is_some() {
            let (status, detail) = users(&rest, &survey);
            check("the selected users have their new UPN".into(), status, detail);
        }
        if spec.sync.enable {
            let on = open(|c| matches!(c, Change::EnableSync)) == 0;
            check(
                "directory synchronisation is on".into(),
                truth(on),
                format!("the switch is {}", survey.sync.state),
            );
        }
        if let (Some(wanted), Some(state)) = (&spec.service_account, &survey.service_account) {
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
            check(format!("the service account {} is set up", wanted.upn), truth(account), found);
            let role = open(|c| matches!(c, Change::AssignRole { .. })) == 0;
            let held: Vec<String> = state.roles.iter().map(|held| held.role.to_string()).collect();
            check(format!("it holds the role {}", wanted.role), truth(role), held.join(", "));
            for access in &state.subscriptions {
                let (subscription, detail) = match &access.found {
                    Some(found) => (found.display_name.as_str(), format!("subscription {}", found.id)),
                    None => (access.wanted.as_str(), "no such subscription is visible".to_owned()),
                };
                let name = format!("it holds the role {} on {subscription}", access.role);
                check(name, truth(access.granted), detail);
            }
            if let Some(secrets) = secrets {
                let (status, detail) = self.sign_in(wanted, secrets).await;
                check("it can sign in with its password alone".into(), status, detail);
            }
        }
        Ok(Verification { checks })
    }

    async fn suffix_everywhere(&self, spec: &Spec, survey: &Survey) -> (CheckStatus, String) {
        let value = ReplicatedValue::Suffix { suffix: UpnSuffix::from(&spec.domain) };
        let implicit = survey.suffixes.iter().any(|offered| {
            offered.origin == onramp_core::forest::SuffixOrigin::Domain
                && offered.suffix == UpnSuffix::from(&spec.domain)
        });
        if implicit {
            return (CheckStatus::True, "it is the name of a domain of the forest".into());
        }
        let (mut have, mut lack, mut silent) = (Vec::new(), Vec::new(), Vec::new());
        for controller in &survey.controllers {
            match self.forest.replication.holds(controller, &value).await {
                Ok(true) => have.push(controller.host.as_str()),
                Ok(false) => lack.push(controller.host.as_str()),
                Err(_) => silent.push(controller.host.as_str()),
            }
        }
        let detail = [("on", &have), ("not on", &lack), ("cannot ask", &silent)]
            .into_iter()
            .filter(|(_, hosts)| !hosts.is_empty())
            .map(|(words, hosts)| format!("{words} {}", hosts.join(", ")))
            .collect::<Vec<_>>()
            .join("; ");
        let status = match (lack.is_empty(), silent.is_empty()) {
            (false, _) => CheckStatus::False,
            (true, false) => CheckStatus::Unknown,
            (true, true) => CheckStatus::True,
        };
        (status, detail)
    }

    async fn sign_in(
        &self,
        wanted: &crate::spec::ServiceAccountSpec,
        secrets: &dyn SecretSink,
    ) -> (CheckStatus, String) {
        let stored = match secrets.load(wanted.upn.as_str()) {
            Err(error) => return (CheckStatus::Unknown, error.to_string()),
            Ok(None) => return (CheckStatus::Unknown, "its password is not in the secret store".into()),
            Ok(Some(password)) => password,
        };
        match self.tenant.sign_in.probe(&wanted.upn, &stored).await {
            Ok(SignInProbe::Accepted) => (CheckStatus::True, "a token was issued".into()),
            Ok(other) => (CheckStatus::False, format!("{other:?}")),
            Err(error) => (CheckStatus::Unknown, error.to_string()),
        }
    }
}

fn users(rest: &Plan, survey: &Survey) -> (CheckStatus, String) {
    let missing = rest.users_changed();
    let blocked = rest.blockers().iter().filter(|b| !b.is_fatal()).count();
    let have =
        survey.skipped_counts.get(&crate::candidate::SkipReason::AlreadySo).copied().unwrap_or_default();
    let lagging = survey.users_missing_on.len() as u64;
    let mut detail = format!("{have} have it, {missing} do not, {blocked} are blocked");
    if lagging > 0 {
        detail.push_str(&format!("; {lagging} of a sample do not have it on every domain controller"));
    }
    let status = match (missing + lagging, blocked) {
        (0, 0) => CheckStatus::True,
        (0, _) => CheckStatus::TrueButForBlocked,
        _ => CheckStatus::False,
    };
    (status, detail)
}
