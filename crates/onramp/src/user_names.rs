//! The names of users as operators write them, and the users that they fit.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use onramp_core::forest::{DomainController, ForestUser, ObjectQuery, ObjectRef, SearchScope, UserQuery};
use onramp_core::{
    AttributeName, DistinguishedName, ErrorKind, Forest, LdapFilter, ObjectGuid, Result, Sid, Upn,
    comparison_key,
};

use crate::history::History;
use crate::spec::distance;
use crate::user_ref::UserRef;

/// A name of a user in one of the forms that a spec accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserName {
    /// `objectGUID`, with or without braces, or as `<GUID=…>`.
    Guid(ObjectGuid),
    /// `objectSid`, also as `<SID=…>`.
    Sid(Sid),
    /// A distinguished name, in the form of [`dn_key`].
    Dn(String),
    /// `DOMAIN\name`: NetBIOS or DNS name of the domain, and `sAMAccountName`.
    Account { domain: String, name: String },
    /// A UPN, written or implied.
    Upn { key: String, prefix: String },
    /// `sAMAccountName`.
    Sam(String),
}

impl UserName {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let inner = |start: &str| {
            let head = text.get(..start.len())?;
            head.eq_ignore_ascii_case(start).then(|| text.get(start.len()..)?.strip_suffix('>')).flatten()
        };
        let bare = inner("<guid=").or_else(|| text.strip_prefix('{')?.strip_suffix('}')).unwrap_or(text);
        if let Ok(guid) = ObjectGuid::parse(bare) {
            return Self::Guid(guid);
        }
        if let Ok(sid) = Sid::parse(inner("<sid=").unwrap_or(text)) {
            return Self::Sid(sid);
        }
        if let Ok(dn) = DistinguishedName::parse(text) {
            return Self::Dn(dn_key(&dn));
        }
        if let Some((domain, name)) = text.split_once('\\') {
            return Self::Account { domain: domain.to_lowercase(), name: comparison_key(name) };
        }
        match Upn::parse(text) {
            Ok(upn) => Self::Upn { key: comparison_key(text), prefix: comparison_key(upn.prefix()) },
            Err(_) => Self::Sam(comparison_key(text)),
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Guid(guid) => format!("guid {guid}"),
            Self::Sid(sid) => format!("sid {sid}"),
            Self::Dn(dn) => format!("dn {dn}"),
            Self::Account { domain, name } => format!("account {domain}\\{name}"),
            Self::Upn { key, .. } => format!("upn {key}"),
            Self::Sam(name) => format!("sam {name}"),
        }
    }
}

/// Returns a distinguished name in a form for comparison: lower case, without blanks around commas.
pub(crate) fn dn_key(dn: &DistinguishedName) -> String {
    dn.rdns().iter().map(ToString::to_string).collect::<Vec<_>>().join(",").to_lowercase()
}

/// The names of one list in a spec, with the users that they fit.
#[derive(Debug)]
pub(crate) struct Names {
    entries: Vec<Entry>,
    index: HashMap<String, Vec<usize>>,
    /// The entries that are UPNs, by prefix: after an earlier run, a user has the same prefix with the custom domain.
    prefixes: HashMap<String, Vec<usize>>,
}

/// A name in a list, with the users that it fits.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name as it is written in the spec.
    pub(crate) written: String,
    name: UserName,
    /// The users that it fits, at most two.
    pub(crate) fits: Vec<UserRef>,
    /// The users that it fitted before an earlier run, at most two.
    pub(crate) fitted: Vec<UserRef>,
    nearest: Option<(usize, String)>,
}

impl Entry {
    /// Returns true if it fits no user, and fitted none before an earlier run.
    pub(crate) fn is_unknown(&self) -> bool {
        self.fits.is_empty() && self.fitted.is_empty()
    }

    /// Returns true for a UPN, which an earlier run may have replaced.
    pub(crate) fn is_upn(&self) -> bool {
        matches!(self.name, UserName::Upn { .. })
    }

    /// Returns true if it is that UPN.
    pub(crate) fn is_that_upn(&self, upn: &str) -> bool {
        matches!(&self.name, UserName::Upn { key, .. } if *key == comparison_key(upn))
    }

    /// Returns a similar name of a user, to suggest it for one that fits none.
    pub(crate) fn nearest(&self) -> Option<&str> {
        let (distance, name) = self.nearest.as_ref()?;
        (*distance <= 2.max(name.chars().count() / 3)).then_some(name.as_str())
    }

    /// Returns the name of a user that differs in at most two characters.
    pub(crate) fn nearly(&self) -> Option<&str> {
        self.nearest.as_ref().filter(|(distance, _)| *distance <= 2).map(|(_, name)| name.as_str())
    }

