//! A forest of several domains: who holds what, and what somebody else's LDAP client gets from whom.

use std::collections::{BTreeMap, HashSet};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use futures_util::TryStreamExt;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult, Mod, Scope, SearchEntry, StdStream};
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{ForestUser, SuffixOrigin, UserQuery};
use onramp_core::{DistinguishedName, ManualClock};
use onramp_lab::forest::{LabDomain, LabForest, LabForestServers};
use onramp_lab::tls::LabCa;
use rustls::{ClientConfig, RootCertStore};

fn lab(clock: &Arc<ManualClock>) -> LabForest {
    let lab = LabForest::builder().domain("corp.local").users(40).seed(3).controllers(2).global_catalogs(1);
    let lab = lab.add_domain(LabDomain::new("emea.corp.local").users(30).read_only_controllers(1));
    let lab = lab.add_domain(LabDomain::new("tree.example").users(20).global_catalogs(0));
    lab.sites(&["Hub", "Branch"]).clock(clock.clone()).build().expect("a forest")
}

#[tokio::test]
async fn the_model_keeps_the_contract() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    for base in ["DC=emea,DC=corp,DC=local", "DC=tree,DC=example"] {
        let base = DistinguishedName::parse(base).expect("a name");
        let users: Vec<ForestUser> =
            forest.users.search(UserQuery::below(base.clone())).try_collect().await.expect("users");
        assert!(users.iter().all(|user| user.dn.is_within(&base)));
        let named = users.iter().filter(|user| user.upn.is_some() && !user.is_critical);
        let named: Vec<_> = named.map(|user| user.guid).take(5).collect();
        conformance::forest::run(&forest, &ForestFixture::new("lab", named, PollTimeout::new(clock.clone())))
            .await;
    }
}

#[tokio::test]
async fn every_domain_has_what_a_domain_has() {
    let lab = lab(&Arc::default());
    let forest = lab.forest();
    let names: Vec<String> = lab.domains().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["corp.local", "emea.corp.local", "tree.example"]);
    let suffixes = forest.suffixes.list().await.expect("suffixes");
    let implied: Vec<&str> = suffixes.iter().map(|offered| offered.suffix.as_str()).collect();
    assert_eq!(implied, names);
    assert!(suffixes.iter().all(|offered| offered.origin == SuffixOrigin::Domain));

    let controllers = forest.replication.controllers().await.expect("controllers");
    let told = controllers.iter().map(|controller| {
        let domain = controller.naming_contexts[0].to_string();
        let (site, catalog) = (controller.site.as_str(), controller.is_global_catalog);
        (controller.host.as_str(), (domain, site, catalog, controller.is_read_only))
    });
    let expected = [
        ("dc1.corp.local", ("DC=corp,DC=local".to_owned(), "Hub", true, false)),
        ("dc2.corp.local", ("DC=corp,DC=local".to_owned(), "Branch", false, false)),
        ("dc1.emea.corp.local", ("DC=emea,DC=corp,DC=local".to_owned(), "Hub", true, false)),
        ("dc2.emea.corp.local", ("DC=emea,DC=corp,DC=local".to_owned(), "Branch", true, true)),
        ("dc1.tree.example", ("DC=tree,DC=example".to_owned(), "Hub", false, false)),
    ];
    assert_eq!(told.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));

    let users: Vec<ForestUser> = forest.users.search(UserQuery::all()).try_collect().await.expect("users");
    let administrators = users.iter().filter(|user| user.sam_account_name == "Administrator").count();
    assert_eq!(administrators, 3);
    let domains: HashSet<String> = users
        .iter()
        .filter_map(|user| user.sid.as_ref()?.to_string().rsplit_once('-').map(|(d, _)| d.to_owned()))
        .collect();
    assert_eq!(domains.len(), 3, "each domain has its own identifier");
}

