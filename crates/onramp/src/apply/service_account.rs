//! The account that synchronisation signs in with: made, secured, and shown to work.

use std::time::Duration;

use onramp_core::tenant::{
    AzureRoleId, DomainAuthentication, MfaState, NewUser, PrincipalType, RoleTemplateId, SignInProbe,
    TenantUser, UserUpdate,
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
/// Pauses between tries while a new account or password may not be known everywhere. Few, because wrong tries lock it.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];

/// Pauses between tries while Azure may not know a new account yet.
const NEW_PRINCIPAL: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30), Duration::from_secs(60)];

impl Run<'_> {
    pub(super) async fn create_account(
        &mut self,
        upn: &Upn,
        display_name: &str,
        other_mails: &[String],
    ) -> Step {
        if let Some(found) = self.onramp.tenant.users.find(upn).await? {
            return self.adopt(found).await;
        }
        let password = self.next_password(upn, display_name).await?;
        let user = NewUser::new(upn.clone(), display_name, password.clone())
            .with_password_never_expires(true)
            .with_other_mails(other_mails.to_vec());
        let account = match self.onramp.tenant.users.create(&user).await {
            Ok(account) => account,
            // Made since the look above: by somebody else, or by this run if an answer was lost.
            Err(error) if error.is_already_exists() => match self.onramp.tenant.users.find(upn).await? {
                Some(found) => return self.adopt(found).await,
                None => return Err(error),
            },
            Err(error) => return Err(self.refused(upn, &password, error)),
        };
        self.account = Some(account);
        let place = self.secrets.promote(upn.as_str(), &password)?;
        self.password = Some(password);
        Ok((Outcome::Done, format!("its password is stored in {place}")))
    }

    /// Takes an account that stands where one was to be created, if it is one that an interrupted run made: then its
    /// password is one that only the secret store knows.
    async fn adopt(&mut self, found: TenantUser) -> Step {
        let upn = found.upn.clone();
        let (password, probe) = self.first_right(&upn, &self.known_passwords(&upn)?, false).await?;
        if let Some(password) = password {
            self.secrets.promote(upn.as_str(), &password)?;
            (self.account, self.password) = (Some(found), Some(password));
            return already();
        }
        let why = match probe {
            None | Some(SignInProbe::WrongPassword) => {
                format!(
                    "an account of that name, {}, was made by somebody else since the plan was made",
                    found.id
                )
            }
            Some(probe) => format!(
                "an account of that name, {}, has been made since the plan was made, and nothing proves that it has the \
                 password that this program gave one: {probe}",
                found.id
            ),
        };
        Err(Error::new(ErrorKind::Stale, "create the service account")
            .with_object(upn)
            .with_detail(why)
            .with_hint("It was given nothing. Run again to survey and plan anew, and look who made it."))
    }

    /// Removes a stored password that the tenant refused for certain; hands the error on.
    fn refused(&self, upn: &Upn, password: &Password, error: Error) -> Error {
        let for_certain = matches!(
            error.kind(),
            ErrorKind::Invalid
                | ErrorKind::Forbidden
                | ErrorKind::Unauthenticated
                | ErrorKind::NotFound
                | ErrorKind::Throttled { .. }
        );
        if for_certain {
            // A secret that stays in the store although nobody has it does no harm.
            let _ = self.secrets.discard(upn.as_str(), password);
        }
        error
    }

    /// The passwords that the store has for an account, the likeliest first. Few, because wrong ones lock the account.
    fn known_passwords(&self, upn: &Upn) -> Result<Vec<Password>> {
        let mut known: Vec<Password> = self.password.iter().cloned().collect();
        if known.is_empty() {
            known.extend(self.secrets.load(upn.as_str())?);
            known.extend(self.secrets.pending(upn.as_str())?.into_iter().take(PASSWORDS_TRIED));
        }
        Ok(known)
    }

    /// The first of some passwords that an account has, and the last answer, if there was one. The others are tried only
    /// while the answer is that the password is wrong: a locked account is not locked for longer.
    ///
    /// A new account takes a moment to be known everywhere, and so does its password, which only `patient` waits for.
    async fn first_right(
        &self,
        upn: &Upn,
        known: &[Password],
        patient: bool,
    ) -> Result<(Option<Password>, Option<SignInProbe>)> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let mut last = None;
            for password in known {
                let probe = self.onramp.tenant.sign_in.probe(upn, password).await?;
                if probe.password_is_right() == Some(true) {
                    return Ok((Some(password.clone()), Some(probe)));
                }
                let is_wrong = probe == SignInProbe::WrongPassword;
                last = Some(probe);
                if !is_wrong {
                    break;
                }
            }
            let early = match last {
                Some(SignInProbe::UnknownUser) => true,
                Some(SignInProbe::WrongPassword) => patient && known.len() == 1,
                _ => false,
            };
            let Some(pause) = pauses.next().filter(|_| early) else { return Ok((None, last)) };
            let sleep = async {
                self.onramp.clock.sleep(pause).await;
                Ok(())
            };
            self.onramp.unless_cancelled("wait for the new password to be known", sleep).await?;
        }
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

    pub(super) async fn set_password(&mut self, upn: &Upn, id: Option<ObjectId>, replace: bool) -> Step {
        let id = self.account(upn, id).await?.id;
        let account = self.onramp.tenant.users.get(&id).await?;
        if account.password_never_expires && account.account_enabled {
            // An interrupted run has set it, if the account has a password that only the secret store knows.
            let known: Vec<Password> = match replace {
                true => self.secrets.pending(upn.as_str())?.into_iter().take(1).collect(),
                false => self.known_passwords(upn)?,
            };
            if let (Some(password), _) = self.first_right(upn, &known, false).await? {
                self.secrets.promote(upn.as_str(), &password)?;
                self.password = Some(password);
                return already();
            }
        }
        let display_name = account.display_name.as_deref().unwrap_or_default();
        let password = self.next_password(upn, display_name).await?;
        let users = &self.onramp.tenant.users;
        let set = users.set_password(&id, &password, false).await;
        set.map_err(|error| self.refused(upn, &password, error))?;
        let place = self.secrets.promote(upn.as_str(), &password)?;
        self.password = Some(password);
        // Last, because it marks the step as finished: see `plan`.
        let lasting = UserUpdate::default().with_password_never_expires(true);
        users.update(&id, &lasting).await.map_err(|error| {
            Error::new(error.kind(), "let the password never expire of")
                .with_object(upn)
                .with_detail(format!("the new password is set and stored in {place}; {error}"))
        })?;
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
        let mut assigned = port.assign(subscription, role, &id, PrincipalType::User).await;
        // Azure learns of a new account later than Entra ("Troubleshoot Azure RBAC", PrincipalNotFound).
        for pause in NEW_PRINCIPAL {
            if !assigned.as_ref().is_err_and(Error::is_not_found) {
                break;
            }
            self.tell(Event::Waiting {
                what: format!("Azure to know {upn}"),
                waited_s: 0,
                timeout_s: NEW_PRINCIPAL.iter().sum::<Duration>().as_secs(),
            });
            let sleep = async {
                self.onramp.clock.sleep(pause).await;
                Ok(())
            };
            self.onramp.unless_cancelled("wait for Azure to know the service account", sleep).await?;
            assigned = port.assign(subscription, role, &id, PrincipalType::User).await;
        }
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
                Err(_) if self.onramp.cancellation.is_cancelled() => {
                    Err(Error::new(ErrorKind::Cancelled, format!("see {what}")))
                }
                Err(_) => Err(Error::new(ErrorKind::AlreadyExists, "give the account")
                    .with_object(what)
                    .with_detail(format!(
                        "the service says that it has it, and reading does not show it; {error}"
                    ))
                    .with_hint("Look for locks and for the state of the subscription, then run again.")),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn prove_sign_in(&mut self, upn: &Upn, id: Option<ObjectId>) -> Step {
        self.account(upn, id).await?;
        let known = self.known_passwords(upn)?;
        if known.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "prove the sign-in of")
                .with_object(upn)
                .with_detail("its password is neither known to this run nor in the secret store"));
        }
        self.require_managed(upn).await?;
        let (password, probe) = self.first_right(upn, &known, true).await?;
        if let Some(password) = password {
            self.secrets.promote(upn.as_str(), &password)?;
        }
        judge(upn, probe)
    }

    /// Keeps the sign-in of a federated domain's account from being tried: Entra cannot check its password, and counts
    /// each try as a wrong one.
    async fn require_managed(&self, upn: &Upn) -> Result<()> {
        let domain = self.onramp.tenant.domains.get(&upn.domain()?).await?;
        if domain.authentication == DomainAuthentication::Federated {
            return Err(Error::new(ErrorKind::Unsupported, "prove the sign-in of")
                .with_object(upn)
                .with_detail(format!(
                    "the domain {} is federated: Entra cannot check the password",
                    domain.name
                ))
                .with_hint("Use an account on a managed domain, such as the tenant's initial one."));
        }
        Ok(())
    }

    /// A password for an account, in the store before the tenant learns it. It is the one that an earlier run stored and
    /// did not come to use, if there is one: the tenant may have it.
    async fn next_password(&self, upn: &Upn, display_name: &str) -> Result<Password> {
        let stored = self.secrets.pending(upn.as_str())?.into_iter().next();
        // A shorter one is none of this program's.
        if let Some(stored) = stored.filter(|stored| stored.expose().chars().count() >= PASSWORD_LENGTH) {
            return Ok(stored);
        }
        let password = self.generate(upn, display_name).await?;
        let place = self.secrets.store(upn.as_str(), &password)?;
        self.tell(Event::SecretStored { upn: upn.clone(), place });
        Ok(password)
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
                    .with_object(upn)
                    .with_detail(error.to_string())
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
        .with_object(upn)
        .with_detail(format!("it is “{found}” now, which is not what the plan was made from"))
        .with_hint("Nothing was written. Run again to survey and plan anew.")
}

