//! The values that must be unique, of all objects, in little memory: a million objects with four addresses each are
//! some 300 MB.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use onramp_core::{AttributeName, DistinguishedName, ObjectGuid, comparison_key};

use crate::address::{ProxyAddress, address_key};
use crate::attributes as a;
use crate::{DirectoryObject, Holder, ObjectKey, RuleId};

/// The rules about values that must be unique.
pub(crate) const DUPLICATE_RULES: [&str; 6] = [
    "duplicate-upn",
    "duplicate-address",
    "duplicate-target-address",
    "duplicate-mail-nickname",
    "duplicate-sam-account-name",
    "duplicate-source-anchor",
];

/// Values longer than this are no duplicates of anything: no attribute that must be unique takes them.
const MAX_VALUE: usize = (1 << 14) - 1;
/// Values after this many of one attribute are not looked at.
const MAX_VALUES: usize = 1 << 14;
const SHARDS: usize = 64;
/// The longest value whose key is made on the stack.
const PLAIN_VALUE: usize = 128;

/// The set within which a value must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Namespace {
    /// UPNs, mail addresses, SMTP addresses of any attribute.
    Address,
    /// Addresses of other types, with their type.
    OtherAddress,
    Nickname,
    Sam,
    Anchor,
}

/// The way in which an object holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Hold {
    Upn,
    /// `SMTP:` in `proxyAddresses`; the text is what follows.
    Primary,
    /// `smtp:` in `proxyAddresses`; the text is what follows.
    Secondary,
    /// Any other value of `proxyAddresses`, whole.
    Proxy,
    Mail,
    /// `SMTP:` in `targetAddress`; the text is what follows.
    Target,
    /// `smtp:` in `targetAddress`; the text is what follows.
    LowerTarget,
    /// Any other value of `targetAddress`, whole.
    OtherTarget,
    Nickname,
    Sam,
    Anchor,
}

impl Hold {
    const ALL: [Self; 11] = [
        Self::Upn,
        Self::Primary,
        Self::Secondary,
        Self::Proxy,
        Self::Mail,
        Self::Target,
        Self::LowerTarget,
        Self::OtherTarget,
        Self::Nickname,
        Self::Sam,
        Self::Anchor,
    ];

    pub(crate) fn is_target(self) -> bool {
        matches!(self, Self::Target | Self::LowerTarget | Self::OtherTarget)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Primary | Self::Target => "SMTP:",
            Self::Secondary | Self::LowerTarget => "smtp:",
            _ => "",
        }
    }

    fn attribute(self, login: &AttributeName) -> AttributeName {
        match self {
            Self::Upn => login.clone(),
            Self::Primary | Self::Secondary | Self::Proxy => a::PROXY_ADDRESSES,
            Self::Mail => a::MAIL,
            Self::Target | Self::LowerTarget | Self::OtherTarget => a::TARGET_ADDRESS,
            Self::Nickname => a::MAIL_NICKNAME,
            Self::Sam => a::SAM_ACCOUNT_NAME,
            Self::Anchor => a::CONSISTENCY_GUID,
        }
    }
}

/// The key of a value and its namespace, from the text that is kept of it.
fn key_of(hold: Hold, text: &[u8]) -> Option<(Namespace, String)> {
    if hold == Hold::Anchor {
        return Some((Namespace::Anchor, text.iter().map(|byte| format!("{byte:02x}")).collect()));
    }
    let text = std::str::from_utf8(text).ok()?;
    let (namespace, key) = match hold {
        Hold::Upn | Hold::Mail | Hold::Primary | Hold::Secondary | Hold::Target | Hold::LowerTarget => {
            (Namespace::Address, address_key(text))
        }
        Hold::Proxy | Hold::OtherTarget => match ProxyAddress::parse(text) {
            Some(proxy) if proxy.is_smtp() => (Namespace::Address, address_key(proxy.address)),
            // A bare mail address becomes an SMTP address in Exchange.
            None if text.contains('@') => (Namespace::Address, address_key(text)),
            _ => (Namespace::OtherAddress, comparison_key(text)),
        },
        Hold::Nickname => (Namespace::Nickname, comparison_key(text)),
        Hold::Sam => (Namespace::Sam, comparison_key(text)),
        Hold::Anchor => return None,
    };
    (!key.is_empty()).then_some((namespace, key))
}

