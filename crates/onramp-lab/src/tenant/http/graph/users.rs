//! `/users`, `/me` and `/directory/deletedItems`.

use onramp_core::Password;
use serde_json::{Map, Value, json};

use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::{MfaState, NewUser, PROFILE, PasswordProfile, User, UserPatch};
use crate::tenant::http::exchange::{Answer, Exchange, timestamp};
use crate::tenant::http::odata::filter::{Field, Properties};
use crate::tenant::http::odata::query::Query;
use crate::tenant::sign_in::tokens::Caller;

/// The properties that are returned without `$select`.
pub(super) const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

impl Properties for User {
    fn field(&self, name: &str) -> Option<Field<'_>> {
        fn maybe(value: &Option<String>) -> Field<'_> {
            value.as_deref().map_or(Field::Null, Field::Text)
        }
        let when = |time: Option<time::OffsetDateTime>| {
            time.map_or(Field::Null, |time| Field::Json(timestamp(time).into()))
        };
        if let Some((_, value)) = self.raw.iter().find(|(property, _)| property == name) {
            return value_field(value);
        }
        Some(match name {
            "id" => Field::Text(&self.id),
            "userPrincipalName" => Field::Text(&self.upn),
            "displayName" => Field::Text(&self.display_name),
            "mailNickname" => Field::Text(&self.mail_nickname),
            "userType" => Field::Text(&self.user_type),
            "accountEnabled" => Field::Bool(self.account_enabled),
            "mail" => maybe(&self.mail),
            "usageLocation" => maybe(&self.usage_location),
            "passwordPolicies" => maybe(&self.password_policies),
            "onPremisesImmutableId" => maybe(&self.immutable_id),
            "onPremisesObjectIdentifier" => maybe(&self.object_identifier),
            "onPremisesUserPrincipalName" => maybe(&self.on_premises_upn),
            "onPremisesSamAccountName" => maybe(&self.on_premises_sam),
            "onPremisesDomainName" => maybe(&self.on_premises_domain),
            "onPremisesSecurityIdentifier" => maybe(&self.on_premises_sid),
            "onPremisesSyncEnabled" => self.synced.map_or(Field::Null, Field::Bool),
            "otherMails" => Field::List(&self.other_mails),
            "businessPhones" => Field::List(&self.business_phones),
            "proxyAddresses" => Field::List(&self.proxy_addresses),
            "createdDateTime" => when(Some(self.created)),
            "deletedDateTime" => when(self.deleted),
            "lastPasswordChangeDateTime" => when(self.sign_in.password_changed),
            "signInSessionsValidFromDateTime" => when(self.sign_in.valid_from.or(Some(self.created))),
            // Never given back.
            "passwordProfile"
            | "onPremisesLastSyncDateTime"
            | "onPremisesDistinguishedName"
            | "creationType"
            | "externalUserState" => Field::Null,
            "onPremisesProvisioningErrors" => Field::Json(
                self.conflicts
                    .iter()
                    .map(|conflict| {
                        json!({
                            "category": "PropertyConflict",
                            "propertyCausingError": conflict.property,
                            "value": conflict.value,
                            "occurredDateTime": timestamp(conflict.occurred),
                        })
                    })
                    .collect(),
            ),
            "serviceProvisioningErrors" | "assignedLicenses" | "assignedPlans" | "imAddresses" => {
                Field::Json(json!([]))
            }
            other => {
                if !PROFILE.contains(&other) {
                    return None;
                }
                self.profile
                    .iter()
                    .find(|(name, _)| *name == other)
                    .map_or(Field::Null, |(_, value)| Field::Text(value))
            }
        })
    }
}

/// A value as it stands.
fn value_field(value: &Value) -> Option<Field<'_>> {
    Some(match value {
        Value::Null => Field::Null,
        Value::Bool(value) => Field::Bool(*value),
        Value::String(text) => Field::Text(text),
        other => Field::Json(other.clone()),
    })
}

