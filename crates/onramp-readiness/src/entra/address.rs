//! The rules of addresses: `proxyAddresses`, `mail`, `targetAddress`, `mailNickname`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use onramp_core::DomainName;

use super::catalog::Rule;
use super::judge::{Judge, Value, named, offset_of, spans_of};
use super::settings::DomainVerdict;
use super::upn::has_wrong_dots;
use crate::Span;
use crate::address::{FORBIDDEN, ProxyAddress, address_key, is_atom};
use crate::attributes as a;

/// The longest local part of an address, in octets (RFC 5321 section 4.5.3.1.1).
const LOCAL_LIMIT: usize = 64;

/// The number of addresses up to which each is compared with each other.
const FEW_ADDRESSES: usize = 12;

/// The characters that Exchange Online keeps in a mail nickname; others become “_”.
pub(super) fn is_nickname_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

pub(super) fn check(judge: &mut Judge<'_>) {
    judge.each(&a::PROXY_ADDRESSES, proxy_address);
    let smtp = smtp_addresses(judge);
    primary(judge, &smtp);
    repeated(judge, &smtp);
    let addresses = judge.object.values(&a::PROXY_ADDRESSES).len();
    let limit = judge.rules.limit(Rule::AddressCount);
    if addresses > limit {
        let explanation = format!("the object has {addresses} addresses; the limit is {limit}");
        judge.add(Rule::AddressCount, &a::PROXY_ADDRESSES, None, Vec::new(), explanation);
    }
    judge.each(&a::MAIL, mail);
    judge.each(&a::TARGET_ADDRESS, target_address);
    judge.each(&a::MAIL_NICKNAME, nickname);
}

fn proxy_address(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    judge.length(Rule::AddressLength, value, text, "the address", None);
    let Some(proxy) = ProxyAddress::parse(text) else {
        let explanation = "the address has no type before it, such as SMTP: or smtp:";
        judge.value(Rule::AddressPrefixMissing, value, Vec::new(), explanation);
        return;
    };
    if proxy.is_x400_or_x500() {
        let spans = spans_of(text, proxy.address, |c| c.is_control());
        if !spans.is_empty() {
            let explanation = format!("an address cannot have {}", named(text, &spans));
            judge.value(Rule::AddressCharacter, value, spans, explanation);
        }
        return;
    }
    if proxy.is_smtp() && is_plain(proxy.kind, proxy.address) {
        let domain = proxy.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        smtp_domain(judge, value, domain);
        return;
    }
    let is_wrong = |c: char| {
        c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c) || (!c.is_ascii() && c.is_alphabetic())
    };
    let mut spans = spans_of(text, proxy.kind, |c| c.is_whitespace() || c.is_control());
    // The domain of an SMTP address can be internationalized: the rule of domains judges it.
    let judged = match proxy.is_smtp().then(|| proxy.address.rsplit_once('@')).flatten() {
        Some((local, domain)) if DomainName::parse(domain).is_ok() => local,
        _ => proxy.address,
    };
    spans.extend(spans_of(text, judged, is_wrong));
    if !spans.is_empty() {
        let explanation = format!("an address cannot have {}", named(text, &spans));
        judge.value(Rule::AddressCharacter, value, spans, explanation);
    }
    if proxy.address.contains(':') {
        let spans = spans_of(text, proxy.address, |c| c == ':');
        judge.value(Rule::AddressSecondColon, value, spans, "the address has a second colon");
    }
    if proxy.is_smtp() {
        smtp(judge, value, proxy.address, is_wrong);
    }
}

/// Judges an SMTP address. Characters of another rule are not told again.
fn smtp(judge: &mut Judge<'_>, value: Value<'_>, address: &str, is_told: impl Fn(char) -> bool) {
    let text = value.text;
    let whole = vec![Span { start: offset_of(text, address), end: offset_of(text, address) + address.len() }];
    let Some((local, domain)) = address.rsplit_once('@') else {
        judge.value(Rule::AddressFormat, value, whole, "the address has no “@”");
        return;
    };
    if local.is_empty() || domain.is_empty() {
        judge.value(Rule::AddressFormat, value, whole, "there must be text on both sides of the “@”");
        return;
    }
    let is_wrong = |c: char| c != '.' && !is_atom(c) && !is_told(c) && c != ':';
    let spans = spans_of(text, local, is_wrong);
    if !spans.is_empty() {
        let explanation = format!("the part before the “@” cannot have {}", named(text, &spans));
        judge.value(Rule::AddressFormat, value, spans, explanation);
    }
    if local.len() > LOCAL_LIMIT {
        let cut = local.char_indices().map(|(at, _)| at).find(|at| *at >= LOCAL_LIMIT).unwrap_or(local.len());
        let offset = offset_of(text, local);
        let explanation =
            format!("the part before the “@” has {} octets; the limit is {LOCAL_LIMIT}", local.len());
        let span = Span { start: offset + cut, end: offset + local.len() };
        judge.value(Rule::AddressLocalLength, value, vec![span], explanation);
    }
    dots(judge, Rule::AddressDots, value, local);
    smtp_domain(judge, value, domain);
}

