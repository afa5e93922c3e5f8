//! The token endpoint and the discovery document.

use std::collections::HashMap;

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::exchange::{Answer, Ids};
use crate::tenant::data::json::put;
use crate::tenant::data::refusal::Refusal;
use crate::tenant::data::state::State;
use crate::tenant::sign_in::assertion::Assertion;
use crate::tenant::sign_in::interactive::{Code, DEVICE_CODE_LIFE};
use crate::tenant::sign_in::tokens::{Aadsts, Audience, Caller, TOKEN_LIFE, aadsts_of, audience};

/// The grant of a device code (RFC 8628 3.4).
const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The assertion type that replaces a secret (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Answers `POST /{tenant}/oauth2/v2.0/token`.
pub(super) fn token(state: &mut State, tenant: &str, origin: &str, body: &[u8], ids: &Ids) -> Answer {
    match grant(state, tenant, origin, body, ids) {
        Ok(answer) => answer,
        Err(refusal) => {
            let mut error = error_body(&refusal, ids);
            if let Some(suberror) = refusal.suberror {
                put(&mut error, "suberror", json!(suberror));
            }
            Answer::json(refusal.status, error)
        }
    }
}

fn grant(state: &mut State, tenant: &str, origin: &str, body: &[u8], ids: &Ids) -> Result<Answer, Aadsts> {
    let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let required = |name: &str| {
        let value = form.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Aadsts::new(900_144, format!("The request body must contain the following parameter: '{name}'."))
        })
    };
    let grant_type = required("grant_type")?;
    known_tenant(state, tenant, grant_type)?;
    let client = required("client_id")?;
    let secret = form.get("client_secret").map(String::as_str);
    let assertion = form.get("client_assertion").map(String::as_str);
    let app_id = match assertion {
        Some(assertion) => {
            if form.get("client_assertion_type").map(String::as_str) != Some(ASSERTION_TYPE) {
                return Err(Aadsts::new(
                    900_144,
                    "The request body must contain the following parameter: 'client_assertion_type'.",
                ));
            }
            let endpoints =
                [tenant, &state.tenant_id].map(|tenant| format!("{origin}/{tenant}/oauth2/v2.0/token"));
            let app = state.registered(client)?;
            Assertion::parse(assertion)?.proves(app, &endpoints, ids.now)?;
            app.app_id.clone()
        }
        None => state.client(client, secret, ids.now)?.app_id.clone(),
    };
    // A code carries the scopes it was asked for; the lab takes those of its own address then.
    let own_scope = format!("{origin}/.default offline_access");
    let scope = match form.get("scope").map(String::as_str) {
        None | Some("") if matches!(grant_type, "authorization_code" | DEVICE_CODE_GRANT) => {
            own_scope.as_str()
        }
        _ => required("scope")?,
    };
    let audience = audience(scope, origin)?;
    state.require_api(audience)?;
    match grant_type {
        "client_credentials" => {
            if secret.is_none() && assertion.is_none() {
                return Err(Aadsts::new(
                    7_000_218,
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                ));
            }
            if !scope.ends_with("/.default") {
                return Err(Aadsts::new(
                    1_002_012,
                    format!(
                        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
                    ),
                ));
            }
            let token = state.issue(Caller::Application(app_id), audience, ids.now);
            Ok(token_answer(token.expose(), None))
        }
        "password" => {
            let (name, password) = (required("username")?, required("password")?);
            let user = state.password_sign_in(name, password, audience, ids.now)?;
            let token = state.issue(Caller::User(user), audience, ids.now);
            let granted = match audience {
                Audience::Arm => {
                    "https://management.azure.com/user_impersonation https://management.azure.com/.default"
                }
                Audience::Graph | Audience::Lab | Audience::Api(_) => {
                    "openid profile email https://graph.microsoft.com/Directory.AccessAsUser.All https://graph.microsoft.com/.default"
                }
            };
            Ok(token_answer(token.expose(), Some(granted)))
        }
        "authorization_code" => {
            let (code, redirect) = (required("code")?, required("redirect_uri")?);
            let user = state.redeem_code(code, &app_id, redirect, required("code_verifier")?, ids.now)?;
            Ok(person_answer(state, &app_id, user, audience, scope, ids))
        }
        DEVICE_CODE_GRANT => {
            let user = state.redeem_device(required("device_code")?, &app_id, ids.now)?;
            Ok(person_answer(state, &app_id, user, audience, scope, ids))
        }
        "refresh_token" => {
            let user = state.redeem_refresh_token(required("refresh_token")?, &app_id)?;
            Ok(person_answer(state, &app_id, user, audience, scope, ids))
        }
        other => Err(Aadsts::new(70_003, format!("The app requested an unsupported grant type '{other}'."))),
    }
}

/// Answers `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) fn device_code(state: &mut State, tenant: &str, origin: &str, body: &[u8], ids: &Ids) -> Answer {
    let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let begun = known_tenant(state, tenant, "device_code").and_then(|()| {
        let client = form.get("client_id").map(String::as_str).unwrap_or_default();
        let app_id = state.client(client, None, ids.now)?.app_id.clone();
        audience(form.get("scope").map(String::as_str).unwrap_or_default(), origin)?;
        Ok(state.begin_device(&app_id, ids.now))
    });
    match begun {
        Ok((device_code, user_code)) => {
            let address = format!("{origin}/device");
            let message = format!("To sign in, open {address} in a browser and enter the code {user_code}.");
            Answer::ok(json!({
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": address,
                "expires_in": DEVICE_CODE_LIFE.whole_seconds(),
                "interval": 5,
                "message": message,
            }))
        }
        Err(refusal) => Answer::json(refusal.status, error_body(&refusal, ids)),
    }
}

