//! The origin rule: a token or a body goes only to the service it is meant for.

use onramp_core::{Error, ErrorKind, Result};
use url::Url;

use crate::endpoints::{Audience, Endpoints, is_safe_scheme};

/// Refuses an address that is not at the configured origin (scheme, host and port) of the service.
///
/// Held against every request right before it is sent, so that an address taken from a reply
/// (`@odata.nextLink`) cannot carry a token away.
pub(crate) fn check(endpoints: &Endpoints, to: Audience, url: &Url) -> Result<()> {
    let base = endpoints.base(to);
    if is_safe_scheme(url)
        && url.origin() == base.origin()
        && url.username().is_empty()
        && url.password().is_none()
    {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, "follow the address")
        .with_object(shown(url))
        .with_detail(format!(
            "it is not at {}, so nothing was sent there",
            base.origin().ascii_serialization()
        ))
        .with_hint("If a gateway answers for the service, make its address the endpoint."))
}

/// An address without its query, which may hold an opaque token of the server.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_origin_will_do() {
        let endpoints = Endpoints::new(
            "https://graph.microsoft.com",
            "https://management.azure.com",
            "http://127.0.0.1:9",
        )
        .unwrap();
        let allowed = |to, url: &str| check(&endpoints, to, &Url::parse(url).unwrap()).is_ok();
        assert!(allowed(Audience::Graph, "https://graph.microsoft.com/v1.0/users?$skiptoken=x"));
        assert!(allowed(Audience::Graph, "https://GRAPH.microsoft.com:443/beta/users"));
        assert!(allowed(Audience::Login, "http://127.0.0.1:9/x"));
        for url in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:444/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "https://someone@graph.microsoft.com/v1.0/users",
            "https://management.azure.com/v1.0/users",
        ] {
            assert!(!allowed(Audience::Graph, url), "{url}");
        }
    }
}