/// The key under which a new value of an attribute would have to be unique.
pub(crate) fn key_of_value(
    login: &AttributeName,
    attribute: &AttributeName,
    value: &str,
) -> Option<(Namespace, String)> {
    let hold = if attribute == login {
        Hold::Upn
    } else {
        Hold::ALL.into_iter().find(|hold| hold.attribute(login) == *attribute)?
    };
    let hold = match hold {
        Hold::Primary => Hold::Proxy,
        Hold::Target => Hold::OtherTarget,
        other => other,
    };
    key_of(hold, value.as_bytes())
}

fn hash_of(namespace: Namespace, key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(namespace as u8);
    hasher.write(key);
    hasher.finish()
}

/// The hash of a value's key, made without the key where the value is plain ASCII: [`comparison_key`] is lower case then.
fn hash_of_value(hold: Hold, text: &[u8]) -> Option<u64> {
    let namespace = match hold {
        Hold::Upn | Hold::Mail | Hold::Primary | Hold::Secondary | Hold::Target | Hold::LowerTarget => {
            Namespace::Address
        }
        Hold::Nickname => Namespace::Nickname,
        Hold::Sam => Namespace::Sam,
        Hold::Proxy | Hold::OtherTarget | Hold::Anchor => Namespace::OtherAddress,
    };
    let mut buffer = [0; PLAIN_VALUE];
    if namespace != Namespace::OtherAddress
        && !text.is_empty()
        && text.iter().all(u8::is_ascii_graphic)
        && let Some(lower) = buffer.get_mut(..text.len())
    {
        lower.copy_from_slice(text);
        lower.make_ascii_lowercase();
        return Some(hash_of(namespace, lower));
    }
    let (namespace, key) = key_of(hold, text)?;
    Some(hash_of(namespace, key.as_bytes()))
}

/// A value that an object holds: 16 octets.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    object: u32,
    text: u32,
    /// Hold, length and place: 4, 14 and 14 bits.
    meta: u32,
}

impl Entry {
    fn hold(self) -> Hold {
        Hold::ALL.get((self.meta >> 28) as usize).copied().unwrap_or(Hold::Anchor)
    }

    fn length(self) -> usize {
        (self.meta >> 14 & 0x3fff) as usize
    }

    fn index(self) -> usize {
        (self.meta & 0x3fff) as usize
    }
}

/// The facts that decide which object is recommended to keep a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    flags: u16,
    /// The day of `whenCreated` as YYYYMMDD; 0 where it is unknown.
    created: u32,
}

impl Facts {
    const EXCLUDED: u16 = 1;
    const ENABLED: u16 = 2;
    const MAILBOX: u16 = 4;
    const USER: u16 = 8;
    const UPN: u16 = 16;
    /// The flag of the first of the rules that do not apply to the object.
    const UNJUDGED: u16 = 32;

    fn of(
        object: &DirectoryObject,
        login: &AttributeName,
        is_excluded: bool,
        out_of_scope: &[RuleId],
    ) -> Self {
        let is_user = !object.has_class("group") && !object.has_class("contact");
        let control = object.text(&a::USER_ACCOUNT_CONTROL).and_then(|text| text.trim().parse::<u32>().ok());
        let has_mailbox = !object.values(&a::HOME_MDB).is_empty()
            || object.text(&a::RECIPIENT_TYPE_DETAILS).is_some_and(|text| text.trim() != "128");
        let flag = |is_set: bool, flag: u16| if is_set { flag } else { 0 };
        let unjudged = out_of_scope.iter().filter_map(Self::unjudged).fold(0, |all, one| all | one);
        let created = object.text(&a::WHEN_CREATED).and_then(|text| text.get(..8)?.parse().ok());
        Self {
            flags: flag(is_excluded, Self::EXCLUDED)
                | flag(is_user && control.is_none_or(|control| control & 2 == 0), Self::ENABLED)
                | flag(has_mailbox, Self::MAILBOX)
                | flag(is_user, Self::USER)
                | flag(!object.values(login).is_empty(), Self::UPN)
                | unjudged,
            created: created.unwrap_or(0),
        }
    }

