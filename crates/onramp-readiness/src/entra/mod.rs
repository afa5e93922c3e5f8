//! The profile `entra`: today's rules of synchronization to Microsoft Entra.

mod account;
mod address;
mod catalog;
mod exclusion;
mod name;
mod repair;
mod text;
mod upn;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, RwLock};

use catalog::Rule;
use onramp_core::{AttributeName, DomainName};

use crate::attributes as a;
use crate::{
    DirectoryObject, Exclusion, Finding, Profile, ProfileError, ReadinessRules, RuleInfo, RuleSettings, Span,
};

/// Today's rules of Entra, as a profile sets them.
///
/// ```
/// use onramp_readiness::{DirectoryObject, EntraRules, Profile, ReadinessRules, attributes};
/// let rules = EntraRules::new(&Profile::entra())?;
/// let jürgen = DirectoryObject::new("CN=Jürgen,DC=corp,DC=local")
///     .with_text(attributes::OBJECT_CLASS, "user")
///     .with_text(attributes::USER_PRINCIPAL_NAME, "jürgen@contoso.com");
/// let mut findings = rules.check(&jürgen);
/// rules.suggest(&jürgen, &mut findings);
/// let fix = &findings[0].fixes[0];
/// assert_eq!(findings[0].rule.as_str(), "upn-character");
/// assert_eq!(fix.changes[0].add, ["juergen@contoso.com"]);
/// # Ok::<(), onramp_readiness::ProfileError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EntraRules {
    states: Vec<RuleState>,
    verified: Option<HashSet<String>>,
    upn_suffix: Option<DomainName>,
    login: AttributeName,
    domains: Arc<RwLock<HashMap<String, DomainVerdict>>>,
}

/// The number of domains whose judgment is remembered.
const MAX_DOMAINS: usize = 4096;

/// A rule as it applies.
#[derive(Debug, Clone)]
struct RuleState {
    info: RuleInfo,
    is_enabled: bool,
    scope: Option<Scope>,
}

/// The part of a directory in which a rule applies.
#[derive(Debug, Clone)]
struct Scope {
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

    fn contains(&self, object: &DirectoryObject) -> bool {
        let is_below = |base: &String| is_within(object.dn(), base);
        (self.classes.is_empty() || self.classes.iter().any(|class| object.has_class(class)))
            && (self.below.is_empty() || self.below.iter().any(is_below))
            && !self.not_below.iter().any(is_below)
    }
}

/// Returns true if a distinguished name is the base or below it, without regard to case and to blanks after commas.
fn is_within(dn: &str, base: &str) -> bool {
    use onramp_core::DistinguishedName;
    match (DistinguishedName::parse(dn), DistinguishedName::parse(base)) {
        (Ok(dn), Ok(base)) => dn.is_within(&base),
        _ => dn.to_lowercase().ends_with(&base.to_lowercase()),
    }
}

