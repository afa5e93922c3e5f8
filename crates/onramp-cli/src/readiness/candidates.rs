//! The objects of a forest that a scan reads.

use onramp_core::{AttributeName, DistinguishedName, LdapFilter};

/// The number of objects after which the progress is told again.
pub(super) const PROGRESS: u64 = 5000;

/// The objects that synchronization looks at, and no computers, which are users by class.
pub(super) fn candidates() -> LdapFilter {
    let class = AttributeName::from_static("objectClass");
    let is = |name: &str| LdapFilter::equal(&class, name);
    let judged = [is("user"), is("inetOrgPerson"), is("group"), is("contact")];
    LdapFilter::any_of(&judged).and(&is("computer").negate())
}

/// The error of a place without an object.
pub(super) fn nothing_read(below: Option<&DistinguishedName>) -> String {
    let place = below.map_or("in the forest".to_owned(), |base| format!("below {base}"));
    format!("there is no user, group or contact {place} that the account may read")
}
