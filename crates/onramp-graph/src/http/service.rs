//! One of the three services of a cloud: base address, token scope, and the rule about origins.

use std::fmt;
use std::sync::Arc;

use onramp_core::{Error, ErrorKind, Result};
use url::{Host, Url};

/// A service that requests are sent to: its base address, and the scope of tokens for it. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Service(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    kind: ServiceKind,
    base: Url,
    /// `None` for the sign-in service, which takes no token.
    scope: Option<String>,
}

/// The three services of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    Graph,
    Arm,
    Login,
}

impl ServiceKind {
    fn name(self) -> &'static str {
        match self {
            Self::Graph => "Graph",
            Self::Arm => "Azure Resource Manager",
            Self::Login => "sign-in",
        }
    }
}

impl Service {
    pub(crate) fn new(kind: ServiceKind, base: &str) -> Result<Self> {
        let base = parse_base(kind.name(), base)?;
        let scope = (kind != ServiceKind::Login).then(|| scope_of(base.as_str()));
        Ok(Self(Arc::new(Inner { kind, base, scope })))
    }

    pub(crate) fn with_resource(&self, resource: &str) -> Self {
        let (kind, base) = (self.0.kind, self.0.base.clone());
        Self(Arc::new(Inner { kind, base, scope: Some(scope_of(resource)) }))
    }

    pub(crate) fn kind(&self) -> ServiceKind {
        self.0.kind
    }

    pub(crate) fn base(&self) -> &Url {
        &self.0.base
    }

    /// Returns the scope of tokens for this service, such as `https://graph.microsoft.com/.default`. The sign-in
    /// service needs none.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    /// Returns the URL of a resource. Each segment is encoded as exactly one path segment.
    ///
    /// # Errors
    /// `Invalid` if a segment is empty or consists of dots.
    pub fn url(&self, segments: &[&str]) -> Result<ServiceUrl> {
        let refuse = |detail: &str| {
            Error::new(ErrorKind::Invalid, "build the address of a request").with_detail(detail)
        };
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(refuse("a name in it is empty or consists of dots only"));
        }
        let mut url = self.0.base.clone();
        url.path_segments_mut()
            .map_err(|()| refuse("its base address cannot have a path"))?
            .pop_if_empty()
            .extend(segments);
        Ok(ServiceUrl { service: self.clone(), url })
    }

    /// Checks that a URL is at the origin (scheme, host and port) of this service.
    ///
    /// Checked for every request right before it is sent, so that a URL from a response (`@odata.nextLink`) cannot
    /// send a token to another server.
    pub(crate) fn check_origin(&self, url: &Url) -> Result<()> {
        let base = &self.0.base;
        if is_safe_scheme(url)
            && url.origin() == base.origin()
            && url.username().is_empty()
            && url.password().is_none()
        {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, "follow the address")
            .with_object(without_query(url))
            .with_detail(format!(
                "it is not at {}, so nothing was sent there",
                base.origin().ascii_serialization()
            ))
            .with_hint("If a gateway answers for the service, make its address the endpoint."))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({}, {})", self.0.kind.name(), self.0.base)
    }
}

/// The URL of a resource, with the service that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    pub(crate) service: Service,
    pub(crate) url: Url,
}

impl ServiceUrl {
    /// Returns the URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL as text.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

/// Returns a URL without its query, which may hold a token of the server.
pub(crate) fn without_query(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn scope_of(resource: &str) -> String {
    format!("{}/.default", resource.trim_end_matches('/'))
}

fn parse_base(service: &str, address: &str) -> Result<Url> {
    let refuse = |detail: String| {
        Error::new(ErrorKind::Invalid, format!("use the {service} endpoint"))
            .with_object(address)
            .with_detail(detail)
            .with_hint("Give an https address such as https://graph.microsoft.com.")
    };
    let url = Url::parse(address).map_err(|why| refuse(why.to_string()))?;
    if !is_safe_scheme(&url) {
        return Err(refuse("only https is allowed, and http on a loopback host".into()));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(refuse("it must not have a user, a query or a fragment".into()));
    }
    Ok(url)
}

/// Returns true for `https`, and for `http` to a loopback host.
fn is_safe_scheme(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoints::{Cloud, Endpoints, ServiceAddresses};

    #[test]
    fn only_the_very_origin_will_do() {
        let endpoints = Endpoints::new(ServiceAddresses {
            graph: "https://graph.microsoft.com",
            arm: "https://management.azure.com",
            login: "http://127.0.0.1:9",
        })
        .unwrap();
        let allowed = |to: &Service, url: &str| to.check_origin(&Url::parse(url).unwrap()).is_ok();
        assert!(allowed(endpoints.graph(), "https://graph.microsoft.com/v1.0/users?$skiptoken=x"));
        assert!(allowed(endpoints.graph(), "https://GRAPH.microsoft.com:443/beta/users"));
        assert!(allowed(endpoints.login(), "http://127.0.0.1:9/x"));
        for url in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:444/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "https://someone@graph.microsoft.com/v1.0/users",
            "https://management.azure.com/v1.0/users",
        ] {
            assert!(!allowed(endpoints.graph(), url), "{url}");
        }
    }
    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        let endpoints = Cloud::Global.endpoints().unwrap();
        let url =
            |name: &str| endpoints.graph().url(&["v1.0", "users", name]).map(|at| at.as_str().to_owned());
        let users = "https://graph.microsoft.com/v1.0/users/";
        assert_eq!(url("a_b.de#EXT#@c.de").unwrap(), format!("{users}a_b.de%23EXT%23@c.de"));
        assert_eq!(url("o'neil@c.de").unwrap(), format!("{users}o'neil@c.de"));
        assert_eq!(url("a/../b?c").unwrap(), format!("{users}a%2F..%2Fb%3Fc"));
        assert!(url("..").is_err());
        assert!(url("").is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in
            ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:9/graph", "https://x.example"]
        {
            assert!(Endpoints::at(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://localhost",
            "x",
            "https://a@b.example",
        ] {
            assert!(Service::new(ServiceKind::Graph, bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_segment_never_adds_or_removes_one(name in "\\PC{1,40}") {
            let endpoints = Cloud::Global.endpoints().unwrap();
            if let Ok(url) = endpoints.graph().url(&["v1.0", "users", &name]) {
                let url = url.url();
                let path: Vec<_> = url.path_segments().unwrap().collect();
                proptest::prop_assert_eq!(path.len(), 3);
                proptest::prop_assert_eq!(url.origin().ascii_serialization(), "https://graph.microsoft.com");
                proptest::prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
