//! What is said to the sign-in service, by the `oauth2` crate over this client's own transport.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, ClientId, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ErrorResponse, HttpRequest, HttpResponse, RefreshToken, RequestTokenError, TokenResponse, TokenUrl,
};
use onramp_core::{Error, ErrorKind, Password, Result};
use reqwest::Method;
use time::Duration;
use url::Url;
use zeroize::Zeroizing;

use super::scopes;
use crate::auth::AccessToken;
use crate::endpoints::Audience;
use crate::http::har::hidden_values;
use crate::http::request::{Body, Effect, Request};
use crate::http::transport::Transport;

pub(super) type Tokens = BasicTokenResponse;
pub(super) type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// How long a token is taken to be good for if the service does not say.
const USUAL_LIFE: std::time::Duration = std::time::Duration::from_secs(3600);

/// The sign-in service for one application of one tenant.
pub(super) struct Exchange {
    pub(super) transport: Transport,
    pub(super) client: Client,
}

impl Exchange {
    pub(super) fn new(transport: Transport, tenant: &str, client_id: &str) -> Result<Self> {
        let url = |operation: &str| -> Result<Url> {
            transport.endpoints().url(Audience::Login, &[tenant, "oauth2", "v2.0", operation])
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
        let call = Call::new(self, "renew the token of the signed-in user", Effect::Repeatable);
        let mut request = self.client.exchange_refresh_token(&token).add_scopes(scopes(scope));
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims.to_owned());
        }
        let answer = request.request_async(&call).await;
        answer.map_err(|why| call.error(why))
    }

    pub(super) fn access_token(&self, tokens: &Tokens) -> AccessToken {
        let life = tokens.expires_in().unwrap_or(USUAL_LIFE);
        let life = Duration::try_from(life).unwrap_or(Duration::HOUR);
        let secret = Password::new(tokens.access_token().secret().clone());
        AccessToken::new(secret, self.transport.clock().now() + life)
    }
}

/// One conversation with the service: requests of the `oauth2` crate go through the transport, with its retries and
/// its rule of where to; what was refused is kept in this crate's words.
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
        let form = Zeroizing::new(request.into_body());
        let own = Request {
            secrets: hidden_values(&form),
            body: Some(Body {
                content_type: "application/x-www-form-urlencoded",
                bytes: Bytes::from_owner(form),
            }),
            ..Request::new(self.action, Audience::Login, Method::POST, url).effect(self.effect)
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

    /// The error of a conversation that did not end in a token.
    pub(super) fn error<T>(&self, why: RequestTokenError<Error, T>) -> Error
    where
        T: ErrorResponse + 'static,
    {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        let detail = match why {
            RequestTokenError::Request(error) => return error,
            RequestTokenError::ServerResponse(_) => match refused {
                Some(refused) => return refused,
                None => "it was not finished in time".to_owned(),
            },
            // The text that could not be read may hold a token; it is not told.
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
