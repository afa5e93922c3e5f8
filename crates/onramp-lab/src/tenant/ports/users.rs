//! Users and how they sign in.

use std::borrow::Cow;
use std::collections::VecDeque;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use onramp_core::tenant::{
    DeletedUser, MfaState, NewUser, RoleTemplateId, SecondFactor, SignIn, SignInProbe, TenantUser,
    TenantUsers, UserUpdate,
};
use onramp_core::{BoxStream, Error, ErrorKind, ImmutableId, ObjectId, Password, Result, Upn};

use time::OffsetDateTime;

use super::{Operation, Ports, policies, whole};
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::{self as model, PasswordProfile, User, UserPatch};
use crate::tenant::sign_in::tokens::{Aadsts, Audience, aadsts_of};

/// The largest page the service gives.
const PAGE: usize = 999;

fn address(id: &ObjectId) -> String {
    format!("/v1.0/users/{id}")
}

/// The position in a list of users.
struct Listing {
    ports: Ports,
    after: u64,
    page: VecDeque<User>,
    ended: bool,
}

impl Listing {
    async fn next(&mut self) -> Result<Option<TenantUser>> {
        if self.page.is_empty() && !self.ended {
            let after = self.after;
            let token = if after == 0 { String::new() } else { format!("&$skiptoken={after}") };
            let operation = Operation::new("GET", "/v1.0/users", "list the tenant's users", "")
                .with_query(format!("$top={PAGE}{token}"));
            let page: VecDeque<User> = self
                .ports
                .run(&operation, |state, now| {
                    let seen = state
                        .users
                        .live_after(after)
                        .filter_map(|user| user.seen.graph(now).then(|| user.clone()));
                    Ok(seen.take(PAGE).collect())
                })
                .await?;
            self.ended = page.len() < PAGE;
            self.after = page.back().map_or(after, |user| user.seq);
            self.page = page;
        }
        self.page.pop_front().map(|user| tenant_user(&user)).transpose()
    }
}

