//! Cloud users: created, read, changed, deleted, restored, by the rules of the service.

use onramp_core::Password;
use time::OffsetDateTime;

use super::password_rules::{self, Whose};
use super::refusal::{Outcome, Refusal};
use super::state::State;
use crate::tenant::limits::consistency::Visibility;

/// A user as the tenant holds it.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The place in the order of lists.
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) mail: Option<String>,
    pub(crate) account_enabled: bool,
    pub(crate) user_type: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) deleted: Option<OffsetDateTime>,
    pub(crate) other_mails: Vec<String>,
    pub(crate) business_phones: Vec<String>,
    pub(crate) proxy_addresses: Vec<String>,
    pub(crate) password_policies: Option<String>,
    pub(crate) usage_location: Option<String>,
    pub(crate) immutable_id: Option<String>,
    pub(crate) object_identifier: Option<String>,
    pub(crate) on_premises_upn: Option<String>,
    pub(crate) on_premises_sam: Option<String>,
    pub(crate) on_premises_domain: Option<String>,
    pub(crate) on_premises_sid: Option<String>,
    pub(crate) synced: Option<bool>,
    /// Values that synchronisation could not give this user, because another object has them.
    pub(crate) conflicts: Vec<Conflict>,
    /// Plain text properties without rules of their own, by Graph's name.
    pub(crate) profile: Vec<(&'static str, String)>,
    pub(crate) sign_in: SignInState,
    pub(crate) seen: Visibility,
}

/// A value that another object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// `UserPrincipalName` or `ProxyAddresses`.
    pub(crate) property: String,
    pub(crate) value: String,
    pub(crate) occurred: OffsetDateTime,
}

/// What decides whether a user can sign in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignInState {
    pub(crate) password: Option<Password>,
    pub(crate) password_changed: Option<OffsetDateTime>,
    pub(crate) must_change: bool,
    pub(crate) mfa: MfaState,
    /// A second factor is registered.
    pub(crate) has_second_factor: bool,
    pub(crate) wrong_tries: u32,
    pub(crate) locked_until: Option<OffsetDateTime>,
    /// Sessions and refresh tokens from before this time are void.
    pub(crate) valid_from: Option<OffsetDateTime>,
}

/// Per-user multifactor authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MfaState {
    #[default]
    Disabled,
    Enabled,
    Enforced,
}

impl MfaState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enforced => "enforced",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Disabled, Self::Enabled, Self::Enforced].into_iter().find(|state| state.text() == text)
    }
}

/// Text properties without rules of their own.
pub(crate) const PROFILE: [&str; 17] = [
    "givenName",
    "surname",
    "jobTitle",
    "department",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "companyName",
    "employeeId",
    "employeeType",
    "city",
    "country",
    "state",
    "streetAddress",
    "postalCode",
    "faxNumber",
    "ageGroup",
];

/// A user to be created.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewUser {
    pub(crate) account_enabled: Option<bool>,
    pub(crate) display_name: Option<String>,
    pub(crate) mail_nickname: Option<String>,
    pub(crate) upn: Option<String>,
    pub(crate) password: Option<PasswordProfile>,
    pub(crate) rest: UserPatch,
}

/// A password to be set.
#[derive(Clone, Debug)]
pub(crate) struct PasswordProfile {
    pub(crate) password: Option<Password>,
    pub(crate) must_change: Option<bool>,
}

/// Properties to be changed; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserPatch {
    pub(crate) account_enabled: Option<bool>,
    pub(crate) display_name: Option<String>,
    pub(crate) mail_nickname: Option<String>,
    pub(crate) upn: Option<String>,
    pub(crate) other_mails: Option<Vec<String>>,
    pub(crate) business_phones: Option<Vec<String>>,
    pub(crate) password_policies: Option<Option<String>>,
    pub(crate) usage_location: Option<Option<String>>,
    pub(crate) immutable_id: Option<Option<String>>,
    pub(crate) object_identifier: Option<Option<String>>,
    pub(crate) user_type: Option<String>,
    pub(crate) password: Option<PasswordProfile>,
    pub(crate) profile: Vec<(&'static str, Option<String>)>,
}

