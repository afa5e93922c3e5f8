//! A key vault in memory, served as Azure Key Vault serves secrets: versions, tags, disabled versions, pages, and the
//! challenge that tells a client which token to bring.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State as AppState};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::{get, put};
use axum::{Router, response::IntoResponse};
use onramp_core::{Clock, Error, ErrorKind, Password, Result};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::listener::accept;
use crate::tls::LabCa;

/// The resource that tokens for the vault are for.
const RESOURCE: &str = "https://vault.azure.net";
/// The maximum number of versions on a page, as in Azure.
const PAGE: usize = 25;

/// A key vault in memory. A clone is the same vault.
///
/// ```
/// # async fn example() -> onramp_core::Result<()> {
/// use std::sync::Arc;
/// use onramp_core::SystemClock;
/// use onramp_lab::{tls::LabCa, vault::LabVault};
///
/// let vault = LabVault::new(Arc::new(SystemClock::new()));
/// let server = vault.serve(&LabCa::new()?, ([127, 0, 0, 1], 0).into()).await?;
/// assert!(server.url().starts_with("https://localhost:"));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct LabVault(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    token: Password,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The versions of each secret, the latest last.
    secrets: BTreeMap<String, Vec<Version>>,
    next_version: u64,
    /// The statuses of the next answers, in place of what would be answered; `None` is what would be.
    faults: VecDeque<Option<u16>>,
}

#[derive(Debug, Clone)]
struct Version {
    id: String,
    value: Password,
    is_enabled: bool,
    tags: Map<String, Value>,
    /// Seconds, as the service keeps them.
    created: i64,
}

/// A version of a secret in the vault.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VaultSecret {
    /// The name of the secret.
    pub name: String,
    /// The value.
    pub value: Password,
    /// True if the value can be read.
    pub is_enabled: bool,
}

/// A vault that answers at an address. The server ends when it is dropped.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct LabVaultServer {
    url: String,
    _running: DropGuard,
}

impl LabVaultServer {
    /// Returns the URL of the vault.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl LabVault {
    /// Creates an empty vault.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let token = Password::new(format!("vault-token-{:016x}", clock.random()));
        Self(Arc::new(Shared { clock, token, state: Mutex::default() }))
    }

    /// Returns the access token that the vault accepts.
    pub fn token(&self) -> Password {
        self.0.token.clone()
    }

    /// Returns every version of every secret, the oldest first.
    pub fn secrets(&self) -> Vec<VaultSecret> {
        let state = self.state();
        let all = state.secrets.iter().flat_map(|(name, versions)| {
            versions.iter().map(|version| VaultSecret {
                name: name.clone(),
                value: version.value.clone(),
                is_enabled: version.is_enabled,
            })
        });
        all.collect()
    }

    /// Answers requests with a status instead of carrying them out: after a number of others, that many of them.
    pub fn fail(&self, after: usize, status: u16, times: usize) {
        let mut state = self.state();
        state.faults.extend(std::iter::repeat_n(None, after));
        state.faults.extend(std::iter::repeat_n(Some(status), times));
    }

    /// Forgets the faults that did not happen yet.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Serves the vault over TLS at an address (port 0: any free one), as `localhost`. The server ends when the returned value is dropped.
    ///
    /// # Errors
    /// `Unavailable` if nothing can listen there.
    pub async fn serve(&self, ca: &LabCa, address: SocketAddr) -> Result<LabVaultServer> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, "serve the lab's vault at")
                .with_object(address)
                .with_detail(error.to_string())
        };
        let tls = TlsAcceptor::from(ca.server_config(&["localhost"])?);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let stop = CancellationToken::new();
        let router = Router::new()
            .route("/secrets/{name}", put(set))
            .route("/secrets/{name}/", get(get_latest))
            .route("/secrets/{name}/versions", get(list))
            .route("/secrets/{name}/{version}", get(get_version).patch(update))
            .with_state(Arc::new(Service {
                vault: self.clone(),
                origin: format!("https://localhost:{port}"),
            }));
        tokio::spawn(accept(listener, Some(tls), router, stop.clone()));
        Ok(LabVaultServer { url: format!("https://localhost:{port}"), _running: stop.drop_guard() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The vault and its URL, which stands in every ID.
#[derive(Debug)]
struct Service {
    vault: LabVault,
    origin: String,
}

type Answer = std::result::Result<Value, Refused>;

/// An error of the service.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refused {
    Refused { status, code, message: message.into() }
}

impl Service {
    /// Checks a request, and answers it.
    fn answer(
        &self,
        headers: &HeaderMap,
        query: &HashMap<String, String>,
        action: impl FnOnce(&mut State) -> Answer,
    ) -> Response<Body> {
        let expected = format!("Bearer {}", self.vault.0.token.expose());
        let is_signed_in =
            headers.get("authorization").is_some_and(|given| given.as_bytes() == expected.as_bytes());
        if !is_signed_in {
            let refused = refused(
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "AKV10000: Request is missing a Bearer token.",
            );
            let mut response = Err(refused).into_answer();
            let challenge = format!(
                "Bearer authorization=\"https://login.microsoftonline.com/lab\", resource=\"{RESOURCE}\""
            );
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                response.headers_mut().insert("www-authenticate", challenge);
            }
            return response;
        }
        let mut state = self.vault.state();
        if let Some(Some(status)) = state.faults.pop_front() {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Err(refused(status, "Injected", "a fault on demand")).into_answer();
        }
        if !query.contains_key("api-version") {
            return Err(refused(StatusCode::BAD_REQUEST, "BadParameter", "api-version must be specified"))
                .into_answer();
        }
        action(&mut state).into_answer()
    }

    fn bundle(&self, name: &str, version: &Version, with_value: bool) -> Value {
        let mut bundle = json!({
            "id": format!("{}/secrets/{name}/{}", self.origin, version.id),
            "attributes": {
                "enabled": version.is_enabled, "created": version.created, "updated": version.created,
                "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
            },
            "tags": version.tags,
        });
        if with_value && let Some(bundle) = bundle.as_object_mut() {
            bundle.insert("value".into(), version.value.expose().into());
        }
        bundle
    }
}

