//! The part of Azure Resource Manager that gives access to subscriptions.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::exchange::{Answer, Exchange, timestamp};
use super::odata::filter::Filter;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::subscriptions::{
    AZURE_ROLES, AzureAssignment, AzureGrant, Subscription, state_name,
};
use crate::tenant::sign_in::tokens::Caller;

pub(super) fn dispatch(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    check_api_version(ex)?;
    let path: Vec<&str> = ex.path.iter().map(String::as_str).collect();
    let provider = path.windows(2).position(|pair| {
        matches!(pair, [a, b] if a.eq_ignore_ascii_case("providers") && b.eq_ignore_ascii_case("Microsoft.Authorization"))
    });
    if let Some(at) = provider {
        let (scope, rest) = path.split_at(at);
        return authorization(ex, state, &scope.join("/"), rest.get(2..).unwrap_or_default());
    }
    match (ex.method.as_str(), path.as_slice()) {
        ("GET", ["subscriptions"]) => {
            let value: Vec<Value> =
                state.subscriptions.iter().map(|s| subscription_object(s, state)).collect();
            Ok(Answer::ok(json!({ "value": value, "count": { "type": "Total", "value": value.len() } })))
        }
        ("GET", ["subscriptions", id]) => Ok(Answer::ok(subscription_object(state.subscription(id)?, state))),
        ("GET", ["tenants"]) => Ok(Answer::ok(json!({ "value": [{
            "id": format!("/tenants/{}", state.tenant_id),
            "tenantId": state.tenant_id,
            "displayName": state.display_name,
            "defaultDomain": state.initial_domain,
            "tenantCategory": "Home",
        }] }))),
        _ => Err(Refusal::new(
            404,
            "InvalidResourceType",
            format!("The resource type could not be found for '/{}'.", path.join("/")),
        )),
    }
}

fn authorization(ex: &Exchange, state: &mut State, scope: &str, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", ["roleAssignments"]) => list(ex, state, scope),
        ("GET", ["roleAssignments", name]) => {
            let held =
                state.azure_assignments(scope)?.into_iter().find(|held| held.name.eq_ignore_ascii_case(name));
            let held = held.ok_or_else(|| {
                Refusal::new(
                    404,
                    "RoleAssignmentNotFound",
                    format!("The role assignment '{name}' is not found."),
                )
            })?;
            Ok(Answer::ok(assignment_object(held)))
        }
        ("PUT", ["roleAssignments", name]) => assign(ex, state, scope, name),
        ("DELETE", ["roleAssignments", name]) => Ok(match state.azure_unassign(scope, name)? {
            Some(held) => Answer::ok(assignment_object(&held)),
            None => Answer::no_content(),
        }),
        ("POST", ["elevateAccess"]) if scope.is_empty() => match &ex.caller {
            Caller::User(id) => {
                state.elevate(&id.clone(), ex.now)?;
                Ok(Answer::text(200, "text/plain", String::new()))
            }
            Caller::Application(_) => Err(Refusal::new(
                403,
                "AuthorizationFailed",
                "The client does not have authorization to perform action 'Microsoft.Authorization/elevateAccess/action' over scope '/'.",
            )),
        },
        ("GET", ["classicAdministrators"]) => {
            let id = scope.split('/').next_back().unwrap_or_default();
            let subscription = state.subscription(id)?;
            let value: Vec<Value> = subscription
                .classic
                .iter()
                .enumerate()
                .map(|(n, (email, role))| {
                    json!({
                        "id": format!("/subscriptions/{id}/providers/Microsoft.Authorization/classicAdministrators/{n}"),
                        "name": n.to_string(),
                        "type": "Microsoft.Authorization/classicAdministrators",
                        "properties": { "emailAddress": email, "role": role },
                    })
                })
                .collect();
            Ok(Answer::ok(json!({ "value": value })))
        }
        ("GET", ["roleDefinitions"]) => {
            let scope = scope.trim_matches('/');
            let value: Vec<Value> = AZURE_ROLES
                .iter()
                .map(|(id, name)| {
                    json!({
                        "id": format!("/{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}"),
                        "name": id,
                        "type": "Microsoft.Authorization/roleDefinitions",
                        "properties": { "roleName": name, "type": "BuiltInRole", "description": name, "assignableScopes": ["/"], "permissions": [] },
                    })
                })
                .collect();
            Ok(Answer::ok(json!({ "value": value })))
        }
        _ => Err(Refusal::new(
            404,
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.Authorization'.",
        )),
    }
}

