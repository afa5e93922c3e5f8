//! The rules of Microsoft Graph for an alternate mail address.

/// Longest address that Graph takes in `otherMails` ("user resource type").
const LONGEST: usize = 250;

/// Says what Microsoft Graph would refuse about an address in `otherMails`, if anything: shape, length, and letters with
/// marks ("user resource type": 1 to 250 characters, no accent characters; RFC 5321 section 4.1.2 for the local part).
///
/// ```
/// use onramp_core::mail_violation;
/// assert_eq!(mail_violation("it.operations+sync@contoso.com"), None);
/// assert_eq!(mail_violation("it-operations").as_deref(), Some("it has no “@”"));
/// ```
pub fn mail_violation(address: &str) -> Option<String> {
    let length = address.chars().count();
    if length > LONGEST {
        return Some(format!("it has {length} characters; the limit is {LONGEST}"));
    }
    if let Some(c) = address.chars().find(|c| !c.is_ascii()) {
        return Some(format!("“{c}” is not allowed; only letters without marks are"));
    }
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it holds white space or a control character".to_owned());
    }
    let Some((local, domain)) = address.split_once('@') else {
        return Some("it has no “@”".to_owned());
    };
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if local.is_empty() || local.split('.').any(|atom| atom.is_empty() || !atom.chars().all(is_atom)) {
        return Some("the part before the “@” is not valid".to_owned());
    }
    match crate::DomainName::parse(domain) {
        Ok(domain) if domain.labels().count() > 1 => None,
        Ok(_) => Some("the part after the “@” is not a full domain name".to_owned()),
        Err(error) => Some(format!("the part after the “@” is not a domain name: {}", error.reason())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_graph_does() {
        let long = format!("{}@contoso.com", "a".repeat(239));
        for (address, is_valid) in [
            ("it@contoso.com", true),
            ("it.ops+sync@sub.contoso.com", true),
            ("o'brien@contoso.com", true),
            (&long[..], false),
            (&long[1..], true),
            ("", false),
            ("it-operations", false),
            ("@contoso.com", false),
            ("it@", false),
            ("it@contoso", false),
            ("it@con toso.com", false),
            ("it@@contoso.com", false),
            ("a@b@contoso.com", false),
            ("jürgen@contoso.com", false),
            ("it@bücher.com", false),
            (".it@contoso.com", false),
            ("it.@contoso.com", false),
            ("it..ops@contoso.com", false),
            ("it(ops)@contoso.com", false),
            ("it@contoso.com\n", false),
        ] {
            assert_eq!(
                mail_violation(address).is_none(),
                is_valid,
                "{address:?} {:?}",
                mail_violation(address)
            );
        }
    }
}