    /// The flag of an object that a rule does not judge.
    fn unjudged(rule: &RuleId) -> Option<u16> {
        let at = DUPLICATE_RULES.iter().position(|id| *id == rule.as_str())?;
        Self::UNJUDGED.checked_shl(u32::try_from(at).ok()?)
    }

    /// A rule about values of several objects applies to the object.
    pub(crate) fn is_judged_by(self, rule: &RuleId) -> bool {
        Self::unjudged(rule).is_none_or(|flag| self.flags & flag == 0)
    }

    /// Synchronization leaves the object out.
    pub(crate) fn is_excluded(self) -> bool {
        self.flags & Self::EXCLUDED != 0
    }

    /// The account is enabled.
    pub(crate) fn is_enabled(self) -> bool {
        self.flags & Self::ENABLED != 0
    }

    /// The object has a mailbox.
    pub(crate) fn has_mailbox(self) -> bool {
        self.flags & Self::MAILBOX != 0
    }

    /// The object is neither a group nor a contact.
    pub(crate) fn is_user(self) -> bool {
        self.flags & Self::USER != 0
    }

    /// The object has a UPN.
    pub(crate) fn has_upn(self) -> bool {
        self.flags & Self::UPN != 0
    }

    /// The day of creation as YYYYMMDD.
    pub(crate) fn created(self) -> Option<u32> {
        Some(self.created).filter(|day| *day > 0)
    }
}

/// An object, as far as a finding about it needs it.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Zeros where there is none.
    guid: [u8; 16],
    /// The distinguished name up to the parent's.
    rdn: u32,
    parent: u32,
    facts: Facts,
    rdn_length: u16,
    source: u16,
    class: u16,
}

/// A holder of a value.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) holder: Holder,
    pub(crate) hold: Hold,
    pub(crate) index: usize,
    pub(crate) class: Option<String>,
    pub(crate) facts: Facts,
    /// The part of the distinguished name that names the domain.
    pub(crate) domain: String,
    /// The number of the object in the scan.
    pub(crate) object: u32,
}

/// A value that several objects hold.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) namespace: Namespace,
    pub(crate) key: String,
    pub(crate) holders: Vec<Held>,
}

/// Texts that many objects share, by number.
#[derive(Debug, Clone, Default)]
struct Shared {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Shared {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }
}

/// The values of one object, prepared apart from those of others.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    object: &'a DirectoryObject,
    facts: Facts,
    /// The values behind each other.
    texts: Vec<u8>,
    values: Vec<PreparedValue>,
}

#[derive(Debug)]
struct PreparedValue {
    hold: Hold,
    index: usize,
    text: std::ops::Range<usize>,
    hash: u64,
}

impl<'a> Prepared<'a> {
    pub(crate) fn of(
        object: &'a DirectoryObject,
        login: &AttributeName,
        is_excluded: bool,
        out_of_scope: &[RuleId],
    ) -> Self {
        let (mut texts, mut values) = (Vec::with_capacity(256), Vec::with_capacity(12));
        let mut add = |hold: Hold, index: usize, text: &[u8]| {
            if text.len() > MAX_VALUE || index >= MAX_VALUES {
                return;
            }
            if let Some(hash) = hash_of_value(hold, text) {
                let start = texts.len();
                texts.extend_from_slice(text);
                values.push(PreparedValue { hold, index, text: start..texts.len(), hash });
            }
        };
        let mut single = |attribute: &AttributeName, hold: Hold| {
            for (index, value) in object.values(attribute).iter().enumerate() {
                add(hold, index, value.as_bytes());
            }
        };
        single(login, Hold::Upn);
        single(&a::MAIL, Hold::Mail);
        let addresses = [
            (&a::PROXY_ADDRESSES, Hold::Primary, Hold::Secondary, Hold::Proxy),
            (&a::TARGET_ADDRESS, Hold::Target, Hold::LowerTarget, Hold::OtherTarget),
        ];
        for (attribute, upper, lower, other) in addresses {
            for (index, value) in object.values(attribute).iter().enumerate() {
                let bytes = value.as_bytes();
                match (bytes.strip_prefix(b"SMTP:"), bytes.strip_prefix(b"smtp:")) {
                    (Some(address), _) => add(upper, index, address),
                    (_, Some(address)) => add(lower, index, address),
                    _ => add(other, index, bytes),
                }
            }
        }
        // Last, since these are often the beginning of an address, whose text they share.
        let mut single = |attribute: &AttributeName, hold: Hold| {
            for (index, value) in object.values(attribute).iter().enumerate() {
                add(hold, index, value.as_bytes());
            }
        };
        single(&a::MAIL_NICKNAME, Hold::Nickname);
        single(&a::SAM_ACCOUNT_NAME, Hold::Sam);
        single(&a::CONSISTENCY_GUID, Hold::Anchor);
        Self { object, facts: Facts::of(object, login, is_excluded, out_of_scope), texts, values }
    }
}

