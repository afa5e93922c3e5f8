//! Users created, read, changed, deleted and restored.

use onramp_core::Password;
use time::OffsetDateTime;

use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::{MfaState, NewUser, PasswordProfile, SignInState, User, UserPatch};
use crate::tenant::limits::consistency::Visibility;

impl State {
    /// Returns the live, visible user of this id or UPN.
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
        if self.is_federated(&upn) && !matches!(new.rest.immutable_id, Some(Some(_))) {
            return Err(Refusal::missing_property("onPremisesImmutableId", "User"));
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

    /// Changes a password as its user does, who has to know the current one.
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
            raw: Vec::new(),
            sign_in: SignInState::default(),
            seen: Visibility::default(),
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
    old.is_some_and(|old| old.is_same(other))
}
