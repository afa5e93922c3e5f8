//! The fixes that a rule of `entra` suggests. Each is verified by judging the object as it would be.

use std::borrow::Cow;
use std::collections::HashSet;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, DomainName, comparison_key};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::account::is_forbidden_in_sam;
use super::address::is_nickname_character;
use super::catalog::Rule;
use super::settings::{Settings, is_public};
use super::text::is_invisible;
use super::upn::is_prefix_character;
use crate::address::{FORBIDDEN, ProxyAddress, address_key, is_atom};
use crate::attributes as a;
use crate::object_fix::combined;
use crate::{Confidence, DirectoryObject, Finding, Fix, FixChange, Severity};

/// A repaired text, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Repaired {
    text: String,
    confidence: Confidence,
    loses: Option<String>,
}

impl Repaired {
    fn certain(text: impl Into<String>) -> Self {
        Self { text: text.into(), confidence: Confidence::High, loses: None }
    }
}

const NO_FIX: Cow<'static, str> =
    Cow::Borrowed("no change of the value alone is safe; a person has to choose");
const NOT_TOGETHER: Cow<'static, str> =
    Cow::Borrowed("it does no good together with another fix of the object; check again after that one");
const TOO_LONG: Cow<'static, str> =
    Cow::Borrowed("to cut a name makes another name; a person has to choose a shorter one");
const NEEDS_DOMAIN: Cow<'static, str> = Cow::Borrowed(
    "the suffix is a decision for the whole directory: verify the domain in the tenant, or move the users to one that is verified",
);

/// The maximum number of fixes of an object that are tried two by two.
const MAX_PAIRED: usize = 24;

/// A judgment of an object by all rules.
type Check<'a> = &'a dyn Fn(&DirectoryObject) -> Vec<Finding>;

pub(super) fn suggest(
    rules: &Settings,
    check: Check<'_>,
    object: &DirectoryObject,
    findings: &mut [Finding],
) {
    if findings.is_empty() {
        return;
    }
    let before = Before::of(object, findings);
    // What belongs to one value is repaired at once.
    let mut done: Vec<(AttributeName, Option<usize>, Vec<Fix>)> = Vec::new();
    for finding in findings.iter_mut() {
        let place = (finding.attribute.clone(), finding.value_index);
        let known = done.iter().find(|(attribute, index, _)| (attribute, index) == (&place.0, &place.1));
        let candidates = match known {
            Some((_, _, fixes)) => fixes.clone(),
            None => {
                let fixes = candidates(rules, object, finding, &before);
                done.push((place.0, place.1, fixes.clone()));
                fixes
            }
        };
        let verified = candidates.into_iter().filter(|fix| before.holds(check, object, &[(&*finding, fix)]));
        finding.fixes = verified.collect();
        if finding.fixes.is_empty() {
            finding.no_fix = Some(reason(finding));
        }
    }
    settle(&before, check, object, findings);
}

/// Takes away fixes that do no good together with better ones of the same object, which are made in one change.
fn settle(before: &Before, check: Check<'_>, object: &DirectoryObject, findings: &mut [Finding]) {
    let mut order: Vec<usize> =
        (0..findings.len()).filter(|at| findings.get(*at).is_some_and(|one| !one.fixes.is_empty())).collect();
    if order.len() < 2 {
        return;
    }
    order.sort_by_key(|&at| {
        std::cmp::Reverse(findings.get(at).and_then(|one| one.fixes.first()).map(|fix| fix.confidence))
    });
    let in_pairs = order.len() <= MAX_PAIRED;
    let mut taken: Vec<(Finding, Fix)> = Vec::new();
    for at in order {
        let Some(finding) = findings.get_mut(at) else { continue };
        while let Some(fix) = finding.fixes.first().cloned() {
            let all: Vec<(&Finding, &Fix)> =
                taken.iter().map(|(finding, fix)| (finding, fix)).chain([(&*finding, &fix)]).collect();
            let (own, others) = match all.split_last() {
                Some((own, others)) => (*own, others),
                None => break,
            };
            // People choose fixes by rule and by confidence, so that any two may be made without the others.
            let is_good = before.holds(check, object, &all)
                && (!in_pairs || others.iter().all(|other| before.holds(check, object, &[*other, own])));
            if is_good {
                taken.push((finding.clone(), fix));
                break;
            }
            finding.fixes.remove(0);
        }
        if finding.fixes.is_empty() {
            finding.no_fix = Some(NOT_TOGETHER);
        }
    }
}

