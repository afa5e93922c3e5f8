//! The rules of user principal names. What Entra takes is decided by [`Upn::entra_violations`], as for the planning of
//! changes.

use onramp_core::{DomainName, Upn, UpnViolation};

use super::catalog::Rule;
use super::judge::{Judge, Value, named, offset_of, spans_of};
use super::settings::DomainVerdict;
use crate::{ObjectKind, Span};

/// The characters that Entra takes before the `@`.
pub(super) fn is_prefix_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c)
}

pub(super) fn check(judge: &mut Judge<'_>) {
    if judge.kind != ObjectKind::User {
        return;
    }
    let rules = judge.rules;
    let login = &rules.login;
    let has_none = judge.object.values(login).iter().all(|value| value.as_bytes().is_empty());
    if has_none {
        let initial = "Entra makes one of the mail alias or the sAMAccountName and the initial domain";
        judge.add(Rule::UpnMissing, login, None, Vec::new(), format!("the user has no {login}; {initial}"));
        return;
    }
    judge.each(login, value);
}

fn value(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    let (prefix, suffix) = text.split_once('@').unwrap_or((text, ""));
    let whole = || vec![Span { start: offset_of(text, suffix), end: text.len() }];
    let mut violations = Vec::new();
    // Most UPNs need no second look.
    if !is_plain(prefix, suffix) {
        match Upn::parse(text) {
            Ok(upn) => violations = upn.entra_violations(),
            Err(error) => {
                let is_wrong = |c: char| c == '@' || c.is_control();
                let spans = if text.matches('@').count() > 1 || text.chars().any(char::is_control) {
                    spans_of(text, text, is_wrong)
                } else {
                    vec![Span { start: 0, end: text.len() }]
                };
                judge.value(Rule::UpnShape, value, spans, error.reason().to_owned());
                return;
            }
        }
    }
    // Limits are settings; everything else is what the vocabulary says.
    judge.length(Rule::UpnLength, value, text, "the UPN", None);
    judge.length(Rule::UpnPrefixLength, value, prefix, "the part before the “@”", None);
    let as_ascii = (!suffix.is_ascii()).then(|| DomainName::parse(suffix).ok()).flatten();
    let as_ascii = as_ascii.map(|name| name.ascii().len());
    judge.length(Rule::UpnSuffixLength, value, suffix, "the part after the “@”", as_ascii);
    if violations.iter().any(|violation| matches!(violation, UpnViolation::Character { .. })) {
        let spans = spans_of(text, prefix, |c| !is_prefix_character(c));
        let explanation =
            format!("Entra does not take {} before the “@”; it writes “_” instead", named(text, &spans));
        judge.value(Rule::UpnCharacter, value, spans, explanation);
    }
    dots(judge, value, prefix, &violations);
    let verdict = judge.rules.domain(suffix);
    let (rule, explanation) = match verdict {
        DomainVerdict::Usable => return,
        DomainVerdict::NoDomain(reason) => {
            (Rule::UpnSuffixNotADomain, format!("the suffix is not a domain name: {reason}"))
        }
        DomainVerdict::NotPublic => (
            Rule::UpnSuffixNotRoutable,
            format!(
                "“{suffix}” cannot be registered in DNS, so no tenant can verify it; Entra replaces it by the initial domain"
            ),
        ),
        DomainVerdict::NotVerified => (
            Rule::UpnSuffixNotVerified,
            format!("the tenant has not verified “{suffix}”; Entra replaces it by the initial domain"),
        ),
    };
    judge.value(rule, value, whole(), explanation);
}

/// Returns true if no rule but those of lengths and domains can find anything.
fn is_plain(prefix: &str, suffix: &str) -> bool {
    !prefix.is_empty()
        && !suffix.is_empty()
        && prefix.chars().all(is_prefix_character)
        && !has_wrong_dots(prefix)
        && suffix.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@')
}

/// Returns true if a dot stands at an end, or beside another.
pub(super) fn has_wrong_dots(part: &str) -> bool {
    part.starts_with('.') || part.ends_with('.') || part.contains("..")
}

fn dots(judge: &mut Judge<'_>, value: Value<'_>, prefix: &str, violations: &[UpnViolation]) {
    let mut wrong = Vec::new();
    let mut spans = Vec::new();
    for violation in violations {
        match violation {
            UpnViolation::LeadingDot => {
                wrong.push("it begins with a dot");
                spans.push(Span { start: 0, end: 1 });
            }
            UpnViolation::ConsecutiveDots => {
                wrong.push("two dots stand together");
                if let Some(at) = prefix.find("..") {
                    spans.push(Span { start: at, end: at + 2 });
                }
            }
            UpnViolation::TrailingDot => {
                wrong.push("there is a dot right before the “@”");
                spans.push(Span { start: prefix.len().saturating_sub(1), end: prefix.len() });
            }
            _ => {}
        }
    }
    if !wrong.is_empty() {
        judge.value(Rule::UpnDots, value, spans, wrong.join("; "));
    }
}
