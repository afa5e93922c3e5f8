//! The rules of the service that a change of a user must meet.

use crate::tenant::data::domains::canonical;
use crate::tenant::data::password_rules::{self, PasswordOwner};
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::{User, UserPatch};

impl State {
    /// Checks every rule that a change must meet, before any of it is applied.
    pub(super) fn check(&self, patch: &UserPatch, user: &User) -> Outcome<()> {
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
            let owner = PasswordOwner {
                display_name: patch.display_name.as_ref().unwrap_or(&user.display_name),
                tenant_name: &self.display_name,
                weak_allowed: policies.is_some_and(|policies| policies.contains("DisableStrongPassword")),
            };
            if !password_rules::accepts(password.expose(), owner) {
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
        let verified = self.domains.get(&canonical(domain)).is_some_and(|domain| domain.is_verified);
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

fn is_mail(text: &str) -> bool {
    text.is_ascii()
        && text.len() <= 250
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
}
