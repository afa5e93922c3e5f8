//! The exchange with the sign-in service: the `oauth2` crate over the transport of this client.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, ClientId, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ErrorResponse, HttpRequest, HttpResponse, RefreshToken, RequestTokenError, Scope, TokenResponse,
    TokenUrl,
};
use onramp_core::{Error, ErrorKind, Password, Result};
use reqwest::Method;
use time::Duration;
use url::Url;
use zeroize::Zeroizing;

use crate::http::har::hidden_values;
use crate::http::request::{Body, Effect, Request};
use crate::http::transport::Transport;
use crate::token::AccessToken;

pub(super) type Tokens = BasicTokenResponse;
pub(super) type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The lifetime of a token if the service does not return it.
const DEFAULT_LIFETIME: std::time::Duration = std::time::Duration::from_secs(3600);

/// The sign-in service for one application of one tenant.
pub(super) struct Exchange {
    pub(super) transport: Transport,
    pub(super) client: Client,
}

impl Exchange {
    pub(super) fn new(transport: Transport, tenant: &str, client_id: &str) -> Result<Self> {
        let url = |operation: &str| -> Result<Url> {
            let url = transport.endpoints().login().url(&[tenant, "oauth2", "v2.0", operation])?;
            Ok(url.url().clone())
        };
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(url("authorize")?))
            .set_token_uri(TokenUrl::from_url(url("token")?))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(url("devicecode")?))
            .set_auth_type(AuthType::RequestBody);
        Ok(Self { transport, client })
    }

    pub(super) async fn refresh(
        &self,
        token: &Password,
        scope: &str,
        claims: Option<&str>,
    ) -> Result<Tokens> {
        let token = RefreshToken::new(token.expose().to_owned());
        let call = Call::new(self, "renew the token of the signed-in user", Effect::Idempotent);
        let mut request = self.client.exchange_refresh_token(&token).add_scopes(scopes(scope));
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims.to_owned());
        }
        let answer = request.request_async(&call).await;
        answer.map_err(|why| call.error(why))
    }

    pub(super) fn access_token(&self, tokens: &Tokens) -> AccessToken {
        let lifetime = tokens.expires_in().unwrap_or(DEFAULT_LIFETIME);
        let lifetime = Duration::try_from(lifetime).unwrap_or(Duration::HOUR);
        let secret = Password::new(tokens.access_token().secret().clone());
        AccessToken::new(secret, self.transport.clock().now() + lifetime)
    }
}

/// One call of the `oauth2` crate. Its requests go through the transport, with retries and the origin check; the error
/// of a refusal is kept, because `oauth2` has less detail.
pub(super) struct Call<'a> {
    exchange: &'a Exchange,
    action: &'static str,
    effect: Effect,
    refused: Mutex<Option<Error>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(exchange: &'a Exchange, action: &'static str, effect: Effect) -> Self {
        Self { exchange, action, effect, refused: Mutex::default() }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let invalid = |why: String| Error::new(ErrorKind::Invalid, self.action).with_detail(why);
        let url = Url::parse(&request.uri().to_string()).map_err(|why| invalid(why.to_string()))?;
        let login = self.exchange.transport.endpoints().login().url(&[])?;
        let form = Zeroizing::new(request.into_body());
        let own = Request {
            secrets: hidden_values(&form),
            body: Some(Body {
                content_type: "application/x-www-form-urlencoded",
                bytes: Bytes::from_owner(form),
            }),
            url,
            ..Request::new(self.action, Method::POST, login).effect(self.effect)
        };
        let (status, body) = match self.exchange.transport.attempt(&own).await {
            Ok(reply) => (reply.status, reply.body.to_vec()),
            Err(failure) if failure.body.is_sign_in_error() && !failure.error.is_transient() => {
                let body = serde_json::json!({
                    "error": failure.body.code,
                    "error_description": failure.body.message,
                });
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.error);
                (400, body.to_string().into_bytes())
            }
            Err(failure) => return Err(failure.error),
        };
        http_response(status, body).ok_or_else(|| invalid("the reply has no valid status".into()))
    }

    /// Returns the error of a call that returned no token.
    pub(super) fn error<T>(&self, why: RequestTokenError<Error, T>) -> Error
    where
        T: ErrorResponse + 'static,
    {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        let detail = match why {
            RequestTokenError::Request(error) => return error,
            RequestTokenError::ServerResponse(_) => match refused {
                Some(refused) => return refused,
                None => "it was not completed in time".to_owned(),
            },
            // The unreadable text may hold a token and is not shown.
            RequestTokenError::Parse(..) => "the reply is not the JSON that was expected".to_owned(),
            RequestTokenError::Other(why) => why,
        };
        Error::new(ErrorKind::Unauthenticated, self.action).with_detail(detail).with_hint("Sign in again.")
    }
}

impl<'c> AsyncHttpClient<'c> for Call<'_> {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn http_response(status: u16, body: Vec<u8>) -> Option<HttpResponse> {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status.try_into().ok()?;
    let json = "application/json".try_into().ok()?;
    response.headers_mut().insert("content-type", json);
    Some(response)
}

/// Returns the scopes of a sign-in: that of the resource, and the one for refresh tokens.
pub(super) fn scopes(scope: &str) -> [Scope; 2] {
    [Scope::new(scope.to_owned()), Scope::new("offline_access".to_owned())]
}
