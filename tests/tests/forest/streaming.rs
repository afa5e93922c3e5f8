//! Reading every user of a real forest without holding them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::TryStreamExt;
use onramp_core::forest::{ObjectQuery, UserQuery};
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use onramp_tests::forest::{Forest, Scope};

use crate::crowd::{CROWD, crowd};
use crate::shared::{client, forest, run};

/// Variables of the environment that ask for a forest of its own: how many users it has, such as 50000, and the folder
/// that keeps it until the next time.
const USERS: &str = "ONRAMP_STREAMED_USERS";
const CACHE: &str = "ONRAMP_FOREST_CACHE";
/// What reading them all may take more, in KiB: pages come and go.
const MEMORY: u64 = 20 * 1024;

const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";

#[test]
#[ignore = "needs root and Samba AD"]
fn every_user_comes_once_and_memory_stays_flat() {
    match std::env::var(USERS) {
        Ok(users) => {
            let (users, cache) = (users.parse().unwrap(), std::env::var_os(CACHE).map(PathBuf::from));
            let forest = Forest::with_many_users(users, cache.as_deref()).unwrap();
            streams(&forest, users);
        }
        Err(_) => {
            let forest = forest();
            crowd(&forest, CROWD);
            streams(&forest, CROWD);
        }
    }
}

/// Reads all users of a forest that has at least so many.
fn streams(forest: &Forest, users: usize) {
    let ports = client(forest, 0).build().unwrap().forest();
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
