//! A real forest starts, works, and leaves nothing behind.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use onramp_samba::{Forest, ForestError, Rights, Scope, ServerCertificate, UserShape};

const ANY: &str = "(objectClass=*)";

#[test]
#[ignore = "needs root and Samba AD"]
fn two_controllers_replicate_and_leave_nothing_behind() {
    let forest = Forest::builder().controllers(2).up().unwrap();
    let traces = Traces::of(&forest);
    assert!(traces.left().len() >= 5, "the traces are really looked for: {:?}", traces.left());
    replicates_both_ways(&forest);
    survives_a_cut_network_and_a_killed_controller(&forest);
    drop(forest);
    assert_eq!(traces.left(), BTreeSet::new());
}

fn replicates_both_ways(forest: &Forest) {
    let partitions = partitions(forest);
    for (from, to, suffix) in [(0, 1, "contoso.com"), (1, 0, "fabrikam.com")] {
        add_suffix(forest, from, suffix);
        eventually(
            || suffixes(forest, to).contains(&suffix.to_owned()),
            "the suffix on the other controller",
        );
    }
    forest.cut_network(1).unwrap();
    add_suffix(forest, 0, "tailspin.com");
    assert!(!suffixes(forest, 1).contains(&"tailspin.com".to_owned()), "nothing gets through a cut cable");
    forest.restore_network(1).unwrap();
    let naming_context = partitions.strip_prefix("CN=Partitions,").unwrap();
    forest.replicate(0, 1, naming_context).unwrap();
    assert!(suffixes(forest, 1).contains(&"tailspin.com".to_owned()), "asked for, it comes at once");
}

