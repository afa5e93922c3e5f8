//! The changes of the service account: create it, set its password, give it its roles, and sign in.

use std::time::Duration;

use onramp_core::tenant::{
    AzureRoleId, DomainAuthentication, MfaState, NewUser, PrincipalType, RoleTemplateId, SignInProbe,
    TenantUser, UserUpdate,
};
use onramp_core::{Error, ErrorKind, ObjectId, Password, Result, Upn};
use time::OffsetDateTime;

use super::password;
use crate::apply::Context;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::outcome::WaitReason;
use crate::plan::Change;
use crate::spec::FirstPassword;
use crate::steps::result::{StepResult, already, done};

/// The maximum number of stored passwords that are tried besides the current one, after an interrupted run.
const PASSWORDS_TRIED: usize = 3;
/// The pauses between tries while Azure may not know a new account yet.
const NEW_PRINCIPAL: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30), Duration::from_secs(60)];

/// The service account during a run.
#[derive(Default)]
pub(crate) struct Account {
    /// The account, once found or created.
    found: Option<TenantUser>,
    /// The new password, once set.
    password: Option<Password>,
}

impl Account {
    /// Returns the object ID, once the account was found or created.
    pub(crate) fn id(&self) -> Option<ObjectId> {
        self.found.as_ref().map(|account| account.id)
    }

    /// Makes one change of the account.
    pub(crate) async fn apply(&mut self, context: &Context<'_>, change: &Change) -> StepResult {
        match change {
            Change::CreateServiceAccount { upn, display_name, other_mails, first_password } => {
                self.create(context, upn, display_name, other_mails, *first_password).await
            }
            Change::ProveTemporaryPassword { upn, id } => {
                self.prove_temporary_password(context, upn, *id).await
            }
            Change::SetAlternateEmail { upn, id, before, after } => {
                self.set_alternate_email(context, upn, *id, before, after).await
            }
            Change::EnableServiceAccount { upn, id } => self.enable_account(context, upn, *id).await,
            Change::SetServiceAccountPassword { upn, id, replace, last_changed } => {
                self.set_password(context, upn, *id, *replace, *last_changed).await
            }
            Change::SetMfaState { upn, id, before, after } => {
                self.set_mfa_state(context, upn, *id, *before, *after).await
            }
            Change::AssignRole { upn, id, role, .. } => self.assign_role(context, upn, *id, role).await,
            Change::AssignSubscriptionRole { upn, id, subscription, role, .. } => {
                self.assign_subscription_role(context, upn, *id, subscription, role).await
            }
            Change::ProveSignIn { upn, id } => self.prove_sign_in(context, upn, *id).await,
            Change::RemoveRole { id, role, .. } => remove_role(context, id, role).await,
            Change::RemoveSubscriptionRole { id, subscription, role, .. } => {
                remove_subscription_role(context, id, subscription, role).await
            }
            Change::DisableServiceAccount { upn, id } => self.disable_account(context, upn, *id).await,
            Change::DeleteServiceAccount { upn, id } => self.delete(context, upn, *id).await,
            Change::RestoreServiceAccount { upn, id } => self.restore(context, upn, *id).await,
            other => {
                Err(Error::new(ErrorKind::Unsupported, "make the change").with_detail(other.to_string()))
            }
        }
    }

    /// Returns the passwords in the store for the account, the most probable first. Only a few, because wrong ones lock
    /// the account.
    async fn known_passwords(&self, context: &Context<'_>, upn: &Upn) -> Result<Vec<Password>> {
        let mut known: Vec<Password> = self.password.iter().cloned().collect();
        if known.is_empty() {
            known.extend(context.secrets.load(upn.as_str()).await?);
            known.extend(context.secrets.pending(upn.as_str()).await?.into_iter().take(PASSWORDS_TRIED));
        }
        Ok(known)
    }

