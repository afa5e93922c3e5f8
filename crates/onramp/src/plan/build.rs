//! From a spec and a survey to a plan: a pure function.

use onramp_core::forest::{DomainController, ReplicatedValue, SuffixOrigin, UpnChange};
use onramp_core::tenant::{
    DomainAuthentication, MfaState, NewUser, PolicyDemand, SubscriptionState, SyncState, TenantUser,
};
use onramp_core::{DomainName, ObjectGuid, ObjectId, Password, Upn, UpnSuffix, mail_violation};

use super::consequence::short_digest;
use super::{Blocker, Change, Consequence, Plan, PlanHeader, PlannedChange, Problem, Scope, lines::FORMAT};
use crate::candidate::UserRef;
use crate::collisions::Collisions;
use crate::spec::{ServiceAccountSpec, Spec};
use crate::survey::{HeldAs, ServiceAccountState, SubscriptionAccess, Survey};

/// How many of the changed users are looked at on every domain controller.
const SAMPLE: usize = 16;

/// Longest display name that Graph takes ("user resource type").
const DISPLAY_NAME: usize = 256;

/// Computes what has to be changed for a spec to be true, given what a survey found.
///
/// The same spec and survey give the same plan. Users in whose way something stands are left as they are, each with
/// a [`Blocker`] that names the other party, and the plan gets the consequence
/// [`Consequence::UsersLeftBehind`].
pub fn plan(spec: &Spec, survey: &Survey) -> Plan {
    let mut draft = Draft::default();
    let collisions = Collisions::new(&survey.candidates, &survey.holders, &survey.address_holders);
    draft.domain(spec, survey);
    draft.controllers(survey);
    draft.suffix(spec, survey);
    draft.names(spec, survey);
    draft.users(survey, &collisions);
    draft.sync(spec, survey);
    if let (Some(wanted), Some(state)) = (&spec.service_account, &survey.service_account) {
        draft.service_account(spec, wanted, state, survey, &collisions);
    }
    let unreadable = &survey.unreadable;
    if unreadable.count > 0 {
        let (count, named, digest) = (unreadable.count, unreadable.named.clone(), unreadable.digest.clone());
        draft.consequences.push(Consequence::ObjectsUnreadable { count, named, digest });
    }
    let counts = &survey.skipped_counts;
    Plan {
        header: PlanHeader {
            format: FORMAT.into(),
            surveyed_at: survey.taken_at,
            tenant: survey.sync.tenant_id,
            tenant_name: survey.sync.display_name.clone(),
            forest: forest_of(&survey.controllers),
            domain: spec.domain.clone(),
            scope: Scope {
                users: spec.users.is_some(),
                sync: spec.sync.enable,
                service_account: spec.service_account.is_some(),
            },
            users_read: survey.counts.forest_users,
            users_skipped: counts.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
            waits: spec.waits,
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        warnings: draft.warnings,
        skipped: sorted(&survey.skipped, |skipped| by_place(&skipped.user)).into_iter().cloned().collect(),
    }
}

/// References to what a directory told in no order, in one that is the same each time.
fn sorted<'a, T, K: Ord>(all: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let mut all: Vec<&T> = all.iter().collect();
    all.sort_by_key(|one| key(one));
    all
}

/// The order in which people look for users: as they stand in the tree.
fn by_place(user: &UserRef) -> (&str, ObjectGuid) {
    (user.dn.as_str(), user.guid)
}

#[derive(Default)]
struct Draft {
    changes: Vec<PlannedChange>,
    consequences: Vec<Consequence>,
    blockers: Vec<Blocker>,
    warnings: Vec<String>,
}

impl Draft {
    fn change(&mut self, change: Change, reason: impl Into<String>) {
        let number = self.changes.len() as u64 + 1;
        self.changes.push(PlannedChange { number, reason: reason.into(), change });
    }

    fn block_all(&mut self, problem: Problem) {
        if self.blockers.iter().any(|known| known.is_fatal() && known.problem == problem) {
            return;
        }
        self.blockers.push(Blocker { user: None, present_upn: None, problem });
    }