/// The object before any fix.
struct Before {
    findings: Vec<Signature>,
    /// The proxy addresses that Entra rejects as they are.
    broken: HashSet<String>,
    /// The addresses that mail reaches the object by, in lower case.
    addresses: HashSet<String>,
}

impl Before {
    fn of(object: &DirectoryObject, findings: &[Finding]) -> Self {
        let is_broken = |finding: &&Finding| {
            finding.attribute == a::PROXY_ADDRESSES
                && finding.severity == Severity::Error
                && finding.rule != Rule::AddressPrimarySeveral.id()
        };
        let broken: HashSet<String> =
            findings.iter().filter(is_broken).filter_map(|finding| finding.value.clone()).collect();
        let addresses = smtp_addresses(object).filter(|(text, _)| !broken.contains(*text));
        let addresses = addresses.map(|(_, proxy)| delivered(&proxy)).collect();
        Self { findings: signatures(findings), broken, addresses }
    }

    /// Returns true if the findings are gone after their fixes, none is there that was not there before, and no address is
    /// lost.
    fn holds(&self, check: Check<'_>, object: &DirectoryObject, fixes: &[(&Finding, &Fix)]) -> bool {
        // Those that contradict each other are not made together.
        let Some(changes) = combined(fixes.iter().map(|(_, fix)| *fix)) else { return true };
        let Some(fixed) = object.with_fix(&Fix::of(changes)) else { return false };
        if fixes.iter().all(|(_, fix)| fix.loses.is_none()) {
            let after: HashSet<String> = smtp_addresses(&fixed).map(|(_, proxy)| delivered(&proxy)).collect();
            if !self.addresses.is_subset(&after) {
                return false;
            }
        }
        let after = check(&fixed);
        let changes = || fixes.iter().flat_map(|(_, fix)| &fix.changes);
        let is_added = |value: &Option<String>| {
            value.as_ref().is_some_and(|value| changes().any(|change| change.add.contains(value)))
        };
        after.iter().all(|other| {
            let remains = fixes.iter().any(|(finding, _)| {
                let is_same_place = other.attribute == finding.attribute
                    && (other.value == finding.value || is_added(&other.value));
                other.rule == finding.rule && (is_same_place || finding.value.is_none())
            });
            let was_there = self.findings.iter().any(|(rule, attribute, value)| {
                rule == other.rule.as_str()
                    && *attribute == other.attribute
                    && (*value == other.value || fixes.iter().any(|(finding, _)| *value == finding.value))
            });
            // A new value that is rejected like the old one helps nobody.
            let is_rejected = other.severity == Severity::Error
                && fixes.iter().any(|(finding, _)| finding.attribute == other.attribute)
                && is_added(&other.value);
            !remains && was_there && !is_rejected
        })
    }
}

/// The SMTP addresses among the proxy addresses, each with its value.
fn smtp_addresses(object: &DirectoryObject) -> impl Iterator<Item = (&str, ProxyAddress<'_>)> {
    let texts = object.values(&a::PROXY_ADDRESSES).iter().filter_map(AttributeValue::as_text);
    texts.filter_map(|text| Some((text, ProxyAddress::parse(text)?))).filter(|(_, proxy)| proxy.is_smtp())
}

/// The address as mail servers compare it: letters with marks are letters of their own, other than in a directory.
fn delivered(proxy: &ProxyAddress<'_>) -> String {
    proxy.address.trim().to_lowercase()
}

/// The reason why a finding has no fix.
fn reason(finding: &Finding) -> Cow<'static, str> {
    match finding.rule.as_str() {
        rule if rule.ends_with("-length") => TOO_LONG,
        "upn-suffix-not-routable"
        | "upn-suffix-not-verified"
        | "address-domain-not-routable"
        | "address-domain-not-verified" => NEEDS_DOMAIN,
        _ => NO_FIX,
    }
}

type Signature = (String, AttributeName, Option<String>);

fn signatures(findings: &[Finding]) -> Vec<Signature> {
    findings
        .iter()
        .map(|finding| (finding.rule.as_str().to_owned(), finding.attribute.clone(), finding.value.clone()))
        .collect()
}

