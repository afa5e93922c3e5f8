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

/// Characters of a generated password.
const PASSWORD_LENGTH: usize = 32;

impl Run<'_> {
    pub(super) async fn create_account(
        &mut self,
        upn: &Upn,
        display_name: &str,
        other_mails: &[String],
    ) -> Step {
        if let Some(found) = self.onramp.tenant.users.find(upn).await? {
            self.account = Some(found);
            return already();
        }
        let password = self.generate(upn, display_name).await?;
        let place = self.keep(upn, &password)?;
        let user = NewUser::new(upn.clone(), display_name, password.clone())
            .with_password_never_expires(true)
            .with_other_mails(other_mails.to_vec());
        self.account = Some(self.onramp.tenant.users.create(&user).await?);
        self.password = Some(password);
        Ok((Outcome::Done, format!("its password is stored in {place}")))
    }

    pub(super) async fn set_alternate_email(
        &mut self,
        upn: &Upn,
        before: &[String],
        after: &[String],
    ) -> Step {
        let id = self.account(upn).await?.id;
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

    pub(super) async fn enable_account(&mut self, upn: &Upn) -> Step {
        let id = self.account(upn).await?.id;
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

    pub(super) async fn set_password(&mut self, upn: &Upn) -> Step {
        let id = self.account(upn).await?.id;
        let account = self.onramp.tenant.users.get(&id).await?;
        if account.password_never_expires {
            return already();
        }
        let password = self.generate(upn, account.display_name.as_deref().unwrap_or_default()).await?;
        let place = self.keep(upn, &password)?;
        let users = &self.onramp.tenant.users;
        users.set_password(&id, &password, false).await?;
        self.password = Some(password);
        // Last, because it marks the step as finished: see `plan`.
        users.update(&id, &UserUpdate::default().with_password_never_expires(true)).await?;
        self.visible("the password policy", || async {
            Ok(self.onramp.tenant.users.get(&id).await?.password_never_expires)
        })
        .await?;
        Ok((Outcome::Done, format!("stored in {place}")))
    }

    pub(super) async fn set_mfa_state(&mut self, upn: &Upn, before: MfaState, after: MfaState) -> Step {
        let id = self.account(upn).await?.id;
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

    pub(super) async fn assign_role(&mut self, upn: &Upn, role: &RoleTemplateId) -> Step {
        let id = self.account(upn).await?.id;
        let port = &self.onramp.tenant.roles;
        let held = port.assignments_of(&id).await?;
        if held.iter().any(|held| held.role == *role && held.scope == "/") {
            return already();
        }
        match port.assign(role, &id).await {
            Ok(_) => {}
            Err(error) if error.is_already_exists() => return already(),
            Err(error) => return Err(error),
        }
        self.visible("the role", || async {
            let held = self.onramp.tenant.roles.assignments_of(&id).await?;
            Ok(held.iter().any(|held| held.role == *role && held.scope == "/"))
        })
        .await?;
        done()
    }

    pub(super) async fn assign_subscription_role(
        &mut self,
        upn: &Upn,
        subscription: &ObjectId,
        role: &AzureRoleId,
    ) -> Step {
        let id = self.account(upn).await?.id;
        let port = &self.onramp.tenant.subscriptions;
        if port.assignments(subscription, &id).await?.iter().any(|held| held.role == *role) {
            return already();
        }
        match port.assign(subscription, role, &id, PrincipalType::User).await {
            Ok(_) => done(),
            Err(error) if error.is_already_exists() => already(),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn prove_sign_in(&mut self, upn: &Upn) -> Step {
        let stored = match &self.password {
            Some(password) => Some(password.clone()),
            None => self.secrets.load(upn.as_str())?,
        };
        let Some(password) = stored else {
            return Err(Error::new(ErrorKind::NotFound, "prove the sign-in of")
                .object(upn)
                .detail("its password is neither known to this run nor in the secret store"));
        };
        // A new password takes a moment to be known everywhere; few tries, because wrong ones lock the account.
        let mut pauses = [2, 5, 15].map(Duration::from_secs).into_iter();
        loop {
            let probe = self.onramp.tenant.sign_in.probe(upn, &password).await?;
            let early = matches!(probe, SignInProbe::WrongPassword | SignInProbe::UnknownUser);
            match (early, pauses.next()) {
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

    /// Stores a new password, before the tenant learns it; says where.
    fn keep(&self, upn: &Upn, password: &Password) -> Result<String> {
        let place = self.secrets.store(upn.as_str(), password)?;
        self.tell(Event::SecretStored { upn: upn.clone(), place: place.clone() });
        Ok(place)
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
        Ok(match seen(policies.fine_grained_policies().await)? {
            Some(fine_grained) => fine_grained.iter().fold(policy, |all, one| all.strictest(&one.into())),
            None => policy,
        })
    }

    /// Password protection with the tenant's own terms, as far as they can be seen.
    async fn protection(&self) -> Result<ProtectionPolicy> {
        let rules = seen(self.onramp.tenant.password_rules.read().await)?;
        let nothing: [String; 0] = [];
        let settings = rules.map(|rules| TenantPasswordSettings::from(&rules)).unwrap_or_default();
        Ok(settings.protection(nothing))
    }
}

/// `None` for what this account may not see, or the service does not have: a password is as good as can be without it.
fn seen<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
        answer => answer.map(Some),
    }
}

fn stale(action: &str, upn: &Upn, found: &str) -> Error {
    Error::new(ErrorKind::Stale, action)
        .object(upn)
        .detail(format!("it is “{found}” now, which is not what the plan was made from"))
        .hint("Nothing was written. Run again to survey and plan anew.")
}

fn judge(upn: &Upn, probe: &SignInProbe) -> Step {
    let refuse = |detail: String, hint: &str| {
        Err(Error::new(ErrorKind::Forbidden, "prove the sign-in of").object(upn).detail(detail).hint(hint))
    };
    match probe {
        SignInProbe::Accepted => Ok((Outcome::Done, "a token was issued for name and password".into())),
        SignInProbe::SecondFactorRequired { code } => refuse(
            format!("the password is right, but a second factor is wanted (AADSTS{code})"),
            "Exclude the account from security defaults or the conditional access policy that asks for it.",
        ),
        SignInProbe::BlockedByPolicy { code } => refuse(
            format!("the password is right, but a policy blocks the sign-in (AADSTS{code})"),
            "Exclude the account from the conditional access policy.",
        ),
        SignInProbe::PasswordChangeRequired => {
            refuse("a change of password is demanded".into(), "Run again to set the password anew.")
        }
        SignInProbe::Inconclusive { code, message } => refuse(
            format!("the answer proves nothing (AADSTS{code}: {message})"),
            "Sign in by hand to find out.",
        ),
        other => refuse(
            format!("the tenant answers {other:?}"),
            "Check the account in the tenant, then run again.",
        ),
    }
}