    /// Returns true if it fits several users: users of two domains may have the same name, or the UPN of one may be
    /// implied by another.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.fits.len() > 1
    }
}

/// Notes that a name fits a user.
fn note(fits: &mut Vec<UserRef>, user: &ForestUser) {
    if fits.len() < 2 && fits.iter().all(|known| known.guid != user.guid) {
        fits.push(UserRef::of(user));
    }
}

/// The names of the forest's domains that operators write before a backslash: NetBIOS names by DNS name.
pub(crate) type NetbiosNames = HashMap<String, String>;

impl Names {
    /// A list in which a name that is written twice counts once.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a String>, history: &History) -> Self {
        let mut seen = HashSet::new();
        Self::with_repeats(names.into_iter().filter(|name| seen.insert(UserName::parse(name).key())), history)
    }

    /// A list in which each spelling of a name counts: each leads to something else.
    pub(crate) fn with_repeats<'a>(names: impl IntoIterator<Item = &'a String>, history: &History) -> Self {
        let mut this = Self { entries: Vec::new(), index: HashMap::new(), prefixes: HashMap::new() };
        for written in names {
            let name = UserName::parse(written);
            let key = name.key();
            let at = this.entries.len();
            this.index.entry(key).or_default().push(at);
            if let UserName::Upn { key, prefix } = &name {
                this.prefixes.entry(prefix.clone()).or_default().push(at);
                for guid in history.former_holders(key) {
                    this.index.entry(format!("former {guid}")).or_default().push(at);
                }
            }
            let (written, fits, fitted) = (written.clone(), Vec::new(), Vec::new());
            this.entries.push(Entry { written, name, fits, fitted, nearest: None });
        }
        this
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the indexes of the names that fit a user. `moved` is its UPN, if that is the new one already: names with
    /// its former UPN then fit, too.
    pub(crate) fn find(
        &mut self,
        user: &ForestUser,
        netbios: &NetbiosNames,
        history: &History,
        moved: Option<&Upn>,
    ) -> Vec<usize> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<usize> = Vec::new();
        for key in keys(user, netbios) {
            found.extend(self.index.get(&key).into_iter().flatten());
        }
        for at in &found {
            if let Some(entry) = self.entries.get_mut(*at) {
                note(&mut entry.fits, user);
            }
        }
        let mut former: Vec<usize> = Vec::new();
        if history.is_result(user) {
            former.extend(self.index.get(&format!("former {}", user.guid)).into_iter().flatten());
        }
        if let Some(upn) = moved {
            former.extend(self.prefixes.get(&comparison_key(upn.prefix())).into_iter().flatten());
        }
        for at in &former {
            if let Some(entry) = self.entries.get_mut(*at) {
                note(&mut entry.fitted, user);
            }
        }
        found.extend(former);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Notes that the name of another list fits a user, if it is in this one, too.
    pub(crate) fn fit_alias(&mut self, other: &Entry, user: &ForestUser) -> bool {
        let places = self.index.get(&other.name.key()).cloned().unwrap_or_default();
        for at in &places {
            if let Some(entry) = self.entries.get_mut(*at) {
                note(&mut entry.fitted, user);
            }
        }
        !places.is_empty()
    }

    /// Returns true if a name fits no user yet.
    pub(crate) fn has_unknown(&self) -> bool {
        self.entries.iter().any(Entry::is_unknown)
    }

    /// Compares the names of a user with those that fit no user, to find similar ones.
    pub(crate) fn compare(&mut self, user: &ForestUser) {
        for entry in self.entries.iter_mut().filter(|entry| entry.is_unknown()) {
            let (wanted, known) = match &entry.name {
                UserName::Guid(_) | UserName::Sid(_) => continue,
                UserName::Dn(dn) => (dn.clone(), user.dn.as_str()),
                UserName::Upn { key, .. } => (key.clone(), user.upn.as_deref().unwrap_or_default()),
                UserName::Account { name, .. } | UserName::Sam(name) => {
                    (name.clone(), user.sam_account_name.as_str())
                }
            };
            if known.is_empty() {
                continue;
            }
            let distance = distance(&wanted, known);
            if entry.nearest.as_ref().is_none_or(|(best, name)| (distance, known) < (*best, name.as_str())) {
                entry.nearest = Some((distance, known.to_owned()));
            }
        }
    }
}

