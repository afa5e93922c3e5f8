//! The client credentials grant: an application signs in by itself, with a secret or with a certificate.

use async_trait::async_trait;
use onramp_core::{Password, Result};
use reqwest::Method;
use serde::Deserialize;
use time::Duration;

use super::client_certificate::ClientCertificate;
use super::source::{AccessToken, ClientSecret, TokenSource};
use crate::endpoints::Audience;
use crate::http::request::{Effect, Request};
use crate::http::transport::Transport;

/// How an application proves that it is the one.
#[derive(Debug)]
pub(crate) enum Proof {
    Secret(ClientSecret),
    Certificate(ClientCertificate),
}

#[derive(Debug)]
pub(crate) struct ClientCredentialsSource {
    pub(crate) transport: Transport,
    pub(crate) tenant: String,
    pub(crate) proof: Proof,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: u32,
}

/// Says that an assertion comes in place of a secret (RFC 7523 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[async_trait]
impl TokenSource for ClientCredentialsSource {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        let url =
            self.transport.endpoints().url(Audience::Login, &[&self.tenant, "oauth2", "v2.0", "token"])?;
        // An assertion is as good as a secret until it ends, so it is treated like one.
        let (client_id, secret) = match &self.proof {
            Proof::Secret(ClientSecret { client_id, secret }) => (client_id, secret.clone()),
            Proof::Certificate(certificate) => {
                let now = self.transport.clock().now();
                (&certificate.client_id, certificate.assertion(&url, now)?)
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
        let request =
            Request::new("get an access token for the application", Audience::Login, Method::POST, url)
                .object(client_id)
                .effect(Effect::Repeatable)
                .secret(&secret)
                .form(&form);
        let token: TokenReply = self.transport.send(&request).await?.json(&request)?;
        let expires_at = self.transport.clock().now() + Duration::seconds(token.expires_in.into());
        Ok(AccessToken::new(Password::new(token.access_token), expires_at))
    }
}
