//! `/domains`.

use onramp_core::dns::DnsRecord;
use onramp_core::tenant::ServiceRecord;
use serde_json::{Map, Value, json};

use super::users::as_directory_object;
use crate::tenant::data::domains::{Domain, DomainPatch};
use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};
use crate::tenant::http::odata::query::Query;

const DEFAULT: [&str; 14] = [
    "authenticationType",
    "availabilityStatus",
    "id",
    "isAdminManaged",
    "isDefault",
    "isInitial",
    "isRoot",
    "isVerified",
    "supportedServices",
    "passwordValidityPeriodInDays",
    "passwordNotificationWindowInDays",
    "state",
    "manufacturer",
    "model",
];

pub(super) fn list(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let domains: Vec<Domain> = state.visible_domains(ex.now).into_iter().cloned().collect();
    let mut found = Vec::new();
    for domain in &domains {
        let whole = object(domain, state, None);
        if query.accepts(&whole)? {
            found.push(Value::Object(query.project(&whole, "domain", &DEFAULT)?));
        }
    }
    Ok(Answer::ok(json!({ "@odata.context": ex.context("domains"), "value": found })))
}

pub(super) fn get(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let domain = state.domain(name, ex.now)?.clone();
    entity(ex, state, 200, &domain, None)
}

pub(super) fn add(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let body = ex.object()?;
    if let Some(other) = body.keys().find(|name| *name != "id" && !name.contains('@')) {
        return Err(Refusal::invalid_property(other, format!("Invalid property '{other}'.")));
    }
    let name =
        body.get("id").and_then(Value::as_str).ok_or_else(|| Refusal::missing_property("id", "Domain"))?;
    let domain = state.add_domain(name, ex.now)?.clone();
    entity(ex, state, 201, &domain, None)
}

pub(super) fn verify(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let domain = state.verify_domain(name, ex.now)?.clone();
    entity(ex, state, 200, &domain, Some("AvailableImmediately"))
}