pub(super) fn list(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let size = query.page_size();
    let mut page = Vec::with_capacity(size.min(state.users.len()));
    let (mut last, mut more) = (0, false);
    for user in state.users.live_after(query.after()) {
        if !query.accepts(user)? || !user.seen.graph(ex.now) {
            continue;
        }
        if page.len() == size {
            more = true;
            break;
        }
        last = user.seq;
        page.push(Value::Object(query.project(user, "user", &DEFAULT)?));
    }
    let mut whole = Map::new();
    whole.insert("@odata.context".to_owned(), ex.context("users"));
    if query.count && query.is_first_page() {
        let mut count = 0;
        for user in state.users.live() {
            count += usize::from(query.accepts(user)?);
        }
        whole.insert("@odata.count".to_owned(), json!(count));
    }
    if more {
        whole.insert("@odata.nextLink".to_owned(), query.next_link(&ex.address("users"), last).into());
    }
    whole.insert("value".to_owned(), Value::Array(page));
    Ok(Answer::ok(Value::Object(whole)))
}

pub(super) fn count(ex: &Exchange, state: &State) -> Outcome<Answer> {
    if !ex.eventual {
        return Err(Refusal::new(
            400,
            "Request_BadRequest",
            "$count is not currently supported without 'ConsistencyLevel: eventual'.",
        ));
    }
    Ok(Answer::text(200, "text/plain", state.users.len().to_string()))
}

pub(super) fn get(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let user = state.user(key, ex.now)?;
    Ok(Answer::entity(200, ex, "users", query.project(user, "user", &DEFAULT)?))
}

pub(super) fn create(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let mut body = ex.object()?;
    let patch = read_patch(&mut body, ex.beta)?;
    let new = NewUser {
        account_enabled: patch.account_enabled,
        display_name: patch.display_name.clone(),
        mail_nickname: patch.mail_nickname.clone(),
        upn: patch.upn.clone(),
        password: patch.password.clone(),
        rest: patch,
    };
    let user = state.create_user(new, ex.now)?;
    let query = Query::default();
    let location = ex.address(&format!("users/{}", user.id));
    Ok(Answer::entity(201, ex, "users", query.project(user, "user", &DEFAULT)?)
        .with_header("location", location))
}

