//! Objects of the forest that have a new UPN already, as UPN or as mail address, and users that are to get the same one.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use onramp_core::forest::{ObjectQuery, UpnOwner};
use onramp_core::{AttributeName, LdapFilter, ObjectGuid, Result, Upn};
use onramp_readiness::attributes::{
    MAIL, MAIL_NICKNAME, PROXY_ADDRESSES as PROXIES, SAM_ACCOUNT_NAME as SAM, TARGET_ADDRESS,
};
use onramp_readiness::{address_key, smtp_address};

use super::addresses::edits;
use crate::onramp::Onramp;
use crate::plan::BlockerKind;
use crate::spec::Spec;
use crate::survey::{AddressHolder, Candidate, HeldAs, SharedUpn, Survey, UsersSurvey, readable};
use crate::user_ref::UserRef;

/// The objects that have a new UPN already or are to get the same one. Names are compared as Active Directory compares
/// them.
pub(crate) struct Collisions<'a> {
    holders: HashMap<String, Vec<(&'a UpnOwner, bool)>>,
    addresses: HashMap<String, Vec<&'a AddressHolder>>,
    /// The objects that forward to an address, or have an alias of Exchange.
    others: HashMap<(AttributeName, String), Vec<&'a AddressHolder>>,
    wanted: HashMap<String, Vec<&'a Candidate>>,
    /// The number of users that each UPN is suggested for.
    suggested: HashMap<String, usize>,
}

impl<'a> Collisions<'a> {
    pub(crate) fn new(survey: &'a UsersSurvey) -> Self {
        let mut this = Self {
            holders: HashMap::new(),
            addresses: HashMap::new(),
            others: HashMap::new(),
            wanted: HashMap::new(),
            suggested: HashMap::new(),
        };
        for candidate in &survey.candidates {
            if let Ok(after) = &candidate.after {
                this.wanted.entry(address_key(after.as_str())).or_default().push(candidate);
            }
            if let Some(suggestion) = &candidate.suggestion {
                *this.suggested.entry(address_key(suggestion.as_str())).or_default() += 1;
            }
        }
        for holder in &survey.holders {
            if let Some(upn) = &holder.upn {
                this.holders.entry(address_key(upn)).or_default().push((holder, false));
            }
            if let Some(implied) = holder.implied_upn() {
                this.holders.entry(address_key(implied.as_str())).or_default().push((holder, true));
            }
        }
        for holder in &survey.address_holders {
            let key = address_key(&holder.address);
            match &holder.held_in {
                Some(attribute) => this.others.entry((attribute.clone(), key)).or_default().push(holder),
                None => this.addresses.entry(key).or_default().push(holder),
            }
        }
        this
    }

    /// Returns the reason why a user cannot get a UPN, if there is one. The other object counts even if the same plan
    /// takes the name from it: people decide on the order of the two changes.
    pub(crate) fn of(&self, user: ObjectGuid, upn: &Upn) -> Option<BlockerKind> {
        let key = address_key(upn.as_str());
        // The smallest GUID, so that the result does not depend on the order of reading.
        let holders = self.holders.get(&key).into_iter().flatten();
        let holder = holders
            .filter(|(holder, _)| holder.guid != user)
            .min_by_key(|(holder, implied)| (*implied, holder.guid));
        if let Some((holder, implied)) = holder {
            let other = UserRef::of_holder(holder);
            return Some(BlockerKind::Taken { upn: upn.clone(), holder: other, implied: *implied });
        }
        let rivals = self.wanted.get(&key).into_iter().flatten();
        let rival = rivals.filter(|other| other.user.guid != user).min_by_key(|other| other.user.guid);
        if let Some(rival) = rival {
            return Some(BlockerKind::WantedTwice { upn: upn.clone(), other: rival.user.clone() });
        }
        let addresses = self.addresses.get(&key).into_iter().flatten();
        let address =
            addresses.filter(|other| other.holder.guid != user).min_by_key(|other| other.holder.guid)?;
        let (address, holder) = (address.address.clone(), address.holder.clone());
        Some(BlockerKind::AddressTaken { upn: upn.clone(), address, holder })
    }

