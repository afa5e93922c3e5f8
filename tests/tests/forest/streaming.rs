//! Reading every user of a real forest without holding them.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use onramp_core::forest::{ObjectQuery, UserQuery};
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use onramp_tests::forest::Scope;

use crate::crowd::crowd;
use crate::shared::{client, forest, run};

/// How many users there are at least; another number comes from this variable of the environment, such as 50000, which
/// takes minutes to add.
const USERS: (&str, usize) = ("ONRAMP_STREAMED_USERS", 5_000);
/// What reading them all may take more, in KiB: pages come and go.
const MEMORY: u64 = 20 * 1024;

const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";

#[test]
#[ignore = "needs root and Samba AD"]
fn every_user_comes_once_and_memory_stays_flat() {
    let forest = forest();
    let users = std::env::var(USERS.0).map_or(USERS.1, |count| count.parse().unwrap());
    crowd(&forest, users);
    let ports = client(&forest, 0).build().unwrap().forest();
    let base = DistinguishedName::parse(forest.base_dn()).unwrap();
    let search = ports.users.search(UserQuery::below(base.clone()));
    let (users_seen, growth) = in_memory(|| run(search.map_ok(|user| user.guid).try_collect::<Vec<_>>()));
    let users_seen = users_seen.unwrap();
    assert!(growth < MEMORY, "{} users took {growth} KiB", users_seen.len());

    let wanted = ["userPrincipalName", "objectGUID", "mail", "proxyAddresses"];
    let wanted = wanted.map(|name| AttributeName::parse(name).unwrap());
    let people = ObjectQuery::all(wanted).below(base).with_filter(LdapFilter::parse(PEOPLE).unwrap());
    let search = ports.objects.search(people);
    let (objects_seen, growth) =
        in_memory(|| run(search.map_ok(|object| object.guid).try_collect::<Vec<_>>()));
    let objects_seen = objects_seen.unwrap();
    assert!(growth < MEMORY, "{} objects took {growth} KiB", objects_seen.len());

    let found = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, PEOPLE, &["objectGUID"]).unwrap();
    assert!(found.len() >= users);
    let there: BTreeSet<_> = found
        .iter()
        .map(|entry| ObjectGuid::from_slice(entry.bytes("objectGUID").unwrap()).unwrap())
        .collect();
    for seen in [users_seen, objects_seen] {
        assert_eq!(seen.len(), found.len(), "each once");
        assert_eq!(BTreeSet::from_iter(seen), there);
    }
}

/// Runs something and gives by how many KiB its memory grew at most meanwhile.
fn in_memory<T>(what: impl FnOnce() -> T) -> (T, u64) {
    // Resets the high-water mark (proc(5), clear_refs).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let result = what();
    (result, memory("VmHWM:").saturating_sub(before))
}

fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
