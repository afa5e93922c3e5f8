//! The client credentials grant: an application signs in with a secret or a certificate.

use async_trait::async_trait;
use onramp_core::{Password, Result};
use reqwest::Method;
use serde::Deserialize;
use time::Duration;

use super::client_certificate::ClientCertificate;
use super::credential::ClientSecret;
use crate::client::GraphClient;
use crate::http::request::{Effect, Request};
use crate::http::transport::Transport;
use crate::token::{AccessToken, TokenSource};

/// The proof of an application's identity.
#[derive(Debug)]
pub(crate) enum Proof {
    Secret(ClientSecret),
    Certificate(ClientCertificate),
}

impl Proof {
    pub(crate) fn tenant(&self) -> &str {
        match self {
            Self::Secret(secret) => &secret.tenant,
            Self::Certificate(certificate) => &certificate.tenant,
        }
    }
}

/// The token source of an application.
#[derive(Debug)]
pub(crate) struct ClientCredentialsSource {
    pub(crate) transport: Transport,
    pub(crate) proof: Proof,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: u32,
}

/// The type of an assertion in place of a secret (RFC 7523 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[async_trait]
impl TokenSource for ClientCredentialsSource {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        let request = request_of(&self.transport, &self.proof, scope, claims)?;
        let token: TokenReply = self.transport.send(&request).await?.json(&request)?;
        let expires_at = self.transport.clock().now() + Duration::seconds(token.expires_in.into());
        Ok(AccessToken::new(Password::new(token.access_token), expires_at))
    }
}

/// Returns the request for a token of an application.
fn request_of(transport: &Transport, proof: &Proof, scope: &str, claims: Option<&str>) -> Result<Request> {
    let url = transport.endpoints().login().url(&[proof.tenant(), "oauth2", "v2.0", "token"])?;
    // An assertion works like a secret until it expires, so it is treated like one.
    let (client_id, secret) = match proof {
        Proof::Secret(ClientSecret { client_id, secret, .. }) => (client_id, secret.clone()),
        Proof::Certificate(certificate) => {
            let now = transport.clock().now();
            (&certificate.client_id, certificate.assertion(url.url(), now)?)
        }
    };
    let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("scope", scope)];
    match proof {
        Proof::Secret(_) => form.push(("client_secret", secret.expose())),
        Proof::Certificate(_) => {
            form.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", secret.expose())]);
        }
    }
    if let Some(claims) = claims {
        form.push(("claims", claims));
    }
    Ok(Request::new("get an access token for the application", Method::POST, url)
        .object(client_id)
        .effect(Effect::Idempotent)
        .secret(&secret)
        .form(&form))
}

impl GraphClient {
    /// Returns the request for a token of another application, which signs in with its certificate. Its reply is no part of
    /// the cache of this client: a sign-in can be tried with it.
    ///
    /// # Errors
    /// `Invalid` if the tenant in the certificate's credential is not valid, or if the key cannot sign.
    pub fn token_request(&self, certificate: &ClientCertificate, scope: &str) -> Result<Request> {
        request_of(&self.transport, &Proof::Certificate(certificate.clone()), scope, None)
    }
}
