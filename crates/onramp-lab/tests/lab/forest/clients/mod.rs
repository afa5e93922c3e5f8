//! Somebody else's LDAP client (the ldap3 crate) over real sockets and real TLS.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Mod, Scope, SearchEntry, StdStream};
use onramp_lab::forest::{Fault, LabForest, LabForestServers, Login, Operation};
use onramp_lab::tls::LabCa;
use rustls::{ClientConfig, RootCertStore};

const BASE: &str = "DC=corp,DC=local";
const PARTITIONS: &str = "CN=Partitions,CN=Configuration,DC=corp,DC=local";

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

async fn change_upn(ldap: &mut Ldap, target: &str, old: &str, new: &str) -> ldap3::LdapResult {
    let delete = Mod::Delete("userPrincipalName", HashSet::from([old]));
    let add = Mod::Add("userPrincipalName", HashSet::from([new]));
    ldap.modify(target, vec![delete, add]).await.expect("an answer")
}

fn one(entries: Vec<SearchEntry>) -> SearchEntry {
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.into_iter().next().expect("one")
}

#[tokio::test]
async fn the_root_dse_is_there_for_everybody() {
    let served = served(10).await;
    let mut ldap = served.connect(0, false, false).await;
    let root = one(find(&mut ldap, "", Scope::Base, "(objectClass=*)", &["*"]).await);
    assert_eq!(root.attrs["defaultNamingContext"], [BASE]);
    assert_eq!(root.attrs["rootDomainNamingContext"], [BASE]);
    assert_eq!(root.attrs["configurationNamingContext"], [format!("CN=Configuration,{BASE}")]);
    assert_eq!(root.attrs["dnsHostName"], ["dc1.corp.local"]);
    assert!(root.attrs["dsServiceName"][0].starts_with("CN=NTDS Settings,CN=DC1,CN=Servers,"));
    assert!(root.attrs["supportedControl"].contains(&"1.2.840.113556.1.4.319".to_owned()));
    let named = one(find(&mut ldap, "", Scope::Base, "(objectClass=*)", &["isSynchronized"]).await);
    assert_eq!(named.attrs.len(), 1);
}

#[tokio::test]
async fn nothing_else_is_there_before_a_bind() {
    let served = served(10).await;
    let mut ldap = served.connect(0, false, true).await;
    let result = ldap.search(BASE, Scope::Base, "(objectClass=*)", vec!["*"]).await.expect("an answer").1;
    assert_eq!(result.rc, 1, "{result:?}");
    assert!(result.text.starts_with("00002020"), "{result:?}");
    let result = change_upn(&mut ldap, &served.user(), "a@b", "c@d").await;
    assert_eq!(result.rc, 1, "{result:?}");
}

#[tokio::test]
async fn passwords_go_over_tls_only() {
    let served = served(10).await;
    let login = served.lab.administrator();
    let mut plain = served.connect(0, false, false).await;
    let result = plain.simple_bind(&login.name, login.password.expose()).await.expect("an answer");
    assert_eq!(result.rc, 8, "{result:?}");
    let mut upgraded = served.connect(0, true, true).await;
    let result = upgraded.simple_bind(&login.name, login.password.expose()).await.expect("an answer");
    assert_eq!(result.rc, 0, "{result:?}");
    one(find(&mut upgraded, BASE, Scope::Base, "(objectClass=*)", &["dc"]).await);
}

#[tokio::test]
async fn bind_names_of_every_form_are_understood() {
    let served = served(30).await;
    let password = served.lab.administrator().password;
    let mut ldap = served.connect(0, false, true).await;
    for name in [
        "CN=Administrator,CN=Users,DC=corp,DC=local",
        "CORP\\administrator",
        "administrator@corp.local",
        "administrator@CORP",
        "corp.local/Users/Administrator",
    ] {
        let result = ldap.simple_bind(name, password.expose()).await.expect("an answer");
        assert_eq!(result.rc, 0, "{name}: {result:?}");
    }
    for (name, password, data) in [
        ("CORP\\administrator", "wrong", "data 52e"),
        ("administrator", password.expose(), "data 52e"),
        ("corp.local\\administrator", password.expose(), "data 52e"),
        ("CORP\\nobody", "wrong", "data 52e"),
        ("CORP\\administrator", "", "data 52e"),
    ] {
        let result = ldap.simple_bind(name, password).await.expect("an answer");
        assert_eq!(result.rc, 49, "{name}: {result:?}");
        assert!(
            result.text.starts_with("80090308: LdapErr: DSID-") && result.text.contains(data),
            "{result:?}"
        );
    }
    let who = "(objectClass=*)";
    let result = ldap.search(BASE, Scope::Base, who, vec!["dc"]).await.expect("an answer").1;
    assert_eq!(result.rc, 1, "a failed bind leaves nobody bound: {result:?}");
}