fn candidates(rules: &Settings, object: &DirectoryObject, finding: &Finding, before: &Before) -> Vec<Fix> {
    let attribute = &finding.attribute;
    let Some(value) = finding.value.as_deref() else { return missing(rules, object, finding) };
    if *attribute == a::CONSISTENCY_GUID {
        return Vec::new();
    }
    let mut fixes: Vec<Fix> = Vec::new();
    let repaired = if *attribute == rules.login {
        upn(rules, object, value)
    } else if *attribute == a::PROXY_ADDRESSES {
        fixes.extend(primaries(object, value, finding, before));
        proxy_address(object, value)
    } else if *attribute == a::TARGET_ADDRESS {
        proxy_address(object, value)
    } else if *attribute == a::MAIL {
        fixes.extend(mail_of_primary(object, value, finding));
        address(value)
    } else if *attribute == a::MAIL_NICKNAME {
        alias(value, is_nickname_character)
    } else if *attribute == a::SAM_ACCOUNT_NAME {
        account_name(value)
    } else if *attribute == a::CN {
        // The common name is part of the distinguished name: to change it is to rename the object.
        Vec::new()
    } else {
        name(object, attribute, value)
    };
    for repaired in
        repaired.into_iter().filter(|repaired| repaired.text != value && !repaired.text.is_empty())
    {
        // Where the object has the right value already, the wrong one has nothing to become.
        let is_there = has_another(object, attribute, value, &repaired.text);
        let new = (!is_there).then_some(repaired.text);
        let mut fix = Fix::replace(attribute.clone(), Some(value), new).with_confidence(repaired.confidence);
        fix.loses = repaired.loses;
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    fixes
}

/// Returns true if the object has a value already, as a directory compares values, besides the one that is to be changed.
fn has_another(object: &DirectoryObject, attribute: &AttributeName, value: &str, new: &str) -> bool {
    let key = comparison_key(new);
    let texts = object.values(attribute).iter().filter_map(AttributeValue::as_text);
    texts.filter(|text| *text != value).any(|text| comparison_key(text) == key)
}

/// The fixes of findings about a value that is not there.
fn missing(rules: &Settings, object: &DirectoryObject, finding: &Finding) -> Vec<Fix> {
    let is = |rule: Rule| finding.rule == rule.id();
    if is(Rule::UpnMissing) {
        return missing_upn(rules, object);
    }
    if is(Rule::AddressPrimaryMissing) {
        return promotion(object).into_iter().collect();
    }
    Vec::new()
}

fn missing_upn(rules: &Settings, object: &DirectoryObject) -> Vec<Fix> {
    let present = object.values(&rules.login).first().and_then(AttributeValue::as_text);
    let mut fixes = Vec::new();
    let mut add = |text: String, confidence| {
        let fix = Fix::replace(rules.login.clone(), present, Some(text)).with_confidence(confidence);
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    };
    if let Some(mail) = object.text(&a::MAIL) {
        let has_suffix = |suffix: &DomainName| {
            mail.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(suffix.ascii()))
        };
        let is_ours = rules.upn_suffix.as_ref().is_none_or(has_suffix);
        add(mail.to_owned(), if is_ours { Confidence::Medium } else { Confidence::Low });
    }
    if let (Some(suffix), Some(sam)) = (&rules.upn_suffix, object.text(&a::SAM_ACCOUNT_NAME)) {
        add(format!("{sam}@{}", suffix.ascii()), Confidence::Medium);
    }
    fixes
}

/// The repaired forms of a UPN, the best one first.
fn upn(rules: &Settings, object: &DirectoryObject, value: &str) -> Vec<Repaired> {
    let cleaned = clean(value);
    let Some((prefix, suffix)) = cleaned.split_once('@').filter(|(_, suffix)| !suffix.contains('@')) else {
        return upn_without_suffix(rules, object, &cleaned);
    };
    let suffix = domain(suffix);
    let mut prefixes = alias(prefix, is_prefix_character);
    prefixes.insert(0, Repaired::certain(prefix));
    let is_usable = |name: &str| {
        DomainName::parse(name).is_ok_and(|name| rules.is_verified(&name).unwrap_or_else(|| is_public(&name)))
    };
    let is_it = |name: &&DomainName| DomainName::parse(&suffix).is_ok_and(|suffix| suffix == **name);
    let other = rules.upn_suffix.as_ref().filter(|name| !is_usable(&suffix) && !is_it(name));
    let mut all = Vec::new();
    for repaired in prefixes {
        if let Some(other) = other {
            let confidence = repaired.confidence.min(Confidence::Medium);
            let loses = "the user signs in with another suffix".to_owned();
            let loses =
                Some(repaired.loses.clone().map_or(loses.clone(), |first| format!("{first}; {loses}")));
            all.push(Repaired { text: format!("{}@{}", repaired.text, other.ascii()), confidence, loses });
        }
        all.push(Repaired { text: format!("{}@{suffix}", repaired.text), ..repaired });
    }
    all
}