pub(super) fn update(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let patch = read_patch(&mut ex.object()?, ex.beta)?;
    state.update_user(key, patch, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn delete(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    state.delete_user(key, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn revoke_sessions(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    state.revoke_sessions(key, ex.now)?;
    Ok(Answer::ok(json!({ "@odata.context": ex.context("Edm.Boolean"), "value": true })))
}

pub(super) fn mfa(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let mfa = state.mfa_state(key, ex.now)?;
    Ok(Answer::ok(json!({
        "@odata.context": ex.context("strongAuthenticationRequirements"),
        "perUserMfaState": mfa.text(),
    })))
}

pub(super) fn set_mfa(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let body = ex.object()?;
    let wanted = body.get("perUserMfaState").and_then(Value::as_str).and_then(MfaState::parse);
    let wanted = wanted.ok_or_else(|| {
        Refusal::invalid_property(
            "perUserMfaState",
            "Invalid value specified for property 'perUserMfaState'.",
        )
    })?;
    state.set_mfa_state(key, wanted, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn methods(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let user = state.user(key, ex.now)?;
    let mut methods = vec![json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
        "id": "28c10230-6103-485e-b985-444c60001490",
        "createdDateTime": user.sign_in.password_changed.map(timestamp),
    })];
    if user.sign_in.has_second_factor {
        methods.push(json!({ "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": user.id }));
    }
    Ok(Answer::ok(json!({ "@odata.context": ex.context("authenticationMethods"), "value": methods })))
}

pub(super) fn me(ex: &Exchange) -> Outcome<String> {
    match &ex.caller {
        Caller::User(id) => Ok(id.clone()),
        Caller::Application(_) => Err(Refusal::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        )),
    }
}

pub(super) fn change_own_password(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let (id, body) = (me(ex)?, ex.object()?);
    let take = |name: &str| {
        let value = body.get(name).and_then(Value::as_str);
        value
            .map(|text| Password::new(text.to_owned()))
            .ok_or_else(|| Refusal::missing_property(name, "User"))
    };
    state.change_own_password(&id, &take("currentPassword")?, take("newPassword")?, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn list_deleted(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let mut found = Vec::new();
    for user in state.users.deleted() {
        if query.accepts(user)? {
            found.push(Value::Object(query.project(user, "user", &DELETED)?));
        }
    }
    Ok(Answer::ok(json!({ "@odata.context": ex.context("users"), "value": found })))
}

pub(super) fn get_deleted(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let user = state.users.deleted_user(id).ok_or_else(|| Refusal::not_found(id))?;
    Ok(Answer::entity(200, ex, "directoryObjects", as_directory_object(user)?))
}

pub(super) fn restore(ex: &Exchange, state: &mut State, id: &str) -> Outcome<Answer> {
    let upn = ex.object()?.get("newUserPrincipalName").and_then(Value::as_str).map(str::to_owned);
    let user = state.restore_user(id, upn)?;
    Ok(Answer::entity(200, ex, "directoryObjects", as_directory_object(user)?))
}

const DELETED: [&str; 12] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
    "deletedDateTime",
];

/// A user where the type of the reply is `directoryObject`.
pub(super) fn as_directory_object(user: &User) -> Outcome<Map<String, Value>> {
    let mut object = Map::new();
    object.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
    object.append(&mut Query::default().project(user, "user", &DEFAULT)?);
    Ok(object)
}

/// Takes the properties of a user out of a request body; what Graph does not let one set is refused.
pub(in crate::tenant::http) fn read_patch(body: &mut Map<String, Value>, beta: bool) -> Outcome<UserPatch> {
    let mut patch = UserPatch::default();
    for (name, value) in std::mem::take(body) {
        let wrong = || {
            Refusal::invalid_property(
                &name,
                format!("Invalid value specified for property '{name}' of resource 'User'."),
            )
        };
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
        let maybe = |value: &Value| if value.is_null() { Ok(None) } else { text(value).map(Some) };
        let texts =
            |value: &Value| value.as_array().ok_or_else(wrong)?.iter().map(text).collect::<Outcome<Vec<_>>>();
        match name.as_str() {
            "accountEnabled" => patch.account_enabled = Some(value.as_bool().ok_or_else(wrong)?),
            "displayName" => patch.display_name = Some(text(&value)?),
            "mailNickname" => patch.mail_nickname = Some(text(&value)?),
            "userPrincipalName" => patch.upn = Some(text(&value)?),
            "userType" => patch.user_type = Some(text(&value)?),
            "otherMails" => patch.other_mails = Some(texts(&value)?),
            "businessPhones" => patch.business_phones = Some(texts(&value)?),
            "passwordPolicies" => patch.password_policies = Some(maybe(&value)?),
            "usageLocation" => patch.usage_location = Some(maybe(&value)?),
            "onPremisesImmutableId" => patch.immutable_id = Some(maybe(&value)?),
            "onPremisesObjectIdentifier" if beta => patch.object_identifier = Some(maybe(&value)?),
            "passwordProfile" => patch.password = Some(read_password(&value)?),
            other => {
                let known = PROFILE.iter().find(|known| **known == other);
                let known = known.ok_or_else(|| {
                    Refusal::invalid_property(other, format!("Invalid property '{other}'."))
                })?;
                patch.profile.push((known, maybe(&value)?));
            }
        }
    }
    Ok(patch)
}

fn read_password(value: &Value) -> Outcome<PasswordProfile> {
    let wrong = || {
        Refusal::invalid_property(
            "passwordProfile",
            "Invalid value specified for property 'passwordProfile' of resource 'User'.",
        )
    };
    let profile = value.as_object().ok_or_else(wrong)?;
    let password = match profile.get("password") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Password::new(text.clone())),
        Some(_) => return Err(wrong()),
    };
    Ok(PasswordProfile {
        password,
        must_change: profile.get("forceChangePasswordNextSignIn").and_then(Value::as_bool),
    })
}
