//! Other people's LDAP clients against the lab: the command line programs of OpenLDAP, python-ldap, and ldap3 for Python.
//! They need to be installed (Debian: `ldap-utils`, `python3-ldap`, `python3-ldap3`), so these tests run when asked for:
//! `cargo test -p onramp-lab -- --ignored`.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use futures_util::TryStreamExt;
use onramp_core::ObjectGuid;
use onramp_core::forest::{ForestUser, UserQuery};
use onramp_lab::forest::{LabForest, LabForestServers};
use onramp_lab::tls::LabCa;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

const BASE: &str = "DC=corp,DC=local";
/// Debian's own, which sees the packages of Debian.
const PYTHON: &str = "/usr/bin/python3";

struct Served {
    lab: LabForest,
    servers: LabForestServers,
    authority: tempfile::NamedTempFile,
}

async fn served(users: u64) -> Served {
    let lab = LabForest::builder().users(users).seed(7).build().expect("a forest");
    let ca = LabCa::new().expect("an authority");
    let authority = certificate_of(&ca);
    let servers = lab.serve(&ca).await.expect("servers");
    Served { lab, servers, authority }
}

fn certificate_of(ca: &LabCa) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(ca.certificate_pem().as_bytes()).expect("written");
    file
}

impl Served {
    /// Runs a program as the administrator; gives its exit code and everything it printed.
    async fn run(&self, program: &str, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let login = self.lab.administrator();
        let url = format!("ldaps://127.0.0.1:{}", self.servers.controllers()[0].ldaps.port());
        let mut child = Command::new(program)
            .args(["-H", &url, "-D", &login.name, "-w", login.password.expose()])
            .args(arguments)
            .env("LDAPTLS_CACERT", self.authority.path())
            .env("LDAPTLS_REQCERT", "demand")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is installed");
        fed(&mut child, input).await;
        ended(child).await
    }

    /// Runs a program of `tests/clients`, which is told where the lab is and asserts by itself. `target` is the account
    /// whose UPN it changes; the group Domain Users has 1,600 members, which are more than are given at once.
    async fn run_client(&self, program: &str, target: &ObjectGuid) {
        let people: Vec<ForestUser> =
            self.lab.forest().users.search(UserQuery::all()).try_collect().await.expect("users");
        let members: Vec<&str> = people.iter().take(1_600).map(|user| user.dn.as_str()).collect();
        let group = self.lab.find_account("Domain Users").expect("a group");
        self.lab.set_on("dc1", &group, "member", &members).expect("changed");
        let stranger = certificate_of(&LabCa::new().expect("an authority"));
        let (login, controller) = (self.lab.administrator(), &self.servers.controllers()[0]);
        // By address: libldap takes "localhost" for the name of the machine when it looks at the certificate.
        let told = serde_json::json!({
            "base": BASE,
            "ldap": format!("ldap://127.0.0.1:{}", controller.ldap.port()),
            "ldaps": format!("ldaps://127.0.0.1:{}", controller.ldaps.port()),
            "authority": self.authority.path(),
            "stranger": stranger.path(),
            "name": login.name,
            "password": login.password.expose(),
            "people": people.len(),
            "group": self.lab.dn_of(&group).expect("a name").as_str(),
            "members": members.len(),
            "target": self.lab.dn_of(target).expect("a name").as_str(),
        });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(program);
        let mut child = Command::new(PYTHON)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is installed");
        fed(&mut child, &format!("{told}\n")).await;
        let (code, printed) = ended(child).await;
        assert_eq!((code, printed.trim()), (Some(0), "ok"));
    }
}

async fn fed(child: &mut Child, input: &str) {
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
}

async fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().await.expect("it ends");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

#[tokio::test]
#[ignore = "needs ldapsearch"]
async fn ldapsearch_reads_a_large_forest_in_pages() {
    let served = served(2500).await;
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let paged = ["-x", "-LLL", "-b", BASE, "-E", "pr=1000/noprompt", filter, "sAMAccountName"];
    let (code, printed) = served.run("ldapsearch", &paged, "").await;
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(printed.matches("sAMAccountName: ").count(), 2503);
    let (code, printed) = served.run("ldapsearch", &["-x", "-LLL", "-b", BASE, filter, "cn"], "").await;
    assert_eq!(code, Some(4), "{printed}");
}

#[tokio::test]
#[ignore = "needs ldapmodify"]
async fn ldapmodify_swaps_a_upn() {
    let served = served(100).await;
    let change = format!(
        "dn: CN=krbtgt,CN=Users,{BASE}\nchangetype: modify\nadd: userPrincipalName\nuserPrincipalName: a@b.example\n\n\
         dn: CN=krbtgt,CN=Users,{BASE}\nchangetype: modify\ndelete: userPrincipalName\nuserPrincipalName: A@B.example\n-\n\
         add: userPrincipalName\nuserPrincipalName: c@d.example\n"
    );
    let (code, printed) = served.run("ldapmodify", &["-x"], &change).await;
    assert_eq!(code, Some(0), "{printed}");
    let guid = served.lab.find_account("krbtgt").expect("it exists");
    assert_eq!(served.lab.values_on("dc1", &guid, "userPrincipalName").expect("values"), ["c@d.example"]);
    let stale = format!(
        "dn: CN=krbtgt,CN=Users,{BASE}\nchangetype: modify\ndelete: userPrincipalName\nuserPrincipalName: a@b.example\n"
    );
    let (code, printed) = served.run("ldapmodify", &["-x"], &stale).await;
    assert_eq!(code, Some(16), "{printed}");
}

#[tokio::test]
#[ignore = "needs ldapwhoami"]
async fn ldapwhoami_is_told() {
    let served = served(1).await;
    let (code, printed) = served.run("ldapwhoami", &["-x"], "").await;
    assert_eq!((code, printed.trim()), (Some(0), "u:CORP\\Administrator"));
}

/// What a client leaves behind: a UPN that it changed twice, each time by naming the value before it, and a suffix.
async fn changes_what_it_finds(program: &str, suffix: &str) {
    let served = served(1_700).await;
    let target = served.lab.find_account("krbtgt").expect("it exists");
    served.lab.set_on("dc1", &target, "userPrincipalName", &["before@corp.local"]).expect("changed");
    served.run_client(program, &target).await;
    let upn = served.lab.values_on("dc1", &target, "userPrincipalName").expect("values");
    assert_eq!(upn, [format!("dirsync@{suffix}")]);
    let suffixes = served.lab.forest().suffixes.list().await.expect("suffixes");
    assert!(suffixes.iter().any(|known| known.suffix.as_str() == suffix), "{suffixes:?}");
}

#[tokio::test]
#[ignore = "needs python3-ldap"]
async fn python_ldap_reads_and_changes_the_forest() {
    changes_what_it_finds("python_ldap.py", "python-ldap.example").await;
}

#[tokio::test]
#[ignore = "needs python3-ldap3"]
async fn ldap3_for_python_reads_the_schema_and_changes_the_forest() {
    changes_what_it_finds("python_ldap3.py", "ldap3.example").await;
}
