//! `/roleManagement/directory`, and what a user is a member of.

use serde_json::{Map, Value, json};

use super::users::as_directory_object;
use crate::tenant::data::ids::is_guid;
use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::roles::{BUILT_IN, RoleAssignment, RoleDefinition, built_in};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};
use crate::tenant::http::odata::query::Query;

pub(super) fn role_definitions(ex: &Exchange) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let mut found = Vec::new();
    for role in BUILT_IN {
        let whole = role_definition_object(role);
        if query.accepts(&whole)? {
            found.push(Value::Object(query.project(&whole, "unifiedRoleDefinition", &ROLE_DEFINITION)?));
        }
    }
    Ok(Answer::ok(
        json!({ "@odata.context": ex.context("roleManagement/directory/roleDefinitions"), "value": found }),
    ))
}

pub(super) fn role_definition(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let whole = role_definition_object(state.role_definition(id)?);
    let object = query.project(&whole, "unifiedRoleDefinition", &ROLE_DEFINITION)?;
    Ok(Answer::entity(200, ex, "roleManagement/directory/roleDefinitions", object))
}

const ROLE_DEFINITION: [&str; 9] = [
    "id",
    "description",
    "displayName",
    "isBuiltIn",
    "isEnabled",
    "resourceScopes",
    "templateId",
    "version",
    "rolePermissions",
];

fn role_definition_object(role: RoleDefinition) -> Value {
    json!({
        "id": role.id,
        "description": role.name,
        "displayName": role.name,
        "isBuiltIn": true,
        "isEnabled": true,
        "resourceScopes": ["/"],
        "templateId": role.id,
        "version": "1",
        "rolePermissions": [],
    })
}

const ROLE_ASSIGNMENT: [&str; 4] = ["id", "principalId", "directoryScopeId", "roleDefinitionId"];

pub(super) fn role_assignments(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let expand = match query.expand.as_deref() {
        None => None,
        Some(one @ ("principal" | "roleDefinition")) => Some(one),
        Some(_) => {
            return Err(Refusal::bad_request(
                "Only one of principal, roleDefinition and directoryScope can be expanded.",
            ));
        }
    };
    let size = query.page_size();
    let mut found = Vec::new();
    let mut more = None;
    let skip = usize::try_from(query.after()).unwrap_or(usize::MAX);
    for (at, held) in state.role_assignments.iter().enumerate().skip(skip) {
        let whole = role_assignment_object(held);
        if !query.accepts(&whole)? {
            continue;
        }
        if found.len() == size {
            more = u64::try_from(at).ok();
            break;
        }
        let mut object = query.project(&whole, "unifiedRoleAssignment", &ROLE_ASSIGNMENT)?;
        match expand {
            Some("principal") => {
                object.insert("principal".to_owned(), principal_object(state, &held.principal_id)?)
            }
            Some(_) => {
                let role = built_in(&held.role_id).map(role_definition_object);
                object.insert("roleDefinition".to_owned(), role.unwrap_or_default())
            }
            None => None,
        };
        found.push(Value::Object(object));
    }
    let mut whole = Map::new();
    whole.insert("@odata.context".to_owned(), ex.context("roleManagement/directory/roleAssignments"));
    if let Some(key) = more {
        let link = query.next_link(&ex.address("roleManagement/directory/roleAssignments"), key);
        whole.insert("@odata.nextLink".to_owned(), link.into());
    }
    whole.insert("value".to_owned(), Value::Array(found));
    Ok(Answer::ok(Value::Object(whole)))
}

pub(super) fn role_assignment(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let whole = role_assignment_object(state.role_assignment(id)?);
    role_assignment_entity(ex, 200, &whole)
}

pub(super) fn assign_role(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    let take = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::missing_property(name, "UnifiedRoleAssignment"))
    };
    let (role, principal, scope) =
        (take("roleDefinitionId")?, take("principalId")?, take("directoryScopeId")?);
    if !is_guid(principal) {
        return Err(Refusal::invalid_property(
            "principalId",
            "Invalid value specified for property 'principalId'.",
        ));
    }
    let whole = role_assignment_object(state.assign_role(role, principal, scope, ex.now)?);
    role_assignment_entity(ex, 201, &whole)
}

pub(super) fn unassign_role(state: &mut State, id: &str) -> Outcome<Answer> {
    state.unassign_role(id)?;
    Ok(Answer::no_content())
}

fn role_assignment_entity(ex: &Exchange, status: u16, whole: &Value) -> Outcome<Answer> {
    let object = Query::default().project(whole, "unifiedRoleAssignment", &ROLE_ASSIGNMENT)?;
    Ok(Answer::entity(status, ex, "roleManagement/directory/roleAssignments", object))
}

fn role_assignment_object(held: &RoleAssignment) -> Value {
    json!({
        "id": held.id,
        "principalId": held.principal_id,
        "directoryScopeId": held.scope,
        "roleDefinitionId": held.role_id,
    })
}

fn principal_object(state: &State, id: &str) -> Outcome<Value> {
    if let Some(user) = state.users.find(id).and_then(|seq| state.users.get(seq)) {
        return Ok(Value::Object(as_directory_object(user)?));
    }
    let sp = state.service_principals.iter().find(|sp| sp.id == id);
    Ok(sp.map_or(Value::Null, |sp| {
        json!({
            "@odata.type": "#microsoft.graph.servicePrincipal",
            "id": sp.id,
            "appId": sp.app_id,
            "displayName": sp.display_name,
        })
    }))
}

pub(super) fn eligibility(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let mut found = Vec::new();
    for held in &state.eligible_roles {
        let mut whole = role_assignment_object(held);
        put(&mut whole, "memberType", json!("Direct"));
        if query.accepts(&whole)? {
            found.push(whole);
        }
    }
    let context = ex.context("roleManagement/directory/roleEligibilityScheduleInstances");
    Ok(Answer::ok(json!({ "@odata.context": context, "value": found })))
}

/// Returns the directory roles a user holds, in the older model.
pub(super) fn roles_of_user(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    let id = state.user(key, ex.now)?.id.clone();
    let held = state.role_assignments.iter().filter(|held| held.principal_id == id);
    let roles: Vec<Value> = held
        .filter_map(|held| built_in(&held.role_id))
        .map(|role| {
            json!({
                "@odata.type": "#microsoft.graph.directoryRole",
                "id": role.id,
                "displayName": role.name,
                "description": role.name,
                "roleTemplateId": role.id,
            })
        })
        .collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("directoryRoles"), "value": roles })))
}

/// Returns the groups of a user: none, because the lab has no groups.
pub(super) fn groups_of_user(ex: &Exchange, state: &mut State, key: &str) -> Outcome<Answer> {
    state.user(key, ex.now)?;
    Ok(Answer::ok(json!({ "@odata.context": ex.context("groups"), "value": [] })))
}