fn upn_without_suffix(rules: &Settings, object: &DirectoryObject, cleaned: &str) -> Vec<Repaired> {
    let mut all = Vec::new();
    if let Some(mail) = object.text(&a::MAIL) {
        all.push(Repaired { text: mail.to_owned(), confidence: Confidence::Medium, loses: None });
    }
    if let Some(suffix) = rules.upn_suffix.as_ref().filter(|_| !cleaned.contains('@') && !cleaned.is_empty())
    {
        for repaired in alias(cleaned, is_prefix_character).into_iter().chain([Repaired::certain(cleaned)]) {
            all.push(Repaired {
                text: format!("{}@{}", repaired.text, suffix.ascii()),
                confidence: Confidence::Low,
                loses: repaired.loses,
            });
        }
    }
    all
}

/// The repaired forms of a proxy address or target address.
fn proxy_address(object: &DirectoryObject, value: &str) -> Vec<Repaired> {
    let cleaned = clean(value);
    let Some(proxy) = ProxyAddress::parse(&cleaned) else {
        // A bare mail address gets the type that makes it one more address, or the primary one if there is none.
        if !cleaned.contains('@') {
            return Vec::new();
        }
        let has_primary = object
            .values(&a::PROXY_ADDRESSES)
            .iter()
            .filter_map(|value| ProxyAddress::parse(value.as_text()?))
            .any(|proxy| proxy.is_primary());
        let is_mail = object.text(&a::MAIL).is_some_and(|mail| address_key(mail) == address_key(&cleaned));
        let kind = if !has_primary && is_mail { "SMTP" } else { "smtp" };
        return address(&cleaned)
            .into_iter()
            .map(|repaired| Repaired { text: format!("{kind}:{}", repaired.text), ..repaired })
            .collect();
    };
    let kind = proxy.kind.trim();
    if proxy.is_smtp() {
        return address(proxy.address)
            .into_iter()
            .map(|repaired| Repaired { text: format!("{kind}:{}", repaired.text), ..repaired })
            .collect();
    }
    vec![Repaired::certain(format!("{kind}:{}", proxy.address.trim()))]
}

/// The repaired forms of an SMTP address: the domain is never cut nor joined with another.
fn address(value: &str) -> Vec<Repaired> {
    let cleaned = clean(value);
    let cleaned = cleaned.strip_prefix("mailto:").unwrap_or(&cleaned);
    let Some((local, suffix)) = cleaned.rsplit_once('@') else { return Vec::new() };
    let suffix = domain(suffix);
    let is_wrong_letter = |c: char| is_atom(c) && !FORBIDDEN.contains(c);
    let mut locals = vec![Repaired::certain(local)];
    locals.extend(alias(local, |c| c == '.' || is_wrong_letter(c)));
    locals
        .into_iter()
        .map(|repaired| Repaired { text: format!("{}@{suffix}", repaired.text), ..repaired })
        .collect()
}

/// A domain in the spelling in which a tenant holds it; as it is where it is none.
fn domain(text: &str) -> String {
    let trimmed = text.trim().trim_end_matches('.');
    match DomainName::parse(trimmed) {
        Ok(name) if !trimmed.is_ascii() => name.ascii().to_owned(),
        _ => trimmed.to_owned(),
    }
}

