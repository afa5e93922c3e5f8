//! The command line programs of OpenLDAP against the lab. They need to be installed (`ldap-utils`), so these tests run when
//! asked for: `cargo test -p onramp-lab -- --ignored`.

use std::io::Write;
use std::process::Stdio;

use onramp_lab::forest::{LabForest, LabForestServers};
use onramp_lab::tls::LabCa;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const BASE: &str = "DC=corp,DC=local";

struct Served {
    lab: LabForest,
    servers: LabForestServers,
    authority: tempfile::NamedTempFile,
}

async fn served(users: u64) -> Served {
    let lab = LabForest::builder().users(users).seed(7).build().expect("a forest");
    let ca = LabCa::new().expect("an authority");
    let mut authority = tempfile::NamedTempFile::new().expect("a file");
    authority.write_all(ca.certificate_pem().as_bytes()).expect("written");
    let servers = lab.serve(&ca).await.expect("servers");
    Served { lab, servers, authority }
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
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
    }
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
