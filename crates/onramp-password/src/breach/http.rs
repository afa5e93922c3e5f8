//! Ranges over HTTP, by reqwest.

use core::time::Duration;
use std::vec::Vec;

use reqwest::header::USER_AGENT;
use reqwest::{Client, StatusCode};

use super::{AsyncTransport, MAX_BODY, RangeRequest};

/// The timeout of a range, from the request to the end of the answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Fetches ranges by reqwest.
///
/// ```no_run
/// use onramp_password::breach::{HttpTransport, RangeClient};
///
/// # async fn example(client: reqwest::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let ranges = RangeClient::new(HttpTransport::new(client).with_user_agent("sign-up of example.com"));
/// let seen = ranges.count_async("correct horse battery staple").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    user_agent: String,
    limit: Duration,
}

impl HttpTransport {
    /// Uses a client that was set up for TLS, proxies and redirects elsewhere.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let user_agent = concat!("onramp-password/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { client, user_agent, limit: LIMIT }
    }

    /// Says who asks; the service wants to know.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Waits for a range so long at most, from the request to the end of the answer. 30 seconds unless set.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// The reason that a range was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no answer, or not all of it.
    #[error("the service did not answer")]
    Http(#[from] reqwest::Error),
    /// The answer is not a range.
    #[error("the service answered with status {0}")]
    Status(StatusCode),
    /// The answer does not end where a range does.
    #[error("the answer is longer than {MAX_BODY} bytes, so it is no range")]
    TooLong,
}

impl AsyncTransport for HttpTransport {
    type Error = FetchError;

    async fn fetch(&self, request: &RangeRequest) -> Result<Vec<u8>, FetchError> {
        let builder = self.client.get(request.url()).timeout(self.limit).header(USER_AGENT, &self.user_agent);
        let builder = request.headers().fold(builder, |builder, (name, value)| builder.header(name, value));
        let mut response = builder.send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