/// The repaired forms of a name before an `@`, or of an alias: dots mended, letters with marks written as letters
/// without, blanks between words as dots; other characters left out, which loses them.
fn alias(value: &str, is_allowed: impl Fn(char) -> bool) -> Vec<Repaired> {
    let cleaned = clean(value);
    let mut all = Vec::new();
    for (style, confidence) in [(Style::Digraphs, Confidence::Medium), (Style::BaseLetters, Confidence::Low)]
    {
        let letters = transliterated(&cleaned, style, &is_allowed);
        let is_changed = letters != cleaned;
        let has_blank = letters.trim().contains(char::is_whitespace);
        let dotted: String = letters.split_whitespace().collect::<Vec<_>>().join(".");
        let kept: String = dotted.chars().filter(|c| is_allowed(*c)).collect();
        let lost: String = dotted.chars().filter(|c| !is_allowed(*c)).collect();
        let text = mended_dots(&kept);
        if text.is_empty() || !text.contains(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let certain = if is_changed || has_blank { confidence } else { Confidence::High };
        let repaired = if lost.is_empty() {
            Repaired { text, confidence: certain, loses: None }
        } else if lost.chars().any(char::is_alphabetic) {
            // A name without some of its letters is another name.
            continue;
        } else {
            let loses = Some(format!("the characters {}", onramp_core::visible(&lost)));
            Repaired { text, confidence: Confidence::Low, loses }
        };
        if all.iter().all(|other: &Repaired| other.text != repaired.text) {
            all.push(repaired);
        }
    }
    all
}

fn mended_dots(text: &str) -> String {
    text.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

fn account_name(value: &str) -> Vec<Repaired> {
    let cleaned = clean(value);
    let cleaned = cleaned.trim_end_matches('.');
    let kept: String = cleaned.chars().filter(|c| !is_forbidden_in_sam(*c)).collect();
    if kept.is_empty() {
        return Vec::new();
    }
    let lost: String = cleaned.chars().filter(|c| is_forbidden_in_sam(*c)).collect();
    let loses = "programs that sign in by the old name stop working".to_owned();
    let loses = Some(if lost.is_empty() { loses } else { format!("the characters {lost}; {loses}") });
    vec![Repaired { text: kept, confidence: Confidence::Low, loses }]
}

fn name(object: &DirectoryObject, attribute: &AttributeName, value: &str) -> Vec<Repaired> {
    if *attribute == a::DISPLAY_NAME && clean(value).is_empty() {
        let cn = object.text(&a::CN).map(str::to_owned);
        return cn
            .map(|text| Repaired { text, confidence: Confidence::Medium, loses: None })
            .into_iter()
            .collect();
    }
    vec![Repaired::certain(clean(value))]
}

/// The text without white space at its ends and without characters that nobody sees. Joiners stay in scripts that need
/// them.
fn clean(text: &str) -> String {
    let needs_joiners = text.chars().any(|c| !c.is_ascii() && c.is_alphabetic() && u32::from(c) > 0x5ff);
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}') && needs_joiners;
    let visible: String = text
        .chars()
        .map(|c| if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c })
        .filter(|c| !is_invisible(*c) || is_joiner(*c))
        .collect();
    visible.trim().to_owned()
}

/// The way to write letters with marks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As German and the Nordic languages do: ü is ue, å is aa.
    Digraphs,
    /// The letter without its mark.
    BaseLetters,
}

/// Writes letters that are not allowed as letters that are, where there is a custom of doing so; others stay.
fn transliterated(text: &str, style: Style, is_allowed: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        if is_allowed(c) {
            out.push(c);
        } else if let Some(letters) = letters_of(c, style) {
            out.push_str(letters);
        } else {
            let base: String = c.nfkd().filter(|c| !is_combining_mark(*c)).collect();
            let is_letters = !base.is_empty() && base.chars().all(|c| c.is_ascii_alphanumeric());
            if is_letters { out.push_str(&base) } else { out.push(c) }
        }
    }
    out
}

/// The letters for one with a mark, or for one that Unicode does not decompose.
fn letters_of(c: char, style: Style) -> Option<&'static str> {
    let digraph = match c {
        'ä' => Some("ae"),
        'ö' => Some("oe"),
        'ü' => Some("ue"),
        'Ä' => Some("Ae"),
        'Ö' => Some("Oe"),
        'Ü' => Some("Ue"),
        'å' => Some("aa"),
        'Å' => Some("Aa"),
        'ø' => Some("oe"),
        'Ø' => Some("Oe"),
        _ => None,
    };
    if style == Style::Digraphs && digraph.is_some() {
        return digraph;
    }
    Some(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "Ae",
        'œ' => "oe",
        'Œ' => "Oe",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'þ' => "th",
        'Þ' => "Th",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        'ŧ' => "t",
        'Ŧ' => "T",
        '’' | '‘' | 'ʼ' => "'",
        '–' | '—' | '‐' => "-",
        _ => return None,
    })
}