impl State {
    /// The live, visible user of this id or UPN.
    pub(crate) fn user(&mut self, key: &str, now: OffsetDateTime) -> Outcome<&User> {
        let seq = self.user_seq(key, now)?;
        self.users.get(seq).ok_or_else(|| Refusal::not_found(key))
    }

    pub(crate) fn user_seq(&mut self, key: &str, now: OffsetDateTime) -> Outcome<u64> {
        let seq = self.users.find(key).ok_or_else(|| Refusal::not_found(key))?;
        let seen = self.users.touch(seq).is_some_and(|user| user.seen.graph(now));
        if seen { Ok(seq) } else { Err(Refusal::not_yet(key)) }
    }

    pub(crate) fn create_user(&mut self, new: NewUser, now: OffsetDateTime) -> Outcome<&User> {
        let required = |value: Option<String>, property| match value {
            Some(value) if !value.trim().is_empty() => Ok(value),
            _ => Err(Refusal::missing_property(property, "User")),
        };
        let display_name = required(new.display_name, "displayName")?;
        let mail_nickname = required(new.mail_nickname, "mailNickname")?;
        let upn = required(new.upn, "userPrincipalName")?;
        let account_enabled =
            new.account_enabled.ok_or_else(|| Refusal::missing_property("accountEnabled", "User"))?;
        let profile = new.password.ok_or_else(|| Refusal::missing_property("passwordProfile", "User"))?;
        if profile.password.is_none() {
            return Err(Refusal::missing_property("passwordProfile.password", "User"));
        }
        let mut user = self.blank_user(upn.clone(), display_name, mail_nickname, now);
        user.account_enabled = account_enabled;
        let patch = UserPatch { upn: Some(upn), password: Some(profile), ..new.rest };
        self.check(&patch, &user)?;
        apply(&mut user, patch, now);
        user.seen = self.consistency.begin(now, &mut self.draw);
        let seq = self.users.insert(user);
        self.users.get(seq).ok_or_else(|| Refusal::of_status(500))
    }

    pub(crate) fn update_user(&mut self, key: &str, patch: UserPatch, now: OffsetDateTime) -> Outcome<()> {
        let seq = self.user_seq(key, now)?;
        let user = self.users.get(seq).ok_or_else(|| Refusal::not_found(key))?;
        self.check(&patch, user)?;
        self.users.edit(seq, |user| apply(user, patch, now));
        Ok(())
    }

    pub(crate) fn delete_user(&mut self, key: &str, now: OffsetDateTime) -> Outcome<()> {
        let seq = self.user_seq(key, now)?;
        self.users.delete(seq, |user| user.deleted = Some(now));
        Ok(())
    }

    pub(crate) fn restore_user(&mut self, id: &str, new_upn: Option<String>) -> Outcome<&User> {
        let mut user = self.users.deleted_user(id).ok_or_else(|| Refusal::not_found(id))?.clone();
        if let Some(upn) = new_upn {
            user.upn = upn;
        }
        let patch = UserPatch {
            upn: Some(user.upn.clone()),
            immutable_id: user.immutable_id.clone().map(Some),
            ..UserPatch::default()
        };
        self.check(&patch, &user)?;
        user.deleted = None;
        self.users.purge(id);
        let seq = self.users.insert(user);
        self.users.get(seq).ok_or_else(|| Refusal::not_found(id))
    }

    pub(crate) fn purge_user(&mut self, id: &str) -> Outcome<()> {
        let user = self.users.purge(id).ok_or_else(|| Refusal::not_found(id))?;
        self.forget_principal(&user.id);
        Ok(())
    }

    pub(crate) fn revoke_sessions(&mut self, key: &str, now: OffsetDateTime) -> Outcome<()> {
        let seq = self.user_seq(key, now)?;
        if let Some(user) = self.users.touch(seq) {
            user.sign_in.valid_from = Some(now);
        }
        Ok(())
    }

    pub(crate) fn mfa_state(&mut self, key: &str, now: OffsetDateTime) -> Outcome<MfaState> {
        Ok(self.user(key, now)?.sign_in.mfa)
    }