pub(super) fn update(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let mut patch = DomainPatch::default();
    for (property, value) in ex.object()? {
        let wrong = || {
            Refusal::invalid_property(
                &property,
                format!("Invalid value specified for property '{property}' of resource 'Domain'."),
            )
        };
        let days = |value: &Value| value.as_i64().and_then(|days| i32::try_from(days).ok()).ok_or_else(wrong);
        match property.as_str() {
            "isDefault" => patch.is_default = Some(value.as_bool().ok_or_else(wrong)?),
            "passwordValidityPeriodInDays" => patch.password_validity_days = Some(days(&value)?),
            "passwordNotificationWindowInDays" => patch.password_notification_days = Some(days(&value)?),
            "supportedServices" => {
                let services = value.as_array().ok_or_else(wrong)?;
                let texts =
                    services.iter().map(|service| service.as_str().map(str::to_owned).ok_or_else(wrong));
                patch.supported_services = Some(texts.collect::<Outcome<_>>()?);
            }
            other => return Err(Refusal::invalid_property(other, format!("Invalid property '{other}'."))),
        }
    }
    state.update_domain(name, patch, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn delete(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    state.delete_domain(name, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn force_delete(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let disable = ex.object()?.get("disableUserAccounts").and_then(Value::as_bool).unwrap_or(true);
    state.force_delete_domain(name, disable, ex.now)?;
    Ok(Answer::no_content())
}

pub(super) fn verification_records(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let domain = state.domain(name, ex.now)?;
    let records = json!([
        {
            "@odata.type": "#microsoft.graph.domainDnsTxtRecord",
            "id": domain.txt_id,
            "isOptional": false,
            "label": domain.name,
            "recordType": "Txt",
            "supportedService": "Email",
            "ttl": 3600,
            "text": domain.txt(),
        },
        {
            "@odata.type": "#microsoft.graph.domainDnsMxRecord",
            "id": domain.mx_id,
            "isOptional": false,
            "label": domain.name,
            "recordType": "Mx",
            "supportedService": "Email",
            "ttl": 3600,
            "mailExchange": domain.mail_exchange(),
            "preference": 32767,
        },
    ]);
    let context = ex.context(&format!("domains('{}')/verificationDnsRecords", domain.name));
    Ok(Answer::ok(json!({ "@odata.context": context, "value": records })))
}

pub(super) fn service_records(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let domain = state.domain(name, ex.now)?;
    let records: Vec<Value> =
        domain.service_records().iter().map(|one| service_record(domain, one)).collect();
    let context = ex.context(&format!("domains('{}')/serviceConfigurationRecords", domain.name));
    Ok(Answer::ok(json!({ "@odata.context": context, "value": records })))
}

/// A record in Graph's words.
fn service_record(domain: &Domain, one: &ServiceRecord) -> Value {
    let (kind, data) = match &one.record {
        DnsRecord::Txt { text } => ("Txt", json!({ "text": text })),
        DnsRecord::Mx { preference, exchange } => {
            ("Mx", json!({ "mailExchange": exchange, "preference": preference }))
        }
        DnsRecord::Cname { target } => ("CName", json!({ "canonicalName": target })),
        DnsRecord::Srv { priority, weight, port, target } => {
            let (service, protocol) = one.label.split_once('.').unwrap_or_default();
            let protocol = protocol.split('.').next().unwrap_or_default();
            let place = json!({
                "service": service, "protocol": protocol, "priority": priority, "weight": weight, "port": port,
                "nameTarget": target,
            });
            ("Srv", place)
        }
        // Kinds that the lab does not make.
        _ => ("Unavailable", json!({})),
    };
    let type_name =
        format!("#microsoft.graph.domainDns{}Record", if kind == "CName" { "Cname" } else { kind });
    let mut object = json!({
        "@odata.type": type_name,
        "id": domain.mx_id,
        "isOptional": one.is_optional,
        "label": one.label,
        "recordType": kind,
        "supportedService": one.service,
        "ttl": one.ttl,
    });
    for (name, value) in data.as_object().into_iter().flatten() {
        put(&mut object, name, value.clone());
    }
    object
}

pub(super) fn references(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let name = state.domain(name, ex.now)?.name.clone();
    let users: Vec<Value> = state
        .domain_references(&name)
        .map(|user| as_directory_object(user).map(Value::Object))
        .collect::<Outcome<_>>()?;
    Ok(Answer::ok(json!({ "@odata.context": ex.context("directoryObjects"), "value": users })))
}

pub(super) fn root(ex: &Exchange, state: &mut State, name: &str) -> Outcome<Answer> {
    let domain = state.domain(name, ex.now)?.clone();
    let root = state.root_of(&domain.name).cloned().unwrap_or(domain);
    entity(ex, state, 200, &root, None)
}

fn entity(
    ex: &Exchange,
    state: &State,
    status: u16,
    domain: &Domain,
    availability: Option<&str>,
) -> Outcome<Answer> {
    let query = Query::parse(&ex.query, ex.eventual)?;
    let whole = object(domain, state, availability);
    Ok(Answer::entity(status, ex, "domains", query.project(&whole, "domain", &DEFAULT)?))
}

fn object(domain: &Domain, state: &State, availability: Option<&str>) -> Value {
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("authenticationType", json!(if domain.federated { "Federated" } else { "Managed" }));
    set("availabilityStatus", json!(availability));
    set("id", json!(domain.name));
    set("isAdminManaged", json!(true));
    set("isDefault", json!(domain.is_default));
    set("isInitial", json!(domain.is_initial));
    set("isRoot", json!(state.is_root(domain)));
    set("isVerified", json!(domain.is_verified));
    set("supportedServices", json!(domain.supported_services));
    set("passwordValidityPeriodInDays", json!(domain.password_validity_days));
    set("passwordNotificationWindowInDays", json!(domain.password_notification_days));
    for name in ["state", "manufacturer", "model"] {
        set(name, Value::Null);
    }
    Value::Object(object)
}