fn list(ex: &Exchange, state: &State, scope: &str) -> Outcome<Answer> {
    let filter = form_urlencoded::parse(ex.query.as_bytes())
        .find(|(name, _)| name == "$filter")
        .map(|(_, value)| value);
    let mut principal = None;
    if let Some(filter) = filter.filter(|filter| !filter.replace(' ', "").eq_ignore_ascii_case("atScope()")) {
        // `assignedTo('…')` also counts groups, of which the lab has none.
        let id =
            filter.strip_prefix("assignedTo('").and_then(|rest| rest.strip_suffix("')")).map(str::to_owned);
        principal = Some(match id {
            Some(id) => Filter::parse(&format!("principalId eq '{id}'"))?,
            None => Filter::parse(&filter).map_err(|_| {
                Refusal::new(400, "InvalidFilter", "The filter is not supported. Supported filters are 'atScope()', 'principalId eq' and 'assignedTo()'.")
            })?,
        });
    }
    let mut value = Vec::new();
    for held in state.azure_assignments(scope)? {
        let object = assignment_object(held);
        let wanted = match &principal {
            Some(filter) => filter.accepts(&json!({ "principalId": held.principal_id }))?,
            None => true,
        };
        if wanted {
            value.push(object);
        }
    }
    Ok(Answer::ok(json!({ "value": value })))
}

fn assign(ex: &Exchange, state: &mut State, scope: &str, name: &str) -> Outcome<Answer> {
    let body = ex.object()?;
    let properties = body.get("properties").and_then(Value::as_object);
    let take = |name: &str| properties.and_then(|properties| properties.get(name)).and_then(Value::as_str);
    let required = |name: &str| {
        take(name).ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidRequestContent",
                format!("The request content is invalid: '{name}' is missing."),
            )
        })
    };
    let grant = AzureGrant {
        scope,
        name,
        role: required("roleDefinitionId")?,
        principal: required("principalId")?,
        principal_type: take("principalType"),
    };
    let (made, new) = state.azure_assign(grant, ex.now)?;
    Ok(Answer::json(if new { 201 } else { 200 }, assignment_object(made)))
}

fn check_api_version(ex: &Exchange) -> Outcome<()> {
    let version = form_urlencoded::parse(ex.query.as_bytes()).find(|(name, _)| name == "api-version");
    let Some((_, version)) = version else {
        return Err(Refusal::new(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    };
    let dated = version.len() >= 10 && version.bytes().take(4).all(|b| b.is_ascii_digit());
    if dated {
        Ok(())
    } else {
        Err(Refusal::new(
            400,
            "InvalidApiVersionParameter",
            format!("The api-version '{version}' is invalid."),
        ))
    }
}

fn subscription_object(subscription: &Subscription, state: &State) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "subscriptionId": subscription.id,
        "tenantId": state.tenant_id,
        "displayName": subscription.name,
        "state": state_name(&subscription.state),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": { "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off" },
    })
}

fn assignment_object(held: &AzureAssignment) -> Value {
    let subscription = held.scope.split('/').nth(2).unwrap_or_default();
    let at = timestamp(held.created);
    json!({
        "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", held.scope.trim_end_matches('/'), held.name),
        "name": held.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", held.role),
            "principalId": held.principal_id,
            "principalType": held.principal_type,
            "scope": held.scope,
            "condition": null,
            "conditionVersion": null,
            "createdOn": at,
            "updatedOn": at,
        },
    })
}
