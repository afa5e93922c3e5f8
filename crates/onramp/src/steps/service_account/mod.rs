//! Step 5: the account that synchronization signs in with, its roles and its sign-in.

mod apply;
mod password;
mod undo;

use std::collections::HashSet;

use onramp_core::tenant::{
    DomainAuthentication, MfaState, NewUser, PolicyDemand, SignInProbe, Subscription, SubscriptionState,
    TenantUser,
};
use onramp_core::{ErrorKind, ObjectId, Password, Result, Upn, comparison_key, mail_violation, visible};

pub(crate) use apply::Account;
pub(crate) use apply::values;
pub(crate) use undo::{is_made, undo};

use super::domain::is_federated;
use super::users::Collisions;
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, BlockerKind, Change, Consequence, Draft};
use crate::secret_store::SecretStore;
use crate::spec::{AccountCheck, FirstPassword, ServiceAccountSpec, Spec, nearest};
use crate::survey::{ServiceAccountState, SubscriptionAccess, Survey, may_be_hidden};
use crate::verify::{CheckStatus, Comparison, Verification, truth};

/// The maximum length of a display name in Graph ("user resource type").
const DISPLAY_NAME: usize = 256;

pub(crate) async fn survey(onramp: &Onramp, wanted: &ServiceAccountSpec) -> Result<ServiceAccountState> {
    let mut state =
        ServiceAccountState { user: onramp.tenant.users.find(&wanted.upn).await?, ..Default::default() };
    if let Some(user) = &state.user {
        state.is_known = onramp.history.knows_account(&user.id);
        state.mfa = may_be_hidden(onramp.tenant.sign_in.mfa_state(&user.id).await)?;
        state.roles = onramp.tenant.roles.assignments_of(&user.id).await?;
    }
    state.second_factor = match &state.user {
        Some(user) => may_be_hidden(onramp.tenant.sign_in.second_factor(&user.id).await)?,
        None => may_be_hidden(onramp.tenant.sign_in.sign_in_policies(&[wanted.role]).await)?,
    };
    let visible =
        if wanted.subscriptions.is_empty() { Vec::new() } else { onramp.tenant.subscriptions.list().await? };
    let mut seen = HashSet::new();
    for want in &wanted.subscriptions {
        let id = subscription_id(&want.subscription);
        let by_id = |s: &&Subscription| Some(s.id) == id;
        let by_name =
            |s: &&Subscription| comparison_key(&s.display_name) == comparison_key(&want.subscription);
        let found: Vec<Subscription> = match visible.iter().find(by_id) {
            Some(found) => vec![found.clone()],
            None => visible.iter().filter(by_name).cloned().collect(),
        };
        let mut granted = false;
        let mut classic = None;
        let name = match found.as_slice() {
            [found] => found.id.to_string(),
            _ => comparison_key(&want.subscription),
        };
        if !seen.insert((name, want.role)) {
            continue;
        }
        if let ([found], Some(user)) = (found.as_slice(), &state.user) {
            let held = onramp.tenant.subscriptions.assignments(&found.id, &user.id).await?;
            granted = held.iter().any(|assignment| assignment.role == want.role);
        }
        if let [found] = found.as_slice() {
            // Azure retired them, and their list may go the same way.
            classic = match onramp.tenant.subscriptions.classic_administrators(&found.id).await {
                Err(error) if error.is_not_found() => None,
                answer => may_be_hidden(answer)?,
            };
        }
        let similar = match found.is_empty() {
            true => nearest(&want.subscription, visible.iter().map(|s| s.display_name.as_str())),
            false => None,
        };
        let (wanted, role) = (want.subscription.clone(), want.role);
        state.subscriptions.push(SubscriptionAccess { wanted, found, similar, role, granted, classic });
    }
    Ok(state)
}

/// Parses the ID of a subscription: plain, in braces, or as the last part of a path.
fn subscription_id(text: &str) -> Option<ObjectId> {
    let text = text.trim().trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or(text);
    ObjectId::parse(last.strip_prefix('{').and_then(|id| id.strip_suffix('}')).unwrap_or(last)).ok()
}