/// Returns true if no rule but those of lengths and domains can find anything.
fn is_plain(kind: &str, address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    (1..=LOCAL_LIMIT).contains(&local.len())
        && local.chars().all(|c| c == '.' || is_atom(c))
        && !has_wrong_dots(local)
        && !domain.is_empty()
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn smtp_domain(judge: &mut Judge<'_>, value: Value<'_>, domain: &str) {
    let (rule, explanation) = match judge.rules.domain(domain) {
        DomainVerdict::Usable => return,
        DomainVerdict::NoDomain(reason) => {
            (Rule::AddressDomain, format!("the part after the “@” is not a domain name: {reason}"))
        }
        DomainVerdict::NotPublic => (
            Rule::AddressDomainNotRoutable,
            format!("“{domain}” cannot be registered in DNS; Exchange Online leaves the address out"),
        ),
        DomainVerdict::NotVerified => (
            Rule::AddressDomainNotVerified,
            format!("the tenant has not verified “{domain}”; Exchange Online leaves the address out"),
        ),
    };
    let start = offset_of(value.text, domain);
    judge.value(rule, value, vec![Span { start, end: start + domain.len() }], explanation);
}

/// Judges the dots of a local part or an alias.
fn dots(judge: &mut Judge<'_>, rule: Rule, value: Value<'_>, part: &str) {
    let offset = offset_of(value.text, part);
    let mut spans = Vec::new();
    let mut wrong = Vec::new();
    if part.starts_with('.') {
        spans.push(Span { start: offset, end: offset + 1 });
        wrong.push("it begins with a dot");
    }
    if let Some(at) = part.find("..") {
        spans.push(Span { start: offset + at, end: offset + at + 2 });
        wrong.push("two dots stand together");
    }
    if part.ends_with('.') && part.len() > 1 {
        spans.push(Span { start: offset + part.len() - 1, end: offset + part.len() });
        wrong.push("it ends with a dot");
    }
    if !wrong.is_empty() {
        judge.value(rule, value, spans, wrong.join("; "));
    }
}

/// An SMTP address of an object: its place, the value, and its parts.
type SmtpAddress<'a> = (usize, &'a str, ProxyAddress<'a>);

fn smtp_addresses<'a>(judge: &Judge<'a>) -> Vec<SmtpAddress<'a>> {
    let values = judge.object.values(&a::PROXY_ADDRESSES).iter().enumerate();
    values
        .filter_map(|(index, value)| {
            let text = value.as_text()?;
            Some((index, text, ProxyAddress::parse(text)?))
        })
        .filter(|(_, _, proxy)| proxy.is_smtp())
        .collect()
}

/// Returns true if a directory takes two addresses for the same.
fn is_same(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.trim().eq_ignore_ascii_case(other.trim());
    }
    address_key(one) == address_key(other)
}

fn primary(judge: &mut Judge<'_>, addresses: &[SmtpAddress<'_>]) {
    let mut primaries = addresses.iter().filter(|(_, _, proxy)| proxy.is_primary());
    let Some((_, _, primary)) = primaries.next() else {
        if !addresses.is_empty() {
            let explanation = "no SMTP address is the primary one, with SMTP: in capitals";
            judge.add(Rule::AddressPrimaryMissing, &a::PROXY_ADDRESSES, None, Vec::new(), explanation);
        }
        return;
    };
    let others = primaries.count();
    if others == 0 {
        if let Some(mail) = judge.object.text(&a::MAIL)
            && !is_same(mail, primary.address)
        {
            let value = Value { attribute: &a::MAIL, text: mail, index: 0 };
            let explanation = format!(
                "the mail address is not the primary SMTP address {}, which synchronization takes instead",
                onramp_core::visible(primary.address)
            );
            judge.value(Rule::MailNotPrimary, value, Vec::new(), explanation);
        }
        return;
    }
    for (index, text, _) in addresses.iter().filter(|(_, _, proxy)| proxy.is_primary()) {
        let value = Value { attribute: &a::PROXY_ADDRESSES, text, index: *index };
        let explanation = format!("{} addresses are the primary SMTP address; only one can be", others + 1);
        judge.value(Rule::AddressPrimarySeveral, value, Vec::new(), explanation);
    }
}