/// Answers `GET /{tenant}/oauth2/v2.0/authorize`, as a browser gets it in which the person whom `login_hint` names (else
/// the administrator) signed in at once.
pub(super) fn authorize(state: &mut State, tenant: &str, query: &str, ids: &Ids) -> Answer {
    let form: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let redirect_uri = get("redirect_uri").to_owned();
    let is_loopback = Url::parse(&redirect_uri)
        .is_ok_and(|url| url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1")));
    let checked = known_tenant(state, tenant, "authorize").and_then(|()| {
        let app_id = state.client(get("client_id"), None, ids.now)?.app_id.clone();
        if !is_loopback {
            return Err(Aadsts::new(50_011, "The redirect URI specified in the request is not registered."));
        }
        Ok(app_id)
    });
    let client = match checked {
        Ok(client) => client,
        // Never sent to an address that was not registered.
        Err(refusal) => return Answer::json(refusal.status, error_body(&refusal, ids)),
    };
    let hint = Some(get("login_hint")).filter(|hint| !hint.is_empty());
    let administrator = format!("admin@{}", state.initial_domain);
    let user = state.users.with_upn(hint.unwrap_or(&administrator)).filter(|user| user.account_enabled);
    let user = user.map(|user| user.id.clone());
    let mut answer = form_urlencoded::Serializer::new(String::new());
    match user {
        _ if get("response_type") != "code" || get("code_challenge_method") != "S256" => {
            answer.append_pair("error", "invalid_request");
            answer.append_pair("error_description", "The lab takes a code with an S256 challenge only.");
        }
        None => {
            answer.append_pair("error", "access_denied");
            answer.append_pair("error_description", "AADSTS50034: The person cannot sign in.");
        }
        Some(user) => {
            let challenge = get("code_challenge").to_owned();
            let code = Code { client, user, redirect_uri: redirect_uri.clone(), challenge, expires: ids.now };
            answer.append_pair("code", &state.begin_code(code, ids.now));
        }
    }
    answer.append_pair("state", get("state"));
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{redirect_uri}{joint}{}", answer.finish());
    Answer::text(302, "text/plain", String::new()).with_header("location", location)
}

/// Tokens for a person; with `offline_access`, one that renews them.
fn person_answer(
    state: &mut State,
    client: &str,
    user: String,
    audience: Audience,
    scope: &str,
    ids: &Ids,
) -> Answer {
    let renews = scope.split(' ').any(|one| one == "offline_access");
    let refresh = renews.then(|| state.issue_refresh_token(client, &user, ids.now));
    let token = state.issue(Caller::User(user), audience, ids.now);
    token_answer_with(token.expose(), Some(scope), refresh.as_deref())
}

/// Answers `GET /{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) fn discovery(state: &State, tenant: &str, origin: &str, ids: &Ids) -> Answer {
    if let Err(refusal) = known_tenant(state, tenant, "discovery") {
        return Answer::json(refusal.status, error_body(&refusal, ids));
    }
    let base = format!("{origin}/{}", state.tenant_id);
    Answer::ok(json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "issuer": format!("{base}/v2.0"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": "graph.microsoft.com",
    }))
}

fn known_tenant(state: &State, tenant: &str, grant_type: &str) -> Result<(), Aadsts> {
    if grant_type == "password" && (tenant == "common" || tenant == "consumers") {
        return Err(Aadsts::new(
            9_001_023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
        ));
    }
    let known = tenant.eq_ignore_ascii_case(&state.tenant_id)
        || tenant == "organizations"
        || state.domains.get(&tenant.to_ascii_lowercase()).is_some_and(|domain| domain.is_verified);
    if known {
        Ok(())
    } else {
        Err(Aadsts::new(
            90_002,
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            ),
        ))
    }
}

fn token_answer(token: &str, scope: Option<&str>) -> Answer {
    token_answer_with(token, scope, None)
}

fn token_answer_with(token: &str, scope: Option<&str>, refresh: Option<&str>) -> Answer {
    let seconds = TOKEN_LIFE.whole_seconds();
    let mut body = json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token });
    if let Some(scope) = scope {
        put(&mut body, "scope", json!(scope));
    }
    if let Some(refresh) = refresh {
        put(&mut body, "refresh_token", json!(refresh));
    }
    Answer::ok(body).with_header("cache-control", "no-store, no-cache")
}

/// Returns a refusal in the format of the token endpoint.
pub(super) fn refused(refusal: &Refusal, ids: &Ids) -> Value {
    let code = aadsts_of(&refusal.message);
    let mut body = json!({
        "error": refusal.code,
        "error_description": refusal.message,
        "timestamp": super::exchange::timestamp(ids.now).replace('T', " "),
        "trace_id": ids.request_id,
        "correlation_id": ids.client_request_id.as_ref().unwrap_or(&ids.request_id),
    });
    if let Some(code) = code {
        put(&mut body, "error_codes", json!([code]));
    }
    body
}

fn error_body(refusal: &Aadsts, ids: &Ids) -> Value {
    let at = super::exchange::timestamp(ids.now).replace('T', " ");
    let correlation = ids.client_request_id.as_ref().unwrap_or(&ids.request_id);
    json!({
        "error": refusal.error,
        "error_description": format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {correlation} Timestamp: {at}",
            refusal.code, refusal.message, ids.request_id
        ),
        "error_codes": [refusal.code],
        "timestamp": at,
        "trace_id": ids.request_id,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", refusal.code),
    })
}