pub(crate) fn plan(spec: &Spec, survey: &Survey, collisions: &Collisions<'_>, draft: &mut Draft) {
    let (Some(wanted), Some(state)) = (&spec.service_account, &survey.service_account) else { return };
    let upn = &wanted.upn;
    check_domain(upn, spec, survey, draft);
    for (property, value, reason) in invalid_properties(wanted) {
        draft.block_all(BlockerKind::ServiceAccountProperty { property: property.into(), value, reason });
    }
    if let Some(holder) = collisions.with_cloud_account(upn) {
        draft.block_all(BlockerKind::ServiceAccountInForest { upn: upn.clone(), holder });
    }
    let first = draft.changes.len();
    let id = state.user.as_ref().map(|user| user.id);
    let roles = lacks_roles(wanted, state);
    let enabled = state.user.as_ref().is_none_or(|user| user.account_enabled);
    // A password set by Onramp never expires: this shows that an existing account has such a password. If no earlier
    // run created the account, or if it was disabled, somebody else may know the password: the account gets a new one
    // before it gets a role or is enabled.
    let secured = state.user.as_ref().is_none_or(|user| {
        user.password_never_expires && enabled && (state.is_known || !roles) && !wanted.new_password
    });
    match &state.user {
        None => create(wanted, draft),
        Some(user) => secure(wanted, user, state, secured, draft),
    }
    let is_new = state.user.is_none();
    // An account that is disabled is not secured either.
    let to_prove = is_new || !secured || (state.is_known && roles);
    if to_prove && wanted.skips(AccountCheck::SignIn) {
        draft.warnings.push(format!(
            "the sign-in of {upn} is not tested, because `skip_checks` leaves it out: nothing shows that the account can \
             sign in"
        ));
    } else if to_prove {
        let why = "synchronization fails if this account cannot sign in";
        draft.change(Change::ProveSignIn { upn: upn.clone(), id }, why);
    }
    // After the sign-in: an account that belongs to somebody else, or that a policy blocks, gets no role.
    assign_directory_role(wanted, state, id, draft);
    assign_subscription_roles(wanted, state, id, draft);
    if draft.changes.len() > first
        && let Some(user) = &state.user
    {
        if state.is_known {
            // The replacement of its password has a consequence of its own.
            let is_told = |change: &Change| {
                change.writes() && !matches!(change, Change::SetServiceAccountPassword { replace: true, .. })
            };
            let written = draft.changes.iter().skip(first).filter(|planned| is_told(&planned.change));
            let changes: Vec<String> = written.map(|planned| planned.change.to_string()).collect();
            if !changes.is_empty() {
                draft.consequences.push(Consequence::ServiceAccountChanged { upn: upn.clone(), changes });
            }
        } else {
            draft.consequences.push(Consequence::AccountTakenOver {
                upn: upn.clone(),
                id: user.id,
                roles: state.roles.iter().map(|held| held.role.to_string()).collect(),
                password_replaced: !secured,
                enabled: !enabled,
            });
        }
    }
    if draft.changes.len() > first {
        warn_of_second_factor(upn, state, draft);
    }
    if state.user.is_some() && state.mfa.is_none() {
        draft.warnings.push(format!(
            "per-user MFA of {upn} cannot be read: a second factor that is demanded there stops its sign-in"
        ));
    }
    warn_of_classic_administrators(state, draft);
}

/// Plans an account that does not exist. With a temporary password, that is tested and replaced before anything else.
fn create(wanted: &ServiceAccountSpec, draft: &mut Draft) {
    let upn = wanted.upn.clone();
    draft.consequences.push(Consequence::ServiceAccountCreated { upn: upn.clone() });
    let change = Change::CreateServiceAccount {
        upn: upn.clone(),
        display_name: wanted.display_name.clone(),
        other_mails: wanted.alternate_email.iter().cloned().collect(),
        first_password: wanted.first_password,
    };
    draft.change(change, "it does not exist");
    if wanted.first_password == FirstPassword::Temporary {
        prove_temporary_password(wanted, None, draft);
        let change = Change::SetServiceAccountPassword { upn, id: None, replace: false, last_changed: None };
        draft.change(change, "its first password has to be changed");
    }
}

/// Plans the test that the temporary password of an account has to be changed.
fn prove_temporary_password(wanted: &ServiceAccountSpec, id: Option<ObjectId>, draft: &mut Draft) {
    if wanted.skips(AccountCheck::SignIn) {
        return;
    }
    let change = Change::ProveTemporaryPassword { upn: wanted.upn.clone(), id };
    draft.change(change, "it shows that the password arrived, and that only its change is missing");
}