/// The offset of the first comma that ends a relative distinguished name, or the length.
fn parent_at(dn: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in dn.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b',' => return at,
            _ => {}
        }
    }
    dn.len()
}

/// The unique values of all objects so far.
#[derive(Debug)]
pub(crate) struct Duplicates {
    login: AttributeName,
    texts: Vec<u8>,
    records: Vec<Record>,
    parents: Shared,
    sources: Shared,
    classes: Shared,
    shards: Vec<Vec<Entry>>,
    is_sorted: bool,
}

impl Duplicates {
    pub(crate) fn new(login: AttributeName) -> Self {
        Self {
            login,
            texts: Vec::new(),
            records: Vec::new(),
            parents: Shared::default(),
            sources: Shared::default(),
            classes: Shared::default(),
            shards: vec![Vec::new(); SHARDS],
            is_sorted: false,
        }
    }

    /// The number of objects.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds the values of an object. Beyond four billion objects or octets nothing is added.
    pub(crate) fn push(&mut self, prepared: &Prepared<'_>) {
        let object = prepared.object;
        let Ok(number) = u32::try_from(self.records.len()) else { return };
        // A name that is longer than any directory's is kept whole among the parents.
        let parent_at = Some(parent_at(object.dn())).filter(|at| *at <= usize::from(u16::MAX)).unwrap_or(0);
        let (rdn, parent) = object.dn().split_at(parent_at);
        let Some(rdn_at) = self.keep(rdn.as_bytes()) else { return };
        self.records.push(Record {
            guid: object.guid().map_or([0; 16], |guid| *guid.as_bytes()),
            rdn: rdn_at,
            parent: self.parents.number(parent),
            facts: prepared.facts,
            rdn_length: u16::try_from(rdn.len()).unwrap_or(0),
            source: u16::try_from(self.sources.number(object.source().unwrap_or_default()))
                .unwrap_or(u16::MAX),
            class: u16::try_from(self.classes.number(object.class().unwrap_or_default())).unwrap_or(u16::MAX),
        });
        // An object's addresses are often the same text, or one begins with another.
        let mut kept: Vec<(u32, &[u8])> = Vec::with_capacity(prepared.values.len());
        for PreparedValue { hold, index, text, hash } in &prepared.values {
            let text = prepared.texts.get(text.clone()).unwrap_or_default();
            let shared = kept.iter().find(|(_, other)| other.starts_with(text)).map(|(at, _)| *at);
            let Some(at) = shared.or_else(|| self.keep(text)) else { return };
            if shared.is_none() {
                kept.push((at, text));
            }
            let entry = Entry {
                hash: (*hash >> 32) as u32,
                object: number,
                text: at,
                meta: u32::from(*hold as u8) << 28 | (text.len() as u32) << 14 | *index as u32,
            };
            if let Some(shard) = self.shards.get_mut(*hash as usize % SHARDS) {
                shard.push(entry);
            }
        }
        self.is_sorted = false;
    }

