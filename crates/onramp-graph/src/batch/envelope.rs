//! JSON batching: up to twenty requests in one, and their responses. No I/O.

use bytes::Bytes;
use onramp_core::{Error, ErrorKind, Result};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::http::endpoints::Endpoints;
use crate::http::request::{Body, Effect, Reply, Request};
use crate::http::throttle::Usage;

/// The maximum number of requests in a batch.
pub(crate) const MAX_REQUESTS: usize = 20;

/// Packs requests into one batch, with IDs 1, 2, 3 … in their order. `in_order`: each depends on the one before, and none
/// is executed after a failed one.
pub(crate) fn pack(
    endpoints: &Endpoints,
    version: &'static str,
    items: &[&Request],
    in_order: bool,
) -> Result<Request> {
    let url = endpoints.graph().url(&[version, "$batch"])?;
    let mut request = Request::new("send a batch of", Method::POST, url)
        .object(format_args!("{} changes", items.len()))
        // The effect of repeating is known for each single request.
        .effect(Effect::Idempotent);
    let room = items
        .iter()
        .map(|item| item.url.as_str().len() + item.body.as_ref().map_or(0, |b| b.bytes.len()) + 200);
    // Allocated once, so that no partial copy of a secret stays behind in a smaller buffer.
    let mut text = Zeroizing::new(Vec::with_capacity(room.sum()));
    text.extend_from_slice(br#"{"requests":["#);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        let mut head = Map::new();
        head.insert("id".into(), (at + 1).to_string().into());
        if in_order && at > 0 {
            head.insert("dependsOn".into(), vec![at.to_string()].into());
        }
        head.insert("method".into(), item.method.as_str().into());
        head.insert("url".into(), relative(endpoints, version, item)?.into());
        let mut headers: Map<String, Value> =
            item.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let content_type = item.body.as_ref().map(|body| body.content_type);
        // A POST without a body needs an empty one.
        let empty = item.body.is_none() && item.method == Method::POST;
        if let Some(kind) = content_type.or(empty.then_some("application/json")) {
            headers.insert("Content-Type".into(), kind.into());
        }
        if !headers.is_empty() {
            head.insert("headers".into(), headers.into());
        }
        let head = Value::from(head).to_string();
        // Left open: the body is appended as it is, so that no further copy of a secret is made.
        text.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        if let Some(body) = item.body.as_ref().map(|body| &body.bytes[..]).or(empty.then_some(b"{}")) {
            text.extend_from_slice(br#","body":"#);
            text.extend_from_slice(body);
        }
        text.push(b'}');
        request.secrets.extend(item.secrets.iter().cloned());
    }
    text.extend_from_slice(b"]}");
    request.body = Some(Body { content_type: "application/json", bytes: Bytes::from_owner(text) });
    Ok(request)
}

/// Returns the URL of an item relative to the API version.
fn relative(endpoints: &Endpoints, version: &str, item: &Request) -> Result<String> {
    let base = format!("{}/{version}", endpoints.graph().base().path().trim_end_matches('/'));
    let path = item.url.path().strip_prefix(&base).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "put the request in a batch").with_object(item.url.path())
    })?;
    Ok(match item.url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[derive(Deserialize)]
struct Envelope {
    responses: Vec<Value>,
}

#[derive(Deserialize)]
struct Item {
    id: Value,
    status: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<Value>,
}

/// Returns the responses to `count` requests, in the order of the requests. `None` for a request whose response is missing
/// or contradictory; `None` altogether if this is not the response to a batch.
pub(crate) fn unpack(reply: &Reply, count: usize) -> Option<Vec<Option<Reply>>> {
    let envelope: Envelope = serde_json::from_slice(&reply.body).ok()?;
    let mut replies: Vec<Option<Reply>> = Vec::new();
    replies.resize_with(count, || None);
    let mut contradicted = vec![false; count];
    for item in envelope.responses.into_iter().filter_map(|item| serde_json::from_value::<Item>(item).ok()) {
        let Some(at) = position(&item.id, count) else {
            tracing::warn!(id = %item.id, "the service sent a response to a request that is not in the batch");
            continue;
        };
        let (Some(slot), Some(contradicted)) = (replies.get_mut(at), contradicted.get_mut(at)) else {
            continue;
        };
        match slot {
            Some(first) if first.status != item.status => *contradicted = true,
            Some(_) => {}
            None => *slot = Some(item_reply(item, reply)),
        }
    }
    for (slot, _) in replies.iter_mut().zip(contradicted).filter(|(_, contradicted)| *contradicted) {
        *slot = None;
    }
    Some(replies)
}

fn position(id: &Value, count: usize) -> Option<usize> {
    let number: usize = match id {
        Value::String(text) => text.parse().ok()?,
        other => other.as_u64()?.try_into().ok()?,
    };
    number.checked_sub(1).filter(|at| *at < count)
}

fn item_reply(item: Item, outer: &Reply) -> Reply {
    let mut headers = HeaderMap::new();
    // The request ID of the batch identifies its items, which may have none.
    for name in ["request-id", "date"] {
        if let Some(value) = outer.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    for (name, value) in item.headers.unwrap_or_default() {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text))
        {
            headers.insert(name, value);
        }
    }
    let body = match item.body {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.into_bytes(),
        Some(body) => body.to_string().into_bytes(),
    };
    Reply {
        status: item.status,
        version: outer.version,
        headers,
        body: body.into(),
        client_request_id: outer.client_request_id.clone(),
        follows_lost_reply: false,
    }
}

