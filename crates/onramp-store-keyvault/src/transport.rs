//! The transport of Azure's client: the program's own HTTP client, and no other origin than the vault.

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};

/// An HTTP client that sends requests to one origin only.
#[derive(Debug)]
pub(crate) struct OneOrigin {
    pub(crate) http: reqwest::Client,
    pub(crate) vault: reqwest::Url,
}

fn refused(detail: String) -> Error {
    Error::with_message(ErrorKind::Other, detail)
}

#[async_trait]
impl HttpClient for OneOrigin {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url: reqwest::Url =
            request.url().as_str().parse().map_err(|error| refused(format!("{error}")))?;
        // A link to the next page could lead elsewhere, and take the token with it.
        if url.origin() != self.vault.origin() {
            return Err(refused(format!(
                "the vault refers to another origin: {}",
                url.origin().ascii_serialization()
            )));
        }
        let method = match request.method() {
            Method::Delete => reqwest::Method::DELETE,
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            other => return Err(refused(format!("{other:?} is not used with a vault"))),
        };
        let mut sent = self.http.request(method, url);
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        sent = match request.body() {
            Body::Bytes(bytes) => sent.body(bytes.clone()),
            Body::SeekableStream(_) => return Err(refused("a stream is not sent to a vault".to_owned())),
        };
        let lost = |error: reqwest::Error| {
            let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
            Error::with_message(kind, chain(&error))
        };
        let answer = sent.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?.to_owned();
            Some((HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value)))
        });
        let headers = Headers::from(headers.collect::<std::collections::HashMap<_, _>>());
        let body = answer.bytes().await.map_err(lost)?;
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

/// Returns an error with its sources, without the URL.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::from("the vault did not answer");
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}