    /// Returns the service account by the object ID of the survey: the UPN may belong to another account by now.
    async fn account(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
    ) -> Result<TenantUser> {
        if let Some(account) = self.found.as_ref().filter(|account| account.upn == *upn) {
            return Ok(account.clone());
        }
        let Some(id) = id else {
            return Err(Error::new(ErrorKind::NotFound, "find the service account")
                .with_object(upn)
                .with_detail("this run did not create it")
                .with_hint("Run again to make a new plan."));
        };
        let gone = |what: String| {
            Error::new(ErrorKind::Stale, "find the service account")
                .with_object(upn)
                .with_detail(what)
                .with_hint("Nothing was written. Run again to make a new plan.")
        };
        let found = match context.onramp.tenant.users.get(&id).await {
            Ok(found) if found.upn == *upn => found,
            Ok(found) => return Err(gone(format!("the account {id} is {} now", found.upn))),
            Err(error) if error.is_not_found() => {
                return Err(gone(format!("the account {id} of the plan no longer exists")));
            }
            Err(error) => return Err(error),
        };
        self.found = Some(found.clone());
        Ok(found)
    }

    async fn create(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        display_name: &str,
        other_mails: &[String],
        first: FirstPassword,
    ) -> StepResult {
        if let Some(found) = context.onramp.tenant.users.find(upn).await? {
            return self.adopt(context, found).await;
        }
        let password = password::next(context, upn, display_name, first).await?;
        // One that never expires is one that stays: see `plan`.
        let user = NewUser::new(upn.clone(), display_name, password.clone())
            .with_password_never_expires(first.is_final())
            .with_forced_change(!first.is_final())
            .with_other_mails(other_mails.to_vec());
        let account = match context.onramp.tenant.users.create(&user).await {
            Ok(account) => account,
            // Created since the search above: by somebody else, or by this run if a reply was lost.
            Err(error) if error.is_already_exists() => match context.onramp.tenant.users.find(upn).await? {
                Some(found) => return self.adopt(context, found).await,
                None => return Err(error),
            },
            Err(error) => return Err(password::refused(context, upn, &password, error).await),
        };
        self.found = Some(account);
        let place = context.secrets.promote(upn.as_str(), &password).await?;
        self.password = Some(password);
        let which = if first.is_final() { "password" } else { "temporary password" };
        Ok((Outcome::Done, format!("its {which} is stored in {place}")))
    }

    /// Adopts an existing account if an interrupted run created it: its password is then one that only the secret store
    /// has.
    async fn adopt(&mut self, context: &Context<'_>, found: TenantUser) -> StepResult {
        let upn = found.upn.clone();
        if !may_sign_in(context) {
            return Err(Error::new(ErrorKind::Stale, "create the service account")
                .with_object(&upn)
                .with_detail(format!(
                    "an account of that name, {}, was created after the survey, and the sign-in that would show \
                     whether an interrupted run created it is left out",
                    found.id
                ))
                .with_hint("The account was not changed. Run again to make a new plan."));
        }
        let (password, probe) =
            password::first_right(context, &upn, &self.known_passwords(context, &upn).await?, false).await?;
        if let Some(password) = password {
            context.secrets.promote(upn.as_str(), &password).await?;
            (self.found, self.password) = (Some(found), Some(password));
            return already();
        }
        let why = match probe {
            None | Some(SignInProbe::WrongPassword) => {
                format!(
                    "an account of that name, {}, was created by somebody else after the survey",
                    found.id
                )
            }
            Some(probe) => format!(
                "an account of that name, {}, was created after the survey, and it is not proven that it has the \
                 password that Onramp set: {probe}",
                found.id
            ),
        };
        Err(Error::new(ErrorKind::Stale, "create the service account")
            .with_object(upn)
            .with_detail(why)
            .with_hint(
                "The account was not changed. Find out who created it, then run again to make a new plan.",
            ))
    }