    fn domain(&mut self, spec: &Spec, survey: &Survey) {
        let domain = spec.domain.clone();
        let is_verified = survey.domain.as_ref().is_some_and(|domain| domain.is_verified);
        let is_initial = domain.ascii().ends_with(".onmicrosoft.com") && survey.domain.is_none();
        if is_initial {
            self.block_all(Problem::InitialDomain { domain: domain.clone() });
        }
        if !domain.is_routable() && !is_verified {
            self.block_all(Problem::NotRoutable { domain: domain.clone() });
        }
        let is_added = survey.domain.is_some();
        if !is_added {
            self.change(Change::AddDomain { domain: domain.clone() }, "the tenant does not have it");
        }
        if !survey.domain.as_ref().is_some_and(|domain| domain.is_verified) {
            self.consequences.push(match is_added {
                false => Consequence::DomainAdded { domain: domain.clone() },
                true => Consequence::DomainVerified { domain: domain.clone() },
            });
            if survey.sync.state == SyncState::Enabled {
                self.consequences
                    .push(Consequence::DomainVerifiedWhileSynchronizing { domain: domain.clone() });
            }
            self.change(
                Change::VerifyDomain { domain },
                "only users of verified domains keep their UPN in the cloud",
            );
        }
    }

    fn controllers(&mut self, survey: &Survey) {
        if survey.controllers.is_empty() {
            self.block_all(Problem::NoDomainController);
        }
        for silent in sorted(&survey.silent_controllers, |silent| &silent.host) {
            let (host, why) = (silent.host.clone(), silent.why.clone());
            self.consequences.push(Consequence::ControllerLeftOut { host, why });
        }
    }

    fn await_replication(&mut self, values: Vec<ReplicatedValue>, survey: &Survey, why: impl Into<String>) {
        let mut without: Vec<String> =
            survey.silent_controllers.iter().map(|silent| silent.host.clone()).collect();
        without.sort_unstable();
        self.change(Change::AwaitReplication { values, without }, why);
    }

    fn suffix(&mut self, spec: &Spec, survey: &Survey) {
        let wanted = UpnSuffix::from(&spec.domain);
        let values = vec![ReplicatedValue::Suffix { suffix: wanted.clone() }];
        if !survey.suffixes.iter().any(|offered| offered.suffix.is_same_as(&wanted)) {
            self.consequences.push(Consequence::SuffixAdded { suffix: spec.domain.clone() });
            self.change(Change::AddSuffix { suffix: spec.domain.clone() }, "the forest does not offer it");
            let why = "the UPN changes that follow may be made on any domain controller";
            self.await_replication(values, survey, why);
        } else if !survey.suffix_missing_on.is_empty() {
            let hosts: Vec<&str> =
                sorted(&survey.suffix_missing_on, |host| host).into_iter().map(String::as_str).collect();
            let why = format!("it was not seen on {}", hosts.join(", "));
            self.await_replication(values, survey, why);
        }
    }

    /// Blocks the plan for every name in the spec that does not mean what it should.
    fn names(&mut self, spec: &Spec, survey: &Survey) {
        let has_some = !survey.candidates.is_empty()
            || !survey.shared.is_empty()
            || survey.skipped_counts.contains_key(&crate::candidate::SkipReason::AlreadySo);
        if spec.users.is_some() && spec.sync.enable && !has_some && survey.misnamed.is_empty() {
            self.block_all(Problem::NobodySelected { read: survey.counts.forest_users });
        }
        for problem in &survey.misnamed {
            self.block_all(problem.clone());
        }
        for (name, upn) in spec.users.iter().flat_map(|users| &users.map) {
            let suffix = upn.suffix();
            let is_own = suffix.is_same_as(&UpnSuffix::from(&spec.domain));
            let is_verified = survey
                .verified_domains
                .iter()
                .any(|verified| UpnSuffix::from(&verified.name).is_same_as(&suffix));
            let is_offered = survey.suffixes.iter().any(|offered| offered.suffix.is_same_as(&suffix));
            let why = match (is_own, is_verified, is_offered) {
                (true, _, _) | (_, true, true) => continue,
                (_, false, _) => "the tenant has not verified that domain",
                (_, true, false) => "the forest does not offer that UPN suffix",
            };
            let (name, upn, why) = (name.clone(), upn.clone(), why.to_owned());
            self.block_all(Problem::MapTarget { name, upn, why });
        }
    }

