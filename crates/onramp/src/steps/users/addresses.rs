//! The mail addresses that follow a new UPN: an alias, or the primary address.
//!
//! Entra makes the addresses of a synchronized user from `proxyAddresses`, else from `mail`, else, with a license for a mailbox,
//! from the UPN (KB 3190357, "How the proxyAddresses attribute is populated in Microsoft Entra ID"). A user without any address
//! gets none here, because one alone would become its primary address.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::{AttributeValue, ForestObject, ForestUser, ObjectQuery, ObjectRef};
use onramp_core::{AttributeName, ErrorKind, LdapFilter, ObjectGuid, Result, comparison_key};
use onramp_readiness::attributes::{
    MAIL, MAIL_NICKNAME, PROXY_ADDRESSES, RECIPIENT_TYPE_DETAILS, TARGET_ADDRESS,
};
use onramp_readiness::{address_key, smtp_address};

use crate::onramp::Onramp;
use crate::plan::AttributeEdit;
use crate::spec::{AddressAttribute, Addresses, UsersSpec};
use crate::survey::{Survey, UserAddresses, readable};

/// The number of users whose addresses are read one by one; for more, every object with an address is read.
const FEW: usize = 50;
/// The policies of Exchange that do not apply to a recipient.
const POLICIES_EXCLUDED: AttributeName = AttributeName::from_static("msExchPoliciesExcluded");
/// The e-mail address policy in `msExchPoliciesExcluded`.
const ADDRESS_POLICY: &str = "26491cfc-9e50-4857-861b-0cb8df22b5d7";
/// The recipient types of system objects of Exchange, as a mask: the scoping filters of the default rules of Entra Connect.
const SYSTEM_RECIPIENTS: u64 = 0x21C0_7000;
/// Shared, room and equipment mailboxes, on-premises and remote, as a mask of `msExchRecipientTypeDetails`.
const SHARED_MAILBOXES: u64 = 0x4 | 0x10 | 0x20 | 0x2_0000_0000 | 0x4_0000_0000 | 0x8_0000_0000;
/// Mailboxes in the tenant, as a mask: their `targetAddress` is on the routing domain of the tenant.
const REMOTE_MAILBOXES: u64 = 0x8000_0000 | 0x2_0000_0000 | 0x4_0000_0000 | 0x8_0000_0000;

/// The attributes that are read.
const READ: [AttributeName; 6] =
    [MAIL, PROXY_ADDRESSES, MAIL_NICKNAME, TARGET_ADDRESS, RECIPIENT_TYPE_DETAILS, POLICIES_EXCLUDED];

impl UserAddresses {
    /// Returns the addresses that every reading of a user has.
    pub(super) fn of(user: &ForestUser) -> Self {
        Self { mail: user.mail.clone(), proxy_addresses: user.proxy_addresses.clone(), ..Self::default() }
    }

    fn of_object(object: &ForestObject) -> Self {
        let text = |name: &AttributeName| object.text(name).map(str::to_owned);
        let texts = |name: &AttributeName| -> Vec<String> {
            object.values(name).iter().filter_map(|value| value.as_text().map(str::to_owned)).collect()
        };
        let recipient_type =
            object.text(&RECIPIENT_TYPE_DETAILS).and_then(|text| text.trim().parse::<u64>().ok());
        let is_excluded =
            texts(&POLICIES_EXCLUDED).iter().any(|policy| policy.to_lowercase().contains(ADDRESS_POLICY));
        Self {
            mail: text(&MAIL),
            proxy_addresses: texts(&PROXY_ADDRESSES),
            mail_nickname: text(&MAIL_NICKNAME),
            target_address: text(&TARGET_ADDRESS),
            recipient_type,
            has_address_policy: recipient_type.is_some() && !is_excluded,
        }
    }

    /// Returns true if the user has an address.
    pub(super) fn has_address(&self) -> bool {
        self.mail().is_some() || self.proxy_addresses.iter().any(|proxy| smtp_address(proxy).is_some())
    }