    fn keep(&mut self, text: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.texts.len()).ok()?;
        u32::try_from(self.texts.len() + text.len()).ok()?;
        self.texts.extend_from_slice(text);
        Some(at)
    }

    fn text(&self, entry: Entry) -> &[u8] {
        let start = entry.text as usize;
        self.texts.get(start..start + entry.length()).unwrap_or_default()
    }

    fn sort(&mut self) {
        if !self.is_sorted {
            for shard in &mut self.shards {
                shard.sort_unstable_by_key(|entry| (entry.hash, entry.object, entry.meta));
            }
            self.is_sorted = true;
        }
    }

    /// The values that two objects or more hold, in the order of their keys.
    pub(crate) fn groups(&mut self) -> Vec<Group> {
        self.sort();
        let mut groups = Vec::new();
        for shard in &self.shards {
            for run in shard.chunk_by(|one, other| one.hash == other.hash) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                if first.object == last.object {
                    continue;
                }
                self.groups_of(run, &mut groups);
            }
        }
        groups.sort_by(|one, other| (one.namespace, &one.key).cmp(&(other.namespace, &other.key)));
        groups
    }

    fn groups_of(&self, run: &[Entry], groups: &mut Vec<Group>) {
        let mut by_key: HashMap<(Namespace, String), Vec<Entry>> = HashMap::new();
        for entry in run {
            if let Some(key) = key_of(entry.hold(), self.text(*entry)) {
                by_key.entry(key).or_default().push(*entry);
            }
        }
        for ((namespace, key), entries) in by_key {
            let first = entries.first().map(|entry| entry.object);
            if entries.iter().all(|entry| Some(entry.object) == first) {
                continue;
            }
            let mut holders: Vec<Held> = entries.into_iter().filter_map(|entry| self.held(entry)).collect();
            holders.sort_by(|one, other| {
                let place = |held: &Held| (held.holder.object.clone(), held.hold, held.index);
                place(one).cmp(&place(other))
            });
            groups.push(Group { namespace, key, holders });
        }
    }

    fn held(&self, entry: Entry) -> Option<Held> {
        let record = self.records.get(entry.object as usize)?;
        let start = record.rdn as usize;
        let rdn = self.texts.get(start..start + record.rdn_length as usize).unwrap_or_default();
        let parent = self.parents.text(record.parent);
        let dn = format!("{}{parent}", String::from_utf8_lossy(rdn));
        let text = self.text(entry);
        let value = match (entry.hold(), std::str::from_utf8(text)) {
            (Hold::Anchor, _) | (_, Err(_)) => text.iter().map(|byte| format!("{byte:02x}")).collect(),
            (hold, Ok(text)) => format!("{}{text}", hold.prefix()),
        };
        let source = self.sources.text(u32::from(record.source));
        let class = self.classes.text(u32::from(record.class));
        let domain = DistinguishedName::parse(&dn).ok().and_then(|dn| dn.domain_name());
        let guid = (record.guid != [0; 16]).then(|| ObjectGuid::from_bytes(record.guid));
        let object = ObjectKey { dn, guid, source: (!source.is_empty()).then(|| source.to_owned()) };
        Some(Held {
            holder: Holder {
                object,
                attribute: entry.hold().attribute(&self.login),
                value,
                keeps: false,
                reasons: Vec::new(),
            },
            hold: entry.hold(),
            index: entry.index(),
            class: (!class.is_empty()).then(|| class.to_owned()),
            facts: record.facts,
            domain: domain.map_or_else(|| source.to_owned(), |name| name.ascii().to_owned()),
            object: entry.object,
        })
    }

    /// Returns true if an object other than the named one holds a value with the key.
    pub(crate) fn is_held_by_another(&mut self, namespace: Namespace, key: &str, except: &ObjectKey) -> bool {
        self.sort();
        let hash = hash_of(namespace, key.as_bytes());
        let Some(shard) = self.shards.get(hash as usize % SHARDS) else { return false };
        let wanted = (hash >> 32) as u32;
        let from = shard.partition_point(|entry| entry.hash < wanted);
        shard.iter().skip(from).take_while(|entry| entry.hash == wanted).any(|entry| {
            key_of(entry.hold(), self.text(*entry)).is_some_and(|(n, k)| n == namespace && k == key)
                && self.held(*entry).is_some_and(|held| held.holder.object != *except)
        })
    }
}