#[tokio::test]
async fn filters_find_what_they_should() {
    let served = served(200).await;
    let mut ldap = served.administrator().await;
    let names = ["sAMAccountName", "objectGUID", "objectSid"];
    let mut count = async |filter: &str| find(&mut ldap, BASE, Scope::Subtree, filter, &names).await.len();
    assert_eq!(count("(&(objectCategory=person)(objectClass=user))").await, 203);
    assert_eq!(count("(objectCategory=computer)").await, 5);
    assert_eq!(count("(&(objectClass=user)(!(objectClass=computer)))").await, 203);
    assert_eq!(count("(sAMAccountName=ADMINISTRATOR)").await, 1);
    assert_eq!(count("(sAMAccountName=admin*r)").await, 1);
    assert_eq!(count("(sAMAccountName=*nistr*)").await, 1);
    assert_eq!(count("(objectSid=S-1-5-32-1)").await, 0);
    assert_eq!(count("(userAccountControl:1.2.840.113556.1.4.803:=2)").await, 12 + 2);
    assert_eq!(count("(userAccountControl:1.2.840.113556.1.4.804:=4098)").await, 12 + 2 + 3);
    assert_eq!(count("(&(userAccountControl>=514)(userAccountControl<=514)(sn=*))").await, 12);
    assert_eq!(count("(isCriticalSystemObject=true)").await, count("(isCriticalSystemObject=TRUE)").await);
    assert_eq!(count("(noSuchAttribute=x)").await, 0);
    assert_eq!(count("(!(noSuchAttribute=x))").await, 0, "what is undefined stays undefined when negated");
    assert_eq!(count("(!(cn=x))").await, count("(objectClass=*)").await);
    assert_eq!(count("(|)").await, 0);
    assert_eq!(count("(&(objectClass=user)(proxyAddresses=smtp:*))").await, count("(mail=*)").await);
    assert_eq!(count("(distinguishedName=cn=administrator,cn=users,dc=CORP,dc=local)").await, 1);
    assert_eq!(count(&format!("(objectCategory=CN=Person,CN=Schema,CN=Configuration,{BASE})")).await, 203);
    assert_eq!(count("(&(objectCategory=person)(whenCreated>=20230101000000.0Z))").await, 203);
    assert_eq!(count("(memberOf=CN=Domain Admins,CN=Users,DC=corp,DC=local)").await, 1);
}

#[tokio::test]
async fn objects_are_found_by_guid_and_sid() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let attrs = ["objectGUID", "objectSid", "cn"];
    let filter = "(sAMAccountName=Guest)";
    let guest = one(find(&mut ldap, BASE, Scope::Subtree, filter, &attrs).await);
    let guid = served.lab.find_account("guest").expect("it exists");
    assert_eq!(guest.bin_attrs["objectGUID"], [guid.as_bytes().to_vec()]);
    let hex: String = guid.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = guid.as_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let sid = onramp_core::Sid::from_slice(&guest.bin_attrs["objectSid"][0]).expect("a SID");
    for filter in
        [format!("(objectGUID={guid})"), format!("(objectGUID={escaped})"), format!("(objectSid={sid})")]
    {
        assert_eq!(
            one(find(&mut ldap, BASE, Scope::Subtree, &filter, &attrs).await).dn,
            guest.dn,
            "{filter}"
        );
    }
    for base in [format!("<GUID={guid}>"), format!("<GUID={hex}>"), format!("<SID={sid}>")] {
        let found = one(find(&mut ldap, &base, Scope::Base, "(objectClass=*)", &attrs).await);
        assert_eq!(found.dn, guest.dn, "{base}");
    }
}

