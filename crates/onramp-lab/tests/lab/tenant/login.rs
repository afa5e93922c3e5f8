//! The token endpoint: whom it lets in, and what it says to everyone else.

use std::sync::Arc;
use std::time::Duration;

use azure_core::Bytes;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential as _};
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, ClientOptions, HttpClient, Request, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use onramp_core::{Password, Upn};
use onramp_lab::tenant::{ConditionalAccess, LabTenant, SeedUser};
use serde_json::json;

use super::wire::{Reply, Wire};

const PASSWORD: &str = "gr8-Hedgehogs.42";

fn person(name: &str) -> SeedUser {
    SeedUser::new(Upn::parse(&format!("{name}@contoso.onmicrosoft.com")).unwrap())
        .with_password(Password::new(PASSWORD.to_owned()))
}

async fn sign_in(wire: &Wire, name: &str, password: &str) -> Reply {
    let credentials = wire.lab.credentials();
    let form = [
        ("grant_type", "password"),
        ("client_id", &credentials.public_client_id.to_string()),
        ("scope", "https://graph.microsoft.com/.default"),
        ("username", &format!("{name}@contoso.onmicrosoft.com")),
        ("password", password),
    ];
    wire.token("contoso.onmicrosoft.com", &form).await
}

#[track_caller]
fn refused(reply: &Reply, status: u16, error: &str, code: u32) {
    assert_eq!((reply.status, reply.body["error"].as_str()), (status, Some(error)), "{}", reply.text);
    assert_eq!(reply.body["error_codes"], json!([code]));
    let description = reply.body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    for name in ["timestamp", "trace_id", "correlation_id", "error_uri"] {
        assert!(reply.body[name].is_string(), "{name}");
    }
}

#[tokio::test]
async fn an_application_gets_in_by_its_secret() {
    let wire = Wire::default().await;
    let credentials = wire.lab.credentials().clone();
    let (tenant, client) = (credentials.tenant_id.to_string(), credentials.client_id.to_string());
    let ask = async |tenant: &str, client: &str, secret: &str, scope: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("scope", scope),
        ];
        wire.token(tenant, &form).await
    };
    let (secret, graph) = (credentials.client_secret.expose(), "https://graph.microsoft.com/.default");
    let token = ask(&tenant, &client, secret, graph).await.expect(200);
    assert_eq!((token["token_type"].as_str(), token["expires_in"].as_u64()), (Some("Bearer"), Some(3_599)));
    wire.use_token(&Password::new(token["access_token"].as_str().unwrap().to_owned()));
    wire.get("/v1.0/domains").await.expect(200);
    wire.get("/subscriptions?api-version=2022-12-01").await.refused(401, "InvalidAuthenticationToken");
    let token = ask(&tenant, &client, secret, &format!("{}/.default", wire.base_url())).await.expect(200);
    wire.use_token(&Password::new(token["access_token"].as_str().unwrap().to_owned()));
    wire.get("/subscriptions?api-version=2022-12-01").await.expect(200);

    refused(&ask(&tenant, &client, "wrong", graph).await, 401, "invalid_client", 7_000_215);
    refused(&ask(&tenant, &tenant, secret, graph).await, 400, "unauthorized_client", 700_016);
    refused(&ask("elsewhere.example", &client, secret, graph).await, 400, "invalid_request", 90_002);
    refused(
        &ask(&tenant, &client, secret, "https://elsewhere.example/.default").await,
        400,
        "invalid_resource",
        500_011,
    );
    refused(&ask(&tenant, &client, secret, "User.Read").await, 400, "invalid_scope", 1_002_012);
    let discovery =
        wire.get("/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration").await.expect(200);
    assert_eq!(discovery["issuer"], json!(format!("{}/{tenant}/v2.0", wire.base_url())));
}