/// Returns the use of the limits from the headers of responses.
pub(crate) fn usage<'a>(replies: impl IntoIterator<Item = &'a Reply>) -> Usage {
    let mut usage = Usage::default();
    for reply in replies {
        let number = |name| reply.header(name).and_then(|value| value.trim().parse::<f64>().ok());
        if let Some(units) = number("x-ms-resource-unit").filter(|units| units.is_finite()) {
            // A float out of range saturates.
            usage.units = Some(usage.units.unwrap_or(0).saturating_add(units.max(0.0) as u32));
        }
        if let Some(used) = number("x-ms-throttle-limit-percentage") {
            usage.of_limit = Some(usage.of_limit.map_or(used, |known| known.max(used)));
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::http::endpoints::Cloud;

    fn reply(body: &Value) -> Reply {
        Reply { body: body.to_string().into_bytes().into(), ..Reply::empty() }
    }

    fn statuses(body: &Value, count: usize) -> Option<Vec<Option<u16>>> {
        Some(unpack(&reply(body), count)?.into_iter().map(|one| one.map(|one| one.status)).collect())
    }

    #[test]
    fn answers_are_found_by_their_ids_and_doubtful_ones_are_none() {
        let answer = |id: Value, status: u16| json!({ "id": id, "status": status });
        let body = json!({ "responses": [
            answer(json!("3"), 204), answer(json!(1), 404), answer(json!("2"), 204), answer(json!("2"), 429),
            answer(json!("9"), 200), answer(json!("x"), 200), { "id": "4" },
        ] });
        assert_eq!(statuses(&body, 4).unwrap(), [Some(404), None, Some(204), None]);
        assert_eq!(
            statuses(&json!({ "responses": [answer(json!("1"), 204), answer(json!("1"), 204)] }), 1).unwrap(),
            [Some(204)]
        );
        assert_eq!(statuses(&json!({ "value": [] }), 1), None);
    }

    #[test]
    fn headers_of_items_are_read_whatever_their_case() {
        let body = json!({ "responses": [{ "id": "1", "status": 429,
            "headers": { "Retry-After": "0.249", "x-ms-throttle-limit-percentage": 0.9, "X-MS-Resource-Unit": "2", "bad name": "x" },
            "body": { "error": { "code": "TooManyRequests" } } }] });
        let replies = unpack(&reply(&body), 1).unwrap();
        let one = replies[0].as_ref().unwrap();
        assert_eq!(one.header("retry-after"), Some("0.249"));
        assert_eq!(usage([one, one]), Usage { units: Some(4), of_limit: Some(0.9) });
    }

    proptest! {
        #[test]
        fn no_answer_is_fatal(body in prop::collection::vec(any::<u8>(), 0..200), count in 0_usize..21) {
            let reply = Reply { body: body.into(), ..Reply::empty() };
            prop_assert!(unpack(&reply, count).is_none_or(|replies| replies.len() == count));
        }

        #[test]
        fn an_envelope_is_json_and_holds_what_was_put_in(names in prop::collection::vec("\\PC{1,20}", 1..20), in_order: bool) {
            let endpoints = Endpoints::at("https://gateway.example/graph").unwrap();
            let item = |name: &String| {
                let url = endpoints.graph().url(&["v1.0", "users", name]).ok()?;
                Request::new("x", Method::PATCH, url).json(&json!({ "displayName": name, "a": { "b": {} } })).ok()
            };
            let items: Vec<Request> = names.iter().filter_map(item).collect();
            let refs: Vec<&Request> = items.iter().collect();
            let packed = pack(&endpoints, "v1.0", &refs, in_order).unwrap();
            let text: Value = serde_json::from_slice(&packed.body.unwrap().bytes).unwrap();
            let requests = text["requests"].as_array().unwrap();
            prop_assert_eq!(requests.len(), items.len());
            for (at, (sent, item)) in requests.iter().zip(&items).enumerate() {
                prop_assert_eq!(&sent["id"], &json!((at + 1).to_string()));
                prop_assert!(item.url.path().ends_with(sent["url"].as_str().unwrap()));
                prop_assert!(sent["url"].as_str().unwrap().starts_with("/users/"));
                prop_assert_eq!(&sent["headers"]["Content-Type"], "application/json");
                prop_assert_eq!(&sent["body"]["a"]["b"], &json!({}));
                prop_assert_eq!(sent["dependsOn"].is_array(), in_order && at > 0);
            }
        }
    }

    #[test]
    fn a_post_without_a_body_is_given_an_empty_one() {
        let endpoints = Cloud::Global.endpoints().unwrap();
        let url = endpoints.graph().url(&["v1.0", "users", "1", "revokeSignInSessions"]).unwrap();
        let action = Request::new("x", Method::POST, url.clone());
        let delete = Request::new("x", Method::DELETE, url);
        let packed = pack(&endpoints, "v1.0", &[&action, &delete], false).unwrap();
        let text: Value = serde_json::from_slice(&packed.body.unwrap().bytes).unwrap();
        assert_eq!(text["requests"][0]["body"], json!({}));
        assert!(text["requests"][1].get("body").is_none() && text["requests"][1].get("headers").is_none());
    }
}