/// Adds the classic administrators that subscriptions still name: they are a way in that nobody looks at any more.
fn warn_of_classic_administrators(state: &ServiceAccountState, draft: &mut Draft) {
    let mut seen = HashSet::new();
    for access in &state.subscriptions {
        let ([found], Some(classic)) = (access.found.as_slice(), &access.classic) else { continue };
        if classic.is_empty() || !seen.insert(found.id) {
            continue;
        }
        let named: Vec<String> = classic
            .iter()
            .map(|held| format!("{} ({})", visible(&held.email), visible(&held.role)))
            .collect();
        draft.warnings.push(format!(
            "the subscription {} ({}) still names classic administrators, which Azure retired on 31 August 2024: {}; \
             remove them, and give who still needs access an Azure role \
             (https://learn.microsoft.com/azure/role-based-access-control/classic-administrators)",
            visible(&found.display_name),
            found.id,
            named.join(", ")
        ));
    }
}

/// Blocks the plan if an account on that domain cannot be used.
fn check_domain(upn: &Upn, spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let Ok(domain) = upn.domain() else {
        return draft.block_all(BlockerKind::ServiceAccountDomain { upn: upn.clone() });
    };
    let verified = survey.domain.verified.iter().find(|verified| verified.name == domain);
    let known = verified.or(survey.domain.custom.as_ref().filter(|_| domain == spec.domain));
    if known.is_some_and(|known| known.authentication == DomainAuthentication::Federated) {
        draft.block_all(BlockerKind::FederatedDomain { upn: upn.clone() });
    }
    if domain != spec.domain && verified.is_none() {
        draft.block_all(BlockerKind::ServiceAccountDomain { upn: upn.clone() });
    }
}

/// Plans the changes of an account that exists. It is enabled last: until then, the former password is of no use.
fn secure(
    wanted: &ServiceAccountSpec,
    user: &TenantUser,
    state: &ServiceAccountState,
    secured: bool,
    draft: &mut Draft,
) {
    let (upn, id) = (&wanted.upn, Some(user.id));
    let other_mails: Vec<String> = wanted.alternate_email.iter().cloned().collect();
    // Before the role: only few administrators may set the password of an account that has one.
    if !secured {
        let why = match (wanted.new_password, user.password_never_expires) {
            (true, _) => "the spec wants a new one",
            (false, false) => "its current password is set to expire",
            (false, true) => "somebody else may know its current password",
        };
        // A run that was interrupted left it with its temporary password.
        let is_temporary = wanted.first_password == FirstPassword::Temporary && !user.password_never_expires;
        if is_temporary && state.is_known && user.account_enabled && !wanted.new_password {
            prove_temporary_password(wanted, id, draft);
        }
        let (replace, last_changed) = (wanted.new_password, user.password_changed);
        let change = Change::SetServiceAccountPassword { upn: upn.clone(), id, replace, last_changed };
        draft.change(change, why);
        // That of an account of somebody else is a part of its taking over.
        if wanted.new_password && state.is_known {
            draft.consequences.push(Consequence::PasswordReplaced { upn: upn.clone() });
        }
    }
    if let Some(before) = state.mfa.filter(|mfa| *mfa != MfaState::Disabled) {
        let after = MfaState::Disabled;
        let change = Change::SetMfaState { upn: upn.clone(), id, before, after };
        draft.change(change, "a program cannot answer a second factor");
        draft.consequences.push(Consequence::MfaSwitchedOff { upn: upn.clone() });
    }
    if !other_mails.is_empty() && user.other_mails != other_mails {
        let before = user.other_mails.clone();
        let change = Change::SetAlternateEmail { upn: upn.clone(), id, before, after: other_mails };
        draft.change(change, "mail about the account goes there");
    }
    if !user.account_enabled {
        draft.change(Change::EnableServiceAccount { upn: upn.clone(), id }, "it may not sign in");
    }
}

fn lacks_roles(wanted: &ServiceAccountSpec, state: &ServiceAccountState) -> bool {
    let lacks = |access: &SubscriptionAccess| !access.granted && access.found.len() == 1;
    !holds_role(wanted, state) || state.subscriptions.iter().any(lacks)
}

