//! Many users of the shared forest, and changes of all their UPNs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use onramp_core::forest::{ObjectChange, UpnChange};
use onramp_core::{DistinguishedName, ObjectGuid, Upn};
use onramp_samba::{Forest, Scope, SeededUser, UserShape};

use crate::dump::Dump;

/// The size of a large crowd. The tests that need many users share them, because adding users takes longest.
pub(crate) const CROWD: usize = 2_500;
/// The shapes that have a UPN.
const SHAPES: [UserShape; 4] =
    [UserShape::Plain, UserShape::Apostrophe, UserShape::MixedCase, UserShape::CommaInName];

/// A user of the crowd.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    guid: ObjectGuid,
    dn: DistinguishedName,
}

/// Returns at least `count` users of the shared forest, the same ones for every test. A test that changes them must
/// first read their current values.
pub(crate) fn crowd(forest: &Forest, count: usize) -> Vec<Member> {
    static CROWD: Mutex<Vec<Member>> = Mutex::new(Vec::new());
    let mut members = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    if members.len() < count {
        let added = added(forest, count - members.len()).into_iter();
        members.extend(
            added.map(|(user, guid)| Member { guid, dn: DistinguishedName::parse(&user.dn).unwrap() }),
        );
    }
    members[..count].to_vec()
}

/// Adds users that have a UPN, and returns each with its `objectGUID` as the independent client reads it.
pub(crate) fn added(forest: &Forest, count: usize) -> Vec<(SeededUser, ObjectGuid)> {
    let users = forest.add_users(count, &SHAPES).unwrap();
    let filter = "(&(objectClass=user)(sAMAccountName=user*))";
    let found = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &["objectGUID"]).unwrap();
    let guids: HashMap<&str, &[u8]> =
        found.iter().map(|entry| (entry.dn.as_str(), entry.bytes("objectGUID").unwrap())).collect();
    let guid = |dn: &str| ObjectGuid::from_slice(guids[dn]).unwrap();
    users.into_iter().map(|user| (guid(&user.dn), user)).map(|(guid, user)| (user, guid)).collect()
}

/// Returns a change for every member that gives it the suffix, from the UPN that it has in the dump.
pub(crate) fn changes(members: &[Member], held: &Dump, suffix: &str) -> Vec<ObjectChange> {
    let change = |member: &Member| {
        let before = held.get(&member.guid).upn.clone().unwrap();
        let local = before.split('@').next().unwrap();
        let after = Upn::parse(&format!("{local}@{suffix}")).unwrap();
        UpnChange { guid: member.guid, dn: member.dn.clone(), before: Some(before), after }.into()
    };
    members.iter().map(change).collect()
}

/// Returns the UPN that a change writes.
pub(crate) fn after(change: &ObjectChange) -> Upn {
    Upn::parse(change.attributes[0].add[0].as_text().unwrap()).unwrap()
}