    /// Returns the primary address: that of `proxyAddresses`, else `mail`.
    pub(super) fn primary(&self) -> Option<&str> {
        let mut primaries: Vec<&str> = self.primaries().collect();
        primaries.sort_unstable();
        primaries.first().copied().or(self.mail())
    }

    /// Returns true for a mailbox that several people or none use.
    pub(super) fn is_shared_mailbox(&self) -> bool {
        self.is_recipient_of(SHARED_MAILBOXES)
    }

    /// Returns true if `targetAddress` points to another address than those of the user.
    pub(super) fn has_foreign_target(&self, former_upn: Option<&str>, new: &str) -> bool {
        self.target_address.as_deref().is_some_and(|target| {
            address_key(target_of(target).1) != address_key(new) && self.own_target(former_upn).is_none()
        })
    }

    fn is_recipient_of(&self, types: u64) -> bool {
        self.recipient_type.is_some_and(|kind| kind & types != 0)
    }

    fn mail(&self) -> Option<&str> {
        self.mail.as_deref().map(str::trim).filter(|mail| !mail.is_empty())
    }

    fn primaries(&self) -> impl Iterator<Item = &str> {
        self.proxy_addresses.iter().filter(|proxy| is_primary(proxy)).filter_map(|proxy| smtp_address(proxy))
    }

    /// Returns `targetAddress`, as type and address, if it is one of the names that the user had.
    fn own_target(&self, former_upn: Option<&str>) -> Option<(Option<&str>, &str)> {
        let target = target_of(self.target_address.as_deref()?);
        let key = address_key(target.1);
        let mut own = self.primaries().chain(self.mail()).chain(former_upn);
        (!self.is_recipient_of(REMOTE_MAILBOXES) && own.any(|own| address_key(own) == key)).then_some(target)
    }
}

/// Returns the changes of the addresses of a user that gets or has a UPN, or the reason why they cannot be changed. None if
/// they are as the rule wants them.
pub(super) fn edits(
    spec: &UsersSpec,
    new: &str,
    former_upn: Option<&str>,
    present: &UserAddresses,
) -> std::result::Result<Vec<AttributeEdit>, String> {
    if spec.addresses.is_leave() || !present.has_address() {
        return Ok(Vec::new());
    }
    if present.is_recipient_of(SYSTEM_RECIPIENTS) {
        return Err("it is a system object of Exchange (msExchRecipientTypeDetails)".to_owned());
    }
    let is_primary = spec.addresses == Addresses::MakePrimary;
    let [remove, add] = match spec.addresses {
        Addresses::MakePrimary => with_primary(new, present)?,
        _ => [Vec::new(), with_alias(new, present)],
    };
    let mut edits = Vec::new();
    let has_mail = present.mail.as_deref().is_some_and(|mail| address_key(mail.trim()) == address_key(new));
    if is_primary && !has_mail {
        edits.push(single(MAIL, present.mail.as_deref(), new));
    }
    if !(remove.is_empty() && add.is_empty()) {
        let values = |texts: Vec<String>| texts.into_iter().map(AttributeValue::text).collect();
        edits.push(AttributeEdit {
            attribute: PROXY_ADDRESSES,
            replaces_all_values: false,
            remove: values(remove),
            add: values(add),
        });
    }
    let asks_for = |attribute| is_primary && spec.addresses_also.contains(&attribute);
    if asks_for(AddressAttribute::MailNickname)
        && let (Some(alias), Some((local, _))) = (&present.mail_nickname, new.rsplit_once('@'))
        && comparison_key(alias) != comparison_key(local)
    {
        edits.push(single(MAIL_NICKNAME, Some(alias), local));
    }
    if asks_for(AddressAttribute::TargetAddress)
        && let Some((kind, address)) = present.own_target(former_upn)
        && address_key(address) != address_key(new)
    {
        let target = kind.map_or_else(|| new.to_owned(), |kind| format!("{kind}:{new}"));
        edits.push(single(TARGET_ADDRESS, present.target_address.as_deref(), &target));
    }
    Ok(edits)
}