#[tokio::test]
async fn scopes_reach_as_far_as_they_say() {
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let staff = format!("OU=Staff,{BASE}");
    let all = "(objectClass=*)";
    assert_eq!(find(&mut ldap, &staff, Scope::Base, all, &["ou"]).await.len(), 1);
    assert_eq!(find(&mut ldap, &staff, Scope::OneLevel, all, &["ou"]).await.len(), 8);
    assert_eq!(find(&mut ldap, &staff, Scope::Subtree, all, &["ou"]).await.len(), 1 + 8 + 98);
    let result =
        ldap.search(&format!("OU=Nowhere,{BASE}"), Scope::Base, all, vec!["ou"]).await.expect("an answer");
    assert_eq!(result.1.rc, 32, "{:?}", result.1);
    let found = ldap.search(BASE, Scope::Subtree, all, vec!["1.1"]).await.expect("an answer").1;
    assert_eq!(found.refs.len(), 1, "to the Configuration partition: {found:?}");
    let configuration = format!("CN=Configuration,{BASE}");
    let servers = find(
        &mut ldap,
        &configuration,
        Scope::Subtree,
        "(objectClass=nTDSDSA)",
        &["invocationId", "msDS-hasMasterNCs"],
    )
    .await;
    assert_eq!(servers.len(), 2);
    assert!(servers.iter().all(|server| server.attrs["msDS-hasMasterNCs"].len() == 3));
}

#[tokio::test]
async fn attributes_are_selected_by_name() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let mut read = async |attrs: &[&str]| {
        one(find(
            &mut ldap,
            "CN=Administrator,CN=Users,DC=corp,DC=local",
            Scope::Base,
            "(objectClass=*)",
            attrs,
        )
        .await)
    };
    assert!(read(&["1.1"]).await.attrs.is_empty());
    let two = read(&["SAMACCOUNTNAME", "displayname", "noSuchAttribute"]).await;
    assert_eq!(two.attrs.keys().collect::<Vec<_>>(), ["sAMAccountName"]);
    let all = read(&["*", "allowedAttributesEffective"]).await;
    assert_eq!(all.attrs["objectClass"], ["top", "person", "organizationalPerson", "user"]);
    assert!(all.attrs["allowedAttributesEffective"].contains(&"userPrincipalName".to_owned()));
    assert!(!read(&["*"]).await.attrs.contains_key("allowedAttributesEffective"));
}

#[tokio::test]
async fn large_results_come_in_pages_only() {
    let served = served(2500).await;
    let mut ldap = served.administrator().await;
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let result = ldap.search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!((result.0.len(), result.1.rc), (1000, 4), "{:?}", result.1);
    let adapters: Vec<Box<dyn Adapter<'_, &str, Vec<&str>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(700))];
    let mut stream = ldap
        .streaming_search_with(adapters, BASE, Scope::Subtree, filter, vec!["cn"])
        .await
        .expect("a search");
    let mut names = HashSet::new();
    while let Some(entry) = stream.next().await.expect("an entry") {
        names.insert(SearchEntry::construct(entry).dn);
    }
    assert_eq!(stream.finish().await.rc, 0);
    assert_eq!(names.len(), 2503);
}

#[tokio::test]
async fn a_cookie_is_good_on_its_own_connection_only() {
    use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults as Paged};
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let mut other = served.administrator().await;
    let filter = "(objectClass=user)";
    let first = Paged { size: 10, cookie: Vec::new() }.critical();
    let result =
        ldap.with_controls(first).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    let Some(Control(Some(ControlType::PagedResults), raw)) = result.1.ctrls.first() else {
        panic!("{:?}", result.1)
    };
    let cookie = raw.parse::<Paged>().cookie;
    assert!(!cookie.is_empty());
    let next = Paged { size: 10, cookie: cookie.clone() }.critical();
    let stolen =
        other.with_controls(next).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!(stolen.1.rc, 53, "{:?}", stolen.1);
    let next = Paged { size: 10, cookie }.critical();
    let own =
        ldap.with_controls(next).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!((own.1.rc, own.0.len()), (0, 10), "{:?}", own.1);
}

