//! Sign-in probes of applications at the token endpoint.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onramp_core::tenant::{ApplicationProbe, ApplicationSignIn};
use onramp_core::{ErrorKind, ObjectId, Password, Result};
use onramp_graph::http::Request;
use onramp_graph::reqwest::Method;
use onramp_graph::{ClientCertificate, GraphClient};
use serde::Deserialize;

/// [`ApplicationSignIn`] on the token endpoint. Needs no permission: it is the application that signs in.
///
/// The token is not kept. Its permissions are read from it, which Microsoft allows its own APIs to prevent: a token that is not a
/// JSON Web Token with readable claims proves the sign-in alone.
#[derive(Debug, Clone)]
pub struct EntraApplicationSignIn(pub(crate) GraphClient);

impl EntraApplicationSignIn {
    /// Returns the tenant that the client signs in to.
    async fn tenant(&self) -> Result<String> {
        if let Some(tenant) = self.0.tenant() {
            return Ok(tenant.to_owned());
        }
        let url = self.0.endpoints().graph().url(&["v1.0", "organization"])?;
        let request = Request::new("look up the tenant", Method::GET, url).query("$select", "id");
        let found: Vec<IdJson> = self.0.list_all(request.clone()).await?;
        let found = found.into_iter().next();
        found.map(|found| found.id.to_string()).ok_or_else(|| request.error(ErrorKind::NotFound))
    }
}

#[async_trait]
impl ApplicationSignIn for EntraApplicationSignIn {
    /// `POST /{tenant}/oauth2/v2.0/token`, grant `client_credentials` with an assertion that the key signs.
    async fn probe(
        &self,
        app_id: &ObjectId,
        key: &Password,
        resource: &ObjectId,
    ) -> Result<ApplicationProbe> {
        let tenant = self.tenant().await?;
        let certificate = ClientCertificate::from_pem(tenant, app_id.to_string(), key.expose(), key)?;
        let request = self.0.token_request(&certificate, &format!("{resource}/.default"))?;
        match self.0.attempt(&request).await {
            Ok(reply) => {
                let token: TokenJson = reply.json(&request)?;
                Ok(ApplicationProbe::Accepted { roles: roles_in(&Password::new(token.access_token)) })
            }
            Err(failure) => match failure.sign_in_code() {
                Some(code) if !failure.error().is_transient() => {
                    Ok(ApplicationProbe::of_refusal(code, request.scrub(failure.message())))
                }
                _ => Err(failure.into_error()),
            },
        }
    }
}

/// Returns the permissions in an access token; `None` if it cannot be read.
fn roles_in(token: &Password) -> Option<Vec<String>> {
    let payload = token.expose().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    Some(serde_json::from_slice::<ClaimsJson>(&claims).ok()?.roles)
}

#[derive(Deserialize)]
struct TokenJson {
    access_token: String,
}

/// The claims of a token that this port reads.
#[derive(Deserialize)]
struct ClaimsJson {
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct IdJson {
    id: ObjectId,
}
