//! A request to the tenant, on the wire or as an item of a batch.

use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::exchange::{Answer, Ids};
use crate::tenant::LabTenant;

/// The service that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Graph,
    Arm,
    Login,
}

impl Service {
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
    pub(super) service: Service,
    pub(super) origin: String,
    pub(super) method: String,
    /// As it came, with the version.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) bearer: Option<String>,
    pub(super) eventual: bool,
    /// `Prefer: create-if-missing` was sent.
    pub(super) create_if_missing: bool,
    pub(super) client_request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The result of a call.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `None`: the connection is cut instead.
    pub(super) answer: Option<Answer>,
    pub(super) cut_within: bool,
}

impl Call {
    pub(super) fn from_request(service: Service, parts: &Parts, body: Vec<u8>, scheme: &str) -> Self {
        let header = |name: &str| text_of(&parts.headers, name);
        let authority = parts.uri.authority().map(ToString::to_string).or_else(|| header("host"));
        let bearer = header("authorization").and_then(|value| {
            let (kind, token) = value.split_once(' ')?;
            kind.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        Self {
            service,
            origin: format!("{scheme}://{}", authority.unwrap_or_default()),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            bearer,
            eventual: header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
            create_if_missing: header("prefer").is_some_and(|wish| asks_to_create(&wish)),
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

    pub(super) fn is_batch(&self) -> bool {
        self.service == Service::Graph && self.path.ends_with("/$batch")
    }
}

/// Returns true if a `Prefer` header asks for an object to be created if it is missing.
pub(super) fn asks_to_create(prefer: &str) -> bool {
    prefer.split(',').any(|wish| wish.trim().eq_ignore_ascii_case("create-if-missing"))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