    fn users(&mut self, survey: &Survey, collisions: &Collisions<'_>) {
        if !survey.map_without_effect.is_empty() {
            let names = survey.map_without_effect.clone();
            self.consequences.push(Consequence::MapWithoutEffect { names });
        }
        let first = self.changes.len();
        let mut built_in = Vec::new();
        for candidate in sorted(&survey.candidates, |candidate| by_place(&candidate.user)) {
            let made =
                candidate.after.clone().and_then(|after| match collisions.of(candidate.user.guid, &after) {
                    Some(problem) => Err(Box::new(problem)),
                    None => Ok(after),
                });
            match made {
                Ok(after) => {
                    let (guid, dn) = (candidate.user.guid, candidate.user.dn.clone());
                    let upn = UpnChange { guid, dn, before: candidate.before.clone(), after };
                    self.change(Change::ChangeUpn { upn }, candidate.reason.clone());
                    built_in.extend(candidate.is_built_in.then(|| candidate.user.clone()));
                }
                Err(problem) => {
                    let (user, problem) = (Some(candidate.user.clone()), *problem);
                    self.blockers.push(Blocker { user, present_upn: candidate.before.clone(), problem });
                }
            }
        }
        for shared in sorted(&survey.shared, |shared| (by_place(&shared.user), by_place(&shared.other))) {
            let (upn, holder) = (shared.upn.clone(), shared.other.clone());
            let problem = match &shared.held_as {
                HeldAs::Upn => Problem::Shared { upn, holder },
                HeldAs::ImpliedUpn => Problem::Taken { upn, holder, implied: true },
                HeldAs::Address(address) => Problem::AddressTaken { upn, address: address.clone(), holder },
            };
            let (user, present_upn) = (Some(shared.user.clone()), Some(shared.upn.to_string()));
            self.blockers.push(Blocker { user, present_upn, problem });
        }
        let renamed: Vec<String> = (self.changes.iter().skip(first))
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some(format!("{} {:?} {}", upn.guid, upn.before, upn.after)),
                _ => None,
            })
            .collect();
        if !renamed.is_empty() {
            let (count, digest) = (renamed.len() as u64, short_digest(renamed));
            self.consequences.push(Consequence::UsersRenamed { count, digest });
        }
        if !built_in.is_empty() {
            self.consequences.push(Consequence::BuiltInAccountsRenamed { accounts: built_in });
        }
        let left: Vec<String> = (self.blockers.iter())
            .filter_map(|blocker| Some(format!("{} {}", blocker.user.as_ref()?.guid, blocker.problem)))
            .collect();
        if !left.is_empty() {
            let (count, digest) = (left.len() as u64, short_digest(left));
            self.consequences.push(Consequence::UsersLeftBehind { count, digest });
        }
        let fresh = self.sample(first);
        let values: Vec<ReplicatedValue> = survey.users_missing_on.iter().cloned().chain(fresh).collect();
        if !values.is_empty() {
            self.await_replication(values, survey, "users may sign in at any domain controller");
        }
    }

    /// The last changed user, and others spread evenly over the changes.
    fn sample(&self, first: usize) -> Vec<ReplicatedValue> {
        let changed = self.changes.get(first..).unwrap_or_default();
        let step = changed.len().div_ceil(SAMPLE).max(1);
        let mut values: Vec<ReplicatedValue> =
            changed.iter().rev().step_by(step).filter_map(PlannedChange::value).collect();
        values.reverse();
        values
    }

    fn sync(&mut self, spec: &Spec, survey: &Survey) {
        let on = survey.sync.state == SyncState::Enabled;
        if spec.sync.enable && !on {
            self.change(Change::EnableSync, "the spec wants synchronization on");
            self.consequences.push(Consequence::SyncSwitchedOn);
        }
        if !(spec.sync.enable || on) || (on && !self.moves_users()) {
            return;
        }
        let planned: std::collections::HashMap<_, &str> = (self.changes.iter())
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some((upn.guid, upn.after.as_str())),
                _ => None,
            })
            .collect();
        let (mut matches, mut conflicts) = (Vec::new(), Vec::new());
        for met in sorted(&survey.encounters, |met| by_place(&met.user)) {
            // Who is blocked keeps its present UPN, and synchronization meets others by that.
            let upn = planned.get(&met.user.guid).copied().or(met.present_upn.as_deref());
            let (taken, more) = met.forecast(upn, survey.matches_blocked);
            matches.extend(taken);
            conflicts.extend(more);
        }
        let meets_nobody = matches.is_empty() && conflicts.is_empty();
        if !meets_nobody && !survey.roles_known {
            self.warnings.push(
                "the directory roles of cloud users may not be read: administrators among them will not be joined"
                    .to_owned(),
            );
        }
        if !matches.is_empty() {
            self.consequences.push(Consequence::CloudUsersOverwritten { matches });
        }
        if !conflicts.is_empty() {
            self.consequences.push(Consequence::SyncConflictsExpected { conflicts });
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
        collisions: &Collisions<'_>,
    ) {
        let upn = &wanted.upn;
        self.account_domain(upn, spec, survey);
        for (property, value, why) in invalid_properties(wanted) {
            self.block_all(Problem::ServiceAccountProperty { property: property.into(), value, why });
        }
        if let Some(holder) = collisions.with_cloud_account(upn) {
            self.block_all(Problem::ServiceAccountInForest { upn: upn.clone(), holder });
        }
        let first = self.changes.len();
        let id = state.user.as_ref().map(|user| user.id);
        let roles = self.missing_roles(wanted, state);
        let enabled = state.user.as_ref().is_none_or(|user| user.account_enabled);
        // The password is set to never expire with its creation, or right after it is set: this tells whether an account
        // that is there has a password of ours. One that no earlier run made may have a password that somebody else
        // knows, and so may one that was disabled: it gets a new one before it gets a role or is enabled.
        let secured = state.user.as_ref().is_none_or(|user| {
            user.password_never_expires && enabled && (state.is_ours || !roles) && !wanted.new_password
        });
        match &state.user {
            None => {
                let (upn, display_name) = (upn.clone(), wanted.display_name.clone());
                let other_mails: Vec<String> = wanted.alternate_email.iter().cloned().collect();
                self.consequences.push(Consequence::ServiceAccountCreated { upn: upn.clone() });
                let change = Change::CreateServiceAccount { upn, display_name, other_mails };
                self.change(change, "it does not exist");
            }
            Some(user) => self.secure_account(wanted, user, state.mfa, secured),
        }
        let is_new = state.user.is_none();
        let to_prove = is_new || !secured || !enabled || (state.is_ours && roles);
        if to_prove {
            let why = "synchronization fails if this account cannot sign in";
            self.change(Change::ProveSignIn { upn: upn.clone(), id }, why);
        }
        // After the proof: an account that is not ours after all, or that a policy blocks, gets no role.
        self.directory_role(wanted, state, id);
        self.subscriptions(wanted, state, id);
        if self.changes.len() > first
            && let Some(user) = &state.user
        {
            self.consequences.push(if state.is_ours {
                let written = self.changes.iter().skip(first).filter(|planned| planned.change.writes());
                let changes = written.map(|planned| planned.change.to_string()).collect();
                Consequence::ServiceAccountChanged { upn: upn.clone(), changes }
            } else {
                Consequence::AccountTakenOver {
                    upn: upn.clone(),
                    id: user.id,
                    roles: state.roles.iter().map(|held| held.role.to_string()).collect(),
                    password_replaced: !secured,
                    enabled: !enabled,
                }
            });
        }
        if self.changes.len() > first {
            self.second_factor(upn, state);
        }
    }

    fn account_domain(&mut self, upn: &Upn, spec: &Spec, survey: &Survey) {
        let Ok(domain) = upn.domain() else {
            return self.block_all(Problem::ServiceAccountDomain { upn: upn.clone() });
        };
        let verified = survey.verified_domains.iter().find(|verified| verified.name == domain);
        let known = verified.or(survey.domain.as_ref().filter(|_| domain == spec.domain));
        if known.is_some_and(|known| known.authentication == DomainAuthentication::Federated) {
            self.block_all(Problem::FederatedDomain { upn: upn.clone() });
        }
        if domain != spec.domain && verified.is_none() {
            self.block_all(Problem::ServiceAccountDomain { upn: upn.clone() });
        }
    }

    /// The changes to an account that exists. It is enabled last: until then nobody can use the password that it had.
    fn secure_account(
        &mut self,
        wanted: &ServiceAccountSpec,
        user: &TenantUser,
        mfa: Option<MfaState>,
        secured: bool,
    ) {
        let (upn, id) = (&wanted.upn, Some(user.id));
        let other_mails: Vec<String> = wanted.alternate_email.iter().cloned().collect();
        // Before the role: the password of an account that holds one can only be set by few administrators.
        if !secured {
            let why = match (wanted.new_password, user.password_never_expires) {
                (true, _) => "the spec wants a new one",
                (false, false) => "its current password is set to expire",
                (false, true) => "somebody else may know its current password",
            };
            let replace = wanted.new_password;
            self.change(Change::SetServiceAccountPassword { upn: upn.clone(), id, replace }, why);
        }
        if let Some(before) = mfa.filter(|mfa| *mfa != MfaState::Disabled) {
            let after = MfaState::Disabled;
            let change = Change::SetMfaState { upn: upn.clone(), id, before, after };
            self.change(change, "a program cannot answer a second factor");
            self.consequences.push(Consequence::MfaSwitchedOff { upn: upn.clone() });
        }
        if !other_mails.is_empty() && user.other_mails != other_mails {
            let before = user.other_mails.clone();
            let change = Change::SetAlternateEmail { upn: upn.clone(), id, before, after: other_mails };
            self.change(change, "mail about the account goes there");
        }
        if !user.account_enabled {
            self.change(Change::EnableServiceAccount { upn: upn.clone(), id }, "it may not sign in");
        }
    }

    fn missing_roles(&self, wanted: &ServiceAccountSpec, state: &ServiceAccountState) -> bool {
        let lacks = |access: &SubscriptionAccess| !access.granted && access.found.len() == 1;
        !holds_role(wanted, state) || state.subscriptions.iter().any(lacks)
    }

    fn directory_role(
        &mut self,
        wanted: &ServiceAccountSpec,
        state: &ServiceAccountState,
        id: Option<ObjectId>,
    ) {
        if holds_role(wanted, state) {
            return;
        }
        let (upn, role, role_name) = (wanted.upn.clone(), wanted.role, wanted.role.to_string());
        let consequence = Consequence::PrivilegedRoleGranted { upn: upn.clone(), role: role_name.clone() };
        self.change(Change::AssignRole { upn, id, role, role_name }, "the spec wants it");
        self.consequences.push(consequence);
    }

    fn subscriptions(
        &mut self,
        wanted: &ServiceAccountSpec,
        state: &ServiceAccountState,
        id: Option<ObjectId>,
    ) {
        for access in &state.subscriptions {
            let named = access.wanted.clone();
            let found = match access.found.as_slice() {
                [] => {
                    let similar = access.similar.clone();
                    self.block_all(Problem::NoSuchSubscription { subscription: named, similar });
                    continue;
                }
                [found] => found,
                several => {
                    let ids =
                        several.iter().map(|s| format!("{} ({})", s.id, state_name(&s.state))).collect();
                    self.block_all(Problem::AmbiguousSubscription { subscription: named, ids });
                    continue;
                }
            };
            if access.granted {
                continue;
            }
            if matches!(found.state, SubscriptionState::Disabled | SubscriptionState::Deleted) {
                let subscription = format!("{} ({})", found.display_name, found.id);
                let state = state_name(&found.state).to_owned();
                self.block_all(Problem::SubscriptionDisabled { subscription, state });
                continue;
            }
            let (upn, role_name) = (wanted.upn.clone(), access.role.to_string());
            self.consequences.push(Consequence::SubscriptionAccessGranted {
                upn: upn.clone(),
                id: found.id,
                subscription: found.display_name.clone(),
                role: role_name.clone(),
            });
            let change = Change::AssignSubscriptionRole {
                upn,
                id,
                subscription: found.id,
                subscription_name: found.display_name.clone(),
                role: access.role,
                role_name,
            };
            self.change(change, "the spec wants it");
        }
    }

    /// Says what will ask the account for a second factor, or block it, before the run finds out at its last step.
    fn second_factor(&mut self, upn: &Upn, state: &ServiceAccountState) {
        let Some(factor) = &state.second_factor else {
            self.warnings.push(format!(
                "security defaults and conditional access policies may not be read: whether {upn} will be asked for a \
                 second factor is not known before it signs in"
            ));
            return;
        };
        let mut policies: Vec<String> = Vec::new();
        policies.extend((factor.security_defaults == Some(true)).then(|| "security defaults".to_owned()));
        for policy in factor.policies.iter().flatten() {
            let demand = match policy.demand {
                PolicyDemand::Block => "blocks the sign-in",
                PolicyDemand::SecondFactor => "asks for a second factor",
                _ => "asks for what a program does not have",
            };
            let sometimes = if policy.conditional { " under some conditions" } else { "" };
            policies
                .push(format!("the conditional access policy “{}”, which {demand}{sometimes}", policy.name));
        }
        if factor.security_defaults.is_none() || factor.policies.is_none() {
            self.warnings.push(format!(
                "not everything that decides about a second factor of {upn} may be read; the sign-in itself will tell"
            ));
        }
        if !policies.is_empty() {
            self.consequences.push(Consequence::SignInHindered { upn: upn.clone(), policies });
        }
    }
}

