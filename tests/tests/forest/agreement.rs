//! The lab's LDAP server and Samba give the same answers to the same requests, sent by an independent client. Intended
//! differences of the lab are listed with their reasons.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use onramp_core::{DistinguishedName, Password};
use onramp_lab::forest::LabForest;
use onramp_lab::tls::LabCa;
use onramp_samba::{Entry, UserShape, attribute_line, parse_ldif};

use crate::shared::{forest, run};

#[test]
#[ignore = "needs root and Samba AD"]
fn the_lab_answers_as_samba_does() {
    let forest = forest();
    forest.add_users(4, &[UserShape::Plain]).unwrap();
    let samba = Directory {
        url: format!("ldaps://{}", forest.controllers()[0].ip()),
        plain: format!("ldap://{}", forest.controllers()[0].ip()),
        base: forest.base_dn().to_owned(),
        domain: forest.domain().to_owned(),
        bind: forest.admin_upn().to_owned(),
        password_file: forest.admin().password_file().to_owned(),
    };

    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "lab-Only-1").unwrap();
    // The programs block, so the servers need a thread of their own: `run` has two.
    let answers = run(async {
        let lab = LabForest::builder()
            .domain(forest.domain())
            .controllers(2)
            .users(50)
            .seed(11)
            .administrator_password(Password::new("lab-Only-1".to_owned()))
            .build()
            .unwrap();
        let servers = lab.serve(&LabCa::new().unwrap()).await.unwrap();
        let served = &servers.controllers()[0];
        let lab = Directory {
            url: format!("ldaps://{}", served.ldaps),
            plain: format!("ldap://{}", served.ldap),
            base: lab.base().to_string(),
            domain: lab.domain().to_string(),
            bind: lab.administrator().name,
            password_file,
        };
        tokio::task::spawn_blocking(move || {
            let (lab, samba) = (answers(&lab), answers(&samba));
            lab.into_iter().zip(samba).collect::<Vec<_>>()
        })
        .await
        .unwrap()
    });

    assert!(answers.len() > 40, "all requests were sent");
    let mut disagreements = Vec::new();
    for ((what, lab), (_, samba)) in answers {
        let expected = KNOWN.iter().find(|(known, ..)| *known == what).map(|&(_, lab, samba)| (lab, samba));
        match expected {
            None if lab == samba => {}
            Some((as_lab, as_samba)) if (as_lab, as_samba) == (lab.as_str(), samba.as_str()) => {}
            _ => disagreements.push(format!("{what}: the lab {lab}, Samba {samba}")),
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// The requests that the lab answers as Windows and the standards do, and Samba does not: request, lab, Samba.
const KNOWN: &[(&str, &str, &str)] = &[
    // RFC 4511, 4.6: replacing an attribute that is not there by no value is ignored.
    ("replace none by none", "code 0", "code 65"),
    // Samba answers the search with an extended response, after which the program waits until its time limit.
    ("a critical control nobody knows", "code 12 with 0", "code 124 with 0"),
    // RFC 4511, 4.5.1.4: no more entries than the client asked for; Samba gives all.
    ("domain controllers, at most one", "code 4 with 1", "code 0 with 2"),
];

/// A server, and the name and password to sign in with.
struct Directory {
    url: String,
    plain: String,
    base: String,
    domain: String,
    bind: String,
    password_file: std::path::PathBuf,
}

impl Directory {
    fn program(&self, name: &str, url: &str) -> Command {
        let mut command = Command::new("timeout");
        // TLS is not compared here.
        command.args(["30", name, "-H", url, "-x", "-o", "nettimeout=10"]).env("LDAPTLS_REQCERT", "never");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn signed_in(&self, name: &str) -> Command {
        let mut command = self.program(name, &self.url);
        command.args(["-D", &self.bind, "-y"]).arg(&self.password_file);
        command
    }

    /// Returns the result code of a change, in words.
    fn modify(&self, dn: &str, changes: &str) -> String {
        let ldif = format!("{}\nchangetype: modify\n{changes}\n", attribute_line("dn", dn));
        code(self.signed_in("ldapmodify"), &ldif).0
    }

    fn entries(&self, base: &str, scope: &str, filter: &str, arguments: &[&str]) -> (String, Vec<Entry>) {
        let mut command = self.signed_in("ldapsearch");
        command.args(["-LLL", "-b", base, "-s", scope, filter]).args(arguments);
        let (code, output) = code(command, "");
        (code, parse_ldif(&output).unwrap())
    }

    /// Returns the result code of a search and the number of its entries.
    fn search(&self, base: &str, scope: &str, filter: &str, arguments: &[&str]) -> String {
        let (code, entries) = self.entries(base, scope, filter, arguments);
        format!("{code} with {}", entries.len())
    }
}

/// Runs a program of OpenLDAP and returns its exit code, which is the LDAP result code.
fn code(mut command: Command, input: &str) -> (String, String) {
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().map_or("killed".to_owned(), |code| format!("code {code}"));
    (code, String::from_utf8(output.stdout).unwrap())
}

/// Sends every request and returns the answers, each with its request.
fn answers(directory: &Directory) -> Vec<(&'static str, String)> {
    let people =
        "(&(objectCategory=person)(objectClass=user)(userPrincipalName=*)(!(isCriticalSystemObject=TRUE)))";
    let attributes = ["userPrincipalName", "sAMAccountName", "objectGUID"];
    let (_, mut users) = directory.entries(&directory.base, "sub", people, &attributes);
    users.sort_by(|one, other| one.dn.cmp(&other.dn));
    users.retain(|user| {
        user.text("userPrincipalName").is_some_and(|upn| upn.is_ascii() && user.dn.is_ascii())
    });
    let mut answers = Vec::new();
    names(directory, &users[0], &users[1], &mut answers);
    suffixes(directory, &users[1], &mut answers);
    searches(directory, &users[1], &mut answers);
    signing_in(directory, &mut answers);
    answers
}

type Answers = Vec<(&'static str, String)>;

fn names(directory: &Directory, one: &Entry, other: &Entry, answers: &mut Answers) {
    let (upn, taken) = (one.text("userPrincipalName").unwrap(), other.text("userPrincipalName").unwrap());
    let implied = format!("{}@{}", other.text("sAMAccountName").unwrap(), directory.domain);
    let swap = |from: &str, to: &str| {
        let (from, to) = (attribute_line("userPrincipalName", from), attribute_line("userPrincipalName", to));
        format!("delete: userPrincipalName\n{from}\n-\nadd: userPrincipalName\n{to}\n")
    };
    let set = |verb: &str, value: &str| {
        format!("{verb}: userPrincipalName\n{}\n", attribute_line("userPrincipalName", value))
    };
    let new = "agreed@new.example";
    let mut ask = |what, changes: String| answers.push((what, directory.modify(&one.dn, &changes)));
    ask("swap", swap(upn, new));
    ask("swap from a stale value", swap(upn, "x@new.example"));
    ask("swap, the old value in capitals", swap(&new.to_uppercase(), "again@new.example"));
    ask("swap to the same", swap("again@new.example", "again@new.example"));
    ask("swap of case only", swap("again@new.example", "Again@New.Example"));
    ask("take another's UPN", swap("again@new.example", taken));
    ask("take another's UPN in capitals", swap("again@new.example", &taken.to_uppercase()));
    ask("take another's implied UPN", swap("again@new.example", &implied));
    ask("add a second value", set("add", "second@new.example"));
    ask("replace by the same", set("replace", "Again@New.Example"));
    ask(
        "replace by two values",
        "replace: userPrincipalName\nuserPrincipalName: a@x.example\nuserPrincipalName: b@x.example\n"
            .to_owned(),
    );
    ask("replace by an empty value", set("replace", ""));
    ask("replace by no at sign", set("replace", "no-at-sign"));
    ask("replace by blanks and umlauts", set("replace", "ü b@x.example"));
    ask("replace by 1025 characters", set("replace", &format!("{}@x.example", "a".repeat(1015))));
    ask("delete all values", "delete: userPrincipalName\n".to_owned());
    ask("delete all values of none", "delete: userPrincipalName\n".to_owned());
    ask("delete a value of none", set("delete", "x@new.example"));
    ask("replace none by none", "replace: userPrincipalName\n".to_owned());
    ask("add where there is none", set("add", "added@new.example"));
    ask("an attribute that does not exist", "replace: noSuchAttribute\nnoSuchAttribute: x\n".to_owned());
    ask("an attribute of another class", "add: uPNSuffixes\nuPNSuffixes: x.example\n".to_owned());
    ask("an attribute nobody may write", "replace: objectGUID\nobjectGUID: x\n".to_owned());
    let guid: String = one.bytes("objectGUID").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let swapped = swap("added@new.example", "by-guid@new.example");
    answers.push(("swap, named by GUID", directory.modify(&format!("<GUID={guid}>"), &swapped)));
    let nobody = format!("<GUID={}>", "1".repeat(32));
    answers.push(("a GUID nobody has", directory.modify(&nobody, &swapped)));
    let nowhere = format!("CN=nobody,{}", directory.base);
    answers.push(("a name nobody has", directory.modify(&nowhere, &swapped)));
    answers.push(("a name that is none", directory.modify("nonsense", &swapped)));
    let group = format!("CN=Domain Admins,CN=Users,{}", directory.base);
    answers.push(("a UPN for a group", directory.modify(&group, &set("add", "group@new.example"))));
}

fn suffixes(directory: &Directory, user: &Entry, answers: &mut Answers) {
    let partitions = format!("CN=Partitions,CN=Configuration,{}", directory.base);
    let change =
        |verb: &str, value: &str| format!("{verb}: uPNSuffixes\n{}\n", attribute_line("uPNSuffixes", value));
    let mut ask = |what, changes: String| answers.push((what, directory.modify(&partitions, &changes)));
    ask("add a suffix", change("add", "agreed.example"));
    ask("add a suffix again", change("add", "agreed.example"));
    ask("delete a suffix in capitals", change("delete", "AGREED.EXAMPLE"));
    ask("delete a suffix that is not there", change("delete", "agreed.example"));
    ask("add the domain's own name", change("add", &directory.domain));
    ask("delete the domain's own name", change("delete", &directory.domain));
    ask("add what is no domain name", change("add", "@ no domain. "));
    ask("delete what is no domain name", change("delete", "@ no domain. "));
    ask(
        "add and delete in one",
        format!("{}-\n{}", change("add", "one.example"), change("delete", "one.example")),
    );
    // The name of a user may have a comma of its own.
    let unit = DistinguishedName::parse(&user.dn).unwrap().parent().unwrap();
    answers.push(("a suffix for an OU", directory.modify(unit.as_str(), &change("add", "unit.example"))));
    let container = format!("CN=Users,{}", directory.base);
    answers.push(("a suffix for a container", directory.modify(&container, &change("add", "unit.example"))));
}

fn searches(directory: &Directory, user: &Entry, answers: &mut Answers) {
    let base = directory.base.as_str();
    let account = user.text("sAMAccountName").unwrap();
    let mut ask = |what, base: &str, scope, filter: &str, arguments: &[&str]| {
        answers.push((what, directory.search(base, scope, filter, arguments)));
    };
    let any = "(objectClass=*)";
    ask("the root entry", "", "base", any, &[]);
    ask("the domain", base, "base", any, &[]);
    ask("a base that is not there", &format!("OU=nowhere,{base}"), "sub", any, &[]);
    ask("a base in no naming context", "DC=elsewhere,DC=example", "sub", any, &[]);
    ask("a base that is no name", "nonsense", "sub", any, &[]);
    ask(
        "a user by name, in capitals",
        base,
        "sub",
        &format!("(sAMAccountName={})", account.to_uppercase()),
        &[],
    );
    ask(
        "a user by the start of its name",
        base,
        "sub",
        &format!("(sAMAccountName={account}*)"),
        &["-z", "1"],
    );
    ask("a user by an unknown attribute", base, "sub", "(noSuchAttribute=x)", &[]);
    ask(
        "no user by presence",
        base,
        "sub",
        &format!("(&(sAMAccountName={account})(!(userPrincipalName=*)))"),
        &[],
    );
    ask(
        "a user by a bit",
        base,
        "sub",
        &format!("(&(sAMAccountName={account})(userAccountControl:1.2.840.113556.1.4.803:=512))"),
        &[],
    );
    ask(
        "a user by other bits",
        base,
        "sub",
        &format!("(&(sAMAccountName={account})(userAccountControl:1.2.840.113556.1.4.803:=514))"),
        &[],
    );
    ask(
        "a user by any of some bits",
        base,
        "sub",
        &format!("(&(sAMAccountName={account})(userAccountControl:1.2.840.113556.1.4.804:=514))"),
        &[],
    );
    ask(
        "a user by a greater number",
        base,
        "sub",
        &format!("(&(sAMAccountName={account})(userAccountControl>=1000000))"),
        &[],
    );
    let escaped: String =
        user.bytes("objectGUID").unwrap().iter().map(|byte| format!("\\{byte:02x}")).collect();
    ask("a user by its GUID", base, "sub", &format!("(objectGUID={escaped})"), &[]);
    ask("a user as base", &user.dn, "sub", any, &[]);
    ask("below a user", &user.dn, "one", any, &[]);
    ask("people, paged", base, "sub", &format!("(sAMAccountName={account})"), &["-E", "pr=10/noprompt"]);
    ask("a critical control nobody knows", &user.dn, "base", any, &["-E", "!1.2.3.4"]);
    ask("a control nobody knows", &user.dn, "base", any, &["-E", "1.2.3.4"]);
    ask("a class with its subclasses", base, "sub", "(objectClass=domainDNS)", &[]);
    let sites = format!("CN=Sites,CN=Configuration,{base}");
    ask("domain controllers", &sites, "sub", "(objectClass=nTDSDSA)", &["dn"]);
    ask("domain controllers, at most one", &sites, "sub", "(objectClass=nTDSDSA)", &["-z", "1", "dn"]);
    ask(
        "domains",
        &format!("CN=Partitions,CN=Configuration,{base}"),
        "one",
        "(&(objectClass=crossRef)(netBIOSName=*))",
        &[],
    );

    // Compares more than the number: the attributes that a client reads are the same.
    let asked = [
        "dn",
        "objectGUID",
        "objectSid",
        "userPrincipalName",
        "sAMAccountName",
        "userAccountControl",
        "uSNChanged",
        "whenChanged",
        "objectClass",
        "objectCategory",
        "primaryGroupID",
        "distinguishedName",
        "adminCount",
        "isCriticalSystemObject",
    ];
    let (_, found) = directory.entries(&user.dn, "base", any, &asked);
    let names: Vec<&str> = found[0].attributes.keys().map(String::as_str).collect();
    answers.push(("attributes of a user", names.join(" ")));
    let (_, found) = directory.entries(&user.dn, "base", any, &["objectClass"]);
    answers.push(("classes of a user", found[0].texts("objectClass").join(" ")));
    let (_, found) = directory.entries(&user.dn, "base", any, &["1.1"]);
    answers.push(("no attributes of a user", found[0].attributes.len().to_string()));
    let (_, found) = directory.entries(&user.dn, "base", any, &["allowedAttributesEffective"]);
    let may = found[0]
        .texts("allowedAttributesEffective")
        .iter()
        .any(|name| name.eq_ignore_ascii_case("userPrincipalName"));
    answers.push(("whether a UPN may be written", may.to_string()));
    let facts = [
        "defaultNamingContext",
        "configurationNamingContext",
        "schemaNamingContext",
        "rootDomainNamingContext",
        "dnsHostName",
        "dsServiceName",
        "serverName",
        "supportedControl",
        "supportedCapabilities",
        "supportedLDAPVersion",
        "isGlobalCatalogReady",
        "isSynchronized",
        "highestCommittedUSN",
        "currentTime",
    ];
    let (_, found) = directory.entries("", "base", any, &facts);
    answers.push((
        "facts of the root entry",
        found[0].attributes.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
    ));
}

fn signing_in(directory: &Directory, answers: &mut Answers) {
    let wrong = Path::new("/dev/null");
    let mut ask = |what, url: &str, name: &str, password: &Path| {
        let mut command = directory.program("ldapsearch", url);
        command.args(["-D", name, "-y"]).arg(password).args([
            "-LLL",
            "-b",
            &directory.base,
            "-s",
            "base",
            "dn",
        ]);
        answers.push((what, code(command, "").0));
    };
    ask(
        "sign in by UPN",
        &directory.url,
        &format!("administrator@{}", directory.domain),
        &directory.password_file,
    );
    ask(
        "sign in by DN",
        &directory.url,
        &format!("CN=Administrator,CN=Users,{}", directory.base),
        &directory.password_file,
    );
    ask("sign in by account name alone", &directory.url, "administrator", &directory.password_file);
    ask(
        "sign in as nobody there",
        &directory.url,
        &format!("nobody@{}", directory.domain),
        &directory.password_file,
    );
    ask("sign in without TLS", &directory.plain, &directory.bind, &directory.password_file);
    ask("sign in with an empty password", &directory.url, &directory.bind, wrong);
    let mut anonymous = directory.program("ldapsearch", &directory.url);
    anonymous.args(["-LLL", "-b", &directory.base, "-s", "base", "dn"]);
    answers.push(("read without signing in", code(anonymous, "").0));
    let mut root = directory.program("ldapsearch", &directory.plain);
    root.args(["-LLL", "-b", "", "-s", "base", "defaultNamingContext"]);
    answers.push(("read the root entry without signing in", code(root, "").0));
    let mut start_tls = directory.program("ldapsearch", &directory.plain);
    start_tls.args(["-ZZ", "-D", &directory.bind, "-y"]).arg(&directory.password_file);
    start_tls.args(["-LLL", "-b", &directory.base, "-s", "base", "dn"]);
    answers.push(("sign in over StartTLS", code(start_tls, "").0));
}
