//! The way of a request through the tenant: faults, latency, token, operation, log.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::call::{Call, Delivery, Service};
use super::exchange::{Answer, Exchange, Ids, Payload, refusal_headers};
use super::percent::decode;
use super::{arm, batch, graph, login};
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::limits::faults::Action;
use crate::tenant::sign_in::permissions::suffice;
use crate::tenant::sign_in::tokens::{Audience, Caller};
use crate::tenant::{LabCredentials, LabTenant};

/// Handles a call from the wire.
pub(super) async fn handle(lab: &LabTenant, call: &Call, ids: &Ids) -> Delivery {
    let action = admit(lab, call).await;
    let answer = match instead(&action, lab, call, ids) {
        Some(answer) => answer,
        None if call.is_batch() => run_batch(lab, call, ids).await,
        None => charge_and_execute(lab, call, ids),
    };
    deliver(lab, call, action, answer)
}

/// Handles an item of a batch.
pub(super) async fn handle_item(lab: &LabTenant, call: &Call, ids: &Ids) -> Delivery {
    let action = admit(lab, call).await;
    let answer = instead(&action, lab, call, ids).unwrap_or_else(|| charge_and_execute(lab, call, ids));
    deliver(lab, call, action, answer)
}

async fn admit(lab: &LabTenant, call: &Call) -> Option<Action> {
    let path = decode(&call.path);
    let ((action, changes), latency) =
        lab.with_gate(|gate| (gate.faults.strike(&call.method, &path, &call.query), gate.draw_latency()));
    changes.iter().for_each(|change| change.act(lab));
    if let Some(latency) = latency {
        lab.clock().sleep(latency).await;
    }
    if let Some(Action::Delay(time)) = &action {
        lab.clock().sleep(*time).await;
    }
    action
}

/// Returns the answer that a fault or a limit gives in place of the operation.
fn instead(action: &Option<Action>, lab: &LabTenant, call: &Call, ids: &Ids) -> Option<Answer> {
    match action {
        Some(Action::Status { status, retry_after, claims }) => {
            let refusal = Refusal { claims: claims.clone(), ..Refusal::of_status(*status) };
            let answer = refused(&refusal, call, ids);
            Some(match retry_after {
                Some(text) => answer.with_header("retry-after", text),
                None => answer,
            })
        }
        Some(Action::Refuse(refusal)) => Some(refused(refusal, call, ids)),
        Some(Action::Text { status, content_type, body }) => {
            Some(Answer::text(*status, content_type, body.clone()))
        }
        Some(Action::Redirect(location)) => {
            Some(Answer::text(302, "text/plain", String::new()).with_header("location", location))
        }
        // Never sent.
        Some(Action::CutBefore) => Some(Answer::no_content()),
        _ => {
            let is_write = call.service != Service::Login && call.method != "GET" && !call.is_batch();
            let limit = if is_write { lab.with_gate(|gate| gate.count_write(ids.now)) } else { Ok(()) };
            limit.err().map(|refusal| refused(&refusal, call, ids))
        }
    }
}

/// Only what is done is charged, and says what it cost.
fn charge_and_execute(lab: &LabTenant, call: &Call, ids: &Ids) -> Answer {
    if call.service != Service::Graph {
        return execute(lab, call, ids);
    }
    let path = decode(&call.path);
    let charge = lab.with_gate(|gate| gate.charge(&call.method, &path, &call.query, ids.now));
    let Some(charge) = charge else { return execute(lab, call, ids) };
    let LabCredentials { client_id, tenant_id, .. } = lab.credentials();
    let scope = || format!("Tenant_Application/ReadWrite/{client_id}/{tenant_id}");
    let answer = match charge.refused {
        Some((why, wait)) => refused(&Refusal::throttled(Some(wait)), call, ids)
            .with_header("x-ms-throttle-information", why)
            .with_header("x-ms-throttle-scope", scope()),
        None => execute(lab, call, ids).with_header("x-ms-resource-unit", charge.units.to_string()),
    };
    // Said only when it is much.
    if charge.used >= 0.8 {
        answer.with_header("x-ms-throttle-limit-percentage", format!("{:.2}", charge.used))
    } else {
        answer
    }
}

fn execute(lab: &LabTenant, call: &Call, ids: &Ids) -> Answer {
    lab.with_state(|state| {
        if call.service == Service::Login {
            return login_operation(state, call, ids);
        }
        operation(state, call, ids).unwrap_or_else(|refusal| refused(&refusal, call, ids))
    })
}

fn login_operation(state: &mut State, call: &Call, ids: &Ids) -> Answer {
    let path = decode(&call.path);
    let tenant = path.split('/').nth(1).unwrap_or_default();
    let operation = path.rsplit('/').next().unwrap_or_default();
    match (call.method.as_str(), operation) {
        ("POST", "token") => login::token(state, tenant, &call.origin, &call.body, ids),
        ("POST", "devicecode") => login::device_code(state, tenant, &call.origin, &call.body, ids),
        ("GET", "authorize") => login::authorize(state, tenant, &call.query, ids),
        ("GET", "openid-configuration") => login::discovery(state, tenant, &call.origin, ids),
        _ => Answer::text(405, "text/plain", String::new()),
    }
}

