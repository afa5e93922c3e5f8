//! The identity that the client signs in with: its token and its credentials.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onramp_core::tenant::{Caller, CallerCredential, CallerCredentialKind, CallerRights, RoleTemplateId};
use onramp_core::{Error, ErrorKind, ObjectId, Password, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::Request;
use onramp_graph::reqwest::Method;
use serde::Deserialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

const READ: &str = "Application.Read.All";
const READ_TOKEN: &str = "read the rights in the access token";

/// [`Caller`] on the access token of Microsoft Graph and on Microsoft Graph v1.0.
///
/// | method | least permission |
/// |---|---|
/// | `rights` | none |
/// | `credentials` | Application.Read.All |
#[derive(Debug, Clone)]
pub struct EntraCaller(pub(crate) GraphClient);

#[async_trait]
impl Caller for EntraCaller {
    /// Makes no request: the claims `roles`, `scp` and `wids` of the access token. Its signature is not checked: the token
    /// came over TLS from the sign-in service, and Graph itself decides.
    async fn rights(&self) -> Result<CallerRights> {
        self.claims().await.map(Claims::into_rights)
    }

    /// `GET /applications(appId='{id}')`. Application.Read.All.
    async fn credentials(&self) -> Result<Vec<CallerCredential>> {
        let claims = self.claims().await?;
        if claims.is_of_user() {
            return Ok(Vec::new());
        }
        let app_id = claims.app_id.ok_or_else(|| unsupported("it does not name its application"))?;
        let url = self.0.endpoints().graph().url(&["v1.0", &format!("applications(appId='{app_id}')")])?;
        let request = Request::new("read the credentials of the application", Method::GET, url)
            .object(app_id)
            .query("$select", "id,passwordCredentials,keyCredentials")
            .needs(READ);
        let found: ApplicationJson = self.0.json(&request).await?;
        let named = |kind| move |one: CredentialJson| one.into_credential(kind);
        let secrets = found.password_credentials.into_iter().map(named(CallerCredentialKind::Secret));
        let certificates = found.key_credentials.into_iter().map(named(CallerCredentialKind::Certificate));
        Ok(secrets.chain(certificates).collect())
    }
}

impl EntraCaller {
    async fn claims(&self) -> Result<Claims> {
        let token = self.0.access_token().await?;
        decode(token.secret()).ok_or_else(|| unsupported("it has another form than those of Entra"))
    }
}

fn unsupported(detail: &str) -> Error {
    Error::new(ErrorKind::Unsupported, READ_TOKEN).with_detail(detail.to_owned())
}

/// Reads the claims of a JSON web token (RFC 7519).
fn decode(token: &Password) -> Option<Claims> {
    let payload = token.expose().split('.').nth(1)?;
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
    serde_json::from_slice(&json).ok()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    #[serde(rename = "appid")]
    app_id: Option<ObjectId>,
    idtyp: Option<String>,
    roles: Vec<String>,
    scp: Option<String>,
    wids: Option<Vec<String>>,
}

impl Claims {
    fn is_of_user(&self) -> bool {
        self.idtyp.as_deref() == Some("user") || self.scp.is_some()
    }

    fn into_rights(self) -> CallerRights {
        if !self.is_of_user() {
            return CallerRights::Application { permissions: self.roles };
        }
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
        let roles = self.wids.map(|roles| {
            roles.iter().filter_map(|id| ObjectId::parse(id).ok()).map(RoleTemplateId::new).collect()
        });
        CallerRights::User { permissions: self.scp.map(words).unwrap_or_default(), roles }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationJson {
    #[serde(default)]
    password_credentials: Vec<CredentialJson>,
    #[serde(default)]
    key_credentials: Vec<CredentialJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialJson {
    #[serde(default)]
    key_id: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    end_date_time: Option<OffsetDateTime>,
}

impl CredentialJson {
    fn into_credential(self, kind: CallerCredentialKind) -> CallerCredential {
        let named = self.display_name.filter(|name| !name.trim().is_empty());
        let name = named.or(self.key_id).unwrap_or_else(|| "without a name".to_owned());
        CallerCredential::new(name, kind, self.end_date_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(claims: &str) -> Option<CallerRights> {
        let token = Password::new(format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(claims)));
        decode(&token).map(Claims::into_rights)
    }

    #[test]
    fn claims_of_applications_and_users_are_rights() {
        let permissions = vec!["Domain.Read.All".to_owned(), "User.Read.All".to_owned()];
        assert_eq!(
            rights(r#"{"idtyp":"app","roles":["Domain.Read.All","User.Read.All"]}"#),
            Some(CallerRights::Application { permissions: permissions.clone() })
        );
        let role = RoleTemplateId::GLOBAL_ADMINISTRATOR;
        assert_eq!(
            rights(&format!(r#"{{"scp":"Domain.Read.All User.Read.All","wids":["{}","no ID"]}}"#, role.id())),
            Some(CallerRights::User { permissions: permissions.clone(), roles: Some(vec![role]) })
        );
        assert_eq!(
            rights(r#"{"scp":"Domain.Read.All User.Read.All"}"#),
            Some(CallerRights::User { permissions, roles: None })
        );
        assert_eq!(rights("{}"), Some(CallerRights::Application { permissions: Vec::new() }));
    }

    #[test]
    fn a_token_of_another_form_has_no_claims() {
        for token in ["", "opaque", "a.b.c", "e30.!!!.x", "e30.bm90IGpzb24.x"] {
            assert!(decode(&Password::new(token.to_owned())).is_none(), "{token}");
        }
    }
}