fn survives_a_cut_network_and_a_killed_controller(forest: &Forest) {
    forest.stop_controller(1).unwrap();
    assert!(forest.ldapsearch(1, "", Scope::Base, ANY, &[]).is_err(), "a killed controller does not answer");
    assert!(!suffixes(forest, 0).is_empty(), "the other one does");
    forest.start_controller(1).unwrap();
    assert!(suffixes(forest, 1).contains(&"contoso.com".to_owned()), "it kept what it had");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_forest_with_users_rights_and_certificates_outlives_its_neighbour() {
    let forest = Forest::builder().realm("one.example").up().unwrap();
    a_panic_removes_the_neighbour_only(&forest);
    users_of_every_shape_are_there(&forest);
    rights_are_what_they_say(&forest);
    certificates_are_what_they_say(&forest);
}

fn a_panic_removes_the_neighbour_only(forest: &Forest) {
    let traces = std::thread::spawn(|| {
        let two = Forest::builder().realm("two.example").up().unwrap();
        let traces = Traces::of(&two);
        std::panic::resume_unwind(Box::new((two.domain().to_owned(), traces)));
    })
    .join()
    .unwrap_err()
    .downcast::<(String, Traces)>()
    .unwrap();
    assert_eq!(traces.0, "two.example");
    assert_eq!(traces.1.left(), BTreeSet::new());
    assert!(suffixes(forest, 0).is_empty(), "the first one still answers");
}

fn users_of_every_shape_are_there(forest: &Forest) {
    let mut users = forest.add_users(20, UserShape::ALL).unwrap();
    users.extend(forest.add_users(20, UserShape::ALL).unwrap());
    let filter = "(&(objectClass=user)(sAMAccountName=user*))";
    let found = forest
        .ldapsearch(
            0,
            forest.base_dn(),
            Scope::Subtree,
            filter,
            &["userPrincipalName", "mail", "userAccountControl"],
        )
        .unwrap();
    assert_eq!(found.len(), users.len());
    for user in &users {
        let entry =
            found.iter().find(|entry| entry.dn == user.dn).unwrap_or_else(|| panic!("{user:?} is missing"));
        assert_eq!(entry.text("userPrincipalName"), user.user_principal_name.as_deref());
        assert_eq!(entry.text("mail"), user.mail.as_deref());
        let disabled = entry.text("userAccountControl").unwrap().parse::<u32>().unwrap() & 2 != 0;
        assert_eq!(disabled, user.shape == UserShape::Disabled);
    }
}

fn rights_are_what_they_say(forest: &Forest) {
    let target = forest.add_users(1, &[UserShape::Plain]).unwrap().remove(0);
    let rename = |to: &str| {
        format!(
            "dn: {}\nchangetype: modify\nreplace: userPrincipalName\nuserPrincipalName: {to}\n",
            target.dn
        )
    };
    let suffix =
        format!("dn: {}\nchangetype: modify\nadd: uPNSuffixes\nuPNSuffixes: x.example\n", partitions(forest));
    for (name, rights, may_rename, may_add_suffix) in [
        ("ordinary", Rights::Ordinary, false, false),
        ("delegate", Rights::WriteUpn, true, false),
        ("chief", Rights::Administrator, true, true),
    ] {
        let login = forest.add_login(name, rights).unwrap();
        let renamed = forest.ldapmodify_as(&login, 0, &rename(&format!("{name}@x.example")));
        assert_eq!(refusal(renamed), (!may_rename).then_some(50), "{name} renames");
        let added = forest.ldapmodify_as(&login, 0, &suffix);
        assert_eq!(refusal(added), (!may_add_suffix).then_some(50), "{name} adds a suffix");
        let base =
            forest.ldapsearch_as(&login, 0, forest.base_dn(), Scope::Base, ANY, &["objectClass"]).unwrap();
        assert_eq!(base.len(), 1, "{name} may read");
        assert!(!format!("{login:?} {forest:?}").contains(login.password().expose()), "no password in Debug");
    }
}

fn certificates_are_what_they_say(forest: &Forest) {
    for kind in [ServerCertificate::Expired, ServerCertificate::OtherName, ServerCertificate::OtherAuthority]
    {
        forest.use_certificate(0, kind).unwrap();
        let answer = forest.ldapsearch(0, "", Scope::Base, ANY, &[]);
        assert!(answer.is_err(), "{kind:?} was accepted");
    }
    forest.use_certificate(0, ServerCertificate::Valid).unwrap();
    assert_eq!(forest.ldapsearch(0, "", Scope::Base, ANY, &["dnsHostName"]).unwrap().len(), 1);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_killed_owner_leaves_nothing_behind() {
    let program = env!("CARGO_BIN_EXE_forest");
    let run =
        |action: &str| Command::new(program).args([action, "--name", "lifecycle-test"]).output().unwrap();
    // Removes the forest of an earlier run of this test that was killed, if any, because that forest outlives its maker
    // by design.
    run("down");
    let up = run("up");
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let facts: serde_json::Value = serde_json::from_slice(&up.stdout).unwrap();
    assert!(!run("up").status.success(), "one name, one forest");
    let status: serde_json::Value = serde_json::from_slice(&run("status").stdout).unwrap();
    assert_eq!(status["accepting_connections"][0], facts["controllers"][0]["host"]);

    let traces = Traces::in_folder(facts["folder"].as_str().unwrap());
    assert!(!traces.left().is_empty());
    let owner = i32::try_from(facts["owner"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(owner), nix::sys::signal::Signal::SIGKILL).unwrap();
    eventually(|| traces.left().is_empty(), "the watchdog to remove everything");
    assert!(!run("status").status.success());
    assert!(run("down").status.success(), "nothing to end is fine");
}

fn partitions(forest: &Forest) -> String {
    format!("CN=Partitions,CN=Configuration,{}", forest.base_dn())
}

fn add_suffix(forest: &Forest, index: usize, suffix: &str) {
    let dn = partitions(forest);
    forest
        .ldapmodify(
            index,
            &format!("dn: {dn}\nchangetype: modify\nadd: uPNSuffixes\nuPNSuffixes: {suffix}\n"),
        )
        .unwrap();
}

fn suffixes(forest: &Forest, index: usize) -> Vec<String> {
    let entries = forest.ldapsearch(index, &partitions(forest), Scope::Base, ANY, &["uPNSuffixes"]).unwrap();
    entries[0].texts("uPNSuffixes").into_iter().map(str::to_owned).collect()
}

/// Returns the LDAP code of a refusal.
fn refusal(answer: Result<(), ForestError>) -> Option<i32> {
    answer
        .err()
        .map(|error| error.ldap_code().unwrap_or_else(|| panic!("not an answer of the directory: {error}")))
}

/// Waits until a condition is true, for at most a minute.
fn eventually(mut is_so: impl FnMut() -> bool, what: &str) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        std::thread::yield_now();
    }
}

/// The traces of a forest that are visible from outside.
#[derive(Debug)]
struct Traces {
    folder: String,
    id: String,
}

impl Traces {
    fn of(forest: &Forest) -> Self {
        Self::in_folder(forest.folder().to_str().unwrap())
    }

    fn in_folder(folder: &str) -> Self {
        // The registry's record of this folder is named for the forest's identifier.
        let record = std::fs::read_dir("/run/onramp-forests")
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(folder)))
            .unwrap();
        Self { folder: folder.to_owned(), id: record.file_stem().unwrap().to_str().unwrap().to_owned() }
    }

    /// Returns the namespaces, links, processes and files that still exist.
    fn left(&self) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        for arguments in [["netns", "list", ""], ["-o", "link", "show"]] {
            let output =
                Command::new("ip").args(arguments.iter().filter(|word| !word.is_empty())).output().unwrap();
            let names = [format!("onramp-{}", self.id), format!("or{}", self.id)];
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            left.extend(
                text.lines().filter(|line| names.iter().any(|name| line.contains(name))).map(str::to_owned),
            );
        }
        for process in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let words = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
            if words.contains(&self.folder) {
                left.insert(words.replace('\0', " "));
            }
        }
        for path in [self.folder.clone(), format!("/run/onramp-forests/{}.json", self.id)] {
            if std::path::Path::new(&path).exists() {
                left.insert(path);
            }
        }
        left
    }
}