#[tokio::test]
async fn cross_references_tell_how_the_domains_hang_together() {
    let served = served().await;
    let mut ldap = served.bound(0, false).await;
    let base = "CN=Partitions,CN=Configuration,DC=corp,DC=local";
    let domains = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=3))";
    let found = find(&mut ldap, base, Scope::OneLevel, domains, &["*"]).await;
    let told: BTreeMap<&str, (&str, &str)> = found
        .iter()
        .map(|entry| {
            let value = |name: &str| entry.attrs.get(name).map_or("", |values| values[0].as_str());
            let trust =
                if value("trustParent").is_empty() { value("rootTrust") } else { value("trustParent") };
            (value("dnsRoot"), (value("nETBIOSName"), trust))
        })
        .collect();
    let root = format!("CN=CORP,{base}");
    let expected = [
        ("corp.local", ("CORP", "")),
        ("emea.corp.local", ("EMEA", root.as_str())),
        ("tree.example", ("TREE", root.as_str())),
    ];
    assert_eq!(told, BTreeMap::from(expected));
    // A child domain says who its PDC emulator is.
    let mut child = served.bound(2, false).await;
    let head =
        find(&mut child, "DC=emea,DC=corp,DC=local", Scope::Base, "(objectClass=*)", &["fSMORoleOwner"])
            .await;
    assert!(head[0].attrs["fSMORoleOwner"][0].starts_with("CN=NTDS Settings,CN=EMEA-DC1,"), "{head:?}");
}

#[tokio::test]
async fn a_controller_holds_its_own_domain_and_refers_to_the_others() {
    let served = served().await;
    let mut ldap = served.bound(2, false).await;
    let root = find(&mut ldap, "", Scope::Base, "(objectClass=*)", &["*"]).await.remove(0);
    assert_eq!(root.attrs["defaultNamingContext"], ["DC=emea,DC=corp,DC=local"]);
    assert_eq!(root.attrs["rootDomainNamingContext"], ["DC=corp,DC=local"]);
    let held: HashSet<&str> = root.attrs["namingContexts"].iter().map(String::as_str).collect();
    let configuration = "CN=Configuration,DC=corp,DC=local";
    let schema = "CN=Schema,CN=Configuration,DC=corp,DC=local";
    assert_eq!(held, HashSet::from(["DC=emea,DC=corp,DC=local", configuration, schema]));

    let elsewhere =
        ldap.search("DC=corp,DC=local", Scope::Subtree, "(objectClass=user)", ["cn"]).await.unwrap().1;
    assert_eq!(
        (elsewhere.rc, elsewhere.refs.as_slice()),
        (10, ["ldap://corp.local/DC=corp,DC=local".to_owned()].as_slice())
    );
    let by_guid = format!("<GUID={}>", served.of("DC=corp,DC=local").guid);
    let missing = ldap.search(&by_guid, Scope::Base, "(objectClass=*)", ["cn"]).await.unwrap().1;
    assert_eq!(missing.rc, 32);
    let user = served.of("DC=corp,DC=local");
    let refused = set_info(&mut ldap, user.dn.as_str()).await;
    assert_eq!((refused.rc, &refused.text[..8]), (10, "0000202B"));
    assert_eq!(set_info(&mut ldap, served.of("DC=emea,DC=corp,DC=local").dn.as_str()).await.rc, 0);
}

#[tokio::test]
async fn a_read_only_controller_refers_to_a_writable_one_of_its_domain() {
    let served = served().await;
    let mut ldap = served.bound(3, false).await;
    let user = served.of("DC=emea,DC=corp,DC=local");
    let refused = set_info(&mut ldap, user.dn.as_str()).await;
    assert_eq!((refused.rc, &refused.text[..8]), (10, "0000202B"));
    assert_eq!(refused.refs, [format!("ldap://dc1.emea.corp.local/{}", user.dn)]);
    let settings = find(
        &mut ldap,
        "CN=Sites,CN=Configuration,DC=corp,DC=local",
        Scope::Subtree,
        "(objectClass=nTDSDSARO)",
        &["msDS-hasMasterNCs", "msDS-hasFullReplicaNCs", "msDS-isRODC"],
    )
    .await;
    assert_eq!(settings.len(), 1);
    assert!(!settings[0].attrs.contains_key("msDS-hasMasterNCs"));
    assert_eq!(settings[0].attrs["msDS-isRODC"], ["TRUE"]);
    assert!(settings[0].attrs["msDS-hasFullReplicaNCs"].contains(&"DC=emea,DC=corp,DC=local".to_owned()));
}

