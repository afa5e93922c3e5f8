//! The client credentials grant: an application signs in with a secret or a certificate.

use async_trait::async_trait;
use onramp_core::{Password, Result};
use reqwest::Method;
use serde::Deserialize;
use time::Duration;

use super::client_certificate::ClientCertificate;
use super::credential::ClientSecret;
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
        let tenant = self.proof.tenant();
        let url = self.transport.endpoints().login().url(&[tenant, "oauth2", "v2.0", "token"])?;
        // An assertion works like a secret until it expires, so it is treated like one.
        let (client_id, secret) = match &self.proof {
            Proof::Secret(ClientSecret { client_id, secret, .. }) => (client_id, secret.clone()),
            Proof::Certificate(certificate) => {
                let now = self.transport.clock().now();
                (&certificate.client_id, certificate.assertion(url.url(), now)?)
            }
        };
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("scope", scope)];
        match &self.proof {
            Proof::Secret(_) => form.push(("client_secret", secret.expose())),
            Proof::Certificate(_) => form
                .extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", secret.expose())]),
        }
        if let Some(claims) = claims {
            form.push(("claims", claims));
        }
        let request = Request::new("get an access token for the application", Method::POST, url)
            .object(client_id)
            .effect(Effect::Idempotent)
            .secret(&secret)
            .form(&form);
        let token: TokenReply = self.transport.send(&request).await?.json(&request)?;
        let expires_at = self.transport.clock().now() + Duration::seconds(token.expires_in.into());
        Ok(AccessToken::new(Password::new(token.access_token), expires_at))
    }
}