fn holds_role(wanted: &ServiceAccountSpec, state: &ServiceAccountState) -> bool {
    state.roles.iter().any(|held| held.role == wanted.role && held.scope == "/")
}

fn state_name(state: &SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::Enabled => "enabled",
        SubscriptionState::Warned => "warned",
        SubscriptionState::PastDue => "past due",
        SubscriptionState::Disabled => "disabled",
        SubscriptionState::Deleted => "deleted",
        _ => "in a state that is not known",
    }
}

/// The properties of the service account that Microsoft Graph would refuse, each with its name in the spec, its value
/// and what is wrong ("user resource type": `userPrincipalName`, `otherMails`, `displayName`, `mailNickname`).
fn invalid_properties(wanted: &ServiceAccountSpec) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let upn = wanted.upn.to_string();
    for violation in wanted.upn.entra_violations() {
        found.push(("upn", upn.clone(), violation.to_string()));
    }
    if NewUser::new(wanted.upn.clone(), "", Password::new(String::new())).mail_nickname.is_empty() {
        let why = "no letter or digit before the “@” is left for the mail nickname".to_owned();
        found.push(("upn", upn, why));
    }
    let name = &wanted.display_name;
    if name.trim().is_empty() {
        found.push(("display_name", name.clone(), "it is empty".to_owned()));
    } else if name.chars().count() > DISPLAY_NAME {
        let why = format!("it has {} characters; the limit is {DISPLAY_NAME}", name.chars().count());
        found.push(("display_name", name.clone(), why));
    }
    if let Some(mail) = &wanted.alternate_email
        && let Some(why) = mail_violation(mail)
    {
        found.push(("alternate_email", mail.clone(), why));
    }
    found
}

/// The name of the forest that domain controllers belong to: the distinguished name of its root domain.
pub(crate) fn forest_of(controllers: &[DomainController]) -> String {
    let root = |controller: &DomainController| {
        let settings = controller.settings.as_str().to_lowercase();
        settings.split_once("cn=configuration,").map(|(_, root)| root.to_owned())
    };
    controllers.iter().find_map(root).unwrap_or_default()
}

/// Returns true if a domain's users sign in elsewhere, as far as a survey tells.
pub(crate) fn is_federated(upn: &Upn, survey: &Survey) -> bool {
    let is = |domain: &DomainName| {
        let known = survey.verified_domains.iter().chain(&survey.domain);
        known
            .into_iter()
            .any(|known| known.name == *domain && known.authentication == DomainAuthentication::Federated)
    };
    upn.domain().is_ok_and(|domain| is(&domain))
}

/// Returns true if the forest offers a domain's suffix as the name of one of its domains, which nobody needs to wait for.
pub(crate) fn is_implicit(suffix: &UpnSuffix, survey: &Survey) -> bool {
    survey
        .suffixes
        .iter()
        .any(|offered| offered.origin == SuffixOrigin::Domain && offered.suffix.is_same_as(suffix))
}