/// The address that becomes the primary one: the mail address, or the only one there is.
fn promotion(object: &DirectoryObject) -> Option<Fix> {
    let addresses: Vec<(&str, ProxyAddress<'_>)> = object
        .values(&a::PROXY_ADDRESSES)
        .iter()
        .filter_map(|value| Some((value.as_text()?, ProxyAddress::parse(value.as_text()?)?)))
        .filter(|(_, proxy)| proxy.is_smtp())
        .collect();
    let mail = object.text(&a::MAIL).map(address_key);
    let of_mail = addresses.iter().find(|(_, proxy)| Some(address_key(proxy.address)) == mail);
    let (found, confidence) = match (of_mail, addresses.as_slice()) {
        (Some(found), _) => (found, Confidence::High),
        (None, [only]) => (only, Confidence::Medium),
        _ => return None,
    };
    let (text, proxy) = found;
    let primary = format!("SMTP:{}", proxy.address);
    Some(Fix::replace(a::PROXY_ADDRESSES, Some(text), Some(primary)).with_confidence(confidence))
}

/// The fixes of a primary address beside others, and of an address that is there twice.
fn primaries(object: &DirectoryObject, value: &str, finding: &Finding, before: &Before) -> Option<Fix> {
    let proxy = ProxyAddress::parse(value)?;
    if finding.rule == Rule::AddressRepeated.id() {
        return repeated(object, value, &proxy);
    }
    if finding.rule != Rule::AddressPrimarySeveral.id() {
        return None;
    }
    // The one that is the mail address stays, all others become secondary, in one change.
    let mail = address_key(object.text(&a::MAIL)?);
    let primaries: Vec<_> = smtp_addresses(object).filter(|(_, proxy)| proxy.is_primary()).collect();
    let is_kept = |proxy: &ProxyAddress<'_>| address_key(proxy.address) == mail;
    let mut kept = primaries.iter().filter(|(_, proxy)| is_kept(proxy));
    let (Some((text, _)), None) = (kept.next(), kept.next()) else { return None };
    // An address that Entra rejects must not become the only primary one.
    if !proxy.is_primary() || before.broken.contains(*text) {
        return None;
    }
    let others = || primaries.iter().filter(|(_, proxy)| !is_kept(proxy));
    Some(Fix::of(vec![FixChange {
        attribute: a::PROXY_ADDRESSES,
        remove: others().map(|(text, _)| (*text).to_owned()).collect(),
        add: others().map(|(_, proxy)| format!("smtp:{}", proxy.address)).collect(),
    }]))
}

/// The fix of an address that the object has twice: the right spelling stays, as the primary one if one of the two is.
fn repeated(object: &DirectoryObject, value: &str, proxy: &ProxyAddress<'_>) -> Option<Fix> {
    let is_twin =
        |(text, other): &(&str, ProxyAddress<'_>)| *text != value && delivered(other) == delivered(proxy);
    let (twin, other) = smtp_addresses(object).filter(is_twin).max_by_key(|(_, other)| other.is_primary())?;
    let is_clean =
        |proxy: &ProxyAddress<'_>| proxy.address.trim() == proxy.address && proxy.kind.trim() == proxy.kind;
    let is_primary = proxy.is_primary() || other.is_primary();
    let (remove, add) = if is_clean(&other) && other.is_primary() == is_primary {
        (vec![value.to_owned()], Vec::new())
    } else if is_clean(proxy) && proxy.is_primary() == is_primary {
        (vec![twin.to_owned()], Vec::new())
    } else {
        let kind = if is_primary { "SMTP" } else { "smtp" };
        let clean = if is_clean(&other) { other.address } else { proxy.address.trim() };
        (vec![value.to_owned(), twin.to_owned()], vec![format!("{kind}:{clean}")])
    };
    Some(Fix::of(vec![FixChange { attribute: a::PROXY_ADDRESSES, remove, add }]))
}

/// The primary SMTP address as mail address.
fn mail_of_primary(object: &DirectoryObject, value: &str, finding: &Finding) -> Option<Fix> {
    if finding.rule != Rule::MailNotPrimary.id() {
        return None;
    }
    let primary = object
        .values(&a::PROXY_ADDRESSES)
        .iter()
        .filter_map(|value| ProxyAddress::parse(value.as_text()?))
        .find(ProxyAddress::is_primary)?;
    let mut fix = Fix::replace(a::MAIL, Some(value), Some(primary.address.to_owned()));
    if smtp_addresses(object).all(|(_, proxy)| address_key(proxy.address) != address_key(value)) {
        fix = fix.with_loss("the address, which no proxy address has");
    }
    Some(fix.with_confidence(Confidence::Medium))
}
