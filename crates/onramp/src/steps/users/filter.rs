//! LDAP filters that still find users after their UPN was changed.

use std::collections::BTreeSet;

use onramp_core::{AttributeName, LdapFilter};

use crate::spec::Spec;
use crate::spec::in_ascii;

/// Returns a filter for users that matched `filter` before they got a UPN on the custom domain, or on the domain of a
/// target in `map`: the conditions on the UPN are removed. Returns `None` if there are none.
pub(super) fn without_upn(filter: &LdapFilter, spec: &Spec) -> Option<LdapFilter> {
    let text = filter.as_str();
    let (mut relaxed, mut negations, mut found) = (String::new(), vec![false], false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let negated = negations.last().copied().unwrap_or_default();
        match c {
            '(' => {
                let inner = rest.get(1..).unwrap_or_default();
                let item = inner.split(')').next().unwrap_or_default();
                let attribute = item.split(['=', '~', '<', '>', ':', ';']).next().unwrap_or_default();
                if attribute.trim().eq_ignore_ascii_case("userPrincipalName") {
                    found = true;
                    relaxed.push_str(if negated { "(!(objectClass=*))" } else { "(objectClass=*)" });
                    rest = inner.get(item.len() + 1..).unwrap_or_default();
                    continue;
                }
                negations.push(negated != inner.trim_start().starts_with('!'));
            }
            ')' => {
                negations.pop();
            }
            _ => {}
        }
        relaxed.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    let upn = AttributeName::parse("userPrincipalName").ok().filter(|_| found)?;
    let targets = spec.users.iter().flat_map(|users| users.map.values());
    let mut suffixes: BTreeSet<String> =
        targets.map(|upn| in_ascii(upn).suffix_str().to_lowercase()).collect();
    suffixes.insert(spec.domain.ascii().to_owned());
    let moved: Vec<LdapFilter> =
        suffixes.iter().map(|suffix| LdapFilter::ends_with(&upn, &format!("@{suffix}"))).collect();
    let moved = match moved.as_slice() {
        [only] => only.clone(),
        several => LdapFilter::any_of(several),
    };
    Some(LdapFilter::parse(&relaxed).ok()?.and(&moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_forgets_what_it_says_of_the_upn() {
        let spec = Spec::from_toml("domain = \"contoso.com\"").unwrap();
        for (filter, relaxed) in [
            ("(userPrincipalName=*@corp.local)", "(objectClass=*)"),
            ("(&(department=Sales)(userprincipalname=*@corp.local))", "(&(department=Sales)(objectClass=*))"),
            ("(!(userPrincipalName=*@contoso.com))", "(!(!(objectClass=*)))"),
            ("(&(!(&(a=1)(userPrincipalName=x@y)))(b=\\282))", "(&(!(&(a=1)(!(objectClass=*))))(b=\\282))"),
            ("(|(userPrincipalName>=a)(c=3))", "(|(objectClass=*)(c=3))"),
            // The negation ends with its parenthesis.
            ("(&(!(a=1))(userPrincipalName=x@y))", "(&(!(a=1))(objectClass=*))"),
        ] {
            let moved = without_upn(&LdapFilter::parse(filter).unwrap(), &spec).unwrap();
            assert_eq!(moved.as_str(), format!("(&{relaxed}(userPrincipalName=*@contoso.com))"));
        }
        assert!(without_upn(&LdapFilter::parse("(department=userPrincipalName)").unwrap(), &spec).is_none());
    }
}
