//! The rules as a profile sets them, and what it knows about domains.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, RwLock};

use onramp_core::{AttributeName, DistinguishedName, DomainName};

use super::catalog::Rule;
use crate::duplicates::DUPLICATE_RULES;
use crate::forecast::CLOUD_RULES;
use crate::{DirectoryObject, Profile, ProfileError, RuleId, RuleInfo, RuleSettings};

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) states: Vec<RuleState>,
    /// The rules whose findings the scan makes, those with a scope alone.
    scoped: Vec<(RuleId, Scope)>,
    verified: Option<HashSet<String>>,
    pub(super) upn_suffix: Option<DomainName>,
    pub(super) login: AttributeName,
    domains: Arc<RwLock<HashMap<String, DomainVerdict>>>,
}

/// The number of domains whose judgment is remembered.
const MAX_DOMAINS: usize = 4096;

/// A rule as it applies.
#[derive(Debug, Clone)]
pub(super) struct RuleState {
    pub(super) info: RuleInfo,
    pub(super) is_enabled: bool,
    pub(super) scope: Option<Scope>,
}

/// The part of a directory in which a rule applies.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    classes: Vec<String>,
    below: Vec<String>,
    not_below: Vec<String>,
}

impl Scope {
    fn of(settings: &RuleSettings) -> Option<Self> {
        let is_everywhere =
            settings.classes.is_empty() && settings.below.is_empty() && settings.not_below.is_empty();
        (!is_everywhere).then(|| Self {
            classes: settings.classes.clone(),
            below: settings.below.clone(),
            not_below: settings.not_below.clone(),
        })
    }

    pub(super) fn contains(&self, object: &DirectoryObject) -> bool {
        let is_below = |base: &String| is_within(object.dn(), base);
        (self.classes.is_empty() || self.classes.iter().any(|class| object.has_class(class)))
            && (self.below.is_empty() || self.below.iter().any(is_below))
            && !self.not_below.iter().any(is_below)
    }
}

/// Returns true if a distinguished name is the base or below it, without regard to case and to blanks after commas.
fn is_within(dn: &str, base: &str) -> bool {
    match (DistinguishedName::parse(dn), DistinguishedName::parse(base)) {
        (Ok(dn), Ok(base)) => dn.is_within(&base),
        _ => dn.to_lowercase().ends_with(&base.to_lowercase()),
    }
}

/// The judgment of the text after an `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DomainVerdict {
    /// The tenant has verified it, or nobody knows, and it can be registered.
    Usable,
    /// The tenant has not verified it.
    NotVerified,
    /// A name that cannot be registered in DNS.
    NotPublic,
    /// No domain name, with the reason.
    NoDomain(String),
}

impl Settings {
    /// Makes the rules that a profile asks for.
    ///
    /// # Errors
    /// [`ProfileError::UnknownRule`] if it names a rule or a tag that does not exist, [`ProfileError::NoLimit`] if it
    /// sets a limit for a rule without one.
    pub(super) fn new(profile: &Profile) -> Result<Self, ProfileError> {
        if profile.login_attribute.holds_secret() {
            return Err(ProfileError::SecretLogin(profile.login_attribute.clone()));
        }
        let catalog: BTreeMap<_, _> = Rule::ALL.iter().map(|rule| (rule.id(), rule.info())).collect();
        let tags: HashSet<&str> =
            catalog.values().flat_map(|info| info.tags.iter().map(AsRef::as_ref)).collect();
        let known = |name: &str| tags.contains(name) || catalog.keys().any(|id| id.as_str() == name);
        let named = profile.tags.iter().chain(&profile.skip).map(String::as_str);
        for name in named.chain(profile.rules.keys().map(crate::RuleId::as_str)) {
            if !known(name) {
                let names = tags.iter().copied().chain(catalog.keys().map(crate::RuleId::as_str));
                let nearest = names.min_by_key(|candidate| distance(candidate, name)).map(str::to_owned);
                return Err(ProfileError::UnknownRule { name: name.to_owned(), nearest });
            }
        }
        let mut states = Vec::with_capacity(Rule::ALL.len());
        for rule in Rule::ALL {
            let mut info = rule.info();
            let settings = profile.rules.get(&info.id).cloned().unwrap_or_default();
            let has_name = |names: &[String]| {
                names.iter().any(|name| name == info.id.as_str() || info.tags.iter().any(|tag| tag == name))
            };
            let is_enabled = settings.enabled.unwrap_or_else(|| {
                (profile.tags.is_empty() || has_name(&profile.tags)) && !has_name(&profile.skip)
            });
            if settings.limit.is_some() && info.limit.is_none() {
                return Err(ProfileError::NoLimit(info.id));
            }
            info.severity = settings.severity.unwrap_or(info.severity);
            info.limit = settings.limit.or(info.limit);
            check_scope(&info.id, &settings)?;
            states.push(RuleState { info, is_enabled, scope: Scope::of(&settings) });
        }
        if !states.iter().any(|state| state.is_enabled) {
            return Err(ProfileError::NoRules);
        }
        let verified = profile.verified_domains.as_ref();
        let is_shared = |id: &RuleId| {
            let id = id.as_str();
            DUPLICATE_RULES.contains(&id)
                || CLOUD_RULES.contains(&id)
                || id == Rule::ReplicationConflict.id().as_str()
        };
        let scoped = states.iter().filter(|state| is_shared(&state.info.id));
        let scoped = scoped.filter_map(|state| Some((state.info.id.clone(), state.scope.clone()?))).collect();
        Ok(Self {
            states,
            scoped,
            verified: verified.map(|domains| domains.iter().map(|name| name.ascii().to_owned()).collect()),
            upn_suffix: profile.upn_suffix.clone(),
            login: profile.login_attribute.clone(),
            domains: Arc::default(),
        })
    }

