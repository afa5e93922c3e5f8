//! The algorithms of IdFix 2.6 for duplicates and top-level domains, done again: lists that are searched from the
//! beginning, and a list of domains that is built for each address. Judging and output are left out, so this is less
//! work than IdFix does.

use std::collections::HashMap;

use onramp_readiness::DirectoryObject;
use onramp_readiness::attributes as a;

/// The number of entries in the file of domains.
const DOMAINS: usize = 920;

/// Runs over objects; returns their number, and that of duplicates.
pub(crate) fn run(objects: impl Iterator<Item = DirectoryObject>) -> (usize, usize) {
    let text: String = (0..DOMAINS).map(|number| format!(".tld{number}\n")).collect();
    let mut seen: HashMap<&'static str, Vec<String>> = HashMap::new();
    let (mut count, mut duplicates) = (0, 0);
    for object in objects {
        count += 1;
        for (key, attribute) in [
            ("mail", a::MAIL),
            ("mailNickname", a::MAIL_NICKNAME),
            ("proxyAddresses", a::PROXY_ADDRESSES),
            ("userPrincipalName", a::USER_PRINCIPAL_NAME),
        ] {
            for value in object.values(&attribute).iter().filter_map(|value| value.as_text()) {
                let list = seen.entry(key).or_default();
                // Once to look whether it is there, and once to find the first holder.
                let is_known = list.iter().any(|other| is_equal(other, value));
                if is_known {
                    duplicates += usize::from(list.iter().any(|other| is_equal(other, value)));
                } else {
                    list.push(value.to_owned());
                }
                if key == "userPrincipalName" || value.to_lowercase().contains("smtp:") {
                    let domains = domains(&text);
                    std::hint::black_box(
                        value.rsplit('.').next().map(|last| domains.iter().any(|other| other == last)),
                    );
                }
            }
        }
    }
    (count, duplicates)
}

/// Compares without case, character by character, as an ordinal comparison does; IdFix compares by the rules of a language,
/// which costs more.
fn is_equal(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.chars().zip(other.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
}

/// The list of domains, each added if the list does not have it.
fn domains(text: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for line in text.lines() {
        if !list.iter().any(|other| other == line) {
            list.push(line.to_owned());
        }
    }
    list
}
