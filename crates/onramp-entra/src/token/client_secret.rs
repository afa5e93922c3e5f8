//! The client credentials grant with a secret.

use async_trait::async_trait;
use onramp_core::{Password, Result};
use reqwest::Method;
use serde::Deserialize;
use time::Duration;

use super::source::{AccessToken, ClientSecret, TokenSource};
use crate::endpoints::Audience;
use crate::request::{Effect, Request};
use crate::transport::Transport;

#[derive(Debug)]
pub(crate) struct ClientSecretSource {
    pub(crate) transport: Transport,
    pub(crate) tenant: String,
    pub(crate) credential: ClientSecret,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: u32,
}

#[async_trait]
impl TokenSource for ClientSecretSource {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        let ClientSecret { client_id, secret } = &self.credential;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("scope", scope),
            ("client_secret", secret.expose()),
        ];
        if let Some(claims) = claims {
            form.push(("claims", claims));
        }
        let url =
            self.transport.endpoints().url(Audience::Login, &[&self.tenant, "oauth2", "v2.0", "token"])?;
        let request =
            Request::new("get an access token for the application", Audience::Login, Method::POST, url)
                .object(client_id)
                .effect(Effect::Repeatable)
                .secret(secret)
                .form(&form);
        let token: TokenReply = self.transport.send(&request).await?.json(&request)?;
        let expires_at = self.transport.clock().now() + Duration::seconds(token.expires_in.into());
        Ok(AccessToken::new(Password::new(token.access_token), expires_at))
    }
}
