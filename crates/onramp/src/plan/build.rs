//! From a spec and a survey to a plan: a pure function.

use onramp_core::UpnSuffix;
use onramp_core::forest::{ReplicatedValue, UpnChange};
use onramp_core::tenant::{MfaState, SyncState};

use super::{Blocker, Change, Consequence, Plan, PlanHeader, PlannedChange, Problem, lines::FORMAT};
use crate::collisions::Collisions;
use crate::spec::{ServiceAccountSpec, Spec};
use crate::survey::{ServiceAccountState, Survey};

/// How many of the changed users are looked at on every domain controller.
const SAMPLE: usize = 16;

/// What has to be changed for a spec to be true, given what a survey found.
///
/// The same spec and survey give the same plan. Users in whose way something stands are left as they are, each with
/// a [`Blocker`] that names the other party, and the plan gets the consequence
/// [`Consequence::UsersLeftBehind`].
pub fn plan(spec: &Spec, survey: &Survey) -> Plan {
    let mut draft = Draft::default();
    draft.domain(spec, survey);
    draft.suffix(spec, survey);
    draft.users(survey);
    draft.sync(spec, survey);
    if let (Some(wanted), Some(state)) = (&spec.service_account, &survey.service_account) {
        draft.service_account(spec, wanted, state, survey);
    }
    let counts = &survey.skipped_counts;
    Plan {
        header: PlanHeader {
            format: FORMAT.into(),
            surveyed_at: survey.taken_at,
            tenant: survey.sync.tenant_id,
            tenant_name: survey.sync.display_name.clone(),
            domain: spec.domain.clone(),
            users_read: survey.counts.forest_users,
            users_skipped: counts.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
            waits: spec.waits,
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        skipped: survey.skipped.clone(),
    }
}

#[derive(Default)]
struct Draft {
    changes: Vec<PlannedChange>,
    consequences: Vec<Consequence>,
    blockers: Vec<Blocker>,
}

impl Draft {
    fn change(&mut self, change: Change, reason: impl Into<String>) {
        let number = self.changes.len() as u64 + 1;
        self.changes.push(PlannedChange { number, reason: reason.into(), change });
    }

    fn block_all(&mut self, problem: Problem) {
        self.blockers.push(Blocker { user: None, present_upn: None, problem });
    }

    fn domain(&mut self, spec: &Spec, survey: &Survey) {
        let domain = spec.domain.clone();
        if !domain.is_routable() {
            self.block_all(Problem::NotRoutable { domain: domain.clone() });
        }
        if survey.domain.is_none() {
            self.change(Change::AddDomain { domain: domain.clone() }, "the tenant does not have it");
        }
        if !survey.domain.as_ref().is_some_and(|domain| domain.is_verified) {
            self.change(
                Change::VerifyDomain { domain },
                "only users of verified domains keep their UPN in the cloud",
            );
        }
    }

    fn suffix(&mut self, spec: &Spec, survey: &Survey) {
        let wanted = UpnSuffix::from(&spec.domain);
        let offered = survey.suffixes.iter().any(|offered| offered.suffix == wanted);
        let values = vec![ReplicatedValue::Suffix { suffix: wanted }];
        if !offered {
            self.change(Change::AddSuffix { suffix: spec.domain.clone() }, "the forest does not offer it");
            self.change(
                Change::AwaitReplication { values },
                "users change on any domain controller afterwards",
            );
        } else if !survey.suffix_missing_on.is_empty() {
            let why = format!("it was not seen on {}", survey.suffix_missing_on.join(", "));
            self.change(Change::AwaitReplication { values }, why);
        }
    }

    fn users(&mut self, survey: &Survey) {
        let collisions = Collisions::new(&survey.candidates, &survey.holders);
        let first = self.changes.len();
        let mut left_behind = 0;
        for candidate in &survey.candidates {
            let made =
                candidate.after.clone().and_then(|after| match collisions.of(candidate.user.guid, &after) {
                    Some(problem) => Err(problem),
                    None => Ok(after),
                });
            match made {
                Ok(after) => {
                    let (guid, dn) = (candidate.user.guid, candidate.user.dn.clone());
                    let upn = UpnChange { guid, dn, before: candidate.before.clone(), after };
                    self.change(Change::ChangeUpn { upn }, candidate.reason.clone());
                }
                Err(problem) => {
                    left_behind += 1;
                    let user = Some(candidate.user.clone());
                    self.blockers.push(Blocker { user, present_upn: candidate.before.clone(), problem });
                }
            }
        }
        if left_behind > 0 {
            self.consequences.push(Consequence::UsersLeftBehind { count: left_behind });
        }
        let fresh = self.sample(first);
        let values: Vec<ReplicatedValue> = survey.users_missing_on.iter().cloned().chain(fresh).collect();
        if !values.is_empty() {
            self.change(Change::AwaitReplication { values }, "users may sign in at any domain controller");
        }
    }

    /// The last changed user, and others spread evenly over the changes.
    fn sample(&self, first: usize) -> Vec<ReplicatedValue> {
        let changed = self.changes.get(first..).unwrap_or_default();
        let step = changed.len().div_ceil(SAMPLE).max(1);
        let mut values: Vec<ReplicatedValue> = changed
            .iter()
            .rev()
            .step_by(step)
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some(ReplicatedValue::UserUpn {
                    guid: upn.guid,
                    dn: upn.dn.clone(),
                    upn: upn.after.clone(),
                }),
                _ => None,
            })
            .collect();
        values.reverse();
        values
    }

    fn sync(&mut self, spec: &Spec, survey: &Survey) {
        let on = survey.sync.state == SyncState::Enabled;
        if spec.sync.enable && !on {
            self.change(Change::EnableSync, "the spec wants synchronisation on");
            self.consequences.push(Consequence::SyncSwitchedOn);
        }
        if (spec.sync.enable || on) && !survey.cloud_matches.is_empty() && (!on || self.moves_users()) {
            self.consequences
                .push(Consequence::CloudUsersOverwritten { matches: survey.cloud_matches.clone() });
        }
    }

    fn moves_users(&self) -> bool {
        self.changes.iter().any(|planned| matches!(planned.change, Change::ChangeUpn { .. }))
    }

    fn service_account(
        &mut self,
        spec: &Spec,
        wanted: &ServiceAccountSpec,
        state: &ServiceAccountState,
        survey: &Survey,
    ) {
        let upn = &wanted.upn;
        let usable = upn.domain().is_ok_and(|domain| {
            domain == spec.domain || survey.verified_domains.iter().any(|verified| verified.name == domain)
        });
        if !usable {
            self.block_all(Problem::ServiceAccountDomain { upn: upn.clone() });
        }
        let other_mails: Vec<String> = wanted.alternate_email.iter().cloned().collect();
        match &state.user {
            None => {
                let (upn, display_name) = (upn.clone(), wanted.display_name.clone());
                self.change(
                    Change::CreateServiceAccount { upn, display_name, other_mails },
                    "it does not exist",
                );
            }
            Some(user) => {
                if !other_mails.is_empty() && user.other_mails != other_mails {
                    let before = user.other_mails.clone();
                    let change = Change::SetAlternateEmail { upn: upn.clone(), before, after: other_mails };
                    self.change(change, "mail about the account goes there");
                }
                if !user.account_enabled {
                    self.change(Change::EnableServiceAccount { upn: upn.clone() }, "it may not sign in");
                }
            }
        }
        // The password is set to never expire with its creation, or right after it is set: this tells whether an
        // account that is there has a password of ours, or a temporary one of somebody else's.
        let secured = state.user.as_ref().is_none_or(|user| user.password_never_expires);
        if let Some(user) = state.user.as_ref().filter(|user| !secured || !user.account_enabled) {
            let (password_replaced, enabled) = (!secured, !user.account_enabled);
            self.consequences.push(Consequence::AccountTakenOver {
                upn: upn.clone(),
                password_replaced,
                enabled,
            });
        }
        if let Some(before) = state.mfa.filter(|mfa| *mfa != MfaState::Disabled) {
            let after = MfaState::Disabled;
            self.change(
                Change::SetMfaState { upn: upn.clone(), before, after },
                "a program cannot answer a second factor",
            );
            self.consequences.push(Consequence::MfaSwitchedOff { upn: upn.clone() });
        }
        // Before the role: the password of an account that holds one can only be set by few administrators.
        if !secured {
            let why = "the password it has is a temporary one";
            self.change(Change::SetServiceAccountPassword { upn: upn.clone() }, why);
        }
        if !state.roles.iter().any(|held| held.role == wanted.role && held.scope == "/") {
            let (role, role_name) = (wanted.role, wanted.role.to_string());
            let consequence =
                Consequence::PrivilegedRoleGranted { upn: upn.clone(), role: role_name.clone() };
            self.change(Change::AssignRole { upn: upn.clone(), role, role_name }, "synchronisation needs it");
            self.consequences.push(consequence);
        }
        for access in &state.subscriptions {
            match &access.found {
                None => self.block_all(Problem::NoSuchSubscription {
                    subscription: access.wanted.clone(),
                    similar: access.similar.clone(),
                }),
                Some(_) if access.granted => {}
                Some(found) => {
                    let (name, role) = (found.display_name.clone(), access.role.to_string());
                    self.change(
                        Change::AssignSubscriptionRole {
                            upn: upn.clone(),
                            subscription: found.id,
                            subscription_name: name.clone(),
                            role: access.role,
                            role_name: role.clone(),
                        },
                        "the spec wants it",
                    );
                    let upn = upn.clone();
                    self.consequences.push(Consequence::SubscriptionAccessGranted {
                        upn,
                        subscription: name,
                        role,
                    });
                }
            }
        }
        if !secured || state.user.is_none() {
            self.change(
                Change::ProveSignIn { upn: upn.clone() },
                "an account that cannot sign in synchronises nothing",
            );
        }
    }
}
