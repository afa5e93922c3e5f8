//! The tenant's server: Graph, Azure Resource Manager and the token endpoint at one origin.

mod arm;
mod batch;
mod call;
mod exchange;
mod graph;
mod login;
mod odata;
mod percent;
mod pipeline;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use onramp_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::call::{Call, Delivery, Service};
use crate::listener::{Cut, CutOnDemand, accept};
use crate::tenant::LabTenant;
use crate::tenant::data::refusal::Outcome;
use crate::tenant::data::users::UserPatch;
use crate::tls::LabCa;

/// Larger request bodies are refused.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Returns the changes of a user that the body of a PATCH asks for.
pub(super) fn patch_of(mut body: serde_json::Map<String, serde_json::Value>) -> Outcome<UserPatch> {
    graph::read_patch(&mut body, true)
}

/// A tenant that answers at an address. The server and every connection end when it is dropped.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct LabTenantServer {
    base_url: String,
    address: SocketAddr,
    _running: DropGuard,
}

impl LabTenantServer {
    /// Returns the origin of Graph (`/v1.0`, `/beta`), Azure Resource Manager and the login service, such as `https://localhost:8443`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the address the server listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl LabTenant {
    /// Serves the tenant over TLS at `address` (port 0: any free one), as `localhost`, `127.0.0.1` and `::1`.
    /// The server ends when the returned value is dropped.
    pub async fn serve(&self, ca: &LabCa, address: SocketAddr) -> Result<LabTenantServer> {
        let mut config = (*ca.server_config(&["localhost", "127.0.0.1", "::1"])?).clone();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        self.start(address, "https", Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// Serves the tenant without TLS, on the loopback interface only: for benchmarks that should not measure TLS.
    /// The server ends when the returned value is dropped.
    pub async fn serve_plain(&self, port: u16) -> Result<LabTenantServer> {
        self.start(SocketAddr::from(([127, 0, 0, 1], port)), "http", None).await
    }

    async fn start(
        &self,
        address: SocketAddr,
        scheme: &'static str,
        tls: Option<TlsAcceptor>,
    ) -> Result<LabTenantServer> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, "serve the lab's tenant at")
                .with_object(address)
                .with_detail(error.to_string())
                .with_source(error)
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, tls, router(self.clone(), scheme), stop.clone()));
        // The names of the certificate; a server that listens everywhere is reached from here all the same.
        let host = if scheme == "http" { "127.0.0.1" } else { "localhost" };
        Ok(LabTenantServer {
            base_url: format!("{scheme}://{host}:{}", address.port()),
            address,
            _running: stop.drop_guard(),
        })
    }
}

fn router(lab: LabTenant, scheme: &'static str) -> Router {
    Router::new()
        .route("/v1.0/{*path}", any(|app, request| answer(app, Service::Graph, request)))
        .route("/beta/{*path}", any(|app, request| answer(app, Service::Graph, request)))
        .route("/{tenant}/oauth2/v2.0/{operation}", any(|app, request| answer(app, Service::Login, request)))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            any(|app, request| answer(app, Service::Login, request)),
        )
        .fallback(|app, request| answer(app, Service::Arm, request))
        .layer(Extension(App { lab, scheme }))
}

/// The state of the server that every request needs.
#[derive(Clone, Debug)]
struct App {
    lab: LabTenant,
    scheme: &'static str,
}

async fn answer(Extension(app): Extension<App>, service: Service, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_BODY).await;
    let Ok(body) = body else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let call = Call::from_request(service, &parts, body.to_vec(), app.scheme);
    let ids = call.ids(&app.lab);
    let delivery = pipeline::handle(&app.lab, &call, &ids).await;
    respond(delivery, &call, &ids)
}

fn respond(delivery: Delivery, call: &Call, ids: &exchange::Ids) -> Response {
    let Some(answer) = delivery.answer else {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Cut);
        return response;
    };
    let (content_type, text) = match answer.payload {
        exchange::Payload::None => (None, String::new()),
        exchange::Payload::Json(value) => (Some(call.service.json_type()), value.to_string()),
        exchange::Payload::Text(kind, text) => (Some(kind), text),
    };
    let length = text.len();
    let body = if delivery.cut_within { half_of(text) } else { Body::from(text) };
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if let Some(kind) = content_type {
        set("content-type", kind);
    }
    if delivery.cut_within {
        set("content-length", &length.to_string());
    }
    set(call.service.request_id_header(), &ids.request_id);
    if let Some(id) = &ids.client_request_id {
        set("client-request-id", id);
    }
    for (name, value) in &answer.headers {
        set(name, value);
    }
    response
}

/// Returns the first half of a body, and then the end of the connection.
fn half_of(text: String) -> Body {
    let half = text.into_bytes();
    let half = half.get(..half.len() / 2).map(<[u8]>::to_vec).unwrap_or_default();
    let parts: [std::result::Result<Vec<u8>, CutOnDemand>; 2] = [Ok(half), Err(CutOnDemand)];
    Body::from_stream(futures_util::stream::iter(parts))
}