    async fn set_alternate_email(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
        before: &[String],
        after: &[String],
    ) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let users = &context.onramp.tenant.users;
        let now = users.get(&id).await?.other_mails;
        if now == after {
            return already();
        }
        if now != before {
            return Err(stale("set the alternate e-mail of", upn, &now.join(", ")));
        }
        users.update(&id, &UserUpdate::default().with_other_mails(after.to_vec())).await?;
        context
            .visible("the alternate e-mail", || async {
                Ok(context.onramp.tenant.users.get(&id).await?.other_mails == after)
            })
            .await?;
        done()
    }

    async fn enable_account(&mut self, context: &Context<'_>, upn: &Upn, id: Option<ObjectId>) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let users = &context.onramp.tenant.users;
        if users.get(&id).await?.account_enabled {
            return already();
        }
        users.update(&id, &UserUpdate::default().with_account_enabled(true)).await?;
        context
            .visible("the account enabled", || async {
                Ok(context.onramp.tenant.users.get(&id).await?.account_enabled)
            })
            .await?;
        done()
    }

    async fn disable_account(&mut self, context: &Context<'_>, upn: &Upn, id: ObjectId) -> StepResult {
        self.account(context, upn, Some(id)).await?;
        let users = &context.onramp.tenant.users;
        if !users.get(&id).await?.account_enabled {
            return already();
        }
        users.update(&id, &UserUpdate::default().with_account_enabled(false)).await?;
        context
            .visible("the account disabled", || async { Ok(!users.get(&id).await?.account_enabled) })
            .await?;
        done()
    }

    async fn delete(&mut self, context: &Context<'_>, upn: &Upn, id: ObjectId) -> StepResult {
        let users = &context.onramp.tenant.users;
        match users.get(&id).await {
            Ok(found) if found.upn == *upn => {}
            Ok(found) => return Err(stale("delete the account", upn, found.upn.as_str())),
            Err(error) if error.is_not_found() => return already(),
            Err(error) => return Err(error),
        }
        self.found = None;
        users.delete(&id).await?;
        context
            .visible("the account deleted", || async {
                match users.get(&id).await {
                    Ok(_) => Ok(false),
                    Err(error) if error.is_not_found() => Ok(true),
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok((Outcome::Done, "it can be restored for 30 days".into()))
    }

    async fn restore(&mut self, context: &Context<'_>, upn: &Upn, id: ObjectId) -> StepResult {
        let users = &context.onramp.tenant.users;
        let outcome = match users.restore(&id).await {
            Ok(_) => done(),
            Err(error) if error.is_not_found() => match users.get(&id).await {
                Ok(_) => already(),
                Err(_) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        context
            .visible("the account restored", || async {
                match users.get(&id).await {
                    Ok(_) => Ok(true),
                    Err(error) if error.is_not_found() => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?;
        self.account(context, upn, Some(id)).await?;
        outcome
    }

    async fn set_password(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
        replace: bool,
        last_changed: Option<OffsetDateTime>,
    ) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let account = context.onramp.tenant.users.get(&id).await?;
        if account.password_never_expires && account.account_enabled && may_sign_in(context) {
            // Without the time of the last change, only a password that was never promoted is known to be a new one.
            let is_changed = last_changed.is_some() && account.password_changed > last_changed;
            // An interrupted run has set the password if it is one that only the secret store has.
            let known: Vec<Password> = match replace && !is_changed {
                true => context.secrets.pending(upn.as_str()).await?.into_iter().take(1).collect(),
                false => self.known_passwords(context, upn).await?,
            };
            if let (Some(password), _) = password::first_right(context, upn, &known, false).await? {
                context.secrets.promote(upn.as_str(), &password).await?;
                self.password = Some(password);
                return already();
            }
        }
        let users = &context.onramp.tenant.users;
        // An interrupted run set it, and this one found it right.
        let proven = self.password.take_if(|password| !replace && password::is_final(password));
        let password = match proven {
            Some(password) => password,
            None => {
                let display_name = account.display_name.as_deref().unwrap_or_default();
                let password = password::next(context, upn, display_name, FirstPassword::Final).await?;
                if let Err(error) = users.set_password(&id, &password, false).await {
                    return Err(password::refused(context, upn, &password, error).await);
                }
                password
            }
        };
        let place = context.secrets.promote(upn.as_str(), &password).await?;
        self.password = Some(password);
        // Last, because it marks the change as complete: see `plan`.
        let lasting = UserUpdate::default().with_password_never_expires(true);
        users.update(&id, &lasting).await.map_err(|error| {
            Error::new(error.kind(), "set the password to never expire for")
                .with_object(upn)
                .with_detail(format!("the new password is set and stored in {place}; {error}"))
        })?;
        context
            .visible("the password policy", || async {
                Ok(context.onramp.tenant.users.get(&id).await?.password_never_expires)
            })
            .await?;
        Ok((Outcome::Done, format!("stored in {place}")))
    }

    async fn set_mfa_state(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
        before: MfaState,
        after: MfaState,
    ) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let port = &context.onramp.tenant.sign_in;
        match port.mfa_state(&id).await? {
            now if now == after => return already(),
            now if now != before => return Err(stale("set per-user MFA of", upn, &now.to_string())),
            _ => port.set_mfa_state(&id, after).await?,
        }
        context
            .visible("the MFA state", || async {
                Ok(context.onramp.tenant.sign_in.mfa_state(&id).await? == after)
            })
            .await?;
        done()
    }

    async fn assign_role(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
        role: &RoleTemplateId,
    ) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let port = &context.onramp.tenant.roles;
        let is_held = || async {
            let held = port.assignments_of(&id).await?;
            Ok(held.iter().any(|held| held.role == *role && held.scope == "/"))
        };
        if is_held().await? {
            return already();
        }
        let assigned = port.assign(role, &id).await;
        confirm(context, assigned, "the role", is_held).await
    }

    async fn assign_subscription_role(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
        subscription: &ObjectId,
        role: &AzureRoleId,
    ) -> StepResult {
        let id = self.account(context, upn, id).await?.id;
        let port = &context.onramp.tenant.subscriptions;
        let is_held =
            || async { Ok(port.assignments(subscription, &id).await?.iter().any(|held| held.role == *role)) };
        if is_held().await? {
            return already();
        }
        let mut assigned = port.assign(subscription, role, &id, PrincipalType::User).await;
        // Azure knows a new account later than Entra ("Troubleshoot Azure RBAC", PrincipalNotFound).
        for pause in NEW_PRINCIPAL {
            if !assigned.as_ref().is_err_and(Error::is_not_found) {
                break;
            }
            context.notify(Event::Waiting {
                reason: WaitReason::AzurePrincipal { upn: upn.clone() },
                waited: Duration::ZERO,
                timeout: NEW_PRINCIPAL.iter().sum(),
            });
            context.pause("wait for Azure to know the service account", pause).await?;
            assigned = port.assign(subscription, role, &id, PrincipalType::User).await;
        }
        confirm(context, assigned, "the role on the subscription", is_held).await
    }

    /// Signs in with the temporary password, which must be refused because it has to be changed.
    async fn prove_temporary_password(
        &mut self,
        context: &Context<'_>,
        upn: &Upn,
        id: Option<ObjectId>,
    ) -> StepResult {
        self.account(context, upn, id).await?;
        let known = self.known_passwords(context, upn).await?;
        // An interrupted run set the final one, or somebody moved the temporary one.
        let none = || Ok((Outcome::Unchanged, "the secret store has no temporary password".into()));
        if known.is_empty() {
            return none();
        }
        require_managed(context, upn).await?;
        let (password, probe) = password::first_right(context, upn, &known, true).await?;
        if let Some(password) = &password {
            context.secrets.promote(upn.as_str(), password).await?;
        }
        match (&password, probe) {
            (_, Some(SignInProbe::PasswordChangeRequired)) => Ok((
                Outcome::Done,
                "the temporary password is right, and has to be changed first (AADSTS50055)".into(),
            )),
            (Some(password), Some(SignInProbe::Accepted)) if password::is_final(password) => {
                self.password = Some(password.clone());
                Ok((Outcome::Unchanged, "the final password is set already".into()))
            }
            (_, Some(SignInProbe::WrongPassword)) if known.iter().all(password::is_final) => none(),
            (_, Some(SignInProbe::Accepted)) => Err(Error::new(ErrorKind::Forbidden, "test the sign-in of")
                .with_object(upn)
                .with_detail("a token was issued for the temporary password: its change is not demanded")
                .with_hint("Find out who changed the account, or use `first_password = \"final\"`.")),
            (_, probe) => judge(upn, probe),
        }
    }

    async fn prove_sign_in(&mut self, context: &Context<'_>, upn: &Upn, id: Option<ObjectId>) -> StepResult {
        self.account(context, upn, id).await?;
        let known = self.known_passwords(context, upn).await?;
        if known.is_empty() && !sets_password(context) {
            // Somebody keeps the password elsewhere, as in a vault.
            return Ok((
                Outcome::Unchanged,
                "not tested: its password is not in the secret store, and nothing is known of it".into(),
            ));
        }
        if known.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "test the sign-in of")
                .with_object(upn)
                .with_detail("its password is not in the secret store"));
        }
        require_managed(context, upn).await?;
        let (password, probe) = password::first_right(context, upn, &known, true).await?;
        if let Some(password) = password {
            context.secrets.promote(upn.as_str(), &password).await?;
        }
        judge(upn, probe)
    }
}

/// Returns true if the plan signs in as the account: a spec can leave that out.
fn may_sign_in(context: &Context<'_>) -> bool {
    context.plan.plan().changes().iter().any(|planned| planned.change.is_sign_in())
}

/// Returns true if the plan gives the account a password.
fn sets_password(context: &Context<'_>) -> bool {
    let sets = |change: &Change| {
        matches!(change, Change::CreateServiceAccount { .. } | Change::SetServiceAccountPassword { .. })
    };
    context.plan.plan().changes().iter().any(|planned| sets(&planned.change))
}

/// Removes the role of the whole tenant; one that is gone already is no error.
async fn remove_role(context: &Context<'_>, id: &ObjectId, role: &RoleTemplateId) -> StepResult {
    let port = &context.onramp.tenant.roles;
    let held = || async {
        let mut held = port.assignments_of(id).await?;
        held.retain(|held| held.role == *role && held.scope == "/");
        Ok::<_, Error>(held)
    };
    let found = held().await?;
    if found.is_empty() {
        return already();
    }
    for assignment in found {
        match port.unassign(&assignment.id).await {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    context.visible("the role removed", || async { Ok(held().await?.is_empty()) }).await?;
    done()
}

/// Removes the role on the subscription; one that is gone already is no error.
async fn remove_subscription_role(
    context: &Context<'_>,
    id: &ObjectId,
    subscription: &ObjectId,
    role: &AzureRoleId,
) -> StepResult {
    let port = &context.onramp.tenant.subscriptions;
    let held = || async {
        let mut held = port.assignments(subscription, id).await?;
        held.retain(|held| held.role == *role);
        Ok::<_, Error>(held)
    };
    let found = held().await?;
    if found.is_empty() {
        return already();
    }
    for assignment in &found {
        port.unassign(assignment).await?;
    }
    context
        .visible("the role on the subscription removed", || async { Ok(held().await?.is_empty()) })
        .await?;
    done()
}

/// Reads back an assignment, also after "already exists": a service replies that for several reasons.
async fn confirm<T: Send, F: Future<Output = Result<bool>> + Send>(
    context: &Context<'_>,
    assigned: Result<T>,
    what: &str,
    is_held: impl Fn() -> F + Send,
) -> StepResult {
    match assigned {
        Ok(_) => {
            context.visible(what, is_held).await?;
            done()
        }
        Err(error) if error.is_already_exists() => match context.visible(what, is_held).await {
            Ok(()) => already(),
            Err(_) if context.onramp.cancellation.is_cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, format!("see {what}")))
            }
            Err(_) => Err(Error::new(ErrorKind::AlreadyExists, "give the account")
                .with_object(what)
                .with_detail(format!(
                    "the service reports that it exists, but it cannot be read back; {error}"
                ))
                .with_hint("Check the subscription for locks and for its state, then run again.")),
        },
        Err(error) => Err(error),
    }
}