    /// Returns the UPN that is suggested for a user, if nobody has it, gets it, or has the same suggestion.
    pub(crate) fn free_suggestion(&self, candidate: &'a Candidate) -> Option<&'a Upn> {
        let upn = candidate.suggestion.as_ref()?;
        let is_single = self.suggested.get(&address_key(upn.as_str())) == Some(&1);
        (is_single && self.of(candidate.user.guid, upn).is_none()).then_some(upn)
    }

    /// Returns the object, other than a user, that has a value of `targetAddress` or `mailNickname`.
    pub(crate) fn other_with(
        &self,
        user: ObjectGuid,
        attribute: &AttributeName,
        value: &str,
    ) -> Option<UserRef> {
        let holders = self.others.get(&(attribute.clone(), address_key(value))).into_iter().flatten();
        let others = holders.map(|other| &other.holder).filter(|other| other.guid != user);
        others.min_by_key(|other| other.guid).cloned()
    }

    /// Returns the object of the forest that has, will have or implies the UPN of a cloud-only account, or has it as its
    /// primary mail address: synchronization would match the two.
    pub(crate) fn with_cloud_account(&self, upn: &Upn) -> Option<UserRef> {
        let key = address_key(upn.as_str());
        let holders = self.holders.get(&key).into_iter().flatten();
        let holder = holders
            .min_by_key(|(holder, implied)| (*implied, holder.guid))
            .map(|(holder, _)| UserRef::of_holder(holder));
        let wanted = || {
            let all = self.wanted.get(&key)?.iter();
            Some(all.min_by_key(|candidate| candidate.user.guid)?.user.clone())
        };
        let address = || {
            let all = self.addresses.get(&key)?.iter().filter(|other| other.is_primary);
            Some(all.min_by_key(|other| other.holder.guid)?.holder.clone())
        };
        holder.or_else(wanted).or_else(address)
    }
}

/// The maximum number of addresses in one filter; for more, every address is read.
const ADDRESSES_ASKED_FOR: usize = 50;

/// Reads the principals that have a new UPN, or share the UPN of a selected user.
pub(super) async fn read_holders(
    onramp: &Onramp,
    wanted: &HashSet<String>,
    index: &UpnIndex,
    survey: &mut Survey,
) -> Result<()> {
    let mut holders = onramp.forest.users.upn_owners();
    let mut shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)> = Vec::new();
    while let Some(holder) = readable(&mut holders, &mut survey.unreadable).await? {
        survey.counts.principals += 1;
        onramp.report_reading("principals of the forest", survey.counts.principals);
        let written = holder.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let names = (written.map(|upn| (upn, HeldAs::Upn)).into_iter())
            .chain(holder.implied_upn().map(|upn| (upn, HeldAs::ImpliedUpn)));
        let mut is_wanted = false;
        for (upn, held_as) in names {
            let key = address_key(upn.as_str());
            is_wanted |= wanted.contains(&key);
            for guid in index.others(&key, holder.guid) {
                shared.push((guid, upn.clone(), UserRef::of_holder(&holder), held_as.clone()));
            }
        }
        if is_wanted {
            survey.users.holders.push(holder);
        }
    }
    record_shared(onramp, shared, survey).await
}

