//! Reading every user of a real forest without holding them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::{Stream, TryStreamExt};
use onramp_core::forest::{ObjectQuery, UserQuery};
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use onramp_samba::{Forest, Scope};

use crate::shared::client;

/// The environment variables with a lower number of users, and with the folder that keeps their directory between runs.
const USERS: &str = "ONRAMP_STREAMED_USERS";
const CACHE: &str = "ONRAMP_FOREST_CACHE";
const MANY: usize = 50_000;

/// The maximum memory of reading them all, in octets: two pages of a thousand objects, and the identifiers of those
/// received. Holding all 50,000 takes many times as much.
const MEMORY: u64 = 8 << 20;

const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";

#[test]
#[ignore = "needs root and Samba AD"]
fn every_user_comes_once_and_memory_stays_flat() {
    let users = std::env::var(USERS).map_or(MANY, |users| users.parse().unwrap());
    let cache = std::env::var_os(CACHE).map(PathBuf::from);
    let forest = Forest::with_many_users(users, cache.as_deref()).unwrap();
    let ports = client(&forest, 0).build().unwrap().forest();
    let base = DistinguishedName::parse(forest.base_dn()).unwrap();

    let search = ports.users.search(UserQuery::below(base.clone()));
    let users_seen = streamed(search.map_ok(|user| user.guid), users);

    let wanted = ["userPrincipalName", "objectGUID", "mail", "proxyAddresses"];
    let wanted = wanted.map(|name| AttributeName::parse(name).unwrap());
    let people = ObjectQuery::all(wanted).below(base).with_filter(LdapFilter::parse(PEOPLE).unwrap());
    let objects_seen = streamed(ports.objects.search(people).map_ok(|object| object.guid), users);

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

/// Returns everything that a stream yields, while its memory is counted.
fn streamed(stream: impl Stream<Item = onramp_core::Result<ObjectGuid>>, expected: usize) -> Vec<ObjectGuid> {
    // Allocated before memory is counted. The domain has accounts of its own besides.
    let mut seen = Vec::with_capacity(expected + 1_000);
    let held = allocation_counter::measure(|| {
        on_this_thread(async {
            let mut stream = std::pin::pin!(stream);
            while let Some(guid) = stream.try_next().await.unwrap() {
                seen.push(guid);
            }
        });
    });
    assert!(seen.len() <= seen.capacity().min(expected + 1_000));
    println!("{} objects: at most {} octets at a time", seen.len(), held.bytes_max);
    assert!(held.bytes_max < MEMORY, "{} objects took {} octets", seen.len(), held.bytes_max);
    seen
}

/// Runs a future to its end on this thread, whose memory is counted.
fn on_this_thread(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}
