//! `/applications` and `/servicePrincipals`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::tenant::data::applications::{
    APPLICATION_PROPERTIES, AppRoleAssignment, Application, Certificate, ServicePrincipal, WantedCertificate,
};
use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange, timestamp};
use crate::tenant::http::odata::query::Query;

pub(super) fn list(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let visible = state.applications.iter_mut().filter_map(|app| app.seen.graph(ex.now).then_some(&*app));
    let all = visible.map(application_object).collect();
    collection(ex, "applications", "application", all)
}

pub(super) fn get(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let whole = application_object(state.application(key, ex.now)?);
    one(ex, 200, "applications", "application", &whole)
}

pub(super) fn create(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    create_from(ex, state, body)
}

fn create_from(ex: &Exchange, state: &mut State, mut body: Map<String, Value>) -> Outcome<Answer> {
    let name = body.remove("displayName").and_then(|name| name.as_str().map(str::to_owned));
    let name = name.ok_or_else(|| Refusal::missing_property("displayName", "Application"))?;
    let certificates = body.remove("keyCredentials").as_ref().map(wanted_certificates).transpose()?;
    let (rest, now) = (rest(body)?, ex.now);
    let id = state.create_application(&name, rest, now)?.id.clone();
    state.set_certificates_of_new(&id, certificates.unwrap_or_default(), now)?;
    let whole = application_object(state.new_application(&id)?);
    one(ex, 201, "applications", "application", &whole)
}

/// Answers `PATCH /applications/{key}`; with a unique name as the key, a missing application is created if that is asked for.
pub(super) fn update(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let mut body = ex.object()?;
    if let Some(unique_name) = key.strip_prefix("uniqueName=").filter(|_| ex.create_if_missing)
        && !state.has_unique_name(unique_name)
    {
        body.insert("uniqueName".to_owned(), Value::String(unique_name.to_owned()));
        return create_from(ex, state, body);
    }
    let name = body.remove("displayName").and_then(|name| name.as_str().map(str::to_owned));
    let certificates = body.remove("keyCredentials").as_ref().map(wanted_certificates).transpose()?;
    let rest = rest(body)?;
    if let Some(certificates) = certificates {
        state.set_certificates(key, certificates, ex.now)?;
    }
    let app = state.application(key, ex.now)?;
    if let Some(name) = name {
        app.display_name = name;
    }
    for (property, value) in rest {
        app.rest.retain(|(known, _)| *known != property);
        app.rest.push((property, value));
    }
    Ok(Answer::no_content())
}

pub(super) fn delete(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    state.delete_application(key, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn list_principals(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let visible = state.service_principals.iter_mut().filter_map(|sp| sp.seen.graph(ex.now).then_some(&*sp));
    let all = visible.map(principal_object).collect();
    collection(ex, "servicePrincipals", "servicePrincipal", all)
}

pub(super) fn get_principal(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let whole = principal_object(state.service_principal(key, ex.now)?);
    one(ex, 200, "servicePrincipals", "servicePrincipal", &whole)
}

pub(super) fn create_principal(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    let app_id = body
        .get("appId")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::missing_property("appId", "ServicePrincipal"))?;
    let tags = body.get("tags").and_then(Value::as_array).into_iter().flatten();
    let tags = tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
    let whole = principal_object(state.create_service_principal(app_id, tags, ex.now)?);
    one(ex, 201, "servicePrincipals", "servicePrincipal", &whole)
}

pub(super) fn delete_principal(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    state.delete_service_principal(key, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn list_grants(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let id = state.service_principal(key, ex.now)?.id.clone();
    let held = state.app_role_assignments.iter().filter(|held| held.principal_id == id);
    let value: Vec<Value> = held.map(|held| grant_object(held, state)).collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("appRoleAssignments"), "value": value })))
}

pub(super) fn grant(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    let take = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::missing_property(name, "AppRoleAssignment"))
    };
    let grant = [take("principalId")?, take("resourceId")?, take("appRoleId")?];
    let made = state.grant_app_role(grant, ex.now)?.clone();
    let object = grant_object(&made, state).as_object().cloned().unwrap_or_default();
    Ok(Answer::entity(201, ex, "appRoleAssignments", object))
}

pub(super) fn revoke(ex: &Exchange, state: &mut State, key: &str, id: &str) -> Outcome<Answer> {
    state.revoke_app_role(key, id, ex.now)?;
    Ok(Answer::no_content())
}

