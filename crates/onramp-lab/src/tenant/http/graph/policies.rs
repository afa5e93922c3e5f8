//! `/policies` and `/identity/conditionalAccess`: what decides about second factors.

use serde_json::{Value, json};

use crate::tenant::data::organization::ConditionalAccess;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};

pub(super) fn security_defaults(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let object = json!({
        "id": "00000000-0000-0000-0000-000000000005",
        "displayName": "Security Defaults",
        "description": "Basic identity security mechanisms, switched on or off together.",
        "isEnabled": state.security_defaults,
    });
    let object = object.as_object().cloned().unwrap_or_default();
    Ok(Answer::entity(200, ex, "policies/identitySecurityDefaultsEnforcementPolicy", object))
}

pub(super) fn set_security_defaults(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let wanted = ex.object()?.get("isEnabled").and_then(Value::as_bool);
    let wanted = wanted
        .ok_or_else(|| Refusal::missing_property("isEnabled", "IdentitySecurityDefaultsEnforcementPolicy"))?;
    if wanted && state.conditional_access.iter().any(|policy| policy.state == "enabled") {
        return Err(Refusal::bad_request(
            "Security defaults cannot be enabled while Conditional Access policies are enabled.",
        ));
    }
    state.security_defaults = wanted;
    Ok(Answer::no_content())
}

pub(super) fn conditional_access(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let value: Vec<Value> = state.conditional_access.iter().map(policy_object).collect();
    Ok(Answer::ok(
        json!({ "@odata.context": ex.context("identity/conditionalAccess/policies"), "value": value }),
    ))
}

pub(super) fn one_policy(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    let policy = state
        .conditional_access
        .iter()
        .find(|policy| policy.id == id)
        .ok_or_else(|| Refusal::not_found(id))?;
    let object = policy_object(policy).as_object().cloned().unwrap_or_default();
    Ok(Answer::entity(200, ex, "identity/conditionalAccess/policies", object))
}

fn policy_object(policy: &ConditionalAccess) -> Value {
    json!({
        "id": policy.id,
        "displayName": policy.name,
        "state": policy.state,
        "conditions": {
            "clientAppTypes": ["all"],
            "userRiskLevels": if policy.at_risk { vec!["high"] } else { Vec::new() },
            "applications": { "includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [] },
            "users": {
                "includeUsers": policy.users(),
                "excludeUsers": policy.excluded,
                "includeGroups": [],
                "excludeGroups": [],
                "includeRoles": policy.included_roles,
                "excludeRoles": [],
            },
        },
        "grantControls": {
            "operator": "OR",
            "builtInControls": [policy.control],
            "customAuthenticationFactors": [],
            "termsOfUse": [],
        },
    })
}
