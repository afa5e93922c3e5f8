//! The laboratory's tenant behind its server, and clients of it.

use std::sync::Arc;

use onramp_core::{Clock, DomainName, ManualClock, Result, Tenant, Upn};
use onramp_entra::{
    AccessToken, ClientSecret, Credential, Endpoints, EntraClient, GraphClientBuilder, TokenSource,
};
use onramp_lab::tenant::{Audience, LabTenant, LabTenantBuilder, LabTenantServer};
use onramp_lab::tls::LabCa;

/// A tenant whose time moves only when somebody waits.
pub(crate) struct Lab {
    pub(crate) lab: LabTenant,
    server: LabTenantServer,
    pub(crate) ca: LabCa,
    pub(crate) clock: Arc<ManualClock>,
}

impl Lab {
    pub(crate) async fn start(builder: LabTenantBuilder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let lab = builder.clock(clock.clone()).build().unwrap();
        let ca = LabCa::new().unwrap();
        let server = lab.serve(&ca, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { lab, server, ca, clock }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let base = self.server.base_url();
        Endpoints::at(base).unwrap()
    }

    /// A client that does not know the laboratory's certificate authority.
    pub(crate) fn stranger(&self, credential: impl Into<Credential>) -> GraphClientBuilder<EntraClient> {
        let credentials = self.lab.credentials();
        EntraClient::builder(credential)
            .tenant(credentials.tenant_id.to_string())
            .endpoints(self.endpoints())
            .clock(self.clock.clone())
    }

    pub(crate) fn client(&self, credential: impl Into<Credential>) -> GraphClientBuilder<EntraClient> {
        self.stranger(credential).trust_root_pem(self.ca.certificate_pem())
    }

    /// A client that makes its sign-in probes as the laboratory's public client.
    pub(crate) fn build(&self, builder: GraphClientBuilder<EntraClient>) -> EntraClient {
        let public_client = self.lab.credentials().public_client_id.to_string();
        builder.build().unwrap().with_probe_client_id(public_client)
    }

    pub(crate) fn tenant_of(&self, credential: impl Into<Credential>) -> Tenant {
        self.build(self.client(credential)).tenant()
    }

    /// The application's.
    pub(crate) fn secret(&self) -> ClientSecret {
        let credentials = self.lab.credentials();
        ClientSecret::new(
            credentials.tenant_id.to_string(),
            credentials.client_id.to_string(),
            credentials.client_secret.clone(),
        )
    }

    /// As an application.
    pub(crate) fn tenant(&self) -> Tenant {
        self.tenant_of(self.secret())
    }

    /// As a user who signed in.
    pub(crate) fn tenant_as(&self, upn: &Upn) -> Tenant {
        let source = SignedIn { lab: self.lab.clone(), upn: upn.clone(), clock: self.clock.clone() };
        self.tenant_of(Arc::new(source) as Arc<dyn TokenSource>)
    }

    pub(crate) fn initial_domain(&self) -> DomainName {
        DomainName::parse(&self.lab.initial_domain()).unwrap()
    }
}

#[derive(Debug)]
struct SignedIn {
    lab: LabTenant,
    upn: Upn,
    clock: Arc<ManualClock>,
}

#[async_trait::async_trait]
impl TokenSource for SignedIn {
    async fn token(&self, _scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        let token = self.lab.user_token(&self.upn, Audience::Lab)?;
        Ok(AccessToken::new(token, self.clock.now() + time::Duration::hours(1)))
    }
}