#[tokio::test]
async fn a_upn_is_swapped_only_from_its_old_value() {
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let entries = find(
        &mut ldap,
        &format!("OU=Staff,{BASE}"),
        Scope::Subtree,
        "(userPrincipalName=*)",
        &["userPrincipalName"],
    )
    .await;
    let upn = |entry: &SearchEntry| entry.attrs["userPrincipalName"][0].clone();
    let (first, second) = (&entries[0], &entries[1]);
    let (old, other) = (upn(first), upn(second));

    let result = change_upn(&mut ldap, &first.dn, &old.to_uppercase(), "new@example.com").await;
    assert_eq!(result.rc, 0, "case does not matter: {result:?}");
    let result = change_upn(&mut ldap, &first.dn, &old, "newer@example.com").await;
    assert_eq!(result.rc, 16, "stale: {result:?}");
    let result = change_upn(&mut ldap, &first.dn, "new@example.com", &other.to_uppercase()).await;
    assert_eq!(result.rc, 19, "taken: {result:?}");
    assert!(result.text.starts_with("0000202F"), "{result:?}");
    let result = change_upn(&mut ldap, &first.dn, "new@example.com", "administrator@corp.local").await;
    assert_eq!(result.rc, 68, "implied by somebody's account name: {result:?}");
    let add = |value: &'static str| vec![Mod::Add("userPrincipalName", HashSet::from([value]))];
    let result = ldap.modify(&first.dn, add("second@example.com")).await.expect("an answer");
    assert_eq!(result.rc, 20, "single-valued: {result:?}");
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from(["a@b", "c@d"]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 19, "two values: {result:?}");
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([""]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 21, "empty: {result:?}");
    let long = "x".repeat(1025);
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([long.as_str()]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 21, "too long: {result:?}");
    let result = change_upn(&mut ldap, &format!("CN=Nobody,{BASE}"), "a@b", "c@d").await;
    assert_eq!(result.rc, 32, "{result:?}");
    let result = ldap
        .modify("CN=Domain Users,CN=Users,DC=corp,DC=local", add("group@example.com"))
        .await
        .expect("an answer");
    assert_eq!(result.rc, 65, "groups have none: {result:?}");
    for odd in ["no at", "two@at@s", "@x", "Ünïcode@ö"] {
        let result = ldap
            .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([odd]))])
            .await
            .expect("an answer");
        assert_eq!(result.rc, 0, "the syntax is nobody's business: {odd}: {result:?}");
    }
    let none: HashSet<&str> = HashSet::new();
    for rc in [0, 16] {
        let result = ldap
            .modify(&first.dn, vec![Mod::Delete("userPrincipalName", none.clone())])
            .await
            .expect("an answer");
        assert_eq!(result.rc, rc, "{result:?}");
    }
    assert_eq!(ldap.modify(&first.dn, add("again@example.com")).await.expect("an answer").rc, 0);
}

#[tokio::test]
async fn suffixes_are_taken_as_they_come() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let mut change = async |operation: fn(&'static str, HashSet<&'static str>) -> Mod<&'static str>,
                            value| {
        ldap.modify(PARTITIONS, vec![operation("uPNSuffixes", HashSet::from([value]))])
            .await
            .expect("an answer")
            .rc
    };
    assert_eq!(change(Mod::Add, "example.com").await, 0);
    assert_eq!(change(Mod::Add, "example.com").await, 20);
    assert_eq!(change(Mod::Add, "EXAMPLE.com").await, 0, "another spelling is another value");
    assert_eq!(change(Mod::Delete, "Example.Com").await, 0);
    assert_eq!(change(Mod::Delete, "example.COM").await, 0);
    assert_eq!(change(Mod::Delete, "example.com").await, 16);
    assert_eq!(change(Mod::Add, "not a domain.").await, 0);
    let result =
        ldap.modify("CN=Users,DC=corp,DC=local", vec![Mod::Add("uPNSuffixes", HashSet::from(["x.example"]))]);
    assert_eq!(result.await.expect("an answer").rc, 65, "containers have none");
}

