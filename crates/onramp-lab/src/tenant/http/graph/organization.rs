//! `/organization` and `/directory/onPremisesSynchronization`.

use serde_json::{Map, Value, json};

use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange, timestamp};
use crate::tenant::http::odata::query::Query;
use crate::tenant::sign_in::tokens::Caller;

const ORGANIZATION: [&str; 9] = [
    "id",
    "displayName",
    "countryLetterCode",
    "createdDateTime",
    "onPremisesLastSyncDateTime",
    "onPremisesSyncEnabled",
    "technicalNotificationMails",
    "tenantType",
    "verifiedDomains",
];

pub(super) fn organization(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let object = query.project(&organization_object(state), "organization", &ORGANIZATION)?;
    Ok(Answer::ok(json!({ "@odata.context": ex.context("organization"), "value": [object] })))
}

pub(super) fn one_organization(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    own_tenant(state, id)?;
    let query = Query::parse(&ex.query, ex.eventual)?;
    let mut whole = organization_object(state);
    if ex.beta {
        let used = state.users.len() + state.users.deleted().count();
        put(&mut whole, "directorySizeQuota", json!({ "used": used, "total": 300_000 }));
    }
    Ok(Answer::entity(200, ex, "organization", query.project(&whole, "organization", &ORGANIZATION)?))
}

pub(super) fn update_organization(ex: &Exchange, state: &mut State, id: &str) -> Outcome<Answer> {
    own_tenant(state, id)?;
    for (name, value) in ex.object()? {
        match (name.as_str(), value.as_bool()) {
            ("onPremisesSyncEnabled", Some(enabled)) => state.set_sync_enabled(enabled, ex.now)?,
            _ => return Err(Refusal::invalid_property(&name, format!("Invalid property '{name}'."))),
        }
    }
    Ok(Answer::no_content())
}

fn own_tenant(state: &State, id: &str) -> Outcome<()> {
    if id.eq_ignore_ascii_case(&state.tenant_id) { Ok(()) } else { Err(Refusal::not_found(id)) }
}

fn organization_object(state: &State) -> Value {
    let verified: Vec<Value> = state
        .domains
        .values()
        .filter(|domain| domain.is_verified)
        .map(|domain| {
            json!({
                "capabilities": domain.supported_services.join(", "),
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "name": domain.name,
                "type": if domain.federated { "Federated" } else { "Managed" },
            })
        })
        .collect();
    json!({
        "id": state.tenant_id,
        "displayName": state.display_name,
        "countryLetterCode": "DE",
        "createdDateTime": timestamp(state.created),
        "onPremisesLastSyncDateTime": state.synchronization.last_sync.map(timestamp),
        "onPremisesSyncEnabled": state.synchronization.enabled,
        "technicalNotificationMails": [format!("it@{}", state.initial_domain)],
        "tenantType": "AAD",
        "verifiedDomains": verified,
    })
}

/// Refuses an application: the service knows no application permission for these operations.
fn delegated_only(ex: &Exchange, state: &State) -> Outcome<()> {
    match ex.caller {
        Caller::Application(_) if !state.app_only_sync_features => Err(Refusal::forbidden()),
        _ => Ok(()),
    }
}

pub(super) fn synchronization(ex: &Exchange, state: &State) -> Outcome<Answer> {
    delegated_only(ex, state)?;
    let value = if state.synchronization.enabled.is_some() {
        vec![synchronization_object(state)]
    } else {
        Vec::new()
    };
    Ok(Answer::ok(
        json!({ "@odata.context": ex.context("directory/onPremisesSynchronization"), "value": value }),
    ))
}

pub(super) fn one_synchronization(ex: &Exchange, state: &State, id: &str) -> Outcome<Answer> {
    delegated_only(ex, state)?;
    own_tenant(state, id)?;
    match synchronization_object(state) {
        Value::Object(object) if state.synchronization.enabled.is_some() => {
            Ok(Answer::entity(200, ex, "directory/onPremisesSynchronization", object))
        }
        _ => Err(Refusal::not_found(id)),
    }
}

pub(super) fn update_synchronization(ex: &Exchange, state: &mut State, id: &str) -> Outcome<Answer> {
    delegated_only(ex, state)?;
    own_tenant(state, id)?;
    let body = ex.object()?;
    let mut wanted = state.synchronization.clone();
    for (name, value) in body.get("features").and_then(Value::as_object).into_iter().flatten() {
        let flag = value.as_bool().ok_or_else(|| {
            Refusal::invalid_property(name, format!("Invalid value specified for property '{name}'."))
        })?;
        wanted.set_feature(name, flag)?;
    }
    let prevention = body.get("configuration").and_then(|c| c.get("accidentalDeletionPrevention"));
    if let Some(kind) =
        prevention.and_then(|p| p.get("synchronizationPreventionType")).and_then(Value::as_str)
    {
        wanted.deletion_prevention = kind.to_owned();
    }
    if let Some(threshold) = prevention.and_then(|p| p.get("alertThreshold")).and_then(Value::as_i64) {
        wanted.deletion_threshold = threshold;
    }
    state.synchronization = wanted;
    Ok(Answer::no_content())
}

fn synchronization_object(state: &State) -> Value {
    let sync = &state.synchronization;
    let features: Map<String, Value> =
        sync.features.iter().map(|(name, value)| ((*name).to_owned(), Value::Bool(*value))).collect();
    json!({
        "id": state.tenant_id,
        "configuration": {
            "accidentalDeletionPrevention": {
                "synchronizationPreventionType": sync.deletion_prevention,
                "alertThreshold": sync.deletion_threshold,
            },
        },
        "features": features,
    })
}
