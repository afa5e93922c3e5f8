//! The account that synchronisation signs in with: made, secured, and shown to work.

use std::time::Duration;

use onramp_core::tenant::{
    AzureRoleId, MfaState, NewUser, PrincipalType, RoleTemplateId, SignInProbe, UserUpdate,
};
use onramp_core::{Error, ErrorKind, ObjectId, Password, Result, Upn};
use onramp_password::{
    AdPolicy, Context, Generator, GeneratorOptions, Policy, ProtectionPolicy, TenantPasswordSettings,
};

use super::{Run, Step, already, done};
use crate::event::Event;
use crate::journal::Outcome;
use crate::survey::may_be_hidden;

/// Characters of a generated password.
const PASSWORD_LENGTH: usize = 32;
/// Passwords that are tried besides the current one, to find out which of them an interrupted run set.
const PASSWORDS_TRIED: usize = 3;

impl Run<'_> {
    pub(super) async fn create_account(
        &mut self,
        upn: &Upn,
        display_name: &str,
        other_mails: &[String],
    ) -> Step {
        if let Some(found) = self.onramp.tenant.users.find(upn).await? {
            // Ours, if an interrupted run made it: then it has a password that only the secret store knows.
            return match self.proven_password(upn).await? {
                Some(password) => {
                    self.secrets.promote(upn.as_str(), &password)?;
                    (self.account, self.password) = (Some(found), Some(password));
                    already()
                }
                None => Err(Error::new(ErrorKind::Stale, "create the service account")
                    .object(upn)
                    .detail(format!(
                        "an account of that name, {}, was made by somebody else since the plan was made",
                        found.id
                    ))
                    .hint("It was given nothing. Run again to survey and plan anew, and look who made it.")),
            };
        }
        let password = self.generate(upn, display_name).await?;
        self.keep(upn, &password)?;
        let user = NewUser::new(upn.clone(), display_name, password.clone())
            .with_password_never_expires(true)
            .with_other_mails(other_mails.to_vec());
        let created = self.onramp.tenant.users.create(&user).await;
        let account = created.map_err(|error| self.refused(upn, &password, error))?;
        self.account = Some(account);
        let place = self.secrets.promote(upn.as_str(), &password)?;
        self.password = Some(password);
        Ok((Outcome::Done, format!("its password is stored in {place}")))
    }

    /// Removes a stored password that the tenant refused for certain; hands the error on.
    fn refused(&self, upn: &Upn, password: &Password, error: Error) -> Error {
        if *error.kind() == ErrorKind::OutcomeUnknown || error.is_cancelled() {
            return error;
        }
        // A secret that stays in the store although nobody has it does no harm.
        let _ = self.secrets.discard(upn.as_str(), password);
        error
    }

    /// The passwords that the store has for an account, the likeliest first. Few, because wrong ones lock the account.
    fn known_passwords(&self, upn: &Upn) -> Result<Vec<Password>> {
        let mut known: Vec<Password> = self.password.iter().cloned().collect();
        if known.is_empty() {
            known = self.secrets.pending(upn.as_str())?;
            known.truncate(PASSWORDS_TRIED);
            known.extend(self.secrets.load(upn.as_str())?);
        }
        Ok(known)
    }

    /// The stored password that an account has, if it has one of those.
    async fn proven_password(&self, upn: &Upn) -> Result<Option<Password>> {
        for password in self.known_passwords(upn)? {
            let probe = self.onramp.tenant.sign_in.probe(upn, &password).await?;
            if probe.password_is_right() == Some(true) {
                return Ok(Some(password));
            }
        }
        Ok(None)
    }

    pub(super) async fn set_alternate_email(
        &mut self,
        upn: &Upn,
        id: Option<ObjectId>,
        before: &[String],
        after: &[String],
    ) -> Step {
        let id = self.account(upn, id).await?.id;
        let users = &self.onramp.tenant.users;
        let now = users.get(&id).await?.other_mails;
        if now == after {
            return already();
        }
        if now != before {
            return Err(stale("set the alternate e-mail of", upn, &now.join(", ")));
        }
        users.update(&id, &UserUpdate::default().with_other_mails(after.to_vec())).await?;
        self.visible("the alternate e-mail", || async {
            Ok(self.onramp.tenant.users.get(&id).await?.other_mails == after)
        })
        .await?;
        done()
    }

    pub(super) async fn enable_account(&mut self, upn: &Upn, id: Option<ObjectId>) -> Step {
        let id = self.account(upn, id).await?.id;
        let users = &self.onramp.tenant.users;
        if users.get(&id).await?.account_enabled {
            return already();
        }
        users.update(&id, &UserUpdate::default().with_account_enabled(true)).await?;
        self.visible("the account enabled", || async {
            Ok(self.onramp.tenant.users.get(&id).await?.account_enabled)
        })
        .await?;
        done()
    }

    pub(super) async fn set_password(&mut self, upn: &Upn, id: Option<ObjectId>) -> Step {
        let id = self.account(upn, id).await?.id;
        let account = self.onramp.tenant.users.get(&id).await?;
        if account.password_never_expires {
            return already();
        }
        let password = self.generate(upn, account.display_name.as_deref().unwrap_or_default()).await?;
        self.keep(upn, &password)?;
        let users = &self.onramp.tenant.users;
        let set = users.set_password(&id, &password, false).await;
        set.map_err(|error| self.refused(upn, &password, error))?;
        let place = self.secrets.promote(upn.as_str(), &password)?;
        self.password = Some(password);
        // Last, because it marks the step as finished: see `plan`.
        users.update(&id, &UserUpdate::default().with_password_never_expires(true)).await?;
        self.visible("the password policy", || async {
            Ok(self.onramp.tenant.users.get(&id).await?.password_never_expires)
        })
        .await?;
        Ok((Outcome::Done, format!("stored in {place}")))
    }

    pub(super) async fn set_mfa_state(
        &mut self,
        upn: &Upn,
        id: Option<ObjectId>,
        before: MfaState,
        after: MfaState,
    ) -> Step {
        let id = self.account(upn, id).await?.id;
        let port = &self.onramp.tenant.sign_in;
        match port.mfa_state(&id).await? {
            now if now == after => return already(),
            now if now != before => return Err(stale("set per-user MFA of", upn, &now.to_string())),
            _ => port.set_mfa_state(&id, after).await?,
        }
        self.visible("the MFA state", || async {
            Ok(self.onramp.tenant.sign_in.mfa_state(&id).await? == after)
        })
        .await?;
        done()
    }

    pub(super) async fn assign_role(
        &mut self,
        upn: &Upn,
        id: Option<ObjectId>,
        role: &RoleTemplateId,
    ) -> Step {
        let id = self.account(upn, id).await?.id;
        let port = &self.onramp.tenant.roles;
        let is_held = async || -> Result<bool> {
            let held = port.assignments_of(&id).await?;
            Ok(held.iter().any(|held| held.role == *role && held.scope == "/"))
        };
        if is_held().await? {
            return already();
        }
        let assigned = port.assign(role, &id).await;
        self.believe(assigned, "the role", is_held).await
    }

    pub(super) async fn assign_subscription_role(
        &mut self,
        upn: &Upn,
        id: Option<ObjectId>,
        subscription: &ObjectId,
        role: &AzureRoleId,
    ) -> Step {
        let id = self.account(upn, id).await?.id;
        let port = &self.onramp.tenant.subscriptions;
        let is_held = async || -> Result<bool> {
            Ok(port.assignments(subscription, &id).await?.iter().any(|held| held.role == *role))
        };
        if is_held().await? {
            return already();
        }
        let assigned = port.assign(subscription, role, &id, PrincipalType::User).await;
        self.believe(assigned, "the role on the subscription", is_held).await
    }

    /// Reads back what was assigned, also where the service says that it was there already: it says so for many reasons.
    async fn believe<T>(
        &self,
        assigned: Result<T>,
        what: &str,
        is_held: impl AsyncFn() -> Result<bool>,
    ) -> Step {
        match assigned {
            Ok(_) => {
                self.visible(what, is_held).await?;
                done()
            }
            Err(error) if error.is_already_exists() => match self.visible(what, is_held).await {
                Ok(()) => already(),
                Err(unseen) if *unseen.kind() == ErrorKind::OutcomeUnknown => Err(error),
                Err(other) => Err(other),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn prove_sign_in(&mut self, upn: &Upn, id: Option<ObjectId>) -> Step {
        self.account(upn, id).await?;
        let known = self.known_passwords(upn)?;
        if known.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "prove the sign-in of")
                .object(upn)
                .detail("its password is neither known to this run nor in the secret store"));
        }
        // A new password takes a moment to be known everywhere; few tries, because wrong ones lock the account.
        let mut pauses = [2, 5, 15].map(Duration::from_secs).into_iter();
        loop {
            let mut probe = SignInProbe::WrongPassword;
            for password in &known {
                probe = self.onramp.tenant.sign_in.probe(upn, password).await?;
                if probe.password_is_right() == Some(true) {
                    self.secrets.promote(upn.as_str(), password)?;
                    break;
                }
            }
            let early = matches!(probe, SignInProbe::WrongPassword | SignInProbe::UnknownUser);
            match (early && known.len() == 1, pauses.next()) {
                (true, Some(pause)) => {
                    let sleep = async {
                        self.onramp.clock.sleep(pause).await;
                        Ok(())
                    };
                    self.onramp.unless_cancelled("wait for the new password to be known", sleep).await?;
                }
                _ => return judge(upn, &probe),
            }
        }
    }

    /// Stores a new password, before the tenant learns it, and says where.
    fn keep(&self, upn: &Upn, password: &Password) -> Result<()> {
        let place = self.secrets.store(upn.as_str(), password)?;
        self.tell(Event::SecretStored { upn: upn.clone(), place });
        Ok(())
    }

    /// A password that the forest's policies and Entra's all accept.
    async fn generate(&self, upn: &Upn, display_name: &str) -> Result<Password> {
        let on_premises = self.strictest_policy().await?;
        let needed = usize::from(on_premises.min_length);
        let context = Context::new()
            .with_account_name(upn.prefix())
            .with_display_name(display_name)
            .with_tenant_name(&self.plan.plan().header().tenant_name);
        let options = GeneratorOptions::default().with_length(PASSWORD_LENGTH.max(needed));
        let policy = Policy::hybrid().with_on_premises(on_premises).with_protection(self.protection().await?);
        Generator::with_options(&policy, &context, &options)
            .and_then(|generator| generator.generate())
            .map_err(|error| {
                Error::new(ErrorKind::Invalid, "generate a password for")
                    .object(upn)
                    .detail(error.to_string())
            })
    }

    /// What satisfies every policy of the forest that can be seen: which of them binds the account is not known before
    /// somebody gives it one of the same name there.
    async fn strictest_policy(&self) -> Result<AdPolicy> {
        let policies = &self.onramp.forest.password_policies;
        let domains = policies.domain_policies().await?;
        let policy = domains.iter().fold(AdPolicy::default(), |all, one| all.strictest(&one.into()));
        Ok(match may_be_hidden(policies.fine_grained_policies().await)? {
            Some(fine_grained) => fine_grained.iter().fold(policy, |all, one| all.strictest(&one.into())),
            None => policy,
        })
    }

    /// Password protection with the tenant's own terms, as far as they can be seen.
    async fn protection(&self) -> Result<ProtectionPolicy> {
        let rules = may_be_hidden(self.onramp.tenant.password_rules.read().await)?;
        let nothing: [String; 0] = [];
        let settings = rules.map(|rules| TenantPasswordSettings::from(&rules)).unwrap_or_default();
        Ok(settings.protection(nothing))
    }
}

fn stale(action: &str, upn: &Upn, found: &str) -> Error {
    Error::new(ErrorKind::Stale, action)
        .object(upn)
        .detail(format!("it is “{found}” now, which is not what the plan was made from"))
        .hint("Nothing was written. Run again to survey and plan anew.")
}

fn judge(upn: &Upn, probe: &SignInProbe) -> Step {
    if *probe == SignInProbe::Accepted {
        return Ok((Outcome::Done, "a token was issued for name and password".into()));
    }
    let hint = match probe {
        SignInProbe::SecondFactorRequired { .. } => {
            "Exclude the account from security defaults or the conditional access policy that asks for it."
        }
        SignInProbe::BlockedByPolicy { .. } => "Exclude the account from the policy.",
        SignInProbe::PasswordChangeRequired => "Run again to set the password anew.",
        SignInProbe::Inconclusive { .. } => "Sign in by hand to find out.",
        _ => "Check the account in the tenant, then run again.",
    };
    let error = Error::new(ErrorKind::Forbidden, "prove the sign-in of").object(upn);
    Err(error.detail(probe.to_string()).hint(hint))
}