fn repeated(judge: &mut Judge<'_>, addresses: &[SmtpAddress<'_>]) {
    let mut add = |(index, text, _): &SmtpAddress<'_>, other: &str| {
        let value = Value { attribute: &a::PROXY_ADDRESSES, text, index: *index };
        let explanation = format!("the object has the address already, as {}", onramp_core::visible(other));
        judge.value(Rule::AddressRepeated, value, Vec::new(), explanation);
    };
    // The primary one is what the others repeat, wherever it stands.
    let primaries = addresses.iter().filter(|(_, _, proxy)| proxy.is_primary());
    let in_order = primaries.chain(addresses.iter().filter(|(_, _, proxy)| !proxy.is_primary()));
    if addresses.len() <= FEW_ADDRESSES {
        let mut before: [Option<&SmtpAddress<'_>>; FEW_ADDRESSES] = [None; FEW_ADDRESSES];
        for (place, address) in before.iter_mut().zip(in_order) {
            *place = Some(address);
        }
        for (number, address) in before.iter().flatten().enumerate() {
            let mut earlier = before.iter().flatten().take(number);
            if let Some((_, other, _)) =
                earlier.find(|(_, _, proxy)| is_same(proxy.address, address.2.address))
            {
                add(address, other);
            }
        }
        return;
    }
    let mut first: HashMap<String, &str> = HashMap::with_capacity(addresses.len());
    for address in in_order {
        let (_, text, proxy) = address;
        match first.entry(address_key(proxy.address)) {
            Entry::Occupied(known) => add(address, known.get()),
            Entry::Vacant(place) => {
                place.insert(text);
            }
        }
    }
}

fn mail(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    judge.length(Rule::MailLength, value, text, "the mail address", None);
    if is_plain("", text) {
        let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
        if !matches!(judge.rules.domain(domain), DomainVerdict::NoDomain(_)) {
            return;
        }
    }
    let whole = vec![Span { start: 0, end: text.len() }];
    let mut wrong = Vec::new();
    let mut spans = Vec::new();
    match text.rsplit_once('@') {
        None => {
            wrong.push("it has no “@”".to_owned());
            spans = whole;
        }
        Some((local, domain)) => {
            let local_spans = spans_of(text, local, |c| c != '.' && !is_atom(c));
            if !local_spans.is_empty() {
                wrong.push(format!("the part before the “@” cannot have {}", named(text, &local_spans)));
                spans.extend(local_spans);
            } else if local.split('.').any(str::is_empty) {
                wrong.push("the part before the “@” is empty or has a dot too many".to_owned());
                spans.push(Span { start: 0, end: local.len() });
            } else if local.len() > LOCAL_LIMIT {
                wrong.push(format!(
                    "the part before the “@” has {} octets; the limit is {LOCAL_LIMIT}",
                    local.len()
                ));
                spans.push(Span { start: 0, end: local.len() });
            }
            if let Err(error) = DomainName::parse(domain) {
                wrong.push(format!("the part after the “@” is not a domain name: {}", error.reason()));
                spans.push(Span { start: offset_of(text, domain), end: text.len() });
            }
        }
    }
    if !wrong.is_empty() {
        judge.value(Rule::MailFormat, value, spans, wrong.join("; "));
    }
}

fn target_address(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    judge.length(Rule::TargetLength, value, text, "the target address", None);
    let Some(proxy) = ProxyAddress::parse(text) else {
        let explanation = "the target address has no type before it, such as SMTP:";
        judge.value(Rule::TargetFormat, value, Vec::new(), explanation);
        return;
    };
    if proxy.is_x400_or_x500() {
        return;
    }
    let is_wrong = |c: char| {
        c.is_whitespace() || c.is_control() || c == '\\' || c == ':' || FORBIDDEN.contains(c) || !c.is_ascii()
    };
    let mut spans = spans_of(text, proxy.kind, |c| c.is_whitespace() || c.is_control());
    let (local, domain) = match proxy.address.rsplit_once('@') {
        Some((local, domain)) if proxy.is_smtp() => (local, Some(domain)),
        _ => (proxy.address, None),
    };
    spans.extend(spans_of(text, local, is_wrong));
    let mut wrong = Vec::new();
    if !spans.is_empty() {
        wrong.push(format!("a target address cannot have {}", named(text, &spans)));
    }
    match domain.map(DomainName::parse) {
        None if proxy.is_smtp() => {
            wrong.push("it has no “@”".to_owned());
        }
        Some(Err(error)) => {
            wrong.push(format!("the part after the “@” is not a domain name: {}", error.reason()));
            spans.push(Span { start: text.len() - domain.map_or(0, str::len), end: text.len() });
        }
        _ if proxy.is_smtp() && local.split('.').any(str::is_empty) => {
            wrong.push("the part before the “@” is empty or has a dot too many".to_owned());
        }
        _ => {}
    }
    if !wrong.is_empty() {
        judge.value(Rule::TargetFormat, value, spans, wrong.join("; "));
    }
}

fn nickname(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    judge.length(Rule::NicknameLength, value, text, "the mail nickname", None);
    if text.chars().all(is_nickname_character) && !has_wrong_dots(text) {
        return;
    }
    let spans = spans_of(text, text, |c| !is_nickname_character(c));
    if !spans.is_empty() {
        let explanation = format!(
            "Exchange Online does not take {} in an alias; it writes “_” instead",
            named(text, &spans)
        );
        judge.value(Rule::NicknameCharacter, value, spans, explanation);
    }
    dots(judge, Rule::NicknameDots, value, text);
}
