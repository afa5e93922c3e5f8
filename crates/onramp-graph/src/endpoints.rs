//! Where a cloud's services are, and which scope asks for a token of theirs.

use onramp_core::{Error, ErrorKind, Result};
use url::{Host, Url};

/// A Microsoft cloud. [`Endpoints::new`] describes any other.
///
/// Source: Microsoft's "National cloud deployments" pages, November 2026.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGovernment,
    /// US Government L5 (DoD).
    UsDefense,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The cloud's endpoints.
    ///
    /// # Errors
    /// None in practice: the table is made of valid addresses.
    pub fn endpoints(self) -> Result<Endpoints> {
        let (graph, arm, login) = match self {
            Self::Global => (
                "https://graph.microsoft.com",
                "https://management.azure.com",
                "https://login.microsoftonline.com",
            ),
            Self::UsGovernment => (
                "https://graph.microsoft.us",
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
            ),
            Self::UsDefense => (
                "https://dod-graph.microsoft.us",
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
            ),
            Self::China => (
                "https://microsoftgraph.chinacloudapi.cn",
                "https://management.chinacloudapi.cn",
                "https://login.partner.microsoftonline.cn",
            ),
        };
        Endpoints::new(graph, arm, login)
    }
}

/// Something that not every cloud offers. Asking for it where it is missing is answered `Unsupported` before
/// anything is sent.
///
/// Source: the metadata that each cloud publishes of Graph v1.0, August 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Reading and setting the per-user state of multi-factor authentication.
    PerUserMfa,
    /// Roles that a principal is eligible for (Privileged Identity Management).
    RoleEligibility,
    /// Conditional access policies and security defaults.
    AccessPolicies,
    /// Azure Resource Manager.
    AzureSubscriptions,
}

impl Capability {
    fn name(self) -> &'static str {
        match self {
            Self::PerUserMfa => "the per-user state of multi-factor authentication",
            Self::RoleEligibility => "eligibility for roles",
            Self::AccessPolicies => "conditional access policies and security defaults",
            Self::AzureSubscriptions => "Azure subscriptions",
        }
    }
}

/// The base addresses of Graph, Azure Resource Manager and the sign-in service.
///
/// They are also the *only* origins to which a token or a body is ever sent.
///
/// The newer sovereign clouds have no entry in [`Cloud`], because their addresses are not all published. Describe
/// them here, with what they lack:
///
/// ```
/// use onramp_graph::{Capability, Endpoints};
/// let sovereign = Endpoints::new(
///     "https://graph.cloud.example",
///     "https://management.cloud.example",
///     "https://login.cloud.example",
/// )?
/// .without([Capability::PerUserMfa, Capability::RoleEligibility]);
/// # Ok::<(), onramp_core::Error>(())
/// ```
///
/// ```
/// use onramp_graph::Endpoints;
/// let behind_a_gateway = Endpoints::new(
///     "https://gateway.contoso.com/graph",
///     "https://gateway.contoso.com/arm",
///     "https://login.microsoftonline.com",
/// )?
/// .with_resources("https://graph.microsoft.com", "https://management.azure.com");
/// assert!(Endpoints::new("http://graph.contoso.com", "https://a.example", "https://b.example").is_err());
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    graph: Url,
    arm: Url,
    login: Url,
    graph_resource: String,
    arm_resource: String,
    missing: Vec<Capability>,
}

impl Endpoints {
    /// Endpoints at those base addresses. `https` only, except on this machine itself (a loopback host).
    ///
    /// # Errors
    /// `Invalid` if one is no such address.
    pub fn new(graph: &str, arm: &str, login: &str) -> Result<Self> {
        let (graph, arm, login) =
            (base("Graph", graph)?, base("Azure Resource Manager", arm)?, base("sign-in", login)?);
        let graph_resource = graph.as_str().trim_end_matches('/').to_owned();
        let arm_resource = arm.as_str().trim_end_matches('/').to_owned();
        Ok(Self { graph, arm, login, graph_resource, arm_resource, missing: Vec::new() })
    }