fn rest(body: Map<String, Value>) -> Outcome<Vec<(&'static str, Value)>> {
    body.into_iter()
        .map(|(name, value)| {
            let known = APPLICATION_PROPERTIES.iter().find(|known| **known == name);
            known
                .map(|known| (*known, value))
                .ok_or_else(|| Refusal::invalid_property(&name, format!("Invalid property '{name}'.")))
        })
        .collect()
}

fn collection(ex: &Exchange, context: &str, type_name: &str, all: Vec<Value>) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let mut found = Vec::new();
    for whole in &all {
        if query.accepts(whole)? {
            found.push(Value::Object(project(&query, whole, type_name)?));
        }
    }
    Ok(Answer::ok(json!({ "@odata.context": ex.context(context), "value": found })))
}

fn one(ex: &Exchange, status: u16, context: &str, type_name: &str, whole: &Value) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    Ok(Answer::entity(status, ex, context, project(&query, whole, type_name)?))
}

fn project(query: &Query, whole: &Value, type_name: &str) -> Outcome<Map<String, Value>> {
    let names: Vec<&str> = whole.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    query.project(whole, type_name, &names)
}

fn application_object(app: &Application) -> Value {
    let mut object = json!({
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.display_name,
        "createdDateTime": timestamp(app.created),
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": app.is_public,
        "identifierUris": [],
        "keyCredentials": app.certificates.iter().map(certificate_object).collect::<Vec<_>>(),
        "passwordCredentials": app.secrets.iter().map(|_| secret_object(app)).collect::<Vec<_>>(),
        "requiredResourceAccess": [],
        "tags": [],
        "notes": null,
        "uniqueName": null,
        "web": null,
    });
    for (name, value) in &app.rest {
        put(&mut object, name, value.clone());
    }
    object
}

/// A secret as the service shows it: everything but itself.
fn secret_object(app: &Application) -> Value {
    json!({
        "keyId": app.id,
        "displayName": "lab",
        "startDateTime": timestamp(app.created),
        "endDateTime": timestamp(app.secrets_end()),
        "hint": null,
        "secretText": null,
        "customKeyIdentifier": null,
    })
}

fn wanted_certificates(list: &Value) -> Outcome<Vec<WantedCertificate>> {
    let invalid = || {
        Refusal::invalid_property("keyCredentials", "Invalid value specified for property 'keyCredentials'.")
    };
    let entry = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let when = |name: &str| {
            text(name).map(|text| OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| invalid())).transpose()
        };
        let der = text("key").map(|text| STANDARD.decode(text).map_err(|_| invalid())).transpose()?;
        Ok(WantedCertificate {
            key_id: text("keyId"),
            display_name: text("displayName"),
            identifier: text("customKeyIdentifier"),
            not_before: when("startDateTime")?,
            not_after: when("endDateTime")?,
            der,
        })
    };
    list.as_array().ok_or_else(invalid)?.iter().map(entry).collect()
}

fn certificate_object(certificate: &Certificate) -> Value {
    json!({
        "keyId": certificate.key_id,
        "displayName": certificate.display_name,
        "customKeyIdentifier": certificate.identifier,
        "startDateTime": timestamp(certificate.not_before),
        "endDateTime": timestamp(certificate.not_after),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        // Given back only for a single application that was asked for it by name; the lab never does.
        "key": null,
    })
}

fn principal_object(sp: &ServicePrincipal) -> Value {
    let roles: Vec<Value> = sp
        .app_roles
        .iter()
        .map(|(id, value)| {
            json!({
                "id": id,
                "value": value,
                "displayName": value,
                "description": value,
                "isEnabled": true,
                "allowedMemberTypes": ["Application"],
            })
        })
        .collect();
    json!({
        "id": sp.id,
        "appId": sp.app_id,
        "displayName": sp.display_name,
        "appDisplayName": sp.display_name,
        "accountEnabled": sp.account_enabled,
        "servicePrincipalType": "Application",
        "appRoleAssignmentRequired": false,
        "appRoles": roles,
        "tags": sp.tags,
    })
}

fn grant_object(held: &AppRoleAssignment, state: &State) -> Value {
    let name =
        |id: &str| state.service_principals.iter().find(|sp| sp.id == id).map(|sp| sp.display_name.clone());
    json!({
        "id": held.id,
        "appRoleId": held.app_role_id,
        "createdDateTime": timestamp(held.created),
        "principalId": held.principal_id,
        "principalType": "ServicePrincipal",
        "principalDisplayName": name(&held.principal_id),
        "resourceId": held.resource_id,
        "resourceDisplayName": name(&held.resource_id),
    })
}
