//! A plain HTTP client for the lab's tenant, without any knowledge of Graph.

use std::sync::{Arc, Mutex};

use onramp_core::{ManualClock, Password};
use onramp_lab::tenant::{Audience, LabTenant, LabTenantBuilder, LabTenantServer};
use onramp_lab::tls::LabCa;
use serde_json::{Value, json};

/// A served tenant and a client that trusts it.
pub(crate) struct Wire {
    pub(crate) lab: LabTenant,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: reqwest::Client,
    server: LabTenantServer,
    token: Mutex<String>,
    /// What was exchanged, as entries of a HAR archive.
    exchanged: Mutex<Vec<Value>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert!(self.body["error"]["message"].is_string());
        self.body
    }
}

impl Wire {
    pub(crate) async fn new(builder: LabTenantBuilder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let lab = builder.seed(7).clock(clock.clone()).build().unwrap();
        let ca = LabCa::new().unwrap();
        let server = lab.serve(&ca, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let client = client_that_trusts(&ca);
        let token = Mutex::new(lab.application_token(Audience::Lab).expose().to_owned());
        Self { lab, clock, client, server, token, exchanged: Mutex::default() }
    }

    pub(crate) async fn default() -> Self {
        Self::new(LabTenant::builder()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.base_url())
    }

    pub(crate) fn base_url(&self) -> &str {
        self.server.base_url()
    }

    pub(crate) fn use_token(&self, token: &Password) {
        *self.token.lock().unwrap() = token.expose().to_owned();
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.try_send(method, path, body, &[]).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Reply> {
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        let mut request = self.client.request(method.parse().unwrap(), &url);
        let token = self.token.lock().unwrap().clone();
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        self.note(method, &url, body.as_ref(), status, &text);
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Reply { status, headers, body, text })
    }

    /// Asks the token endpoint.
    pub(crate) async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> Reply {
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/token"));
        let response = self.client.post(&url).form(form).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply { status, headers, body: serde_json::from_str(&text).unwrap(), text }
    }

    fn note(&self, method: &str, url: &str, body: Option<&Value>, status: u16, text: &str) {
        let body = body.map(|body| json!({ "mimeType": "application/json", "text": body.to_string() }));
        self.exchanged.lock().unwrap().push(json!({
            "request": { "method": method, "url": url, "postData": body },
            "response": { "status": status, "content": { "text": text } },
        }));
    }
}

/// With `ONRAMP_LAB_HAR` set to a directory, every test leaves an archive of its exchanges there.
impl Drop for Wire {
    fn drop(&mut self) {
        let Some(directory) = std::env::var_os("ONRAMP_LAB_HAR") else { return };
        let entries = std::mem::take(&mut *self.exchanged.lock().unwrap());
        let file = format!("{}.har", self.server.address().port());
        let archive = json!({ "log": { "version": "1.2", "entries": entries } });
        std::fs::write(std::path::Path::new(&directory).join(file), archive.to_string()).unwrap();
    }
}

pub(crate) fn client_that_trusts(ca: &LabCa) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.certificate_der()).unwrap();
    let mut tls =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        // A connection that was cut is to be seen, not mended.
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .unwrap()
}