/// Refuses a sign-in on a federated domain: Entra cannot check the password, and would count each try as a wrong one.
async fn require_managed(context: &Context<'_>, upn: &Upn) -> Result<()> {
    let domain = context.onramp.tenant.domains.get(&upn.domain()?).await?;
    if domain.authentication == DomainAuthentication::Federated {
        return Err(Error::new(ErrorKind::Unsupported, "test the sign-in of")
            .with_object(upn)
            .with_detail(format!("the domain {} is federated: Entra cannot check the password", domain.name))
            .with_hint("Use an account on a managed domain, such as the tenant's initial one."));
    }
    Ok(())
}

fn stale(action: &str, upn: &Upn, found: &str) -> Error {
    Error::new(ErrorKind::Stale, action)
        .with_object(upn)
        .with_detail(format!("it is \"{found}\" now, which is not the value in the plan"))
        .with_hint("Nothing was written. Run again to make a new plan.")
}

fn judge(upn: &Upn, probe: Option<SignInProbe>) -> StepResult {
    let hint = match &probe {
        Some(SignInProbe::Accepted) => {
            return Ok((Outcome::Done, "a token was issued for the name and the password".into()));
        }
        Some(SignInProbe::SecondFactorRequired { .. }) => {
            "Exclude the account from security defaults or the conditional access policy that asks for it."
        }
        Some(SignInProbe::BlockedByPolicy { .. }) => "Exclude the account from the policy, then run again.",
        Some(SignInProbe::BlockedByRisk { .. }) => "Review the risk and dismiss it, then run again.",
        Some(SignInProbe::PasswordChangeRequired) => {
            "Run again with `new_password` to give it one that need not be changed."
        }
        Some(SignInProbe::ApplicationRefused { .. }) => "Consent to the application, then run again.",
        Some(SignInProbe::NotCheckedHere { .. }) => "Use an account on a managed domain.",
        Some(SignInProbe::LockedOut) => "Wait until the account is no longer locked out, then run again.",
        Some(SignInProbe::Inconclusive { .. }) => "Sign in manually to find out.",
        _ => "Check the account in the tenant, then run again.",
    };
    let told = probe.map_or_else(|| "there is no password to try".to_owned(), |probe| probe.to_string());
    Err(Error::new(ErrorKind::Forbidden, "test the sign-in of")
        .with_object(upn)
        .with_detail(told)
        .with_hint(hint))
}

/// Returns the values before and after a change of the service account.
pub(crate) fn values(change: &Change) -> (Option<String>, Option<String>) {
    let listed = |values: &[String]| (!values.is_empty()).then(|| values.join(", "));
    match change {
        Change::SetAlternateEmail { before, after, .. } => (listed(before), listed(after)),
        Change::SetMfaState { before, after, .. } => (Some(before.to_string()), Some(after.to_string())),
        Change::EnableServiceAccount { .. } => (Some("disabled".into()), Some("enabled".into())),
        Change::DisableServiceAccount { .. } => (Some("enabled".into()), Some("disabled".into())),
        _ => (None, None),
    }
}
