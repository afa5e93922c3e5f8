//! The permissions in the documentation of each port are those of the table of all of them.

use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../../docs/permissions.md");

/// The sections of the table, and what documents the ports in them.
const PORTS: [(&str, &[&str]); 7] = [
    ("Domains", &[include_str!("../../src/domains.rs"), include_str!("../../src/service_records.rs")]),
    ("Users", &[include_str!("../../src/users.rs")]),
    ("Roles", &[include_str!("../../src/roles.rs")]),
    ("Sign-in", &[include_str!("../../src/sign_in.rs")]),
    (
        "Synchronization and password rules",
        &[include_str!("../../src/sync.rs"), include_str!("../../src/password_protection.rs")],
    ),
    ("Applications", &[include_str!("../../src/applications.rs"), include_str!("../../src/caller.rs")]),
    ("Azure", &[include_str!("../../src/subscriptions.rs")]),
];

#[test]
fn ports_and_table_name_the_same_permissions() {
    let sections: Vec<&str> = TABLE.split("\n# ").skip(1).collect();
    assert_eq!(sections.len(), PORTS.len());
    for (section, (title, sources)) in sections.into_iter().zip(PORTS) {
        assert!(section.starts_with(title), "{title}");
        let of_ports = sources.iter().flat_map(|source| rows(source, "/// |")).collect::<BTreeMap<_, _>>();
        assert!(!of_ports.is_empty(), "{title}");
        assert_eq!(rows(section, "|"), of_ports, "{title}");
    }
}

/// The permissions of each method in the tables whose lines begin like that.
fn rows(text: &str, begin: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(begin));
    let cells = lines.filter_map(|line| line.split_once('|')).filter(|(methods, _)| methods.contains('`'));
    cells
        .flat_map(|(methods, rest)| {
            let names = methods.split('`').skip(1).step_by(2);
            names.map(|name| (name.rsplit(':').next().unwrap().to_owned(), permissions(rest)))
        })
        .collect()
}

/// Words such as `User.Read.All`; that a cell speaks of roles or requests as well does not matter.
fn permissions(cells: &str) -> BTreeSet<String> {
    let words = cells.split(|c: char| c.is_whitespace() || "`|,;:*".contains(c));
    let is_permission =
        |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_uppercase());
    words.filter(is_permission).map(str::to_owned).collect()
}
