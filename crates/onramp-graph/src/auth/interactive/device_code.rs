//! Sign-in with a code that is entered on any device (RFC 8628).

use oauth2::StandardDeviceAuthorizationResponse;
use onramp_core::Result;

use super::exchange::{Call, Exchange, Tokens, scopes};
use super::method::{DeviceCodeSignIn, DevicePrompt};
use crate::http::request::Effect;

const ACTION: &str = "sign in with a code on another device";

pub(super) async fn sign_in(
    exchange: &Exchange,
    way: &DeviceCodeSignIn,
    scope: &str,
    claims: Option<&str>,
) -> Result<Tokens> {
    let call = Call::new(exchange, ACTION, Effect::Idempotent);
    let mut request = exchange.client.exchange_device_code().add_scopes(scopes(scope));
    if let Some(claims) = claims {
        request = request.add_extra_param("claims", claims.to_owned());
    }
    let asked: StandardDeviceAuthorizationResponse =
        request.request_async(&call).await.map_err(|why| call.error(why))?;
    (way.show)(&DevicePrompt {
        address: asked.verification_uri().to_string(),
        code: asked.user_code().secret().clone(),
        expires_in: asked.expires_in(),
    });
    let sleep = |wait| exchange.transport.clock().sleep(wait);
    let poll = exchange.client.exchange_device_access_token(&asked);
    let tokens = poll.request_async(&call, sleep, Some(asked.expires_in())).await;
    tokens.map_err(|why| call.error(why))
}
