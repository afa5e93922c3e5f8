//! Somebody else's LDAP client (the ldap3 crate) over real sockets and real TLS.

mod changing;
mod searching;
mod signing_in;
mod trouble;

use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry, StdStream};
use onramp_lab::forest::{LabForest, LabForestServers, Login};
use onramp_lab::tls::LabCa;
use rustls::{ClientConfig, RootCertStore};

const BASE: &str = "DC=corp,DC=local";

pub(super) struct Served {
    pub(super) lab: LabForest,
    ca: LabCa,
    servers: LabForestServers,
}

async fn served(users: u64) -> Served {
    serving(LabForest::builder().users(users).seed(7).controllers(2).build().expect("a forest")).await
}

pub(super) async fn serving(lab: LabForest) -> Served {
    let ca = LabCa::new().expect("an authority");
    let servers = lab.serve(&ca).await.expect("servers");
    Served { lab, ca, servers }
}

impl Served {
    async fn connect(&self, at: usize, start_tls: bool, encrypted: bool) -> Ldap {
        let controller = &self.servers.controllers()[at];
        let (scheme, address) = match encrypted && !start_tls {
            true => ("ldaps", controller.ldaps),
            false => ("ldap", controller.ldap),
        };
        let settings = LdapConnSettings::new().set_config(self.trusting()).set_starttls(start_tls);
        let settings = settings.set_std_stream(StdStream::Tcp(dial(address)));
        let url = format!("{scheme}://{}:{}", controller.host, address.port());
        let (connection, ldap) = LdapConnAsync::with_settings(settings, &url).await.expect("a connection");
        tokio::spawn(async move { connection.drive().await });
        ldap
    }

    async fn bound(&self, at: usize, login: &Login) -> Ldap {
        let mut ldap = self.connect(at, false, true).await;
        let result = ldap.simple_bind(&login.name, login.password.expose()).await.expect("an answer");
        result.success().expect("the password is right");
        ldap
    }

    pub(super) async fn administrator(&self) -> Ldap {
        self.bound(0, &self.lab.administrator()).await
    }

    fn trusting(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.certificate_der()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Arc::new(config.expect("versions").with_root_certificates(roots).with_no_client_auth())
    }

    fn user(&self) -> String {
        let found = self.lab.find_account("krbtgt");
        found.and_then(|guid| self.lab.dn_of(&guid)).expect("an account").to_string()
    }
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the port is open");
    stream.set_nonblocking(true).expect("sockets can be");
    stream
}

async fn find(ldap: &mut Ldap, base: &str, scope: Scope, filter: &str, attrs: &[&str]) -> Vec<SearchEntry> {
    let (entries, _) =
        ldap.search(base, scope, filter, attrs).await.expect("an answer").success().expect(filter);
    let entries = entries.into_iter().filter(|entry| !entry.is_ref());
    entries.map(SearchEntry::construct).collect()
}

pub(super) async fn change_upn(ldap: &mut Ldap, target: &str, old: &str, new: &str) -> ldap3::LdapResult {
    let delete = Mod::Delete("userPrincipalName", HashSet::from([old]));
    let add = Mod::Add("userPrincipalName", HashSet::from([new]));
    ldap.modify(target, vec![delete, add]).await.expect("an answer")
}

fn one(entries: Vec<SearchEntry>) -> SearchEntry {
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.into_iter().next().expect("one")
}