/// Returns the proxy addresses that come with another address. The effective primary address stays the same.
fn with_alias(new: &str, present: &UserAddresses) -> Vec<String> {
    let key = address_key(new);
    let addresses: Vec<&str> =
        present.proxy_addresses.iter().filter_map(|proxy| smtp_address(proxy)).collect();
    let mail = present.mail();
    if addresses.iter().any(|address| address_key(address) == key) {
        return Vec::new();
    }
    match (addresses.is_empty(), mail) {
        // Entra makes the primary address from `mail`.
        (true, Some(mail)) if address_key(mail) == key => Vec::new(),
        // The alias alone would be the only address that a program finds.
        (true, Some(mail)) => vec![format!("SMTP:{mail}"), format!("smtp:{new}")],
        _ => vec![format!("smtp:{new}")],
    }
}

/// Returns the proxy addresses that go, and those that come, with a new primary address. No address is lost.
fn with_primary(new: &str, present: &UserAddresses) -> std::result::Result<[Vec<String>; 2], String> {
    let key = address_key(new);
    let mut proxies: Vec<(&str, &str)> = (present.proxy_addresses.iter())
        .filter_map(|proxy| Some((proxy.as_str(), smtp_address(proxy)?)))
        .collect();
    proxies.sort_unstable();
    let (mut remove, mut add): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut kept: HashSet<String> = (proxies.iter())
        .filter(|(proxy, address)| !is_primary(proxy) && address_key(address) != key)
        .map(|(_, address)| address_key(address))
        .collect();
    let is_there =
        proxies.iter().position(|(proxy, address)| is_primary(proxy) && address_key(address) == key);
    for (place, (proxy, address)) in proxies.iter().enumerate() {
        let own = address_key(address);
        if own == key {
            // One spelling stays: the primary one.
            if is_there != Some(place) {
                remove.push((*proxy).to_owned());
            }
        } else if is_primary(proxy) {
            remove.push((*proxy).to_owned());
            if kept.insert(own) {
                let (_, rest) = proxy.split_once(':').unwrap_or_default();
                add.push(format!("smtp:{rest}"));
            }
        }
    }
    if is_there.is_none() {
        add.push(format!("SMTP:{new}"));
    }
    if let Some(mail) = present.mail() {
        let own = address_key(mail);
        if own != key && kept.insert(own) {
            if !is_address(mail) {
                let mail = onramp_core::visible(mail);
                return Err(format!("its mail \"{mail}\" would be lost, and it cannot be kept as an alias"));
            }
            add.push(format!("smtp:{mail}"));
        }
    }
    Ok([remove, add])
}

/// Returns true for text that may stand as an address in `proxyAddresses`.
fn is_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>();,[]\":\\".contains(c);
    text.chars().all(is_plain)
        && matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && domain.contains('.')
            && !domain.contains('@'))
}

/// Returns true for a primary address. Exchange distinguishes by case.
fn is_primary(proxy: &str) -> bool {
    proxy.split_once(':').is_some_and(|(kind, _)| kind.trim() == "SMTP")
}

/// Returns the type of a target address, if it has one, and the address.
fn target_of(target: &str) -> (Option<&str>, &str) {
    match (smtp_address(target), target.split_once(':')) {
        (Some(address), Some((kind, _))) => (Some(kind), address),
        _ => (None, target.trim()),
    }
}

fn single(attribute: AttributeName, before: Option<&str>, after: &str) -> AttributeEdit {
    AttributeEdit {
        attribute,
        replaces_all_values: true,
        remove: before.map(AttributeValue::text).into_iter().collect(),
        add: vec![AttributeValue::text(after)],
    }
}

/// Returns a user with the addresses that it will have, for the forecast of matches.
pub(super) fn with_new_addresses(user: &ForestUser, spec: &UsersSpec, new: &str) -> Option<ForestUser> {
    let edits = edits(spec, new, user.upn.as_deref(), &UserAddresses::of(user)).ok()?;
    let mut user = user.clone();
    for edit in edits {
        let texts = |values: &[AttributeValue]| -> Vec<String> {
            values.iter().filter_map(|value| value.as_text().map(str::to_owned)).collect()
        };
        if edit.attribute == MAIL {
            user.mail = texts(&edit.add).pop();
        } else if edit.attribute == PROXY_ADDRESSES {
            let remove = texts(&edit.remove);
            user.proxy_addresses.retain(|proxy| !remove.contains(proxy));
            user.proxy_addresses.extend(texts(&edit.add));
        }
    }
    Some(user)
}

