//! `onboard` on a real forest of two Samba controllers, checked with a client that shares no code with it.

use std::collections::{BTreeMap, BTreeSet};

use onramp::{Change, FileJournal, JournalEntry, JournalRecord, Outcome, Plan};
use onramp_ad::{AdClient, BindName};
use onramp_core::Password;
use onramp_samba::{Entry, Forest, Rights, Scope, UserShape, attribute_line};

use crate::program::Program;
use crate::world::{Cloud, Desk, SPEC};

#[test]
#[ignore = "needs root and Samba AD"]
fn the_whole_job_on_a_real_forest_moves_whom_the_plan_names_and_nobody_else() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(2).up().unwrap());
    let users = std::env::var("ONRAMP_SAMBA_USERS").map_or(1000, |users| users.parse().unwrap());
    forest.add_users(users, UserShape::ALL).unwrap();
    let desk = desk(&cloud, &forest);
    desk.configure(&desk.text(SPEC));
    let before = upns(&forest, 0);

    let flags = desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    assert_eq!(upns(&forest, 0), before, "nothing was accepted yet");
    let done = desk.onboard(&flags).with_code(0).saying(&["seen on all 2 domain controllers", " 0 failed"]);
    assert!(!done.said.contains('✗'), "{}", done.said);

    let plan = desk.plan();
    let expected = after(&before, &plan);
    let journal = desk.journal();
    println!("{}", pace(&journal));
    assert!(plan.users_changed() as usize >= users / 10 * 8, "{} of {users}", plan.users_changed());
    // The run waited for a sample only, so the rest may still be on its way to the second controller.
    forest.replicate(0, 1, forest.base_dn()).unwrap();
    for index in [0, 1] {
        assert_eq!(upns(&forest, index), expected, "on controller {index}");
        assert_eq!(suffixes(&forest, index), ["contoso.com"], "on controller {index}");
    }

    desk.onboard(&flags).with_code(0).saying(&["nothing has to be changed"]);
    assert!(desk.plan().is_empty());
    assert_eq!(upns(&forest, 0), expected);

    // Undone, every user has the name that an independent client read before, octet by octet.
    desk.undo(&["latest", "--yes"]).with_code(0).saying(&["seen on all 2 domain controllers", " 0 failed"]);
    println!("undone: {}", pace(&FileJournal::read(desk.last("journal.jsonl")).unwrap()));
    forest.replicate(0, 1, forest.base_dn()).unwrap();
    for index in [0, 1] {
        assert_eq!(upns(&forest, index), before, "on controller {index}");
    }
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_real_controller_that_is_down_is_named_and_the_job_goes_on_when_it_is_back() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(2).up().unwrap());
    forest.add_users(40, UserShape::ALL).unwrap();
    let desk = desk(&cloud, &forest);
    let impatient = format!("{SPEC}[spec.waits]\nreplication_minutes = 0\n");
    desk.configure(&desk.text(&impatient));
    desk.onboard(&["--plan-only"]).with_code(0);
    let (file, plan) = (desk.last("plan.jsonl"), desk.plan());
    let reviewed = ["--yes", "--plan", file.to_str().unwrap()];
    let before = upns(&forest, 0);

    // The controller is stopped between the review and the run.
    forest.stop_controller(1).unwrap();
    let down = ["wait for the UPN suffix contoso.com to replicate", "dc2.corp.example.com", "1 of 2"];
    desk.onboard(&reviewed).with_code(1).saying(&down);
    assert_eq!(suffixes(&forest, 0), ["contoso.com"]);
    assert_eq!(upns(&forest, 0), before, "users come after the suffix is everywhere");
    // A new plan notices that it is down, and nothing is done unless it is excluded by name.
    desk.onboard(&[]).with_code(2).saying(&["--accept controller-left-out:dc2.corp.example.com"]);
    assert_eq!(upns(&forest, 0), before);

    forest.start_controller(1).unwrap();
    desk.configure(&desk.text(SPEC));
    let flags = desk.consent();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    desk.onboard(&flags).with_code(0);
    let expected = after(&before, &plan);
    forest.replicate(0, 1, forest.base_dn()).unwrap();
    for index in [0, 1] {
        assert_eq!(suffixes(&forest, index), ["contoso.com"], "on controller {index}");
        assert_eq!(upns(&forest, index), expected, "on controller {index}");
    }
}