#[tokio::test]
async fn a_global_catalog_knows_everybody_a_little_and_takes_no_changes() {
    let served = served().await;
    let mut ldap = served.bound(0, true).await;
    let people = "(&(objectCategory=person)(userPrincipalName=*))";
    let found =
        find(&mut ldap, "", Scope::Subtree, people, &["userPrincipalName", "proxyAddresses", "mail"]).await;
    let domains: HashSet<&str> =
        found.iter().filter_map(|entry| entry.dn.split_once(",DC=").map(|(_, d)| d)).collect();
    assert_eq!(domains, HashSet::from(["corp,DC=local", "emea,DC=corp,DC=local", "tree,DC=example"]));
    assert!(found.iter().any(|entry| entry.attrs.contains_key("mail")));
    assert!(
        found.iter().all(|entry| !entry.attrs.contains_key("proxyAddresses")),
        "not in the partial attribute set"
    );
    let below_root = find(&mut ldap, "DC=corp,DC=local", Scope::Subtree, people, &["cn"]).await;
    assert!(below_root.iter().any(|entry| entry.dn.contains("DC=emea")), "a catalog's tree has no borders");
    let protected = find(&mut ldap, "", Scope::Subtree, "(adminCount=1)", &["adminCount"]).await;
    assert!(protected.is_empty(), "what it does not hold matches nothing: {protected:?}");
    let refused = set_info(&mut ldap, served.of("DC=emea,DC=corp,DC=local").dn.as_str()).await;
    assert_eq!((refused.rc, &refused.text[..8]), (53, "00002035"));
    assert!(served.servers.controllers()[1].global_catalog.is_none(), "the second is none");
}

#[tokio::test]
async fn a_upn_is_unique_in_the_whole_forest_and_an_account_name_in_its_domain() {
    let served = served().await;
    let (there, here) = (served.of("DC=corp,DC=local"), served.of("DC=emea,DC=corp,DC=local"));
    let mut ldap = served.bound(2, false).await;
    let taken = there.upn.as_deref().expect("a UPN").to_uppercase();
    let change = vec![Mod::Replace("userPrincipalName", HashSet::from([taken.as_str()]))];
    assert_eq!(ldap.modify(here.dn.as_str(), change).await.unwrap().rc, 19);
    let implied = format!("{}@corp.local", there.sam_account_name);
    let change = vec![Mod::Replace("userPrincipalName", HashSet::from([implied.as_str()]))];
    assert_eq!(ldap.modify(here.dn.as_str(), change).await.unwrap().rc, 68);
    let change = vec![Mod::Replace("sAMAccountName", HashSet::from(["only.there"]))];
    assert_eq!(ldap.modify(here.dn.as_str(), change).await.unwrap().rc, 0);
    let mut root = served.bound(0, false).await;
    let change = vec![Mod::Replace("sAMAccountName", HashSet::from(["only.there"]))];
    assert_eq!(root.modify(there.dn.as_str(), change).await.unwrap().rc, 0);
}