    pub(crate) fn set_mfa_state(&mut self, key: &str, state: MfaState, now: OffsetDateTime) -> Outcome<()> {
        let seq = self.user_seq(key, now)?;
        if let Some(user) = self.users.touch(seq) {
            // A user with a registered method goes straight from enabled to enforced.
            let registered = user.sign_in.has_second_factor;
            user.sign_in.mfa =
                if state == MfaState::Enabled && registered { MfaState::Enforced } else { state };
        }
        Ok(())
    }

    /// The user's own change of password: proves the current one.
    pub(crate) fn change_own_password(
        &mut self,
        key: &str,
        current: &Password,
        new: Password,
        now: OffsetDateTime,
    ) -> Outcome<()> {
        let seq = self.user_seq(key, now)?;
        let user = self.users.get(seq).ok_or_else(|| Refusal::not_found(key))?;
        let old = user.sign_in.password.clone();
        if !same(old.as_ref(), current) {
            return Err(Refusal::invalid_property(
                "currentPassword",
                "The specified current password is not correct.",
            ));
        }
        if same(old.as_ref(), &new) {
            return Err(Refusal::invalid_property(
                "newPassword",
                "The new password must differ from the current one.",
            ));
        }
        let password = PasswordProfile { password: Some(new), must_change: Some(false) };
        self.update_user(key, UserPatch { password: Some(password), ..UserPatch::default() }, now)
    }

    /// A user without password, not yet in the directory.
    pub(crate) fn blank_user(
        &mut self,
        upn: String,
        display_name: String,
        mail_nickname: String,
        now: OffsetDateTime,
    ) -> User {
        User {
            seq: 0,
            id: self.draw.guid(),
            upn,
            display_name,
            mail_nickname,
            mail: None,
            account_enabled: true,
            user_type: "Member".to_owned(),
            created: now,
            deleted: None,
            other_mails: Vec::new(),
            business_phones: Vec::new(),
            proxy_addresses: Vec::new(),
            password_policies: None,
            usage_location: None,
            immutable_id: None,
            object_identifier: None,
            on_premises_upn: None,
            on_premises_sam: None,
            on_premises_domain: None,
            on_premises_sid: None,
            synced: None,
            conflicts: Vec::new(),
            profile: Vec::new(),
            sign_in: SignInState::default(),
            seen: Visibility::default(),
        }
    }

