//! JSON batching: up to twenty requests in one.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::call::{Call, asks_to_create};
use super::exchange::{Answer, Payload};
use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Outcome, Refusal};

const MOST_ITEMS: usize = 20;

/// One request of a batch.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) depends_on: Vec<String>,
    pub(super) call: Call,
}

pub(super) fn response(id: String, answer: Answer) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in &answer.headers {
        let name = if *name == "retry-after" { "Retry-After" } else { name };
        headers.insert(name.to_owned(), json!(value));
    }
    let mut response = json!({ "id": id, "status": answer.status });
    match answer.payload {
        Payload::None => {}
        Payload::Json(value) => {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            put(&mut response, "body", value);
        }
        Payload::Text(kind, text) => {
            headers.insert("Content-Type".to_owned(), json!(kind));
            put(&mut response, "body", json!(text));
        }
    }
    put(&mut response, "headers", Value::Object(headers));
    response
}

pub(super) fn items(batch: &Call) -> Outcome<Vec<Item>> {
    let malformed = |message: &str| Refusal::new(400, "BadRequest", message);
    let body: Value =
        serde_json::from_slice(&batch.body).map_err(|_| malformed("Invalid batch payload format."))?;
    let requests = body
        .get("requests")
        .and_then(Value::as_array)
        .ok_or_else(|| malformed("Invalid batch payload format."))?;
    if requests.len() > MOST_ITEMS {
        return Err(malformed("Number of batch request steps exceeds the maximum value of 20."));
    }
    let mut seen = HashSet::new();
    requests
        .iter()
        .map(|request| {
            let item = item(batch, request).ok_or_else(|| {
                malformed(
                    "Invalid batch request: id, method and url are required, and Content-Type with a body.",
                )
            })?;
            if seen.insert(item.id.to_lowercase()) {
                Ok(item)
            } else {
                Err(malformed("Request Id has to be unique in a batch."))
            }
        })
        .collect()
}

fn item(batch: &Call, request: &Value) -> Option<Item> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let header = |name: &str| {
        let headers = request.get("headers").and_then(Value::as_object)?;
        headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_str())
    };
    let version = batch.path.strip_suffix("/$batch")?;
    let (path, query) = text("url")?.split_once('?').unwrap_or((text("url")?, ""));
    let body = match request.get("body") {
        None => Vec::new(),
        Some(body) => {
            header("content-type")?;
            body.to_string().into_bytes()
        }
    };
    let depends_on = request.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
    Some(Item {
        id: text("id")?.to_owned(),
        depends_on: depends_on.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        call: Call {
            method: text("method")?.to_uppercase(),
            path: format!("{version}/{}", path.trim_start_matches('/')),
            query: query.to_owned(),
            eventual: header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
            create_if_missing: header("prefer").is_some_and(asks_to_create),
            body,
            ..batch.clone()
        },
    })
}