fn operation(state: &mut State, call: &Call, ids: &Ids) -> Outcome<Answer> {
    let (caller, permissions) = authenticate(state, call, ids)?;
    let (beta, path) = match call.service {
        Service::Graph => {
            let rest = call.path.trim_start_matches('/');
            let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (version == "beta", graph::segments(rest))
        }
        Service::Arm | Service::Login => {
            (false, call.path.split('/').filter(|part| !part.is_empty()).map(decode).collect())
        }
    };
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_application = matches!(caller, Caller::Application(_));
    if call.service == Service::Graph && is_application && !suffice(&permissions, &call.method, &names) {
        return Err(Refusal::forbidden());
    }
    let exchange = Exchange {
        origin: call.origin.clone(),
        beta,
        method: call.method.clone(),
        path,
        query: call.query.clone(),
        eventual: call.eventual,
        create_if_missing: call.create_if_missing,
        body: call.body.clone(),
        caller,
        now: ids.now,
    };
    match call.service {
        Service::Graph => graph::dispatch(&exchange, state),
        Service::Arm | Service::Login => arm::dispatch(&exchange, state),
    }
}

/// Returns the caller and the permissions of an application.
fn authenticate(state: &State, call: &Call, ids: &Ids) -> Outcome<(Caller, Vec<String>)> {
    let Some(token) = &call.bearer else { return Err(Refusal::unauthenticated("Access token is empty.")) };
    let Some(issued) = state.tokens.find(token) else {
        return Err(Refusal::unauthenticated(
            "Access token validation failure. The token was not issued by this tenant or was revoked.",
        ));
    };
    let wanted = if call.service == Service::Arm { Audience::Arm } else { Audience::Graph };
    if issued.audience != wanted && issued.audience != Audience::Lab {
        return Err(Refusal::unauthenticated("Access token validation failure. Invalid audience."));
    }
    if issued.expires <= ids.now {
        let code = if call.service == Service::Arm {
            "ExpiredAuthenticationToken"
        } else {
            "InvalidAuthenticationToken"
        };
        return Err(Refusal::new(401, code, "Lifetime validation failed, the token is expired."));
    }
    if let Caller::User(id) = &issued.caller {
        let user = state.users.find(id).and_then(|seq| state.users.get(seq));
        let revoked = user.is_none_or(|user| {
            !user.account_enabled || user.sign_in.valid_from.is_some_and(|from| issued.issued < from)
        });
        if revoked {
            return Err(Refusal::unauthenticated(
                "Continuous access evaluation resulted in challenge: the token was issued before the user's sessions were revoked.",
            ));
        }
    }
    Ok((issued.caller.clone(), issued.permissions.clone()))
}

fn refused(refusal: &Refusal, call: &Call, ids: &Ids) -> Answer {
    let body = match call.service {
        Service::Graph => ids.graph_error(refusal),
        Service::Arm => Ids::arm_error(refusal),
        Service::Login => login::refused(refusal, ids),
    };
    Answer { headers: refusal_headers(refusal), ..Answer::json(refusal.status, body) }
}

fn deliver(lab: &LabTenant, call: &Call, action: Option<Action>, mut answer: Answer) -> Delivery {
    let cut = matches!(action, Some(Action::CutBefore | Action::CutAfter));
    if let (Some(Action::NextLinkTo(origin)), Payload::Json(value)) = (&action, &mut answer.payload) {
        redirect_next_link(value, &call.origin, origin);
    }
    lab.record(&call.method, &decode(&call.path), &call.query, (!cut).then_some(answer.status));
    Delivery { answer: (!cut).then_some(answer), cut_within: matches!(action, Some(Action::CutWithin)) }
}

fn redirect_next_link(value: &mut Value, from: &str, to: &str) {
    if let Some(Value::String(link)) = value.get_mut("@odata.nextLink")
        && let Some(rest) = link.strip_prefix(from)
    {
        *link = format!("{to}{rest}");
    }
}

/// Runs the items of a batch in order; an item whose dependency failed is not run.
async fn run_batch(lab: &LabTenant, call: &Call, ids: &Ids) -> Answer {
    let items = match batch::items(call) {
        Ok(items) => items,
        Err(refusal) => return Answer::json(refusal.status, ids.graph_error(&refusal)),
    };
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::with_capacity(items.len());
    for item in items {
        let failed = item
            .depends_on
            .iter()
            .any(|id| statuses.get(&id.to_lowercase()).is_none_or(|status| *status >= 400));
        let answer = if failed {
            let refusal =
                Refusal::new(424, "FailedDependency", "A request that this one depends on has failed.");
            Answer::json(424, ids.graph_error(&refusal))
        } else {
            let delivery = handle_item(lab, &item.call, ids).await;
            answer_of(delivery, ids)
        };
        statuses.insert(item.id.to_lowercase(), answer.status);
        responses.push(batch::response(item.id, answer));
    }
    Answer::ok(json!({ "responses": responses }))
}

/// An item has no connection of its own to be cut: the batch says that nothing came back in time.
fn answer_of(delivery: Delivery, ids: &Ids) -> Answer {
    match delivery.answer {
        Some(answer) if !delivery.cut_within => answer,
        _ => Answer::json(504, ids.graph_error(&Refusal::of_status(504))),
    }
}