/// Reads the mail attributes of the selected users.
pub(super) async fn read(onramp: &Onramp, spec: &UsersSpec, survey: &mut Survey) -> Result<()> {
    if spec.addresses.is_leave() {
        return Ok(());
    }
    let wanted: Vec<ObjectGuid> = (survey.users.candidates.iter())
        .filter(|candidate| candidate.after.is_ok())
        .map(|candidate| candidate.user.guid)
        .collect();
    let mut found: HashMap<ObjectGuid, UserAddresses> = HashMap::new();
    if wanted.len() <= FEW {
        for guid in wanted {
            match onramp.forest.objects.get(&ObjectRef::Guid(guid), &READ).await {
                Ok(object) => drop(found.insert(guid, UserAddresses::of_object(&object))),
                Err(error) if error.is_not_found() => {}
                Err(error) if error.kind() == ErrorKind::Unreadable => survey.unreadable.add(&error),
                Err(error) => return Err(error),
            }
        }
    } else {
        let wanted: HashSet<ObjectGuid> = wanted.into_iter().collect();
        let filter = LdapFilter::any_of(&READ.map(|name| LdapFilter::present(&name)));
        let mut objects = onramp.forest.objects.search(ObjectQuery::all(READ).with_filter(filter));
        let mut count = 0;
        while let Some(object) = readable(&mut objects, &mut survey.unreadable).await? {
            count += 1;
            onramp.report_reading("objects of the forest with addresses", count);
            if wanted.contains(&object.guid) {
                found.insert(object.guid, UserAddresses::of_object(&object));
            }
        }
    }
    for candidate in &mut survey.users.candidates {
        if let Some(addresses) = found.remove(&candidate.user.guid) {
            candidate.addresses = Some(addresses);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(addresses: Addresses) -> UsersSpec {
        UsersSpec { addresses, ..UsersSpec::default() }
    }

    fn user(mail: Option<&str>, proxies: &[&str]) -> UserAddresses {
        let proxy_addresses = proxies.iter().map(|proxy| (*proxy).to_owned()).collect();
        UserAddresses { mail: mail.map(str::to_owned), proxy_addresses, ..UserAddresses::default() }
    }

    /// The user after the change, with the values of `proxyAddresses` in order.
    fn after(mode: Addresses, new: &str, before: &UserAddresses) -> UserAddresses {
        let mut user = before.clone();
        for edit in edits(&spec(mode), new, None, before).unwrap() {
            let texts = |values: &[AttributeValue]| -> Vec<String> {
                values.iter().map(|value| value.as_text().unwrap().to_owned()).collect()
            };
            if edit.attribute == MAIL {
                assert_eq!(texts(&edit.remove), Vec::from_iter(user.mail.clone()));
                user.mail = texts(&edit.add).pop();
            } else {
                for gone in texts(&edit.remove) {
                    let place = user.proxy_addresses.iter().position(|proxy| *proxy == gone);
                    user.proxy_addresses.remove(place.expect("it is there"));
                }
                user.proxy_addresses.extend(texts(&edit.add));
            }
        }
        user.proxy_addresses.sort();
        user
    }

    #[test]
    fn an_alias_leaves_the_primary_address_as_it_is() {
        let new = "anna@new.example";
        for (before, then) in [
            (user(None, &[]), user(None, &[])),
            (
                user(Some("a@old.example"), &["SMTP:a@old.example"]),
                user(Some("a@old.example"), &["SMTP:a@old.example", "smtp:anna@new.example"]),
            ),
            // Held already, in any case.
            (
                user(None, &["SMTP:a@old.example", "smtp:ANNA@new.example"]),
                user(None, &["SMTP:a@old.example", "smtp:ANNA@new.example"]),
            ),
            (user(None, &["SMTP:Anna@New.example"]), user(None, &["SMTP:Anna@New.example"])),
            // From `mail` alone, Entra would make the primary address: it stays that.
            (
                user(Some(" a@old.example"), &[]),
                user(Some(" a@old.example"), &["SMTP:a@old.example", "smtp:anna@new.example"]),
            ),
            (user(Some("anna@new.example"), &[]), user(Some("anna@new.example"), &[])),
            (user(None, &["X500:/o=Corp/cn=anna"]), user(None, &["X500:/o=Corp/cn=anna"])),
        ] {
            assert_eq!(after(Addresses::AddAlias, new, &before), then, "{before:?}");
        }
    }

    #[test]
    fn a_new_primary_address_makes_the_former_one_an_alias() {
        let new = "anna@new.example";
        for (before, then) in [
            (user(None, &[]), user(None, &[])),
            (
                user(Some("a@old.example"), &[]),
                user(Some(new), &["SMTP:anna@new.example", "smtp:a@old.example"]),
            ),
            // The second phase.
            (
                user(Some("a@old.example"), &["SMTP:a@old.example", "smtp:anna@new.example"]),
                user(Some(new), &["SMTP:anna@new.example", "smtp:a@old.example"]),
            ),
            // Other types of address stay, and so does an address in `mail` alone.
            (
                user(Some("b@old.example"), &["SMTP:a@old.example", "sip:a@old.example", "X500:/o=x"]),
                user(
                    Some(new),
                    &[
                        "SMTP:anna@new.example",
                        "X500:/o=x",
                        "sip:a@old.example",
                        "smtp:a@old.example",
                        "smtp:b@old.example",
                    ],
                ),
            ),
            // Two primary addresses become one.
            (
                user(Some(new), &["SMTP:a@old.example", "SMTP:Anna@new.example"]),
                user(Some(new), &["SMTP:Anna@new.example", "smtp:a@old.example"]),
            ),
        ] {
            assert_eq!(after(Addresses::MakePrimary, new, &before), then, "{before:?}");
        }
        let odd = user(Some("Anna (old)"), &["SMTP:a@old.example"]);
        let refused = edits(&spec(Addresses::MakePrimary), new, None, &odd).unwrap_err();
        assert!(refused.contains("would be lost"), "{refused}");
        let system = UserAddresses { recipient_type: Some(0x2000_0000), ..user(Some("a@old.example"), &[]) };
        assert!(edits(&spec(Addresses::AddAlias), new, None, &system).unwrap_err().contains("system object"));
    }

    #[test]
    fn an_alias_of_exchange_and_a_target_follow_only_if_they_are_the_users_own() {
        let new = "anna.reed@new.example";
        let spec = spec(Addresses::MakePrimary)
            .with_addresses_also(AddressAttribute::MailNickname)
            .with_addresses_also(AddressAttribute::TargetAddress);
        let of = |alias: Option<&str>, target: Option<&str>, kind: Option<u64>| UserAddresses {
            mail_nickname: alias.map(str::to_owned),
            target_address: target.map(str::to_owned),
            recipient_type: kind,
            ..user(Some("a@old.example"), &["SMTP:a@old.example"])
        };
        let changed = |user: &UserAddresses| -> Vec<String> {
            let edits = edits(&spec, new, Some("areed@corp.local"), user).unwrap();
            edits.iter().skip(2).map(ToString::to_string).collect()
        };
        assert!(changed(&of(None, None, None)).is_empty(), "nobody gets one");
        assert_eq!(changed(&of(Some("areed"), None, None)), [r#"mailNickname "areed" to "anna.reed""#]);
        assert!(changed(&of(Some("Anna.Reed"), None, None)).is_empty());
        for (own, then) in [
            ("SMTP:a@old.example", "SMTP:anna.reed@new.example"),
            ("smtp:AREED@corp.local", "smtp:anna.reed@new.example"),
            ("a@old.example", "anna.reed@new.example"),
        ] {
            let text = format!(r#"targetAddress "{own}" to "{then}""#);
            assert_eq!(changed(&of(None, Some(own), Some(128))), [text]);
            assert!(!of(None, Some(own), Some(128)).has_foreign_target(Some("areed@corp.local"), new));
        }
        for foreign in ["SMTP:anna@elsewhere.example", "SMTP:areed@corp.mail.onmicrosoft.com", "x400:c=de"] {
            let user = of(None, Some(foreign), Some(128));
            assert!(changed(&user).is_empty() && user.has_foreign_target(Some("areed@corp.local"), new));
        }
        // A mailbox in the tenant: mail for it goes to the routing address.
        assert!(changed(&of(None, Some("SMTP:a@old.example"), Some(0x8000_0000))).is_empty());
    }

    fn some_user() -> impl Strategy<Value = UserAddresses> {
        let address = || "[abAB]@[xyX]\\.example";
        let proxy = prop_oneof![
            4 => address().prop_map(|address| format!("SMTP:{address}")),
            4 => address().prop_map(|address| format!("smtp:{address}")),
            1 => address().prop_map(|address| format!("Smtp: {address}")),
            1 => address().prop_map(|address| format!("sip:{address}")),
            1 => Just("X500:/o=Corp/cn=a".to_owned()),
            1 => address().prop_map(String::from),
        ];
        let proxies = proptest::collection::vec(proxy, 0..7).prop_map(|mut all| {
            // A directory has no two values that differ in case alone.
            let mut seen = HashSet::new();
            all.retain(|value| seen.insert(value.to_lowercase()));
            all
        });
        (proptest::option::of(address()), proxies).prop_map(|(mail, proxy_addresses)| UserAddresses {
            mail,
            proxy_addresses,
            ..UserAddresses::default()
        })
    }

    fn keys(user: &UserAddresses) -> HashSet<String> {
        let proxies = user.proxy_addresses.iter().filter_map(|proxy| smtp_address(proxy));
        proxies.chain(user.mail()).map(address_key).collect()
    }

    fn others(user: &UserAddresses) -> Vec<String> {
        let mut all = user.proxy_addresses.clone();
        all.retain(|proxy| smtp_address(proxy).is_none());
        all.sort();
        all
    }

    proptest! {
        #[test]
        fn no_address_is_lost_one_is_primary_and_once_more_changes_nothing(
            before in some_user(),
            new in "[abAB]@[xyzX]\\.example",
            mode in prop_oneof![Just(Addresses::AddAlias), Just(Addresses::MakePrimary)],
            seed in any::<u64>(),
        ) {
            let then = after(mode, &new, &before);
            let mut wanted = keys(&before);
            if before.has_address() {
                wanted.insert(address_key(&new));
            }
            prop_assert_eq!(keys(&then), wanted, "no address is lost, and one comes");
            prop_assert_eq!(others(&then), others(&before), "other types of address stay");
            match mode {
                Addresses::MakePrimary if before.has_address() => {
                    let primaries: Vec<String> = then.primaries().map(address_key).collect();
                    prop_assert_eq!(primaries, vec![address_key(&new)]);
                    prop_assert_eq!(then.mail().map(address_key), Some(address_key(&new)));
                }
                _ => {
                    prop_assert_eq!(then.primary(), before.primary(), "the primary address stays");
                    prop_assert_eq!(&then.mail, &before.mail);
                }
            }
            prop_assert!(edits(&spec(mode), &new, None, &then).unwrap().is_empty(), "once more: {:?}", then);
            // Each spelling in any case stands once.
            let spellings: HashSet<String> = then.proxy_addresses.iter().map(|proxy| proxy.to_lowercase()).collect();
            prop_assert_eq!(spellings.len(), then.proxy_addresses.len());
            let mut shuffled = before.clone();
            let places = shuffled.proxy_addresses.len().max(1) as u64;
            shuffled.proxy_addresses.rotate_left(usize::try_from(seed % places).unwrap());
            if seed % 2 == 0 {
                shuffled.proxy_addresses.reverse();
            }
            prop_assert_eq!(after(mode, &new, &shuffled), then, "in any order");
        }
    }
}
