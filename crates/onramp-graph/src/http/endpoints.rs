//! Clouds, and the base addresses of their services.

use std::fmt;
use std::str::FromStr;

use onramp_core::{Error, ErrorKind, Result};

use crate::http::service::{Service, ServiceKind};

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
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGovernment, Self::UsDefense, Self::China];

    /// The name in configurations: `global`, `usgov`, `usgov-dod` or `china`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovernment => "usgov",
            Self::UsDefense => "usgov-dod",
            Self::China => "china",
        }
    }

    /// Returns the endpoints of this cloud.
    ///
    /// # Errors
    /// `Invalid` if an address cannot be parsed. A test parses every address in the table.
    pub fn endpoints(self) -> Result<Endpoints> {
        Endpoints::new(match self {
            Self::Global => ServiceAddresses {
                graph: "https://graph.microsoft.com",
                arm: "https://management.azure.com",
                login: "https://login.microsoftonline.com",
            },
            Self::UsGovernment => ServiceAddresses {
                graph: "https://graph.microsoft.us",
                arm: "https://management.usgovcloudapi.net",
                login: "https://login.microsoftonline.us",
            },
            Self::UsDefense => ServiceAddresses {
                graph: "https://dod-graph.microsoft.us",
                arm: "https://management.usgovcloudapi.net",
                login: "https://login.microsoftonline.us",
            },
            Self::China => ServiceAddresses {
                graph: "https://microsoftgraph.chinacloudapi.cn",
                arm: "https://management.chinacloudapi.cn",
                login: "https://login.partner.microsoftonline.cn",
            },
        })
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cloud {
    type Err = Error;

    /// # Errors
    /// `Invalid` if there is no such cloud; the error names all.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(ErrorKind::Invalid, "choose the cloud")
                .with_object(name)
                .with_detail(format!("the clouds are {names}"))
        })
    }
}

/// A capability that not every cloud offers. A request for one that the cloud lacks fails with `Unsupported` before
/// it is sent.
///
/// Source: the metadata that each cloud publishes of Graph v1.0, August 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// The per-user state of multi-factor authentication.
    PerUserMfa,
    /// The roles that a principal is eligible for (Privileged Identity Management).
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

/// The base addresses of the three services, for [`Endpoints::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceAddresses<'a> {
    /// Microsoft Graph.
    pub graph: &'a str,
    /// Azure Resource Manager.
    pub arm: &'a str,
    /// The sign-in service (token endpoint).
    pub login: &'a str,
}

/// The services of one cloud: Microsoft Graph, Azure Resource Manager and the sign-in service.
///
/// A token or a body is sent to these origins and to no other.
///
/// The newer sovereign clouds have no entry in [`Cloud`], because not all of their addresses are published. Describe
/// such a cloud here, with the capabilities that it lacks:
///
/// ```
/// use onramp_graph::{Capability, Endpoints, ServiceAddresses};
/// let sovereign = Endpoints::new(ServiceAddresses {
///     graph: "https://graph.cloud.example",
///     arm: "https://management.cloud.example",
///     login: "https://login.cloud.example",
/// })?
/// .without([Capability::PerUserMfa, Capability::RoleEligibility]);
/// # Ok::<(), onramp_core::Error>(())
/// ```
///
/// Behind a gateway the base address is not the resource that tokens are issued for:
///
/// ```
/// use onramp_graph::{Endpoints, ServiceAddresses};
/// let gateway = Endpoints::new(ServiceAddresses {
///     graph: "https://gateway.contoso.com/graph",
///     arm: "https://gateway.contoso.com/arm",
///     login: "https://login.microsoftonline.com",
/// })?
/// .with_graph_resource("https://graph.microsoft.com")
/// .with_arm_resource("https://management.azure.com");
/// assert!(Endpoints::at("http://graph.contoso.com").is_err(), "only https");
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    graph: Service,
    arm: Service,
    login: Service,
    missing: Vec<Capability>,
}

impl Endpoints {
    /// Creates endpoints from three base addresses. Only `https` is accepted, except on a loopback host.
    ///
    /// # Errors
    /// `Invalid` if one of them is not such an address.
    pub fn new(addresses: ServiceAddresses<'_>) -> Result<Self> {
        Ok(Self {
            graph: Service::new(ServiceKind::Graph, addresses.graph)?,
            arm: Service::new(ServiceKind::Arm, addresses.arm)?,
            login: Service::new(ServiceKind::Login, addresses.login)?,
            missing: Vec::new(),
        })
    }

    /// Creates endpoints with one base address for all services, such as a lab or a mock server.
    ///
    /// # Errors
    /// As for [`Endpoints::new`].
    pub fn at(base: &str) -> Result<Self> {
        Self::new(ServiceAddresses { graph: base, arm: base, login: base })
    }

    /// Adds capabilities that this cloud does not offer.
    #[must_use]
    pub fn without(mut self, missing: impl IntoIterator<Item = Capability>) -> Self {
        self.missing.extend(missing);
        self
    }

    /// Sets the resource that tokens for Graph are requested for. Default: the base address.
    #[must_use]
    pub fn with_graph_resource(mut self, resource: &str) -> Self {
        self.graph = self.graph.with_resource(resource);
        self
    }

    /// Sets the resource that tokens for Azure Resource Manager are requested for. Default: the base address.
    #[must_use]
    pub fn with_arm_resource(mut self, resource: &str) -> Self {
        self.arm = self.arm.with_resource(resource);
        self
    }

    /// Microsoft Graph.
    pub fn graph(&self) -> &Service {
        &self.graph
    }

    /// Azure Resource Manager.
    pub fn arm(&self) -> &Service {
        &self.arm
    }

    /// The sign-in service.
    pub fn login(&self) -> &Service {
        &self.login
    }

    /// Checks that this cloud offers a capability.
    ///
    /// # Errors
    /// `Unsupported` if it does not.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_endpoints_of_its_own() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.to_string().parse::<Cloud>().unwrap(), cloud);
            let endpoints = cloud.endpoints().unwrap();
            assert_eq!(endpoints.login().base().scheme(), "https");
            assert!(endpoints.graph().scope().unwrap().ends_with("/.default"));
        }
        let error = "germany".parse::<Cloud>().unwrap_err().to_string();
        assert!(error.contains("global, usgov, usgov-dod, china"), "{error}");
        let global = Cloud::Global.endpoints().unwrap();
        assert_eq!(global.arm().scope().unwrap(), "https://management.azure.com/.default");
    }
}