#[test]
#[ignore = "needs root and Samba AD"]
fn somebody_who_may_only_change_upns_does_so_on_a_real_forest_once_the_suffix_is_there() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(1).up().unwrap());
    forest.add_users(24, UserShape::ALL).unwrap();
    let login = forest.add_login("upn-writer", Rights::WriteUpn).unwrap();
    let name = format!("{}\\upn-writer", forest.netbios());
    let ca = std::fs::read_to_string(forest.ca_file()).unwrap();
    let first = &forest.controllers()[0];
    let desk = Desk::new(&cloud)
        .with_forest(first.fqdn(), &name, login.password().expose(), &ca)
        .with_address(first.fqdn(), first.ldaps());
    desk.configure(&desk.text("[spec]\ndomain = 'contoso.com'\n[spec.users]\n"));
    let flags = desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let before = upns(&forest, 0);
    desk.onboard(&flags).with_code(1).saying(&["add the UPN suffix contoso.com", "LDAP result 50"]);
    assert_eq!(upns(&forest, 0), before);

    let partitions = format!("CN=Partitions,CN=Configuration,{}", forest.base_dn());
    let suffix =
        format!("dn: {partitions}\nchangetype: modify\nadd: uPNSuffixes\nuPNSuffixes: contoso.com\n");
    forest.ldapmodify(0, &suffix).unwrap();
    desk.onboard(&flags).with_code(0);
    // The run changed its own UPN too, and continued nevertheless.
    let expected = after(&before, &desk.plan());
    assert_eq!(upns(&forest, 0), expected);
    assert_eq!(expected[login.dn()].as_deref(), Some("upn-writer@contoso.com"));
}

/// A client of the forest that the programs do not use.
pub(crate) async fn client(forest: &Forest) -> AdClient {
    let first = &forest.controllers()[0];
    let bind = BindName::parse(forest.admin_dn()).unwrap();
    let password = Password::new(forest.admin_password().expose().to_owned());
    let builder = AdClient::builder(first.fqdn()).bind(bind, password).trust_root_pem_file(forest.ca_file());
    builder.unwrap().address(first.fqdn(), first.ldaps()).connect().await.unwrap()
}

pub(crate) fn desk(cloud: &Cloud, forest: &Forest) -> Desk {
    let ca = std::fs::read_to_string(forest.ca_file()).unwrap();
    let first = &forest.controllers()[0];
    let desk =
        Desk::new(cloud).with_forest(first.fqdn(), forest.admin_dn(), forest.admin_password().expose(), &ca);
    forest
        .controllers()
        .iter()
        .fold(desk, |desk, controller| desk.with_address(controller.fqdn(), controller.ldaps()))
}

/// The UPN of every user on a controller, by distinguished name.
type Upns = BTreeMap<String, Option<String>>;

fn upns(forest: &Forest, index: usize) -> Upns {
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let found =
        forest.ldapsearch(index, forest.base_dn(), Scope::Subtree, filter, &["userPrincipalName"]).unwrap();
    let upn = |entry: &Entry| entry.text("userPrincipalName").map(str::to_owned);
    // The administrator, the guest, the key account, and the added users.
    assert!(found.len() > 24, "{}", found.len());
    found.iter().map(|entry| (entry.dn.clone(), upn(entry))).collect()
}