    /// Every rule a change must meet, before any of it is applied.
    fn check(&self, patch: &UserPatch, user: &User) -> Outcome<()> {
        if let Some(upn) = &patch.upn {
            self.check_upn(upn, user)?;
        }
        if let Some(Some(anchor)) = &patch.immutable_id {
            self.check_anchor(anchor, user)?;
        }
        let text = |value: &Option<String>, property, most| match value {
            Some(value) if value.trim().is_empty() || value.chars().count() > most => {
                Err(Refusal::invalid_property(
                    property,
                    format!("Invalid value specified for property '{property}' of resource 'User'."),
                ))
            }
            _ => Ok(()),
        };
        text(&patch.display_name, "displayName", 256)?;
        text(&patch.mail_nickname, "mailNickname", 64)?;
        if patch
            .other_mails
            .as_ref()
            .is_some_and(|mails| mails.len() > 250 || mails.iter().any(|mail| !is_mail(mail)))
        {
            return Err(Refusal::invalid_property(
                "otherMails",
                "Invalid value specified for property 'otherMails' of resource 'User'.",
            ));
        }
        if let Some(Some(policies)) = &patch.password_policies
            && !policies
                .split(',')
                .all(|p| ["None", "DisablePasswordExpiration", "DisableStrongPassword"].contains(&p.trim()))
        {
            return Err(Refusal::invalid_property(
                "passwordPolicies",
                "Invalid value specified for property 'passwordPolicies' of resource 'User'.",
            ));
        }
        match &patch.usage_location {
            Some(Some(country)) if country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic()) => {
            }
            None => {}
            Some(None) if user.usage_location.is_none() => {}
            Some(_) => {
                return Err(Refusal::invalid_property(
                    "usageLocation",
                    "Invalid value specified for property 'usageLocation' of resource 'User'.",
                ));
            }
        }
        if matches!(&patch.object_identifier, Some(Some(_))) {
            return Err(Refusal::invalid_property(
                "onPremisesObjectIdentifier",
                "The property can only be set to null.",
            ));
        }
        if let Some(password) = patch.password.as_ref().and_then(|profile| profile.password.as_ref()) {
            let policies = patch.password_policies.clone().unwrap_or_else(|| user.password_policies.clone());
            let whose = Whose {
                display_name: patch.display_name.as_ref().unwrap_or(&user.display_name),
                tenant_name: &self.display_name,
                weak_allowed: policies.is_some_and(|policies| policies.contains("DisableStrongPassword")),
            };
            if !password_rules::accepts(password.expose(), whose) {
                return Err(Refusal::bad_request(
                    "The specified password does not comply with password complexity requirements. Please provide a different password.",
                ));
            }
        }
        Ok(())
    }

    fn check_upn(&self, upn: &str, user: &User) -> Outcome<()> {
        let invalid =
            || Refusal::invalid_property("userPrincipalName", "Property userPrincipalName is invalid.");
        let (local, domain) = upn.split_once('@').ok_or_else(invalid)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
        if local.is_empty()
            || local.len() > 64
            || domain.len() > 48
            || !local.chars().all(allowed)
            || local.ends_with('.')
        {
            return Err(invalid());
        }
        let verified =
            self.domains.get(&super::domains::canonical(domain)).is_some_and(|domain| domain.is_verified);
        if !verified {
            return Err(Refusal::invalid_property(
                "userPrincipalName",
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
            ));
        }
        match self.users.with_upn(upn) {
            Some(other) if other.id != user.id => {
                Err(Refusal::conflict("userPrincipalName", Some(format!("User_{}", other.id))))
            }
            _ => Ok(()),
        }
    }

    fn check_anchor(&self, anchor: &str, user: &User) -> Outcome<()> {
        if user.synced == Some(true) {
            return Err(Refusal::bad_request(
                "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
            ));
        }
        if anchor.contains(['$', '_']) {
            return Err(Refusal::invalid_property(
                "onPremisesImmutableId",
                "Property onPremisesImmutableId is invalid.",
            ));
        }
        let deleted = self.users.deleted().find(|other| other.immutable_id.as_deref() == Some(anchor));
        match self.users.with_anchor(anchor).or(deleted) {
            Some(other) if other.id != user.id => {
                Err(Refusal::conflict("onPremisesImmutableId", Some(format!("User_{}", other.id))))
            }
            _ => Ok(()),
        }
    }
}

fn apply(user: &mut User, patch: UserPatch, now: OffsetDateTime) {
    let set = |to: &mut String, from: Option<String>| {
        if let Some(value) = from {
            *to = value;
        }
    };
    set(&mut user.display_name, patch.display_name);
    set(&mut user.mail_nickname, patch.mail_nickname);
    set(&mut user.upn, patch.upn);
    set(&mut user.user_type, patch.user_type);
    user.account_enabled = patch.account_enabled.unwrap_or(user.account_enabled);
    if let Some(mails) = patch.other_mails {
        user.other_mails = mails;
    }
    if let Some(phones) = patch.business_phones {
        user.business_phones = phones;
    }
    if let Some(policies) = patch.password_policies {
        user.password_policies = policies;
    }
    if let Some(country) = patch.usage_location {
        user.usage_location = country;
    }
    if let Some(anchor) = patch.immutable_id {
        user.immutable_id = anchor;
    }
    if let Some(identifier) = patch.object_identifier {
        user.object_identifier = identifier;
    }
    for (property, value) in patch.profile {
        user.profile.retain(|(name, _)| *name != property);
        user.profile.extend(value.map(|value| (property, value)));
    }
    if let Some(profile) = patch.password {
        let setting = profile.password.is_some();
        if let Some(password) = profile.password {
            user.sign_in.password = Some(password);
            user.sign_in.password_changed = Some(now);
            user.sign_in.wrong_tries = 0;
            user.sign_in.locked_until = None;
        }
        // A password that is set without saying so has to be changed at the next sign-in.
        user.sign_in.must_change = profile.must_change.unwrap_or(setting || user.sign_in.must_change);
    }
}

fn same(old: Option<&Password>, other: &Password) -> bool {
    old.is_some_and(|old| old.expose() == other.expose())
}

fn is_mail(text: &str) -> bool {
    text.is_ascii()
        && text.len() <= 250
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
}
