//! `/directoryRoles`: the older form of directory roles, over the same assignments as unified role management.
//!
//! A role exists here only once it was activated, which assigning it in either form does.

use serde_json::{Value, json};

use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::roles::{BUILT_IN, RoleDefinition, built_in};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};

pub(super) fn templates(ex: &Exchange) -> Outcome<Answer> {
    let value: Vec<Value> = BUILT_IN
        .iter()
        .map(|role| json!({ "id": role.id, "displayName": role.name, "description": role.name }))
        .collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("directoryRoleTemplates"), "value": value })))
}

/// Returns the activated roles, without paging.
pub(super) fn list(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let active = BUILT_IN.into_iter().filter(|role| is_active(state, role.id));
    let value: Vec<Value> = active.map(object).collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("directoryRoles"), "value": value })))
}

pub(super) fn get(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let role = active(state, id)?;
    Ok(Answer::entity(200, ex, "directoryRoles", object(role).as_object().cloned().unwrap_or_default()))
}

pub(super) fn activate(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    let template = body.get("roleTemplateId").and_then(Value::as_str);
    let template = template.ok_or_else(|| Refusal::missing_property("roleTemplateId", "DirectoryRole"))?;
    let role = built_in(template).ok_or_else(|| Refusal::not_found(template))?;
    if is_active(state, role.id) {
        return Err(Refusal::conflict("roleTemplateId", None));
    }
    state.activated_roles.insert(role.id.to_owned());
    Ok(Answer::entity(201, ex, "directoryRoles", object(role).as_object().cloned().unwrap_or_default()))
}

pub(super) fn members(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let role = active(state, id)?;
    let held = state.role_assignments.iter().filter(|held| held.role_id == role.id);
    let value: Vec<Value> = held
        .map(|held| {
            let is_user = state.users.find(&held.principal_id).is_some();
            let kind = if is_user { "user" } else { "servicePrincipal" };
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": held.principal_id })
        })
        .collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("directoryObjects"), "value": value })))
}

pub(super) fn add_member(ex: &Exchange, state: &mut State, id: &str) -> Outcome<Answer> {
    let role = active(state, id)?;
    let body = ex.object()?;
    let reference = body.get("@odata.id").and_then(Value::as_str);
    let reference = reference.ok_or_else(|| Refusal::missing_property("@odata.id", "DirectoryRole"))?;
    let member = reference.rsplit('/').next().unwrap_or_default().to_owned();
    let held = |state: &State| {
        state.role_assignments.iter().any(|held| held.role_id == role.id && held.principal_id == member)
    };
    if held(state) {
        return Err(Refusal::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    state.assign_role(role.id, &member, "/", ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn remove_member(state: &mut State, id: &str, member: &str) -> Outcome<Answer> {
    let role = active(state, id)?;
    let held = state
        .role_assignments
        .iter()
        .find(|held| held.role_id == role.id && held.principal_id.eq_ignore_ascii_case(member));
    let assignment = held.map(|held| held.id.clone()).ok_or_else(|| Refusal::not_found(member))?;
    state.activated_roles.insert(role.id.to_owned());
    state.unassign_role(&assignment)?;
    Ok(Answer::no_content())
}

fn is_active(state: &State, id: &str) -> bool {
    state.activated_roles.contains(id) || state.role_assignments.iter().any(|held| held.role_id == id)
}

/// Returns the activated role of this ID or template ID (`roleTemplateId=…`), which are the same in the lab.
fn active(state: &State, id: &str) -> Outcome<RoleDefinition> {
    let id = id.strip_prefix("roleTemplateId=").unwrap_or(id);
    built_in(id).filter(|role| is_active(state, role.id)).ok_or_else(|| Refusal::not_found(id))
}

fn object(role: RoleDefinition) -> Value {
    json!({ "id": role.id, "displayName": role.name, "description": role.name, "roleTemplateId": role.id })
}