    /// Says what this cloud does not offer.
    #[must_use]
    pub fn without(mut self, missing: impl IntoIterator<Item = Capability>) -> Self {
        self.missing.extend(missing);
        self
    }

    /// Refuses what this cloud does not offer.
    ///
    /// # Errors
    /// `Unsupported` if this cloud does not offer it.
    pub fn require(
        &self,
        capability: Capability,
        action: &str,
        object: impl std::fmt::Display,
    ) -> Result<()> {
        if !self.missing.contains(&capability) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, action)
            .with_object(object)
            .with_detail(format!("this cloud does not offer {}", capability.name()))
            .with_hint("Leave this step out, or do it in the cloud's own portal."))
    }

    /// Asks for tokens of those resources, where base addresses are not the resources themselves (a gateway).
    #[must_use]
    pub fn with_resources(mut self, graph: impl Into<String>, arm: impl Into<String>) -> Self {
        self.graph_resource = graph.into().trim_end_matches('/').to_owned();
        self.arm_resource = arm.into().trim_end_matches('/').to_owned();
        self
    }

    pub(crate) fn base(&self, of: Audience) -> &Url {
        match of {
            Audience::Graph => &self.graph,
            Audience::Arm => &self.arm,
            Audience::Login => &self.login,
        }
    }

    /// The scope of a token for that service; the sign-in service needs none.
    pub fn scope(&self, of: Audience) -> Option<String> {
        match of {
            Audience::Graph => Some(format!("{}/.default", self.graph_resource)),
            Audience::Arm => Some(format!("{}/.default", self.arm_resource)),
            Audience::Login => None,
        }
    }

    /// The address of a resource below a base address: every segment is encoded as exactly one segment.
    ///
    /// # Errors
    /// `Invalid` if a segment is empty or consists of dots.
    pub fn url(&self, of: Audience, segments: &[&str]) -> Result<Url> {
        let refuse = |detail: &str| {
            Error::new(ErrorKind::Invalid, "build the address of a request").with_detail(detail)
        };
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(refuse("a name in it is empty or consists of dots only"));
        }
        let mut url = self.base(of).clone();
        url.path_segments_mut()
            .map_err(|()| refuse("its base address cannot have a path"))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}

/// One of the three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    Arm,
    /// The sign-in service.
    Login,
}

fn base(service: &str, address: &str) -> Result<Url> {
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

/// `https`, or `http` to this very machine.
pub(crate) fn is_safe_scheme(url: &Url) -> bool {
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

    #[test]
    fn every_cloud_has_endpoints_of_its_own() {
        for cloud in [Cloud::Global, Cloud::UsGovernment, Cloud::UsDefense, Cloud::China] {
            let endpoints = cloud.endpoints().unwrap();
            assert_eq!(endpoints.base(Audience::Login).scheme(), "https");
            assert!(endpoints.scope(Audience::Graph).unwrap().ends_with("/.default"));
        }
        let global = Cloud::Global.endpoints().unwrap();
        assert_eq!(global.scope(Audience::Arm).unwrap(), "https://management.azure.com/.default");
    }

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        let endpoints = Cloud::Global.endpoints().unwrap();
        let url = |name: &str| endpoints.url(Audience::Graph, &["v1.0", "users", name]).map(String::from);
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
            assert!(Endpoints::new(good, good, good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://localhost",
            "x",
            "https://a@b.example",
        ] {
            assert!(Endpoints::new(bad, "https://a.example", "https://a.example").is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_segment_never_adds_or_removes_one(name in "\\PC{1,40}") {
            let endpoints = Cloud::Global.endpoints().unwrap();
            if let Ok(url) = endpoints.url(Audience::Graph, &["v1.0", "users", &name]) {
                let path: Vec<_> = url.path_segments().unwrap().collect();
                proptest::prop_assert_eq!(path.len(), 3);
                proptest::prop_assert_eq!(url.origin().ascii_serialization(), "https://graph.microsoft.com");
                proptest::prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