/// Returns every key by which a name can fit a user.
fn keys(user: &ForestUser, netbios: &NetbiosNames) -> Vec<String> {
    let sam = comparison_key(&user.sam_account_name);
    let mut keys =
        vec![format!("guid {}", user.guid), format!("dn {}", dn_key(&user.dn)), format!("sam {sam}")];
    keys.extend(user.sid.as_ref().map(|sid| format!("sid {sid}")));
    // A sAMAccountName may look like the UPN of another user.
    keys.extend(sam.contains('@').then(|| format!("upn {sam}")));
    keys.extend(user.upn.as_deref().map(|upn| format!("upn {}", comparison_key(upn))));
    if let Some(domain) = user.dn.domain_name() {
        let dns = domain.as_str().to_lowercase();
        let short = match netbios.get(&dns) {
            Some(netbios) => netbios.to_lowercase(),
            // Without the right to read the partitions: the default NetBIOS name of a domain.
            None => dns.split('.').next().unwrap_or_default().to_owned(),
        };
        keys.push(format!("account {short}\\{sam}"));
        keys.push(format!("upn {sam}@{}", comparison_key(&dns)));
        keys.push(format!("account {dns}\\{sam}"));
    }
    keys
}

/// Reads the NetBIOS names of the domains of the forest, as far as the account may read them.
pub(crate) async fn read_netbios_names(forest: &Forest, controllers: &[DomainController]) -> NetbiosNames {
    let mut names = NetbiosNames::new();
    let partitions = controllers.iter().find_map(|controller| partitions_of(&controller.settings));
    let (Some(partitions), Ok(netbios), Ok(dns_root)) =
        (partitions, AttributeName::parse("nETBIOSName"), AttributeName::parse("dnsRoot"))
    else {
        return names;
    };
    let query = ObjectQuery::all([netbios.clone(), dns_root.clone()])
        .below(partitions)
        .with_scope(SearchScope::OneLevel)
        .with_filter(LdapFilter::present(&netbios));
    let mut found = forest.objects.search(query);
    // Without the right to read them, the default NetBIOS name of a domain is used.
    while let Some(object) = found.next().await {
        let object = match object {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::Unreadable => continue,
            Err(_) => break,
        };
        if let (Some(netbios), Some(dns)) = (object.text(&netbios), object.text(&dns_root)) {
            names.insert(dns.to_lowercase(), netbios.to_owned());
        }
    }
    names
}

/// Returns `CN=Partitions` of the configuration that contains the settings of a domain controller.
fn partitions_of(settings: &DistinguishedName) -> Option<DistinguishedName> {
    let mut above = Some(settings.clone());
    while let Some(dn) = above {
        let is_configuration = dn.rdns().first().is_some_and(|rdn| {
            rdn.attribute.eq_ignore_ascii_case("CN") && rdn.value.eq_ignore_ascii_case("Configuration")
        });
        if is_configuration {
            return Some(dn.child("CN", "Partitions"));
        }
        above = dn.parent();
    }
    None
}