#[tokio::test]
async fn plain_users_read_and_get_50_for_writes() {
    let served = served(50).await;
    let mut ldap = served.bound(0, &served.lab.plain_user().expect("a user")).await;
    let dn = served.user();
    one(find(&mut ldap, &dn, Scope::Base, "(objectClass=*)", &["cn"]).await);
    let result = change_upn(&mut ldap, &dn, "stale@corp.local", "new@example.com").await;
    assert_eq!(result.rc, 50, "{result:?}");
    assert!(result.text.starts_with("00002098"), "{result:?}");
}

#[tokio::test]
async fn a_read_only_controller_refers_writers() {
    let lab =
        LabForest::builder().users(10).controllers(1).read_only_controllers(1).build().expect("a forest");
    let ca = LabCa::new().expect("an authority");
    let servers = lab.serve(&ca).await.expect("servers");
    let served = Served { lab, ca, servers };
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    let result = change_upn(&mut ldap, &served.user(), "a@b", "c@d").await;
    assert_eq!(result.rc, 10, "{result:?}");
    assert_eq!(result.refs.len(), 1, "{result:?}");
}

#[tokio::test]
async fn unknown_critical_controls_are_refused() {
    use ldap3::controls::RawControl;
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let control = |crit| RawControl { ctype: "1.2.840.113556.1.4.2211".to_owned(), crit, val: None };
    let result = ldap
        .with_controls(control(true))
        .search(BASE, Scope::Base, "(objectClass=*)", vec!["cn"])
        .await
        .expect("an answer");
    assert_eq!(result.1.rc, 12, "{:?}", result.1);
    let result = ldap
        .with_controls(control(false))
        .search(BASE, Scope::Base, "(objectClass=*)", vec!["cn"])
        .await
        .expect("an answer");
    assert_eq!(result.1.rc, 0, "{:?}", result.1);
}

#[tokio::test]
async fn requests_of_one_connection_go_out_together() {
    let served = served(100).await;
    let ldap = served.administrator().await;
    served.lab.set_latency(Duration::from_millis(50));
    let base = format!("OU=Staff,{BASE}");
    let requests = (0..64).map(|_| {
        let (mut ldap, base) = (ldap.clone(), base.clone());
        async move { find(&mut ldap, &base, Scope::Base, "(objectClass=*)", &["ou"]).await.len() }
    });
    let all = futures_util::future::join_all(requests);
    // One after the other they would take more than three seconds.
    let answers = tokio::time::timeout(Duration::from_secs(2), all).await.expect("all in time");
    assert_eq!(answers, vec![1; 64]);
}

#[tokio::test]
async fn a_lost_reply_leaves_the_change_done() {
    let served = served(50).await;
    let dn = served.user();
    let guid = served.lab.find_account("krbtgt").expect("it exists");
    let value = || served.lab.values_on("dc1.corp.local", &guid, "userPrincipalName").expect("values");
    let add = |value: &'static str| vec![Mod::Add("userPrincipalName", HashSet::from([value]))];

    served.lab.inject(Operation::Modify, Fault::LostRequest, 1);
    let lost = served.administrator().await.modify(&dn, add("lost@example.com")).await;
    assert!(
        matches!(lost, Err(LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream)),
        "{lost:?}"
    );
    assert_eq!(value(), Vec::<String>::new());

    served.lab.inject(Operation::Modify, Fault::LostReply, 1);
    assert!(served.administrator().await.modify(&dn, add("done@example.com")).await.is_err());
    assert_eq!(value(), ["done@example.com"]);

    served.lab.inject(Operation::Modify, Fault::Busy, 1);
    let busy = served.administrator().await.modify(&dn, add("busy@example.com")).await.expect("an answer");
    assert_eq!(busy.rc, 51);
}

#[tokio::test]
async fn a_stopped_controller_closes_its_connections() {
    let served = served(10).await;
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    served.lab.stop_controller("dc2.corp.local").expect("it exists");
    assert!(ldap.search(BASE, Scope::Base, "(objectClass=*)", vec!["dc"]).await.is_err());
    served.lab.start_controller("dc2.corp.local").expect("it exists");
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    one(find(&mut ldap, BASE, Scope::Base, "(objectClass=*)", &["dc"]).await);
}