#[tokio::test]
async fn a_user_gets_in_by_name_and_password_or_learns_why_not() {
    let policy =
        ConditionalAccess::block("Nobody called Blocked").including("blocked@contoso.onmicrosoft.com");
    let factor = ConditionalAccess::require_mfa("Second factor").including("covered@contoso.onmicrosoft.com");
    let builder = LabTenant::builder()
        .seed_users([
            person("frida"),
            person("blocked"),
            person("covered").with_second_factor(),
            person("enforced"),
        ])
        .seed_user(SeedUser::new(Upn::parse("none@contoso.onmicrosoft.com").unwrap()))
        .conditional_access(policy)
        .conditional_access(factor);
    let wire = Wire::new(builder).await;
    let token =
        sign_in(&wire, "frida", PASSWORD).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    refused(&sign_in(&wire, "frida", "wrong").await, 400, "invalid_grant", 50_126);
    refused(&sign_in(&wire, "nobody", PASSWORD).await, 400, "invalid_grant", 50_034);
    refused(&sign_in(&wire, "none", PASSWORD).await, 400, "invalid_grant", 50_056);
    refused(&sign_in(&wire, "blocked", PASSWORD).await, 400, "access_denied", 53_003);
    refused(&sign_in(&wire, "covered", PASSWORD).await, 400, "interaction_required", 50_076);
    let path = "/beta/users/enforced@contoso.onmicrosoft.com/authentication/requirements";
    wire.patch(path, json!({ "perUserMfaState": "enforced" })).await.expect(204);
    refused(&sign_in(&wire, "enforced", PASSWORD).await, 400, "interaction_required", 50_079);

    let profile =
        json!({ "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": true } });
    let frida = "/v1.0/users/frida@contoso.onmicrosoft.com";
    wire.patch(frida, profile).await.expect(204);
    refused(&sign_in(&wire, "frida", PASSWORD).await, 400, "invalid_grant", 50_055);
    let profile = json!({ "passwordProfile": { "password": "other-Hedgehogs.43", "forceChangePasswordNextSignIn": false } });
    wire.patch(frida, profile).await.expect(204);
    wire.use_token(&Password::new(token));
    let change = json!({ "currentPassword": "wrong", "newPassword": PASSWORD });
    wire.post("/v1.0/me/changePassword", change).await.refused(400, "Request_BadRequest");
    let change = json!({ "currentPassword": "other-Hedgehogs.43", "newPassword": PASSWORD });
    wire.post("/v1.0/me/changePassword", change).await.expect(204);
    sign_in(&wire, "frida", PASSWORD).await.expect(200);
    for _ in 0..10 {
        refused(&sign_in(&wire, "frida", "wrong").await, 400, "invalid_grant", 50_126);
    }
    refused(&sign_in(&wire, "frida", PASSWORD).await, 400, "invalid_grant", 50_053);
    wire.clock.advance(Duration::from_secs(60));
    sign_in(&wire, "frida", PASSWORD).await.expect(200);
    wire.patch(frida, json!({ "accountEnabled": false })).await.expect(204);
    refused(&sign_in(&wire, "frida", PASSWORD).await, 400, "invalid_grant", 50_057);
}

/// The transport one gives to `azure_identity` so that it trusts the lab.
#[derive(Debug)]
struct LabTransport(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for LabTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let failed = |error: reqwest::Error| {
            azure_core::Error::with_error(ErrorKind::Io, error, "the lab did not answer")
        };
        let method = request.method().as_ref().parse().unwrap();
        let mut out = self.0.request(method, request.url().as_str());
        for (name, value) in request.headers().iter() {
            out = out.header(name.as_str(), value.as_str());
        }
        let Body::Bytes(body) = request.body().clone() else { panic!("a token request has no stream") };
        let response = out.body(body).send().await.map_err(failed)?;
        let status = response.status().as_u16().into();
        let body: Bytes = response.bytes().await.map_err(failed)?;
        Ok(AsyncRawResponse::from_bytes(status, Headers::new(), body))
    }
}

#[tokio::test]
async fn azure_identity_gets_a_token_that_is_good() {
    let wire = Wire::default().await;
    let credentials = wire.lab.credentials().clone();
    let with_secret = |secret: &str| {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = wire.base_url().to_owned();
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::new(LabTransport(wire.client.clone())))),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        };
        ClientSecretCredential::new(
            &credentials.tenant_id.to_string(),
            credentials.client_id.to_string(),
            Secret::new(secret.to_owned()),
            Some(ClientSecretCredentialOptions { client_options }),
        )
        .unwrap()
    };
    let scopes = ["https://graph.microsoft.com/.default"];
    let token = with_secret(credentials.client_secret.expose()).get_token(&scopes, None).await.unwrap();
    wire.use_token(&Password::new(token.token.secret().to_owned()));
    wire.get("/v1.0/organization").await.expect(200);
    let error = with_secret("wrong").get_token(&scopes, None).await.unwrap_err();
    assert!(error.to_string().contains("AADSTS7000215"), "{error}");
}