impl EntraRules {
    /// Makes the rules that a profile asks for.
    ///
    /// # Errors
    /// [`ProfileError::UnknownRule`] if it names a rule or a tag that does not exist, [`ProfileError::NoLimit`] if it
    /// sets a limit for a rule without one.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
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
            states.push(RuleState { info, is_enabled, scope: Scope::of(&settings) });
        }
        let verified = profile.verified_domains.as_ref();
        Ok(Self {
            states,
            verified: verified.map(|domains| domains.iter().map(|name| name.ascii().to_owned()).collect()),
            upn_suffix: profile.upn_suffix.clone(),
            login: profile.login_attribute.clone(),
            domains: Arc::default(),
        })
    }

    fn state(&self, rule: Rule) -> Option<&RuleState> {
        self.states.get(rule as usize).filter(|state| state.is_enabled)
    }

    /// The limit of a rule; the greatest number if it has none or does not apply.
    fn limit(&self, rule: Rule) -> usize {
        self.state(rule).and_then(|state| state.info.limit).unwrap_or(usize::MAX)
    }

    /// Judges the text after an `@`. What was found is remembered, since a directory has few domains.
    fn domain(&self, text: &str) -> DomainVerdict {
        if let Ok(known) = self.domains.read()
            && let Some(verdict) = known.get(text)
        {
            return verdict.clone();
        }
        let verdict = match DomainName::parse(text) {
            Err(error) => DomainVerdict::NoDomain(error.reason().to_owned()),
            Ok(name) => match self.is_verified(&name) {
                Some(true) => DomainVerdict::Usable,
                _ if !upn::is_public(&name) => DomainVerdict::NotPublic,
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
    fn is_verified(&self, domain: &DomainName) -> Option<bool> {
        self.verified.as_ref().map(|verified| verified.contains(domain.ascii()))
    }
}

/// A measure of how much two names differ, to find the one that was meant.
fn distance(one: &str, other: &str) -> usize {
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let shared = other.split('-').filter(|word| one.contains(word)).count();
    (one.len().abs_diff(other.len()) + 64).saturating_sub(common + 4 * shared)
}

/// The judgment of one object: collects findings of the rules that apply.
struct Judge<'a> {
    rules: &'a EntraRules,
    object: &'a DirectoryObject,
    kind: Kind,
    findings: Vec<Finding>,
}

/// The judgment of the text after an `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DomainVerdict {
    /// The tenant has verified it, or nobody knows, and it can be registered.
    Usable,
    /// The tenant has not verified it.
    NotVerified,
    /// Nobody can register it.
    NotPublic,
    /// No domain name, with the reason.
    NoDomain(String),
}

/// The value that a finding is about.
#[derive(Clone, Copy)]
struct Value<'a> {
    attribute: &'a AttributeName,
    text: &'a str,
    index: usize,
}

impl<'a> Judge<'a> {
    fn add(
        &mut self,
        rule: Rule,
        attribute: &AttributeName,
        value: Option<(String, usize)>,
        spans: Vec<Span>,
        explanation: impl Into<String>,
    ) {
        let Some(state) = self.rules.state(rule) else { return };
        if state.scope.as_ref().is_some_and(|scope| !scope.contains(self.object)) {
            return;
        }
        let mut finding = Finding::new(
            self.object.key(),
            state.info.id.clone(),
            state.info.severity,
            attribute.clone(),
            explanation,
        );
        finding.class = self.object.class().map(str::to_owned);
        finding.tags.clone_from(&state.info.tags);
        finding.rule_source = Some(state.info.source.clone());
        finding.spans = spans.into_iter().filter(|span| span.start < span.end).collect();
        if let Some((text, index)) = value {
            finding = finding.with_value(text, index);
        }
        self.findings.push(finding);
    }

    /// Adds a finding about a value.
    fn value(&mut self, rule: Rule, value: Value<'_>, spans: Vec<Span>, explanation: impl Into<String>) {
        self.add(rule, value.attribute, Some((value.text.to_owned(), value.index)), spans, explanation);
    }

    /// Adds a finding about a part of a value that is longer than the rule's limit, in characters or as a domain in ASCII.
    fn length(&mut self, rule: Rule, value: Value<'_>, part: &str, part_name: &str, as_ascii: Option<usize>) {
        let limit = self.rules.limit(rule);
        if part.len() <= limit && as_ascii.is_none() {
            return;
        }
        let length = as_ascii.unwrap_or_else(|| part.chars().count());
        if length <= limit {
            return;
        }
        let offset = offset_of(value.text, part);
        let cut = part.char_indices().nth(limit).map_or(part.len(), |(at, _)| at);
        let span = Span { start: offset + cut, end: offset + part.len() };
        self.value(
            rule,
            value,
            vec![span],
            format!("{part_name} has {length} characters; the limit is {limit}"),
        );
    }