/// Adds the selected users that share their UPN to the survey, each pair once.
async fn record_shared(
    onramp: &Onramp,
    shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)>,
    survey: &mut Survey,
) -> Result<()> {
    let mut pairs: HashSet<(ObjectGuid, ObjectGuid)> =
        survey.users.shared.iter().map(|known| (known.user.guid, known.other.guid)).collect();
    for (guid, upn, other, held_as) in shared {
        if !pairs.insert((guid, other.guid)) {
            continue;
        }
        match onramp.forest.users.get(&guid).await {
            Ok(user) => survey.users.shared.push(SharedUpn { user: UserRef::of(&user), upn, other, held_as }),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the objects of any class that have a new UPN, or the UPN of a selected user, as a mail address.
pub(super) async fn read_addresses(
    onramp: &Onramp,
    spec: &Spec,
    wanted: &HashSet<String>,
    index: &UpnIndex,
    survey: &mut Survey,
) -> Result<()> {
    if wanted.is_empty() && index.is_empty() {
        return Ok(());
    }
    // A new address must not be one that another object forwards to, and a new alias not that of another one.
    let has_targets = spec.users.as_ref().is_some_and(|users| !users.addresses.is_leave());
    let aliases = new_aliases(spec, &survey.users.candidates);
    let filter = if index.is_empty() && aliases.is_empty() && wanted.len() <= ADDRESSES_ASKED_FOR {
        let each = wanted.iter().flat_map(|key| {
            let typed = format!("smtp:{key}");
            let target = [key, &typed].map(|text| LdapFilter::equal(&TARGET_ADDRESS, text));
            let own = [LdapFilter::equal(&MAIL, key), LdapFilter::equal(&PROXIES, &typed)];
            own.into_iter().chain(target.into_iter().filter(|_| has_targets))
        });
        LdapFilter::any_of(&each.collect::<Vec<_>>())
    } else {
        let targets = [TARGET_ADDRESS].into_iter().filter(|_| has_targets);
        let nicknames = [MAIL_NICKNAME].into_iter().filter(|_| !aliases.is_empty());
        let names = [MAIL, PROXIES].into_iter().chain(targets).chain(nicknames);
        LdapFilter::any_of(&names.map(|name| LdapFilter::present(&name)).collect::<Vec<_>>())
    };
    let more = has_targets.then_some([TARGET_ADDRESS, MAIL_NICKNAME]).into_iter().flatten();
    let query = ObjectQuery::all([MAIL, PROXIES, SAM].into_iter().chain(more)).with_filter(filter);
    let mut objects = onramp.forest.objects.search(query);
    let mut shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)> = Vec::new();
    while let Some(object) = readable(&mut objects, &mut survey.unreadable).await? {
        let texts = |name: &AttributeName| -> Vec<String> {
            object.values(name).iter().filter_map(|value| value.as_text().map(str::to_owned)).collect()
        };
        let proxies = texts(&PROXIES);
        let has_primary = proxies.iter().any(|address| address.starts_with("SMTP:"));
        let mut addresses: Vec<(String, bool)> = proxies
            .iter()
            .filter_map(|proxy| Some((smtp_address(proxy)?.to_owned(), proxy.starts_with("SMTP:"))))
            .collect();
        addresses.extend(texts(&MAIL).into_iter().map(|mail| (mail.trim().to_owned(), !has_primary)));
        let holder = UserRef {
            guid: object.guid,
            dn: object.dn.clone(),
            sam_account_name: object.text(&SAM).unwrap_or_default().to_owned(),
        };
        let mut known = HashSet::new();
        for (address, is_primary) in addresses {
            let key = address_key(&address);
            if !known.insert(key.clone()) {
                continue;
            }
            for (guid, upn) in index.others(&key, holder.guid).into_iter().zip(Upn::parse(&address)) {
                shared.push((guid, upn, holder.clone(), HeldAs::Address(address.clone())));
            }
            if wanted.contains(&key) {
                let (holder, held_in) = (holder.clone(), None);
                survey.users.address_holders.push(AddressHolder { holder, address, is_primary, held_in });
            }
        }
        let targets = texts(&TARGET_ADDRESS).into_iter().filter(|_| has_targets).map(|target| {
            (TARGET_ADDRESS, smtp_address(&target).unwrap_or(target.trim()).to_owned(), wanted)
        });
        let nicknames = texts(&MAIL_NICKNAME).into_iter().map(|alias| (MAIL_NICKNAME, alias, &aliases));
        for (attribute, address, keys) in targets.chain(nicknames) {
            if keys.contains(&address_key(&address)) {
                let (holder, held_in) = (holder.clone(), Some(attribute));
                let is_primary = false;
                survey.users.address_holders.push(AddressHolder { holder, address, is_primary, held_in });
            }
        }
    }
    record_shared(onramp, shared, survey).await
}

/// Returns the comparison keys of the aliases of Exchange that the plan may assign.
fn new_aliases(spec: &Spec, candidates: &[Candidate]) -> HashSet<String> {
    let Some(users) = &spec.users else { return HashSet::new() };
    let edits = candidates.iter().flat_map(|candidate| match (&candidate.after, &candidate.addresses) {
        (Ok(upn), Some(present)) => {
            edits(users, upn.as_str(), candidate.before.as_deref(), present).unwrap_or_default()
        }
        _ => Vec::new(),
    });
    let aliases = edits.filter(|edit| edit.attribute == MAIL_NICKNAME);
    aliases.filter_map(|edit| edit.add.first()?.as_text().map(address_key)).collect()
}

/// Returns the comparison keys of the UPNs that the plan may assign.
pub(super) fn wanted_keys(spec: &Spec, candidates: &[Candidate]) -> HashSet<String> {
    let users = candidates.iter().filter_map(|candidate| candidate.after.as_ref().ok());
    let account = spec.service_account.iter().map(|account| &account.upn);
    let suggested = candidates.iter().filter_map(|candidate| candidate.suggestion.as_ref());
    users.chain(suggested).chain(account).map(|upn| address_key(upn.as_str())).collect()
}

/// The selected users that have the new UPN already, by the hash of that UPN: 24 bytes for each, because they may be
/// all users of the forest.
#[derive(Debug, Default)]
pub(super) struct UpnIndex {
    first: HashMap<u64, ObjectGuid>,
    more: Vec<(u64, ObjectGuid)>,
}

impl UpnIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn add(&mut self, guid: ObjectGuid, upn: &str) {
        let hash = hash(&address_key(upn));
        if self.first.get(&hash).is_some_and(|first| *first != guid) {
            self.more.push((hash, guid));
        } else {
            self.first.insert(hash, guid);
        }
    }

    /// Returns the users other than `not` that have the UPN.
    fn others(&self, key: &str, not: ObjectGuid) -> Vec<ObjectGuid> {
        let hash = hash(key);
        let Some(first) = self.first.get(&hash) else { return Vec::new() };
        let more = self.more.iter().filter(|(other, _)| *other == hash).map(|(_, guid)| guid);
        std::iter::once(first).chain(more).copied().filter(|guid| *guid != not).collect()
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_who_share_a_upn_are_found_from_both_sides() {
        let guid = |n: u8| ObjectGuid::from_bytes([n; 16]);
        let mut index = UpnIndex::default();
        for (n, upn) in [(1, "a@x.de"), (2, "A@x.de"), (3, "b@x.de"), (1, "a@x.de")] {
            index.add(guid(n), upn);
        }
        assert_eq!(index.others("a@x.de", guid(1)), [guid(2)]);
        assert_eq!(index.others("a@x.de", guid(9)), [guid(1), guid(2)]);
        assert!(index.others("b@x.de", guid(3)).is_empty());
        assert!(index.others("c@x.de", guid(3)).is_empty());
    }
}