trait IntoAnswer {
    fn into_answer(self) -> Response<Body>;
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Response<Body> {
        let (status, body) = match self {
            Ok(body) => (StatusCode::OK, body),
            Err(Refused { status, code, message }) => {
                (status, json!({ "error": { "code": code, "message": message } }))
            }
        };
        (status, [("content-type", "application/json; charset=utf-8")], body.to_string()).into_response()
    }
}

/// Returns the name of a secret in the form by which the service compares names.
fn checked(name: &str) -> std::result::Result<String, Refused> {
    let is_valid = (1..=127).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match is_valid {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(refused(
            StatusCode::BAD_REQUEST,
            "BadParameter",
            format!("The request URI contains an invalid name: {name}"),
        )),
    }
}

fn not_found(name: &str) -> Refused {
    let message = format!("A secret with (name/id) {name} was not found in this key vault.");
    refused(StatusCode::NOT_FOUND, "SecretNotFound", message)
}

fn body_of(body: &Bytes) -> std::result::Result<Map<String, Value>, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| refused(StatusCode::BAD_REQUEST, "BadParameter", error.to_string()))
}

fn enabled(body: &Map<String, Value>) -> Option<bool> {
    body.get("attributes")?.get("enabled")?.as_bool()
}

type Ask = (AppState<Arc<Service>>, HeaderMap, Query<HashMap<String, String>>);

async fn set(
    (AppState(service), headers, Query(query)): Ask,
    Path(name): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let now = service.vault.0.clock.now().unix_timestamp();
    service.answer(&headers, &query, |state| {
        let (key, body) = (checked(&name)?, body_of(&body)?);
        let value = body.get("value").and_then(Value::as_str);
        let value = value
            .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "BadParameter", "Property value is required"))?;
        state.next_version += 1;
        let version = Version {
            id: format!("{:032x}", state.next_version),
            value: Password::new(value.to_owned()),
            is_enabled: enabled(&body).unwrap_or(true),
            tags: body.get("tags").and_then(Value::as_object).cloned().unwrap_or_default(),
            created: now,
        };
        let bundle = service.bundle(&key, &version, true);
        state.secrets.entry(key).or_default().push(version);
        Ok(bundle)
    })
}

async fn get_latest(ask: Ask, Path(name): Path<String>) -> Response<Body> {
    read(ask, &name, None)
}

async fn get_version(ask: Ask, Path((name, version)): Path<(String, String)>) -> Response<Body> {
    read(ask, &name, Some(&version))
}

fn read((AppState(service), headers, Query(query)): Ask, name: &str, wanted: Option<&str>) -> Response<Body> {
    service.answer(&headers, &query, |state| {
        let versions = state.secrets.get(&checked(name)?).ok_or_else(|| not_found(name))?;
        let found = match wanted {
            Some(id) => versions.iter().find(|version| version.id == id),
            None => versions.last(),
        };
        let version = found.ok_or_else(|| not_found(name))?;
        if !version.is_enabled {
            let message = "Operation get is not allowed on a disabled secret.";
            return Err(refused(StatusCode::FORBIDDEN, "Forbidden", message));
        }
        Ok(service.bundle(name, version, true))
    })
}

async fn list((AppState(service), headers, Query(query)): Ask, Path(name): Path<String>) -> Response<Body> {
    service.answer(&headers, &query, |state| {
        let versions = state.secrets.get(&checked(&name)?).map(Vec::as_slice).unwrap_or_default();
        let from = query.get("$skiptoken").and_then(|token| token.parse::<usize>().ok()).unwrap_or(0);
        let page = versions.iter().skip(from).take(PAGE).map(|version| service.bundle(&name, version, false));
        let page: Vec<Value> = page.collect();
        let next = (from + PAGE < versions.len()).then(|| {
            format!("{}/secrets/{name}/versions?api-version=7.6&$skiptoken={}", service.origin, from + PAGE)
        });
        Ok(json!({ "value": page, "nextLink": next }))
    })
}

async fn update(
    (AppState(service), headers, Query(query)): Ask,
    Path((name, id)): Path<(String, String)>,
    body: Bytes,
) -> Response<Body> {
    service.answer(&headers, &query, |state| {
        let body = body_of(&body)?;
        let versions = state.secrets.get_mut(&checked(&name)?).ok_or_else(|| not_found(&name))?;
        let version = versions.iter_mut().find(|version| version.id == id).ok_or_else(|| not_found(&name))?;
        version.is_enabled = enabled(&body).unwrap_or(version.is_enabled);
        if let Some(tags) = body.get("tags").and_then(Value::as_object) {
            version.tags.clone_from(tags);
        }
        Ok(service.bundle(&name, version, false))
    })
}
