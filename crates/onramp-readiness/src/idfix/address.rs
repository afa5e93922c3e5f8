//! The check of addresses (`RFC2822Rule`).

use super::text::{has_smtp, is_alphanumeric, is_letter, is_white_space, length, lower};
use super::top_level_domains::TopLevelDomains;
use crate::IdfixError;

/// The result of an address that is not valid.
#[derive(Debug)]
pub(super) struct InvalidAddress {
    /// The errors, in the order of the steps.
    pub(super) errors: Vec<IdfixError>,
    pub(super) update: String,
    /// True if characters after the last `@` are deleted.
    pub(super) loses_domain: bool,
    /// True if characters before it are deleted.
    pub(super) loses_local_part: bool,
}

/// Checks an address; `None` if it is valid.
///
/// If `smtp:` stands anywhere in the value, the address is the part after the first colon. Then, as `RFC2822Rule.Execute`:
/// 1. what is after the last dot must be a known top-level domain; there is no repair;
/// 2. the end must be an `@` and a domain, else all but `[a-z0-9.-]` is deleted after the last `@`;
/// 3. the start must be a local part and an `@`, and there may be one `@` only, else all but the characters of a local part
///    is deleted before the last `@`, and a dot just before it;
/// 4. what is now there must be an address as a whole, or the format is an error, too.
pub(super) fn check(value: &str, domains: &TopLevelDomains) -> Option<InvalidAddress> {
    let (prefix, address) = match value.split_once(':') {
        Some((before, after)) if has_smtp(value) => (Some(before), after),
        _ => (None, value),
    };
    let mut errors = Vec::new();
    let (mut loses_domain, mut loses_local_part) = (false, false);
    let mut address = address.to_owned();

    if let Some((_, last)) = address.rsplit_once('.')
        && !last.is_empty()
        && !domains.contains(&lower(last))
    {
        errors.push(IdfixError::TopLevelDomain);
    }
    if !ends_with_domain(&address) {
        errors.push(IdfixError::DomainPart);
        if let Some((local, domain)) = address.rsplit_once('@') {
            let is_kept = |c: char| is_alphanumeric(c) || matches!(c, '.' | '-');
            let kept: String = domain.chars().filter(|c| is_kept(*c)).collect();
            loses_domain = kept != domain;
            address = format!("{local}@{kept}");
        }
    }
    if !starts_with_local_part(&address) || address.matches('@').count() > 1 {
        errors.push(IdfixError::LocalPart);
        if let Some((local, domain)) = address.rsplit_once('@') {
            let kept: String = local.chars().filter(|c| is_atom_character(*c) || *c == '.').collect();
            let kept = kept.strip_suffix('.').unwrap_or(&kept);
            loses_local_part = kept != local;
            address = format!("{kept}@{domain}");
        }
    }
    if !is_address(&address) {
        errors.push(IdfixError::Format);
    }
    if errors.is_empty() {
        return None;
    }
    let update = match prefix {
        // The trimmed text ends with the colon, so only its start can lose something.
        Some(prefix) => format!("{}:{address}", prefix.trim_start_matches(is_white_space)),
        None => address,
    };
    Some(InvalidAddress { errors, update, loses_domain, loses_local_part })
}

/// `Constants.DomainPartRegex`: `@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,17})$`.
fn ends_with_domain(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, domain)| is_domain(domain))
}

/// `Constants.LocalPartRegex`: a dot-atom and an `@` at the start.
fn starts_with_local_part(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, _)| is_dot_atom(local))
}

/// `Constants.Rfc2822Regex`: a dot-atom, an `@` and a domain.
fn is_address(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, domain)| is_dot_atom(local) && is_domain(domain))
}

fn is_domain(domain: &str) -> bool {
    // `$` of .NET matches before a line feed at the end, too.
    let domain = domain.strip_suffix('\n').unwrap_or(domain);
    let Some((labels, last)) = domain.rsplit_once('.') else { return false };
    labels.split('.').all(is_label) && (2..=17).contains(&length(last)) && last.chars().all(is_letter)
}

fn is_label(label: &str) -> bool {
    label.chars().all(|c| is_alphanumeric(c) || c == '-')
        && label.starts_with(is_alphanumeric)
        && label.ends_with(is_alphanumeric)
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
}

fn is_atom_character(c: char) -> bool {
    is_alphanumeric(c) || "!#$%&'*+/=?^_`{|}~-".contains(c)
}