    pub(super) fn state(&self, rule: Rule) -> Option<&RuleState> {
        self.states.get(rule as usize).filter(|state| state.is_enabled)
    }

    /// The rules whose findings the scan makes that do not apply to the object.
    pub(super) fn out_of_scope(&self, object: &DirectoryObject) -> Vec<RuleId> {
        let outside = self.scoped.iter().filter(|(_, scope)| !scope.contains(object));
        outside.map(|(id, _)| id.clone()).collect()
    }

    /// The limit of a rule; the greatest number if it has none or does not apply.
    pub(super) fn limit(&self, rule: Rule) -> usize {
        self.state(rule).and_then(|state| state.info.limit).unwrap_or(usize::MAX)
    }

    /// Judges the text after an `@`. What was found is remembered, since a directory has few domains.
    pub(super) fn domain(&self, text: &str) -> DomainVerdict {
        if let Ok(known) = self.domains.read()
            && let Some(verdict) = known.get(text)
        {
            return verdict.clone();
        }
        let verdict = match DomainName::parse(text) {
            Err(error) => DomainVerdict::NoDomain(error.reason().to_owned()),
            Ok(name) => match self.is_verified(&name) {
                Some(true) => DomainVerdict::Usable,
                _ if !is_public(&name) => DomainVerdict::NotPublic,
                Some(false) => DomainVerdict::NotVerified,
                None => DomainVerdict::Usable,
            },
        };
        if let Ok(mut known) = self.domains.write()
            && known.len() < MAX_DOMAINS
        {
            known.insert(text.to_owned(), verdict.clone());
        }
        verdict
    }

    /// Returns whether the tenant has verified a domain; `None` where nobody knows its domains.
    pub(super) fn is_verified(&self, domain: &DomainName) -> Option<bool> {
        self.verified.as_ref().map(|verified| verified.contains(domain.ascii()))
    }
}

/// The object classes that synchronization reads, and those that they are derived from.
const CLASSES: [&str; 12] = [
    "user",
    "inetOrgPerson",
    "group",
    "contact",
    "computer",
    "person",
    "organizationalPerson",
    "top",
    "foreignSecurityPrincipal",
    "msDS-ManagedServiceAccount",
    "msDS-GroupManagedServiceAccount",
    "publicFolder",
];

/// Refuses a scope in which nothing can be. A class of a schema extension is none of [`CLASSES`], and like none of them.
fn check_scope(rule: &RuleId, settings: &RuleSettings) -> Result<(), ProfileError> {
    for value in settings.below.iter().chain(&settings.not_below) {
        if let Err(error) = DistinguishedName::parse(value) {
            let (rule, value, reason) = (rule.clone(), value.clone(), error.reason().to_owned());
            return Err(ProfileError::NoDistinguishedName { rule, value, reason });
        }
    }
    for class in &settings.classes {
        let distance = |known: &str| strsim::osa_distance(&known.to_lowercase(), &class.to_lowercase());
        let nearest = CLASSES.into_iter().min_by_key(|known| distance(known));
        if let Some(nearest) = nearest.filter(|nearest| (1..=2).contains(&distance(nearest))) {
            return Err(ProfileError::UnknownClass { rule: rule.clone(), class: class.clone(), nearest });
        }
    }
    Ok(())
}

/// A measure of how much two names differ, to find the one that was meant.
fn distance(one: &str, other: &str) -> usize {
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let shared = other.split('-').filter(|word| one.contains(word)).count();
    (one.len().abs_diff(other.len()) + 64).saturating_sub(common + 4 * shared)
}

/// Returns true if a domain can be registered by anybody: it is below a suffix of the public suffix list, and none of the
/// names that are never delegated.
pub(super) fn is_public(domain: &DomainName) -> bool {
    domain.is_routable()
        && psl::suffix(domain.ascii().as_bytes())
            .is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() < domain.ascii().len())
}
