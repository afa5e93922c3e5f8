//! The names of people, compared: the same account is the same person on every host.

use onramp_core::comparison_key;

/// The name of a person as an account.
#[derive(Debug, PartialEq, Eq)]
struct Account {
    /// The first label of the domain before a backslash, if there is one.
    domain: Option<String>,
    name: String,
}

impl Account {
    /// Reads `name`, `name@host`, `name@domain`, `DOMAIN\name` and `DOMAIN\name@host`.
    fn parse(text: &str) -> Self {
        let (domain, rest) = match text.trim().split_once('\\') {
            Some((domain, rest)) => (Some(domain.trim()), rest),
            None => (None, text.trim()),
        };
        let name = rest.split('@').next().unwrap_or(rest).trim();
        // `CORP` and `corp.local` may be the names of one domain.
        let label = |domain: &str| comparison_key(domain.split('.').next().unwrap_or(domain));
        Self { domain: domain.filter(|domain| !domain.is_empty()).map(label), name: comparison_key(name) }
    }
}

/// Returns the account name that two names of people have in common; `None` if they are of two people.
///
/// The host is not compared, and neither is what follows `@`: it may be a host or a domain. A domain before a backslash is
/// compared if both names have one.
pub(super) fn common_account(one: &str, other: &str) -> Option<String> {
    let (one, other) = (Account::parse(one), Account::parse(other));
    let is_other_domain = one.domain.is_some() && other.domain.is_some() && one.domain != other.domain;
    (one.name == other.name && !is_other_domain).then_some(one.name)
}

/// Returns true if two names are of the same person.
pub(crate) fn is_same_person(one: &str, other: &str) -> bool {
    common_account(one, other).is_some()
}

#[cfg(test)]
mod tests {
    use super::common_account;

    #[test]
    fn the_same_account_is_the_same_person_on_every_host() {
        for (one, other) in [
            ("nina@workstation", "nina@laptop7"),
            ("nina@vm", "NINA@vm.corp.local"),
            ("CORP\\nina@vm", "nina@vm"),
            ("CORP\\nina", "nina@corp.local"),
            ("CORP\\nina", "corp.local\\Nina"),
            ("nina", " nina "),
            ("Ünal@a", "ünal@b"),
            ("", "@host"),
        ] {
            assert!(common_account(one, other).is_some(), "{one} {other}");
            assert!(common_account(other, one).is_some(), "{other} {one}");
        }
        for (one, other) in [
            ("nina@vm", "ninab@vm"),
            ("CORP\\nina", "LAB\\nina"),
            ("CORP\\nina@vm", "CORP\\ben@vm"),
            ("nina.b@vm", "nina@vm"),
        ] {
            assert_eq!(common_account(one, other), None, "{one} {other}");
        }
    }
}