#[async_trait]
impl TenantUsers for Ports {
    fn list(&self) -> BoxStream<'static, Result<TenantUser>> {
        let start = Listing { ports: self.clone(), after: 0, page: VecDeque::new(), ended: false };
        stream::unfold(Some(start), |listing| async move {
            let mut listing = listing?;
            match listing.next().await {
                Ok(None) => None,
                Ok(Some(user)) => Some((Ok(user), Some(listing))),
                Err(error) if error.kind() == ErrorKind::Unreadable => Some((Err(error), Some(listing))),
                // Any other error ends the list.
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn get(&self, id: &ObjectId) -> Result<TenantUser> {
        let operation = Operation::new("GET", address(id), "read the user", id);
        let user = self.run(&operation, |state, now| state.user(&id.to_string(), now).cloned()).await?;
        tenant_user(&user)
    }

    async fn find(&self, upn: &Upn) -> Result<Option<TenantUser>> {
        let operation = Operation::new("GET", "/v1.0/users", "find the user", upn)
            .with_query(format!("$filter=userPrincipalName eq '{}'", upn.as_str().replace('\'', "''")));
        let found = self.run(&operation, |state, now| Ok(visible(state, upn, now))).await?;
        found.map(|user| tenant_user(&user)).transpose()
    }

    async fn create(&self, user: &NewUser) -> Result<TenantUser> {
        let operation = Operation::new("POST", "/v1.0/users", "create the user", &user.upn);
        let created = self
            .run(&operation, |state, now| {
                let expires =
                    user.password_never_expires.then(|| Some("DisablePasswordExpiration".to_owned()));
                let new = model::NewUser {
                    account_enabled: Some(user.account_enabled),
                    display_name: Some(user.display_name.clone()),
                    mail_nickname: Some(user.mail_nickname.clone()),
                    upn: Some(user.upn.to_string()),
                    password: Some(profile(&user.password, user.force_change)),
                    rest: UserPatch {
                        other_mails: Some(user.other_mails.clone()),
                        password_policies: expires,
                        ..UserPatch::default()
                    },
                };
                state.create_user(new, now).cloned()
            })
            .await?;
        tenant_user(&created)
    }

    async fn update(&self, id: &ObjectId, update: &UserUpdate) -> Result<()> {
        let operation = Operation::new("PATCH", address(id), "update the user", id);
        self.run(&operation, |state, now| {
            let expires = |never: bool| if never { "DisablePasswordExpiration" } else { "None" }.to_owned();
            let patch = UserPatch {
                upn: update.upn.as_ref().map(ToString::to_string),
                display_name: update.display_name.clone(),
                account_enabled: update.account_enabled,
                other_mails: update.other_mails.clone(),
                password_policies: update.password_never_expires.map(|never| Some(expires(never))),
                ..UserPatch::default()
            };
            state.update_user(&id.to_string(), patch, now)
        })
        .await
    }

    async fn set_password(&self, id: &ObjectId, password: &Password, force_change: bool) -> Result<()> {
        let operation = Operation::new("PATCH", address(id), "set the password of the user", id);
        self.run(&operation, |state, now| {
            let patch = UserPatch { password: Some(profile(password, force_change)), ..UserPatch::default() };
            state.update_user(&id.to_string(), patch, now)
        })
        .await
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let operation = Operation::new("DELETE", address(id), "delete the user", id);
        self.run(&operation, |state, now| state.delete_user(&id.to_string(), now)).await
    }

    fn deleted(&self) -> BoxStream<'static, Result<DeletedUser>> {
        let ports = self.clone();
        whole(async move {
            let path = "/v1.0/directory/deletedItems/microsoft.graph.user";
            let operation = Operation::new("GET", path, "list the deleted users", "");
            ports
                .run(&operation, |state, _| {
                    let deleted = |user: &User| Ok(DeletedUser::new(tenant_user(user)?, user.deleted));
                    Ok(state.users.deleted().map(deleted).collect())
                })
                .await
        })
    }

    async fn restore(&self, id: &ObjectId) -> Result<TenantUser> {
        let path = format!("/v1.0/directory/deletedItems/{id}/restore");
        let operation = Operation::new("POST", path, "restore the user", id);
        let user =
            self.run(&operation, |state, _| state.restore_user(&id.to_string(), None).cloned()).await?;
        tenant_user(&user)
    }
}

/// A search that comes too early finds nothing, which is not an error that one would wait for.
fn visible(state: &mut State, upn: &Upn, now: OffsetDateTime) -> Option<User> {
    let seq = state.users.with_upn(upn.as_str())?.seq;
    let user = state.users.touch(seq)?;
    user.seen.graph(now).then(|| user.clone())
}

fn profile(password: &Password, force_change: bool) -> PasswordProfile {
    PasswordProfile { password: Some(password.clone()), must_change: Some(force_change) }
}

/// A user as the ports give it out. One that cannot be understood is an error that does not end a list.
fn tenant_user(user: &User) -> Result<TenantUser> {
    let unreadable =
        |why: &str| Error::new(ErrorKind::Unreadable, "read the user").with_object(&user.id).with_detail(why);
    let user = with_raw(user).map_err(|property| unreadable(&format!("{property} is of another type")))?;
    understood(&user).map_err(|error| unreadable("a property has no value of its kind").with_source(error))
}

/// Returns the user with the values that stand in for its own, or the property whose value is of another type.
fn with_raw(user: &User) -> std::result::Result<Cow<'_, User>, String> {
    if user.raw.is_empty() {
        return Ok(Cow::Borrowed(user));
    }
    let mut own = user.clone();
    for (property, value) in &user.raw {
        let text = || value.as_str().map(str::to_owned).ok_or_else(|| property.clone());
        let maybe = || if value.is_null() { Ok(None) } else { text().map(Some) };
        let texts = || {
            let all = value.as_array().and_then(|all| {
                all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            all.ok_or_else(|| property.clone())
        };
        match property.as_str() {
            "id" => own.id = text()?,
            "userPrincipalName" => own.upn = text()?,
            "displayName" => own.display_name = text()?,
            "mail" => own.mail = maybe()?,
            "onPremisesImmutableId" => own.immutable_id = maybe()?,
            "passwordPolicies" => own.password_policies = maybe()?,
            "otherMails" => own.other_mails = texts()?,
            "proxyAddresses" => own.proxy_addresses = texts()?,
            "accountEnabled" => own.account_enabled = value.as_bool().ok_or_else(|| property.clone())?,
            // Nothing that the ports give out.
            _ => {}
        }
    }
    Ok(Cow::Owned(own))
}

fn understood(user: &User) -> Result<TenantUser> {
    let mut seen = TenantUser::new(ObjectId::parse(&user.id)?, Upn::parse(&user.upn)?);
    seen.display_name = Some(user.display_name.clone());
    seen.account_enabled = user.account_enabled;
    seen.mail.clone_from(&user.mail);
    seen.other_mails.clone_from(&user.other_mails);
    seen.proxy_addresses.clone_from(&user.proxy_addresses);
    seen.immutable_id = user.immutable_id.as_deref().map(ImmutableId::parse).transpose()?;
    seen.synchronized = user.synced == Some(true);
    seen.is_guest = TenantUser::is_guest_by(Some(&user.user_type), &seen.upn);
    seen.password_never_expires =
        user.password_policies.as_deref().is_some_and(|p| p.contains("DisablePasswordExpiration"));
    seen.password_changed = user.sign_in.password_changed;
    Ok(seen)
}

#[async_trait]
impl SignIn for Ports {
    async fn mfa_state(&self, user: &ObjectId) -> Result<MfaState> {
        let operation = Operation::new("GET", mfa_address(user), "read the MFA state of the user", user);
        let state = self.run(&operation, |state, now| state.mfa_state(&user.to_string(), now)).await?;
        Ok(match state {
            model::MfaState::Disabled => MfaState::Disabled,
            model::MfaState::Enabled => MfaState::Enabled,
            model::MfaState::Enforced => MfaState::Enforced,
        })
    }

    async fn set_mfa_state(&self, user: &ObjectId, state: MfaState) -> Result<()> {
        let operation = Operation::new("PATCH", mfa_address(user), "set the MFA state of the user", user);
        self.run(&operation, |model, now| {
            let wanted = match state {
                MfaState::Disabled => model::MfaState::Disabled,
                MfaState::Enabled => model::MfaState::Enabled,
                MfaState::Enforced => model::MfaState::Enforced,
                _ => return unknown_state(),
            };
            model.set_mfa_state(&user.to_string(), wanted, now)
        })
        .await
    }

    async fn second_factor(&self, user: &ObjectId) -> Result<SecondFactor> {
        let per_user = self.mfa_state(user).await?;
        let operation = Operation::new(
            "GET",
            "/v1.0/identity/conditionalAccess/policies",
            "read the conditional access policies for",
            user,
        );
        self.run(&operation, |state, _| Ok(policies::second_factor(state, user, per_user))).await
    }

    async fn sign_in_policies(&self, roles: &[RoleTemplateId]) -> Result<SecondFactor> {
        let path = "/v1.0/identity/conditionalAccess/policies";
        let operation = Operation::new("GET", path, "list the conditional access policies", "");
        self.run(&operation, |state, _| Ok(policies::for_newcomers(state, roles))).await
    }

    async fn probe(&self, upn: &Upn, password: &Password) -> Result<SignInProbe> {
        let path = format!("/{}/oauth2/v2.0/token", self.lab.credentials().tenant_id);
        let operation = Operation::new("POST", path, "sign in as", upn);
        let answer = self
            .run(&operation, |state, now| {
                Ok(state.password_sign_in(upn.as_str(), password.expose(), Audience::Graph, now))
            })
            .await;
        match answer {
            Ok(answer) => Ok(answer.map_or_else(outcome, |_| SignInProbe::Accepted)),
            // A fault may speak as the token endpoint does.
            Err(error) => {
                let message = error.reply().diagnostic.clone().unwrap_or_default();
                aadsts_of(&message).map_or(Err(error), |code| Ok(outcome(Aadsts::new(code, message))))
            }
        }
    }
}

fn mfa_address(user: &ObjectId) -> String {
    format!("/beta/users/{user}/authentication/requirements")
}

fn unknown_state() -> Outcome<()> {
    Err(Refusal::invalid_property(
        "perUserMfaState",
        "Invalid value specified for property 'perUserMfaState'.",
    ))
}

fn outcome(refusal: Aadsts) -> SignInProbe {
    SignInProbe::of_refusal(refusal.code, refusal.message)
}