/// Finds the users of a forest that names fit, without reading all users. Returns the names, and each user with the indexes
/// of the names that fit it.
///
/// # Errors
/// Errors of reading, except for single objects that cannot be read and do not exist.
pub(crate) async fn find_users(
    forest: &Forest,
    names: &[String],
    history: &History,
) -> Result<(Names, Vec<(ForestUser, Vec<usize>)>)> {
    let mut list = Names::new(names, history);
    let mut found: Vec<(ForestUser, Vec<usize>)> = Vec::new();
    if list.is_empty() {
        return Ok((list, found));
    }
    let netbios = read_netbios_names(forest, &forest.replication.controllers().await?).await;
    let mut candidates: Vec<ObjectRef> = Vec::new();
    let mut filters: Vec<LdapFilter> = Vec::new();
    let (sam, upn) =
        (AttributeName::from_static("sAMAccountName"), AttributeName::from_static("userPrincipalName"));
    for Entry { name, written, .. } in list.entries() {
        // As written: the server compares, not always as AD does.
        let written = written.trim();
        match name {
            UserName::Guid(guid) => candidates.push(ObjectRef::Guid(*guid)),
            UserName::Sid(sid) => candidates.push(ObjectRef::Sid(sid.clone())),
            UserName::Dn(_) => candidates.extend(DistinguishedName::parse(written).ok().map(ObjectRef::Dn)),
            UserName::Account { .. } | UserName::Sam(_) => {
                let name = written.split_once('\\').map_or(written, |(_, name)| name);
                filters.push(LdapFilter::equal(&sam, name));
            }
            UserName::Upn { key, .. } => {
                let prefix = written.rsplit_once('@').map_or(written, |(prefix, _)| prefix);
                filters.push(LdapFilter::equal(&upn, written));
                filters.extend([written, prefix].map(|name| LdapFilter::equal(&sam, name)));
                candidates.extend(history.former_holders(key).iter().map(|guid| ObjectRef::Guid(*guid)));
            }
        }
    }
    let mut users: Vec<ForestUser> = Vec::new();
    for candidate in candidates {
        let user = match forest.objects.get(&candidate, &[]).await {
            Ok(object) => forest.users.get(&object.guid).await,
            Err(error) => Err(error),
        };
        match user {
            Ok(user) => users.push(user),
            Err(error) if error.is_not_found() || error.kind() == ErrorKind::Unreadable => {}
            Err(error) => return Err(error),
        }
    }
    // Few enough for one request each.
    for some in filters.chunks(50) {
        let mut selected = forest.users.search(UserQuery::all().with_filter(LdapFilter::any_of(some)));
        while let Some(user) = selected.next().await {
            match user {
                Ok(user) => users.push(user),
                Err(error) if error.kind() == ErrorKind::Unreadable => {}
                Err(error) => return Err(error),
            }
        }
    }
    for user in users {
        let fits = list.find(&user, &netbios, history, None);
        if !fits.is_empty() && found.iter().all(|(known, _)| known.guid != user.guid) {
            found.push((user, fits));
        }
    }
    Ok((list, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> ForestUser {
        let guid = ObjectGuid::from_bytes([7; 16]);
        let dn = DistinguishedName::parse(r"CN=Smith\, Anna,OU=Staff,DC=ad,DC=contoso,DC=com").unwrap();
        let mut user = ForestUser::new(guid, dn, "ASmith");
        user.upn = Some("anna.smith@ad.contoso.com".into());
        user.sid = Some(Sid::parse("S-1-5-21-1-2-3-1105").unwrap());
        user
    }

    fn fits(name: &str) -> bool {
        let netbios = NetbiosNames::from([("ad.contoso.com".to_owned(), "CONTOSO".to_owned())]);
        let mut names = Names::new([&name.to_owned()], &History::default());
        !names.find(&user(), &netbios, &History::default(), None).is_empty()
    }

    #[test]
    fn a_user_is_found_by_every_name_that_operators_write() {
        let guid = user().guid.to_string();
        for name in [
            guid.clone(),
            format!("{{{}}}", guid.to_uppercase()),
            format!("<GUID={guid}>"),
            "S-1-5-21-1-2-3-1105".into(),
            "<SID=S-1-5-21-1-2-3-1105>".into(),
            r"CN=Smith\, Anna,OU=Staff,DC=ad,DC=contoso,DC=com".into(),
            r"cn=smith\, anna, ou=staff, dc=AD, dc=contoso, dc=com".into(),
            r"CONTOSO\asmith".into(),
            r"contoso\ASMITH".into(),
            r"ad.contoso.com\asmith".into(),
            "asmith".into(),
            " ASmith ".into(),
            "Anna.Smith@AD.contoso.com".into(),
            "asmith@ad.contoso.com".into(),
        ] {
            assert!(fits(&name), "{name}");
        }
        for name in [
            r"FABRIKAM\asmith",
            r"AD\asmith",
            "asmit",
            "anna.smith@contoso.com",
            "S-1-5-21-1-2-3-1106",
            r"CN=Smith\, Anna,OU=Staff,DC=contoso,DC=com",
            "",
        ] {
            assert!(!fits(name), "{name}");
        }
    }

    #[test]
    fn without_netbios_names_the_first_label_of_the_domain_will_do() {
        let mut names = Names::new([&r"AD\asmith".to_owned()], &History::default());
        assert_eq!(names.find(&user(), &NetbiosNames::new(), &History::default(), None), [0]);
    }

    #[test]
    fn the_nearest_name_is_of_the_same_kind() {
        let names =
            ["asmiht", "anna.smyth@ad.contoso.com", r"CONTOSO\a.smith", "S-1-5-21-9"].map(str::to_owned);
        let mut names = Names::new(&names, &History::default());
        names.compare(&user());
        let nearest: Vec<Option<&str>> = names.entries().iter().map(Entry::nearest).collect();
        assert_eq!(nearest, [Some("ASmith"), Some("anna.smith@ad.contoso.com"), Some("ASmith"), None]);
    }

    #[test]
    fn a_moved_user_is_found_by_its_old_upn() {
        let mut names = Names::new([&"anna.smith@corp.local".to_owned()], &History::default());
        let upn = Upn::parse("anna.smith@contoso.com").unwrap();
        assert!(names.find(&user(), &NetbiosNames::new(), &History::default(), None).is_empty());
        assert_eq!(names.find(&user(), &NetbiosNames::new(), &History::default(), Some(&upn)), [0]);
    }

    #[test]
    fn a_name_without_domain_may_fit_two_users() {
        let mut names = Names::new([&"asmith".to_owned()], &History::default());
        let (one, mut other, mut third) = (user(), user(), user());
        other.guid = ObjectGuid::from_bytes([8; 16]);
        third.guid = ObjectGuid::from_bytes([9; 16]);
        for user in [&one, &one, &other, &third] {
            names.find(user, &NetbiosNames::new(), &History::default(), None);
        }
        assert!(names.entries()[0].is_ambiguous());
        assert_eq!(names.entries()[0].fits.len(), 2, "two are enough to say so");
    }
}