    /// Calls a function for each value of an attribute that is text. Others are octets that no rule of text judges.
    fn each(&mut self, attribute: &AttributeName, judge: impl Fn(&mut Self, Value<'_>)) {
        let object = self.object;
        for (index, value) in object.values(attribute).iter().enumerate() {
            if let Some(text) = value.as_text() {
                judge(self, Value { attribute, text, index });
            }
        }
    }
}

/// The offset of a part within the text that it is a slice of.
fn offset_of(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// The spans of the characters of a part for which a condition holds; neighbors are one span.
fn spans_of(text: &str, part: &str, is_wrong: impl Fn(char) -> bool) -> Vec<Span> {
    let offset = offset_of(text, part);
    let mut spans: Vec<Span> = Vec::new();
    for (at, c) in part.char_indices().filter(|(_, c)| is_wrong(*c)) {
        let (start, end) = (offset + at, offset + at + c.len_utf8());
        match spans.last_mut().filter(|last| last.end == start) {
            Some(last) => last.end = end,
            None => spans.push(Span { start, end }),
        }
    }
    spans
}

/// The characters at spans, for a sentence: each once, at most eight, invisible ones by number and name.
fn named(text: &str, spans: &[Span]) -> String {
    let mut characters: Vec<char> = Vec::new();
    for c in spans.iter().filter_map(|span| text.get(span.start..span.end)).flat_map(str::chars) {
        if !characters.contains(&c) {
            characters.push(c);
        }
    }
    let more = characters.len().saturating_sub(8);
    let mut shown: Vec<String> = characters.into_iter().take(8).map(text::name_of).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

impl ReadinessRules for EntraRules {
    fn catalog(&self) -> Vec<RuleInfo> {
        self.states.iter().filter(|state| state.is_enabled).map(|state| state.info.clone()).collect()
    }

    fn attributes(&self) -> Vec<AttributeName> {
        let mut attributes = vec![
            a::OBJECT_CLASS,
            a::OBJECT_SID,
            a::CN,
            a::USER_PRINCIPAL_NAME,
            a::PROXY_ADDRESSES,
            a::MAIL,
            a::MAIL_NICKNAME,
            a::TARGET_ADDRESS,
            a::SAM_ACCOUNT_NAME,
            a::DISPLAY_NAME,
            a::GIVEN_NAME,
            a::SN,
            a::COMPANY,
            a::DEPARTMENT,
            a::TITLE,
            a::GROUP_TYPE,
            a::MEMBER,
            a::HOME_MDB,
            a::IS_CRITICAL_SYSTEM_OBJECT,
            a::USER_ACCOUNT_CONTROL,
            a::WHEN_CREATED,
            a::CONSISTENCY_GUID,
            a::HIDE_FROM_ADDRESS_LISTS,
            a::RECIPIENT_TYPE_DETAILS,
        ];
        if !attributes.contains(&self.login) {
            attributes.push(self.login.clone());
        }
        attributes
    }

    fn exclusion(&self, object: &DirectoryObject) -> Option<Exclusion> {
        exclusion::of(object)
    }

    fn check(&self, object: &DirectoryObject) -> Vec<Finding> {
        let kind = Kind::of(object);
        let mut judge = Judge { rules: self, object, kind, findings: Vec::new() };
        upn::check(&mut judge);
        address::check(&mut judge);
        account::check(&mut judge);
        name::check(&mut judge);
        judge.findings
    }

    fn suggest(&self, object: &DirectoryObject, findings: &mut [Finding]) {
        repair::suggest(self, object, findings);
    }
}

/// The kind of an object, as rules distinguish them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    Contact,
}

impl Kind {
    /// The kind of an object; what has no class is taken for a user, since lists of users often have none.
    fn of(object: &DirectoryObject) -> Self {
        let mut kind = Self::User;
        for class in
            object.values(&a::OBJECT_CLASS).iter().filter_map(onramp_core::forest::AttributeValue::as_text)
        {
            if class.eq_ignore_ascii_case("group") {
                return Self::Group;
            }
            if class.eq_ignore_ascii_case("contact") || class.eq_ignore_ascii_case("orgContact") {
                kind = Self::Contact;
            }
        }
        kind
    }
}

/// A text that is the same in all findings of a kind.
type Sentence = Cow<'static, str>;