fn assign_directory_role(
    wanted: &ServiceAccountSpec,
    state: &ServiceAccountState,
    id: Option<ObjectId>,
    draft: &mut Draft,
) {
    if holds_role(wanted, state) {
        return;
    }
    let (upn, role, role_name) = (wanted.upn.clone(), wanted.role, wanted.role.to_string());
    let consequence = Consequence::PrivilegedRoleGranted { upn: upn.clone(), role: role_name.clone() };
    draft.change(Change::AssignRole { upn, id, role, role_name }, "the spec wants it");
    draft.consequences.push(consequence);
}

fn assign_subscription_roles(
    wanted: &ServiceAccountSpec,
    state: &ServiceAccountState,
    id: Option<ObjectId>,
    draft: &mut Draft,
) {
    for access in &state.subscriptions {
        let named = access.wanted.clone();
        let found = match access.found.as_slice() {
            [] => {
                let similar = access.similar.clone();
                draft.block_all(BlockerKind::NoSuchSubscription { subscription: named, similar });
                continue;
            }
            [found] => found,
            several => {
                let ids = several.iter().map(|s| format!("{} ({})", s.id, state_name(&s.state))).collect();
                draft.block_all(BlockerKind::AmbiguousSubscription { subscription: named, ids });
                continue;
            }
        };
        if access.granted {
            continue;
        }
        if matches!(found.state, SubscriptionState::Disabled | SubscriptionState::Deleted) {
            let subscription = format!("{} ({})", found.display_name, found.id);
            let state = state_name(&found.state).to_owned();
            draft.block_all(BlockerKind::SubscriptionDisabled { subscription, state });
            continue;
        }
        let (upn, role_name) = (wanted.upn.clone(), access.role.to_string());
        draft.consequences.push(Consequence::SubscriptionAccessGranted {
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
        draft.change(change, "the spec wants it");
    }
}

/// Adds the policies that will require a second factor or block the sign-in, before the last change of the run fails.
fn warn_of_second_factor(upn: &Upn, state: &ServiceAccountState, draft: &mut Draft) {
    let Some(factor) = &state.second_factor else {
        draft.warnings.push(format!(
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
            .push(format!("the conditional access policy \"{}\", which {demand}{sometimes}", policy.name));
    }
    if factor.security_defaults.is_none() || factor.policies.is_none() {
        draft.warnings.push(format!(
            "not everything that decides about a second factor of {upn} may be read; the sign-in itself will tell"
        ));
    }
    if !policies.is_empty() {
        draft.consequences.push(Consequence::SignInBlocked { upn: upn.clone(), policies });
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

/// Returns the properties of the service account that Microsoft Graph would refuse, each with its name in the spec, its
/// value and the reason ("user resource type": `userPrincipalName`, `otherMails`, `displayName`, `mailNickname`).
fn invalid_properties(wanted: &ServiceAccountSpec) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let upn = wanted.upn.to_string();
    for violation in wanted.upn.entra_violations() {
        found.push(("upn", upn.clone(), violation.to_string()));
    }
    if NewUser::new(wanted.upn.clone(), "", Password::new(String::new())).mail_nickname.is_empty() {
        let why = "no letter or digit before the \"@\" is left for the mail nickname".to_owned();
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

pub(crate) async fn verify(comparison: &Comparison<'_>, verification: &mut Verification) {
    let Some(wanted) = &comparison.spec.service_account else { return };
    if let Some(state) = &comparison.survey.service_account {
        verify_account(comparison, wanted, state, verification).await;
    }
    if let Some((id, now)) = comparison.approved.and_then(|plan| exchanged(plan, comparison.survey)) {
        let name = format!("{} is the account that the plan was made from", wanted.upn);
        let detail = format!("the plan was made from {id}, and {now} has that name");
        verification.check(name, CheckStatus::False, detail);
    }
}

/// Checks the account, its roles and its sign-in.
async fn verify_account(
    comparison: &Comparison<'_>,
    wanted: &ServiceAccountSpec,
    state: &ServiceAccountState,
    verification: &mut Verification,
) {
    let is_set_up = !comparison.still_has(|change| match change {
        // A new password is planned as often as it is asked for; the sign-in shows the one that is set.
        Change::SetServiceAccountPassword { .. } => !wanted.new_password,
        Change::CreateServiceAccount { .. }
        | Change::SetAlternateEmail { .. }
        | Change::EnableServiceAccount { .. }
        | Change::SetMfaState { .. } => true,
        _ => false,
    });
    let found = match &state.user {
        Some(user) => format!("object ID {}", user.id),
        None => "it does not exist".into(),
    };
    verification.check(format!("the service account {} is set up", wanted.upn), truth(is_set_up), found);
    if let Some(user) = &state.user {
        let mfa = match state.mfa {
            Some(mfa) => Ok(mfa),
            None => comparison.onramp.tenant.sign_in.mfa_state(&user.id).await,
        };
        let (status, detail) = match mfa {
            Ok(mfa) => (truth(mfa == MfaState::Disabled), mfa.to_string()),
            // A cloud without it.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                (CheckStatus::NotChecked, error.to_string())
            }
            Err(error) => (CheckStatus::Unknown, error.to_string()),
        };
        verification.check(format!("per-user MFA of {} is off", wanted.upn), status, detail);
    }
    let has_role = !comparison.still_has(|change| matches!(change, Change::AssignRole { .. }));
    let held: Vec<String> = state.roles.iter().map(|held| held.role.to_string()).collect();
    let name = format!("{} has the role {}", wanted.upn, wanted.role);
    verification.check(name, truth(has_role), held.join(", "));
    for access in &state.subscriptions {
        let (subscription, detail) = match access.found.as_slice() {
            [] => (access.wanted.as_str(), "no such subscription is visible".to_owned()),
            [found] => (found.display_name.as_str(), format!("subscription {}", found.id)),
            several => (access.wanted.as_str(), format!("{} subscriptions have that name", several.len())),
        };
        let name = format!("{} has the role {} on {subscription}", wanted.upn, access.role);
        verification.check(name, truth(access.granted), detail);
    }
    if let Some(secrets) = comparison.secrets {
        let (status, detail) = if wanted.skips(AccountCheck::SignIn) {
            (CheckStatus::NotChecked, "`skip_checks` leaves it out; nothing is known of it".to_owned())
        } else if is_federated(&wanted.upn, comparison.survey) {
            (CheckStatus::Unknown, "its domain is federated: Entra cannot check its password".to_owned())
        } else {
            sign_in(comparison.onramp, wanted, state.user.is_some(), secrets).await
        };
        verification.check(format!("{} can sign in with its password alone", wanted.upn), status, detail);
    }
}

/// Signs in with the stored password.
async fn sign_in(
    onramp: &Onramp,
    wanted: &ServiceAccountSpec,
    exists: bool,
    secrets: &dyn SecretStore,
) -> (CheckStatus, String) {
    let name = wanted.upn.as_str();
    let (current, newest) = match (secrets.load(name).await, secrets.pending(name).await) {
        (Err(error), _) | (_, Err(error)) => return (CheckStatus::Unknown, error.to_string()),
        // An interrupted run may have set the newest one.
        (Ok(current), Ok(pending)) => (current, pending.into_iter().next()),
    };
    // Somebody keeps the password elsewhere, as in a vault.
    let mut told = (
        if exists { CheckStatus::NotChecked } else { CheckStatus::Unknown },
        "its password is not in the secret store, so that nothing is known of its sign-in; if it is lost, `new_password` \
         gives it a new one"
            .to_owned(),
    );
    for password in current.iter().chain(&newest) {
        let probe = match onramp.tenant.sign_in.probe(&wanted.upn, password).await {
            Ok(probe) => probe,
            Err(error) => return (CheckStatus::Unknown, error.to_string()),
        };
        if probe.password_is_right() == Some(true)
            && let Err(error) = secrets.promote(name, password).await
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

/// Returns the object ID of the account in the plan and of the account that has its name now, if they differ.
fn exchanged(approved: &ApprovedPlan, survey: &Survey) -> Option<(ObjectId, ObjectId)> {
    let planned = approved.plan().changes().iter().find_map(|planned| planned.change.account_id())?;
    let now = survey.service_account.as_ref()?.user.as_ref()?.id;
    (planned != now).then_some((planned, now))
}
