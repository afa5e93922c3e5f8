//! Sign-in with the browser of this machine: authorization code with PKCE (RFC 7636, RFC 8252).

use std::borrow::Cow;

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, RedirectUrl};
use onramp_core::{Error, ErrorKind, Result};

use super::exchange::{Call, Exchange, Tokens, scopes};
use super::loopback::Loopback;
use super::method::BrowserSignIn;
use crate::http::request::Effect;

const ACTION: &str = "sign in with the browser";

pub(super) async fn sign_in(
    exchange: &Exchange,
    way: &BrowserSignIn,
    scope: &str,
    claims: Option<&str>,
) -> Result<Tokens> {
    let invalid = |why: &str| Error::new(ErrorKind::Unavailable, ACTION).with_detail(why);
    let loopback =
        Loopback::open().await.map_err(|why| invalid("no loopback port could be opened").with_source(why))?;
    let redirect = RedirectUrl::new(loopback.address()).map_err(|why| invalid(&why.to_string()))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = exchange
        .client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes(scope))
        .set_pkce_challenge(challenge)
        .set_redirect_uri(Cow::Borrowed(&redirect));
    if let Some(hint) = &way.login_hint {
        request = request.add_extra_param("login_hint", hint);
    }
    if let Some(claims) = claims {
        request = request.add_extra_param("claims", claims);
    }
    let (address, state) = request.url();
    (way.open)(&address);
    let answer = tokio::select! {
        answer = loopback.answer(state.secret()) => answer,
        () = exchange.transport.clock().sleep(way.timeout) => {
            let waited = format!("nobody signed in within {} s", way.timeout.as_secs());
            return Err(Error::new(ErrorKind::Unauthenticated, ACTION).with_detail(waited).with_hint("Sign in again."));
        }
    };
    let code = answer.map_err(|refusal| {
        Error::new(ErrorKind::Unauthenticated, ACTION)
            .with_detail(refusal)
            .with_hint("Sign in again, as a user who may use the application.")
    })?;
    // A code can be used once; after a lost response it is used up.
    let call = Call::new(exchange, ACTION, Effect::CountsAttempts);
    let tokens = exchange
        .client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .set_redirect_uri(Cow::Borrowed(&redirect))
        .request_async(&call)
        .await;
    tokens.map_err(|why| call.error(why))
}