/// Returns the expected state after a plan: its users have their new UPN, all others keep theirs.
fn after(before: &Upns, plan: &Plan) -> Upns {
    let mut expected = before.clone();
    for planned in plan.changes() {
        if let Change::ChangeUpn { upn } = &planned.change {
            let held = expected.get_mut(upn.dn.as_str()).unwrap_or_else(|| panic!("{} is no user", upn.dn));
            assert_eq!(*held, upn.before, "the plan says of {} what is not so", upn.dn);
            *held = Some(upn.after.to_string());
        }
    }
    expected
}

fn suffixes(forest: &Forest, index: usize) -> Vec<String> {
    let partitions = format!("CN=Partitions,CN=Configuration,{}", forest.base_dn());
    let found =
        forest.ldapsearch(index, &partitions, Scope::Base, "(objectClass=*)", &["uPNSuffixes"]).unwrap();
    found[0].texts("uPNSuffixes").into_iter().map(str::to_owned).collect()
}

/// Returns the rate of user changes, from the times in the journal.
fn pace(journal: &[JournalRecord]) -> String {
    let times: Vec<_> = journal
        .iter()
        .filter(|line| {
            matches!(&line.entry, JournalEntry::ChangeEnded { after: Some(_), outcome: Outcome::Done, .. })
        })
        .map(|line| line.at)
        .collect();
    let [first, .., last] = times.as_slice() else { return "too few users were changed".to_owned() };
    let seconds = (*last - *first).as_seconds_f64();
    format!(
        "{} users changed in {seconds:.2} s, {:.0} a second",
        times.len(),
        (times.len() - 1) as f64 / seconds
    )
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_scan_of_a_real_forest_finds_each_object_that_was_planted() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(2).up().unwrap());
    let base = forest.base_dn();
    let plant = |index: usize, name: &str, class: &str, values: &[(&str, &str)]| {
        let mut record = format!("dn: CN={name},CN=Users,{base}\nchangetype: add\nobjectClass: {class}\n");
        for (attribute, value) in values {
            record += &attribute_line(attribute, value);
            record.push('\n');
        }
        forest.ldapmodify(index, &format!("{record}\n")).unwrap();
    };
    let user = |name: &str, upn: Option<&str>, values: &[(&str, &str)]| {
        let mut all = vec![("sAMAccountName", name)];
        all.extend(upn.map(|upn| ("userPrincipalName", upn)));
        all.extend(values);
        plant(0, name, "user", &all);
    };
    user("good", Some("good@contoso.com"), &[("proxyAddresses", "SMTP:good@contoso.com")]);
    // The beginning of a name excludes nobody.
    user("Guest Visitor", Some("guest visitor@contoso.com"), &[]);
    user("invisible", Some("zero\u{200b}width@contoso.com"), &[]);
    user("umlaut", Some("jürgen@contoso.com"), &[]);
    user("missing", None, &[]);
    user("blanks", Some("blanks@contoso.com"), &[("displayName", "Anna  "), ("sn", " Adler")]);
    user("dots", Some("dots..too@contoso.com"), &[]);
    user("one", Some("one@contoso.com"), &[("proxyAddresses", "SMTP:shared@contoso.com")]);
    user(
        "two",
        Some("two@contoso.com"),
        &[("proxyAddresses", "SMTP:two@contoso.com"), ("proxyAddresses", "smtp:SHARED@contoso.com")],
    );
    user(
        "primaries",
        Some("primaries@contoso.com"),
        &[("proxyAddresses", "SMTP:p1@contoso.com"), ("proxyAddresses", "SMTP:p2@contoso.com")],
    );
    plant(0, "person outside", "contact", &[("proxyAddresses", "outside@fabrikam.com")]);
    plant(0, "team", "group", &[("sAMAccountName", "team"), ("proxyAddresses", "SMTP:te am@contoso.com")]);
    // The same name on both controllers, before either knows of the other's.
    forest.replicate(0, 1, base).unwrap();
    forest.separate(0, 1).unwrap();
    for index in [0, 1] {
        let upn = format!("twin{index}@contoso.com");
        let account = format!("twin{index}");
        plant(index, "twin", "user", &[("sAMAccountName", &account), ("userPrincipalName", &upn)]);
    }
    forest.restore_network(0).unwrap();
    forest.restore_network(1).unwrap();
    forest.replicate(1, 0, base).unwrap();
    forest.replicate(0, 1, base).unwrap();

    let desk = desk(&cloud, &forest);
    desk.configure(&desk.text(SPEC));
    let scan = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_readiness");
        let arguments = [&["scan", "--without-tenant"][..], arguments].concat();
        desk.checked(Program::start(program, &arguments, &desk.path("")).end()).with_code(2)
    };
    scan(&["--output", "json", "--to", "findings.json"]);
    let json = std::fs::read_to_string(desk.path("findings.json")).unwrap();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let found: BTreeSet<(String, &str)> = findings
        .iter()
        .map(|finding| {
            let dn = finding["dn"].as_str().unwrap();
            let name = dn.strip_prefix("CN=").unwrap().split(',').next().unwrap();
            (name.split("\\0ACNF:").next().unwrap().to_owned(), finding["rule"].as_str().unwrap())
        })
        .collect();
    let planted = [
        ("Guest Visitor", "upn-character"),
        ("blanks", "edge-white-space"),
        ("dots", "upn-dots"),
        ("invisible", "invisible-character"),
        ("invisible", "upn-character"),
        ("missing", "upn-missing"),
        ("one", "duplicate-address"),
        ("person outside", "address-prefix-missing"),
        ("primaries", "address-primary-several"),
        ("team", "address-character"),
        ("twin", "replication-conflict"),
        ("two", "duplicate-address"),
        ("umlaut", "upn-character"),
    ];
    let planted: BTreeSet<(String, &str)> =
        planted.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect();
    assert_eq!(found, planted);
    assert!(findings.iter().all(|finding| finding["object_guid"].is_string()));

    // What is left out is named, with the reason.
    scan(&["--output", "html", "--to", "report.html"]);
    let page = std::fs::read_to_string(desk.path("report.html")).unwrap();
    for words in
        ["the built-in administrator, known by its SID", "krbtgt, the account", "the loser of a replication"]
    {
        assert!(page.contains(words), "{words}");
    }
    // The LDIF of the fixes is one that this controller takes, and then nothing is left of what it mends.
    scan(&["--output", "ldif", "--min-confidence", "high", "--to", "fixes.ldif"]);
    let fixes = std::fs::read_to_string(desk.path("fixes.ldif")).unwrap();
    assert!(fixes.matches("changetype: modify").count() >= 2, "{fixes}");
    forest.ldapmodify(0, &fixes).unwrap();
    let after = scan(&[]);
    for rule in ["upn-dots", "edge-white-space"] {
        assert!(!after.said.contains(&format!("[{rule}]")), "{}", after.said);
    }
    after.saying(&["[upn-missing]"]);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_second_scan_of_a_real_forest_reads_what_changed_and_finds_what_a_full_one_does() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(2).up().unwrap());
    let base = forest.base_dn();
    let change = |records: &str| forest.ldapmodify(0, records).unwrap();
    for unit in ["OU=Staff", "OU=Sales,OU=Staff", "OU=Away"] {
        change(&format!("dn: {unit},{base}\nchangetype: add\nobjectClass: organizationalUnit\n\n"));
    }
    let add = |name: &str, below: &str, class: &str, values: &str| {
        change(&format!("dn: CN={name},{below}{base}\nchangetype: add\nobjectClass: {class}\n{values}\n"));
    };
    let user = |name: &str, below: &str, upn: &str| {
        add(name, below, "user", &format!("sAMAccountName: {name}\nuserPrincipalName: {upn}\n"));
    };
    user("anna", "OU=Sales,OU=Staff,", "anna..a@contoso.com");
    user("bert", "OU=Staff,", "bert b@contoso.com");
    user("carl", "OU=Staff,", "carl@contoso.com");
    user("dora", "OU=Staff,", "dora@contoso.com");
    add("outside", "OU=Staff,", "contact", "proxyAddresses: outside@fabrikam.com\n");
    let members: String =
        ["bert", "carl", "dora"].map(|name| format!("member: CN={name},OU=Staff,{base}\n")).concat();
    add("team", "OU=Staff,", "group", &format!("sAMAccountName: team\n{members}"));

    let administrator = desk(&cloud, &forest);
    let login = forest.add_login("reads-changes", Rights::Ordinary).unwrap();
    let name = format!("{}\\reads-changes", forest.netbios());
    let ca = std::fs::read_to_string(forest.ca_file()).unwrap();
    // The other controller, too, from the cookie of the first one.
    let (first, second) = (&forest.controllers()[0], &forest.controllers()[1]);
    let ordinary = Desk::new(&cloud)
        .with_forest(first.fqdn(), &name, login.password().expose(), &ca)
        .with_address(first.fqdn(), first.ldaps())
        .with_address(second.fqdn(), second.ldaps());
    for desk in [&administrator, &ordinary] {
        desk.configure(&desk.text(SPEC));
        std::fs::write(desk.path("profile.toml"), "[rules.group-members]\nlimit = 2\n").unwrap();
    }
    let scan = |desk: &Desk, said: &str| {
        let scan = ["scan", "--without-tenant", "--profile", "profile.toml", "--output", "json", "--to"];
        let incremental = [&scan[..], &["incremental.json", "--state", "scan.state"]].concat();
        let ended = desk.readiness(&incremental).with_code(2).saying(&[said]);
        println!("{}", ended.said);
        desk.readiness(&[&scan[..], &["full.json"]].concat()).with_code(2);
        let text = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
        let (incremental, full) = (text("incremental.json"), text("full.json"));
        assert_eq!(incremental, full);
        full
    };
    let both = |said: &str| [&administrator, &ordinary].map(|desk| scan(desk, said));
    both("all of the forest is read: there is no state in scan.state yet");
    both("of the forest, 0 changes since");

    // The outer unit, then the inner one out of it, and a user into another one.
    let rename = |dn: &str, rdn: &str, to: Option<&str>| {
        let to = to.map(|to| format!("newsuperior: {to}{base}\n")).unwrap_or_default();
        change(&format!("dn: {dn},{base}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n{to}\n"));
    };
    rename("OU=Staff", "OU=People", None);
    for report in both("of the forest, ") {
        assert!(report.contains("CN=anna,OU=Sales,OU=People,") && !report.contains("OU=Staff"), "{report}");
    }
    rename("OU=Sales,OU=People", "OU=Sellers", Some("OU=Away,"));
    rename("CN=bert,OU=People", "CN=bert", Some(""));
    for report in both("of the forest, ") {
        assert!(
            report.contains("CN=anna,OU=Sellers,OU=Away,") && report.contains(&format!("\"CN=bert,{base}\""))
        );
        assert!(report.contains("group-members"), "three members are too many: {report}");
    }
    // A member goes, and the group has two.
    change(&format!("dn: CN=dora,OU=People,{base}\nchangetype: delete\n\n"));
    add("anew", "OU=Away,", "contact", "mail: carl@contoso.com\n");
    for report in both("of the forest, ") {
        assert!(!report.contains("group-members") && report.contains("duplicate-address"), "{report}");
    }
    let proxies = "replace: proxyAddresses\nproxyAddresses: SMTP:a b@contoso.com\n";
    change(&format!("dn: CN=carl,OU=People,{base}\nchangetype: modify\n{proxies}\n"));
    for report in both("of the forest, ") {
        assert!(report.contains("a b@contoso.com"), "{report}");
    }

    forest.replicate(0, 1, base).unwrap();
    forest.stop_controller(0).unwrap();
    let name = ordinary
        .text(SPEC)
        .replace(&format!("host = '{}'", first.fqdn()), &format!("host = '{}'", second.fqdn()));
    ordinary.configure(&name);
    scan(&ordinary, "of the forest, ");
}
