//! A lab with servers, and clients of them, for the small programs in `examples/`.
//!
//! Each program is one lesson and runs on the lab: `cargo run -p onramp-examples --example change_upn`. To run it on your own servers,
//! replace [`Lab`] with builders of the clients, as in the README.

use std::net::{Ipv4Addr, SocketAddr};

use onramp::ad::BindName;
use onramp::entra::{ClientSecret, Endpoints, EntraClient};
use onramp::lab::forest::{LabForest, LabForestServers};
use onramp::lab::tenant::{LabTenant, LabTenantServer};
use onramp::lab::tls::LabCa;
use onramp::{AdClient, Error, ErrorKind, Result};

/// A tenant and a forest in memory, with servers that speak the real protocols.
#[derive(Debug)]
pub struct Lab {
    /// The tenant.
    pub tenant: LabTenant,
    /// The forest.
    pub forest: LabForest,
    tenant_server: LabTenantServer,
    forest_servers: LabForestServers,
    ca: LabCa,
}

impl Lab {
    /// Starts the servers of a tenant and of a forest with two domain controllers and a few dozen users.
    ///
    /// # Errors
    /// `Unavailable` if no port can be opened.
    pub async fn start() -> Result<Self> {
        let forest = LabForest::builder()
            .domain("corp.local")
            .mail_domain("contoso.com")
            .users(40)
            .seed(7)
            .controllers(2)
            .build()?;
        let tenant = LabTenant::builder().name("contoso").seed(7).users(25).auto_publish_dns(true).build()?;
        let ca = LabCa::new()?;
        let tenant_server = tenant.serve(&ca, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let forest_servers = forest.serve(&ca).await?;
        Ok(Self { tenant, forest, tenant_server, forest_servers, ca })
    }

    /// Returns a client of the tenant that is signed in as an application.
    ///
    /// # Errors
    /// As `GraphClientBuilder::build`.
    pub fn entra(&self) -> Result<EntraClient> {
        let credentials = self.tenant.credentials();
        let base = self.tenant_server.base_url();
        let secret = ClientSecret::new(
            credentials.tenant_id.to_string(),
            credentials.client_id.to_string(),
            credentials.client_secret.clone(),
        );
        EntraClient::builder(secret)
            .endpoints(Endpoints::at(base)?)
            .trust_root_pem(self.ca.certificate_pem())
            .build()
    }

    /// Returns a client of the forest that is signed in as its administrator.
    ///
    /// # Errors
    /// As `AdClientBuilder::connect`.
    pub async fn ad(&self) -> Result<AdClient> {
        let administrator = self.forest.administrator();
        let controllers = self.forest_servers.controllers();
        let first =
            controllers.first().ok_or_else(|| Error::new(ErrorKind::NotFound, "find a domain controller"))?;
        let builder = AdClient::builder(&first.host)
            .trust_root_pem(self.ca.certificate_pem())?
            .bind(BindName::parse(&administrator.name)?, administrator.password);
        let builder = controllers.iter().fold(builder, |builder, one| builder.address(&one.host, one.ldaps));
        builder.connect().await
    }
}
