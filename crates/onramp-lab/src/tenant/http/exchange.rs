//! One request and its answer, between HTTP and the model.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::tenant::data::json::put;
use crate::tenant::data::refusal::{Detail, Outcome, Refusal};
use crate::tenant::sign_in::tokens::Caller;

/// A request that passed the gate and whose token is good.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Scheme and authority under which the client reached the server.
    pub(super) origin: String,
    pub(super) beta: bool,
    pub(super) method: String,
    /// Decoded path segments, without the version.
    pub(super) path: Vec<String>,
    pub(super) query: String,
    /// `ConsistencyLevel: eventual` was sent.
    pub(super) eventual: bool,
    /// `Prefer: create-if-missing` was sent.
    pub(super) create_if_missing: bool,
    pub(super) body: Vec<u8>,
    pub(super) caller: Caller,
    pub(super) now: OffsetDateTime,
}

impl Exchange {
    pub(super) fn version(&self) -> &'static str {
        if self.beta { "beta" } else { "v1.0" }
    }

    /// Returns the address of what lies at `path` below the version.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.origin, self.version())
    }

    pub(super) fn context(&self, what: &str) -> Value {
        Value::String(format!("{}/{}/$metadata#{what}", self.origin, self.version()))
    }

    /// Returns the body as a JSON object; no body is an empty one.
    pub(super) fn object(&self) -> Outcome<Map<String, Value>> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(mut object)) => {
                drop_annotations(&mut object);
                Ok(object)
            }
            _ => Err(Refusal::new(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }
}

/// Takes out what a body says of itself, as Microsoft's own SDKs do in every body: that a value has a type of Graph.
fn drop_annotations(object: &mut Map<String, Value>) {
    object.retain(|name, value| {
        let tells_type = name.ends_with("@odata.type") && value.as_str().is_some_and(is_type);
        !tells_type && name != "@odata.context"
    });
    for value in object.values_mut() {
        match value {
            Value::Object(inner) => drop_annotations(inner),
            Value::Array(values) => {
                values.iter_mut().filter_map(Value::as_object_mut).for_each(drop_annotations);
            }
            _ => {}
        }
    }
}

fn is_type(name: &str) -> bool {
    let name = name.strip_prefix('#').unwrap_or(name);
    let element = name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(name);
    ["microsoft.graph.", "String", "Int", "Boolean"].iter().any(|start| element.starts_with(start))
}

/// An answer before it has headers of its own.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) payload: Payload,
    pub(super) headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub(super) enum Payload {
    None,
    Json(Value),
    Text(&'static str, String),
}

impl Answer {
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, payload: Payload::Json(value), headers: Vec::new() }
    }

    pub(super) fn ok(value: Value) -> Self {
        Self::json(200, value)
    }

    pub(super) fn no_content() -> Self {
        Self { status: 204, payload: Payload::None, headers: Vec::new() }
    }

    pub(super) fn text(status: u16, content_type: &'static str, text: String) -> Self {
        Self { status, payload: Payload::Text(content_type, text), headers: Vec::new() }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// One object, with the context its type has.
    pub(super) fn entity(
        status: u16,
        exchange: &Exchange,
        context: &str,
        mut object: Map<String, Value>,
    ) -> Self {
        let mut whole = Map::new();
        whole.insert("@odata.context".to_owned(), exchange.context(&format!("{context}/$entity")));
        whole.append(&mut object);
        Self::json(status, Value::Object(whole))
    }
}

/// The identifiers of one exchange.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) request_id: String,
    pub(super) client_request_id: Option<String>,
    pub(super) now: OffsetDateTime,
}

impl Ids {
    /// A refusal in Graph's shape.
    pub(super) fn graph_error(&self, refusal: &Refusal) -> Value {
        let mut error = json!({
            "code": refusal.code,
            "message": refusal.message,
            "innerError": {
                "date": timestamp(self.now).trim_end_matches('Z'),
                "request-id": self.request_id,
                "client-request-id": self.client_request_id.as_ref().unwrap_or(&self.request_id),
            },
        });
        if !refusal.details.is_empty() {
            let detail = |d: &Detail| json!({ "code": d.code, "message": d.message, "target": d.target });
            put(&mut error, "details", refusal.details.iter().map(detail).collect());
        }
        json!({ "error": error })
    }

    /// A refusal in the shape of Azure Resource Manager.
    pub(super) fn arm_error(refusal: &Refusal) -> Value {
        json!({ "error": { "code": refusal.code, "message": refusal.message } })
    }
}

/// Returns the headers and the status that go with a refusal.
pub(super) fn refusal_headers(refusal: &Refusal) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(wait) = refusal.retry_after {
        // Whole seconds, and never too few.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.push(("retry-after", seconds.max(1).to_string()));
    }
    if refusal.status == 401 {
        let challenge = match &refusal.claims {
            Some(claims) => format!(
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"{claims}\""
            ),
            None => "Bearer realm=\"\", error=\"invalid_token\"".to_owned(),
        };
        headers.push(("www-authenticate", challenge));
    }
    headers
}

/// A time the way the service writes it.
pub(super) fn timestamp(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
        .unwrap_or_default()
}