#[tokio::test]
async fn a_certificate_signs_in_at_once_over_ldaps_and_by_external_after_start_tls() {
    let served = served().await;
    let administrator = served.lab.find_account("Administrator").expect("an account");
    let certificate = served.lab.client_certificate(&served.ca, &administrator).expect("a certificate");
    let stranger = served.ca.client_certificate("somebody").expect("a certificate");
    let who = "1.3.6.1.4.1.4203.1.11.3";
    for (certificate, name) in [(&certificate, "u:CORP\\Administrator"), (&stranger, "")] {
        let key =
            rustls::pki_types::PrivateKeyDer::try_from(pem(certificate.key_pem.expose())).expect("a key");
        let chain = vec![certificate.certificate_der.clone()];
        let config = served.trusting().with_client_auth_cert(chain, key).expect("a pair");
        let config = Arc::new(config);
        let mut ldap = served.connect_with(0, false, false, config.clone()).await;
        let exop = ldap3::exop::Exop { name: Some(who.to_owned()), val: None };
        let said = ldap.extended(exop.clone()).await.unwrap().0.val.unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&said), name);
        assert_eq!(ldap.sasl_external_bind().await.unwrap().rc, 53);

        let mut ldap = served.connect_with(0, false, true, config).await;
        let said = ldap.extended(exop).await.unwrap().0.val.unwrap_or_default();
        assert!(said.is_empty());
        assert_eq!(ldap.sasl_external_bind().await.unwrap().rc, if name.is_empty() { 49 } else { 0 });
    }
}

struct Served {
    lab: LabForest,
    ca: LabCa,
    servers: LabForestServers,
    users: Vec<ForestUser>,
}

async fn served() -> Served {
    let lab = lab(&Arc::default());
    let ca = LabCa::new().expect("an authority");
    let servers = lab.serve(&ca).await.expect("servers");
    let users = lab.forest().users.search(UserQuery::all()).try_collect().await.expect("users");
    Served { lab, ca, servers, users }
}

impl Served {
    /// An ordinary user of a domain.
    fn of(&self, domain: &str) -> &ForestUser {
        let domain = DistinguishedName::parse(domain).expect("a name");
        let fits = |user: &&ForestUser| {
            user.upn.is_some() && !user.is_critical && user.dn.domain_name() == domain.domain_name()
        };
        self.users.iter().find(fits).expect("a user")
    }

    async fn bound(&self, at: usize, catalog: bool) -> Ldap {
        let config = Arc::new(self.trusting().with_no_client_auth());
        let mut ldap = self.connect_with(at, catalog, false, config).await;
        let login = self.lab.administrator();
        ldap.simple_bind(&login.name, login.password.expose()).await.unwrap().success().unwrap();
        ldap
    }

    async fn connect_with(
        &self,
        at: usize,
        catalog: bool,
        start_tls: bool,
        config: Arc<ClientConfig>,
    ) -> Ldap {
        let controller = &self.servers.controllers()[at];
        let address = match (catalog, start_tls) {
            (true, _) => controller.global_catalog_tls.expect("it is a global catalog"),
            (false, true) => controller.ldap,
            (false, false) => controller.ldaps,
        };
        let settings = LdapConnSettings::new().set_config(config).set_starttls(start_tls);
        let settings = settings.set_std_stream(StdStream::Tcp(dial(address)));
        let scheme = if start_tls { "ldap" } else { "ldaps" };
        let url = format!("{scheme}://{}:{}", controller.host, address.port());
        let (connection, ldap) = LdapConnAsync::with_settings(settings, &url).await.expect("a connection");
        tokio::spawn(async move { connection.drive().await });
        ldap
    }

    fn trusting(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.certificate_der()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        config.expect("versions").with_root_certificates(roots)
    }
}

fn pem(text: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::PrivateKeyDer::from_pem_slice(text.as_bytes()).expect("PEM").secret_der().to_vec()
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the port is open");
    stream.set_nonblocking(true).expect("sockets can be");
    stream
}

async fn set_info(ldap: &mut Ldap, dn: &str) -> LdapResult {
    ldap.modify(dn, vec![Mod::Replace("info", HashSet::from(["x"]))]).await.expect("an answer")
}

async fn find(ldap: &mut Ldap, base: &str, scope: Scope, filter: &str, attrs: &[&str]) -> Vec<SearchEntry> {
    let answer = ldap.search(base, scope, filter, attrs).await.expect("an answer");
    let (entries, _) = answer.success().expect(filter);
    entries.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct).collect()
}
