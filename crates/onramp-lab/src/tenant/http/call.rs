//! One call on its way through the gate: faults, latency, token, operation, log.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde_json::Value;

use super::exchange::{Answer, Exchange, Ids, Payload, refusal_headers};
use super::{arm, batch, graph, login};
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::limits::gate::Action;
use crate::tenant::sign_in::permissions::suffice;
use crate::tenant::sign_in::tokens::{Audience, Caller};
use crate::tenant::{LabCredentials, LabTenant};

/// Which of the three services a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Graph,
    Arm,
    Login,
}

impl Face {
    pub(super) fn json_type(self) -> &'static str {
        match self {
            Self::Graph => {
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
            Self::Arm | Self::Login => "application/json; charset=utf-8",
        }
    }

    pub(super) fn request_id_header(self) -> &'static str {
        match self {
            Self::Graph => "request-id",
            Self::Arm | Self::Login => "x-ms-request-id",
        }
    }
}

/// A request, on the wire or as an item of a batch.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) face: Face,
    pub(super) origin: String,
    pub(super) method: String,
    /// As it came, with the version.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) bearer: Option<String>,
    pub(super) eventual: bool,
    pub(super) client_request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What becomes of a call.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `None`: the connection is cut instead.
    pub(super) answer: Option<Answer>,
    pub(super) cut_within: bool,
}

impl Call {
    pub(super) fn from_request(face: Face, parts: &Parts, body: Vec<u8>, scheme: &str) -> Self {
        let header = |name: &str| text_of(&parts.headers, name);
        let authority = parts.uri.authority().map(ToString::to_string).or_else(|| header("host"));
        let bearer = header("authorization").and_then(|value| {
            let (kind, token) = value.split_once(' ')?;
            kind.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        Self {
            face,
            origin: format!("{scheme}://{}", authority.unwrap_or_default()),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            bearer,
            eventual: header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
            client_request_id: header("client-request-id").or_else(|| header("x-ms-client-request-id")),
            body,
        }
    }

    pub(super) fn ids(&self, lab: &LabTenant) -> Ids {
        Ids {
            request_id: lab.with_gate(|gate| gate.request_id()),
            client_request_id: self.client_request_id.clone(),
            now: lab.clock().now(),
        }
    }

    fn is_batch(&self) -> bool {
        self.face == Face::Graph && self.path.ends_with("/$batch")
    }
}

/// Handles a call from the wire.
pub(super) async fn handle(lab: &LabTenant, call: &Call, ids: &Ids) -> Delivery {
    let action = admit(lab, call).await;
    let answer = match instead(&action, lab, call, ids) {
        Some(answer) => answer,
        None if call.is_batch() => batch::run(lab, call, ids).await,
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
    let ((action, strangers), latency) =
        lab.with_gate(|gate| (gate.strike(&call.method, &path, &call.query), gate.draw_latency()));
    strangers.iter().for_each(|stranger| stranger.act(lab));
    if let Some(latency) = latency {
        lab.clock().sleep(latency).await;
    }
    if let Some(Action::Delay(time)) = &action {
        lab.clock().sleep(*time).await;
    }
    action
}

/// What is answered without doing anything, when the gate says so.
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
            let is_write = call.face != Face::Login && call.method != "GET" && !call.is_batch();
            let limit = if is_write { lab.with_gate(|gate| gate.count_write(ids.now)) } else { Ok(()) };
            limit.err().map(|refusal| refused(&refusal, call, ids))
        }
    }
}

/// Only what is done is charged, and says what it cost.
fn charge_and_execute(lab: &LabTenant, call: &Call, ids: &Ids) -> Answer {
    if call.face != Face::Graph {
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
        if call.face == Face::Login {
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
    let (beta, path) = match call.face {
        Face::Graph => {
            let rest = call.path.trim_start_matches('/');
            let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (version == "beta", graph::segments(rest))
        }
        Face::Arm | Face::Login => {
            (false, call.path.split('/').filter(|part| !part.is_empty()).map(decode).collect())
        }
    };
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_application = matches!(caller, Caller::Application(_));
    if call.face == Face::Graph && is_application && !suffice(&permissions, &call.method, &names) {
        return Err(Refusal::forbidden());
    }
    let exchange = Exchange {
        origin: call.origin.clone(),
        beta,
        method: call.method.clone(),
        path,
        query: call.query.clone(),
        eventual: call.eventual,
        body: call.body.clone(),
        caller,
        now: ids.now,
    };
    match call.face {
        Face::Graph => graph::dispatch(&exchange, state),
        Face::Arm | Face::Login => arm::dispatch(&exchange, state),
    }
}

/// Who asks, and what an application was granted.
fn authenticate(state: &State, call: &Call, ids: &Ids) -> Outcome<(Caller, Vec<String>)> {
    let Some(token) = &call.bearer else { return Err(Refusal::unauthenticated("Access token is empty.")) };
    let Some(issued) = state.tokens.find(token) else {
        return Err(Refusal::unauthenticated(
            "Access token validation failure. The token was not issued by this tenant or was revoked.",
        ));
    };
    let wanted = if call.face == Face::Arm { Audience::Arm } else { Audience::Graph };
    if issued.audience != wanted && issued.audience != Audience::Lab {
        return Err(Refusal::unauthenticated("Access token validation failure. Invalid audience."));
    }
    if issued.expires <= ids.now {
        let code =
            if call.face == Face::Arm { "ExpiredAuthenticationToken" } else { "InvalidAuthenticationToken" };
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
    let body = match call.face {
        Face::Graph => ids.graph_error(refusal),
        Face::Arm => Ids::arm_error(refusal),
        Face::Login => login::refused(refusal, ids),
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

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Percent-decodes a path; what is no valid escape, or not UTF-8 after it, stays as it is.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decode;

    #[test]
    fn escapes_are_decoded_and_nothing_else() {
        assert_eq!(decode("/users/a%23b%40c.example"), "/users/a#b@c.example");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%2"), "%zz%2");
        assert_eq!(decode("%ff"), "%ff");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in ".{0,20}") {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&escaped), text);
        }
    }
}
