//! A lab forest with its servers, and clients of it.

use std::sync::Arc;

use onramp_ad::{AdClient, AdClientBuilder, BindName, LdapSecurity};
use onramp_core::forest::{ForestUser, ForestUsers, UserQuery};
use onramp_core::{Clock, ManualClock};
use onramp_lab::forest::{LabForest, LabForestBuilder, LabForestServers, Login};
use onramp_lab::tls::LabCa;

use futures_util::TryStreamExt;

pub(crate) struct Lab {
    pub(crate) model: LabForest,
    pub(crate) ca: LabCa,
    pub(crate) servers: LabForestServers,
    /// The time of the lab and of its clients: delays between attempts do not slow the test.
    pub(crate) clock: Arc<ManualClock>,
}

impl Lab {
    pub(crate) async fn small() -> Self {
        Self::start(LabForest::builder().users(30)).await
    }

    pub(crate) async fn start(builder: LabForestBuilder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let model = builder.clock(clock.clone()).build().unwrap();
        let ca = LabCa::new().unwrap();
        let servers = model.serve(&ca).await.unwrap();
        Self { model, ca, servers, clock }
    }

    pub(crate) fn builder(&self) -> AdClientBuilder {
        self.builder_as(&self.model.administrator(), LdapSecurity::Ldaps)
    }

    /// A client that starts at another domain controller, by number.
    pub(crate) fn builder_of(&self, at: usize) -> AdClientBuilder {
        self.builder_at(self.host(at))
    }

    pub(crate) fn builder_as(&self, login: &Login, security: LdapSecurity) -> AdClientBuilder {
        let builder = AdClient::builder(self.host(0));
        self.complete(builder, security).bind(BindName::parse(&login.name).unwrap(), login.password.clone())
    }

    /// A client that starts at that domain controller.
    pub(crate) fn builder_at(&self, host: &str) -> AdClientBuilder {
        let login = self.model.administrator();
        let builder = self.complete(AdClient::builder(host), LdapSecurity::Ldaps);
        builder.bind(BindName::parse(&login.name).unwrap(), login.password.clone())
    }

    /// The same builder with the lab's certificate authority and addresses.
    pub(crate) fn complete(&self, builder: AdClientBuilder, security: LdapSecurity) -> AdClientBuilder {
        let mut builder = builder
            .security(security)
            .trust_root_pem(self.ca.certificate_pem())
            .unwrap()
            .clock(self.clock.clone() as Arc<dyn Clock>);
        for controller in self.servers.controllers() {
            let address = match security {
                LdapSecurity::Ldaps => controller.ldaps,
                LdapSecurity::StartTls => controller.ldap,
            };
            builder = builder.address(&controller.host, address);
            let catalog = match security {
                LdapSecurity::Ldaps => controller.global_catalog_tls,
                LdapSecurity::StartTls => controller.global_catalog,
            };
            if let Some(catalog) = catalog {
                builder = builder.global_catalog_address(&controller.host, catalog);
            }
        }
        builder
    }

    pub(crate) async fn connect(&self) -> AdClient {
        self.builder().connect().await.unwrap()
    }

    pub(crate) fn host(&self, at: usize) -> &str {
        &self.servers.controllers()[at].host
    }
}

/// Ordinary users with a UPN.
pub(crate) async fn people(users: &dyn ForestUsers, count: usize) -> Vec<ForestUser> {
    let all: Vec<ForestUser> = users.search(UserQuery::all()).try_collect().await.unwrap();
    let ordinary = |user: &ForestUser| user.upn.is_some() && !user.is_critical && !user.is_protected;
    let people: Vec<ForestUser> = all.into_iter().filter(ordinary).take(count).collect();
    assert_eq!(people.len(), count, "the lab has too few ordinary users");
    people
}