fn judge(upn: &Upn, probe: Option<SignInProbe>) -> Step {
    let hint = match &probe {
        Some(SignInProbe::Accepted) => {
            return Ok((Outcome::Done, "a token was issued for name and password".into()));
        }
        Some(SignInProbe::SecondFactorRequired { .. }) => {
            "Exclude the account from security defaults or the conditional access policy that asks for it."
        }
        Some(SignInProbe::BlockedByPolicy { .. }) => "Exclude the account from the policy, then run again.",
        Some(SignInProbe::BlockedByRisk { .. }) => "Look into the risk and dismiss it, then run again.",
        Some(SignInProbe::PasswordChangeRequired) => {
            "Let its password expire (without DisablePasswordExpiration), then run again to give it a new one."
        }
        Some(SignInProbe::ApplicationRefused { .. }) => "Consent to the application, then run again.",
        Some(SignInProbe::NotCheckedHere { .. }) => "Use an account on a managed domain.",
        Some(SignInProbe::LockedOut) => "Wait until the account is no longer locked out, then run again.",
        Some(SignInProbe::Inconclusive { .. }) => "Sign in by hand to find out.",
        _ => "Check the account in the tenant, then run again.",
    };
    let told = probe.map_or_else(|| "there is no password to try".to_owned(), |probe| probe.to_string());
    Err(Error::new(ErrorKind::Forbidden, "prove the sign-in of")
        .with_object(upn)
        .with_detail(told)
        .with_hint(hint))
}
