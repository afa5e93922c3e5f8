//! Users of mixed shapes, added many at a time.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Forest, ForestError, attribute_line, samba};

/// The special property of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UserShape {
    /// No special property: mail and UPN agree, and the account is enabled.
    Plain,
    /// Accents in names and in the UPN.
    Accented,
    /// An apostrophe in the surname, the UPN and the mail address.
    Apostrophe,
    /// No mail address.
    NoMail,
    /// A disabled account.
    Disabled,
    /// No UPN, as with accounts from before Windows 2000.
    NoUpn,
    /// A UPN in mixed case.
    MixedCase,
    /// A comma in the common name, escaped in the distinguished name.
    CommaInName,
    /// A mailbox: a primary and a further proxy address.
    Mailbox,
}

impl UserShape {
    /// Every shape.
    pub const ALL: &[Self] = &[
        Self::Plain,
        Self::Accented,
        Self::Apostrophe,
        Self::NoMail,
        Self::Disabled,
        Self::NoUpn,
        Self::MixedCase,
        Self::CommaInName,
        Self::Mailbox,
    ];
}

/// A user that [`Forest::add_users`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeededUser {
    /// The special property of the user.
    pub shape: UserShape,
    /// The distinguished name.
    pub dn: String,
    /// The `sAMAccountName`.
    pub sam_account_name: String,
    /// The `userPrincipalName`, if the user has one.
    pub user_principal_name: Option<String>,
    /// The `mail`, if the user has one.
    pub mail: Option<String>,
}

/// The organizational units of the users, below the domain, parents first.
const UNITS: [&str; 4] =
    ["OU=People", "OU=Contractors,OU=People", "OU=Research\\, North,OU=People", "OU=Zweigstelle Köln"];

impl Forest {
    /// Adds `count` users on the first controller, with the shapes in turn, spread over several OUs.
    ///
    /// Names contain a counter, so they are the same in every forest. Adding several hundred users takes a second.
    pub fn add_users(&self, count: usize, shapes: &[UserShape]) -> Result<Vec<SeededUser>, ForestError> {
        add(self, &self.users_so_far, count, shapes)
    }
}

fn add(
    forest: &Forest,
    so_far: &AtomicUsize,
    count: usize,
    shapes: &[UserShape],
) -> Result<Vec<SeededUser>, ForestError> {
    let first = so_far.fetch_add(count, Ordering::SeqCst);
    let mut ldif = String::new();
    if first == 0 && count > 0 {
        for unit in UNITS {
            let dn = attribute_line("dn", &format!("{unit},{}", forest.base_dn()));
            let _ = write!(ldif, "{dn}\nobjectClass: organizationalUnit\n\n");
        }
    }
    let shapes = if shapes.is_empty() { &[UserShape::Plain] } else { shapes };
    let numbered = (first..first + count).zip(shapes.iter().cycle()).zip(UNITS.iter().cycle());
    let users: Vec<SeededUser> = numbered
        .map(|((number, &shape), unit)| {
            let (user, record) =
                user(number, shape, &format!("{unit},{}", forest.base_dn()), forest.domain());
            ldif.push_str(&record);
            user
        })
        .collect();
    samba::load(forest.controller(0)?.host(), &ldif)?;
    Ok(users)
}

/// Returns a user and the LDIF record that adds it.
fn user(number: usize, shape: UserShape, parent: &str, domain: &str) -> (SeededUser, String) {
    let (given, surname, local) = match shape {
        UserShape::Accented => ("Zoë", "Müller", format!("zoë.müller{number}")),
        UserShape::Apostrophe => ("Sean", "O'Brien", format!("sean.o'brien{number}")),
        UserShape::MixedCase => ("Anna", "McKay", format!("Anna.McKay{number}")),
        _ => ("Erika", "Mustermann", format!("erika.mustermann{number}")),
    };
    let (cn, rdn) = match shape {
        UserShape::CommaInName => {
            (format!("{surname}, {given} {number}"), format!("CN={surname}\\, {given} {number}"))
        }
        _ => (format!("{given} {surname} {number}"), format!("CN={given} {surname} {number}")),
    };
    let user = SeededUser {
        shape,
        dn: format!("{rdn},{parent}"),
        sam_account_name: format!("user{number}"),
        user_principal_name: (shape != UserShape::NoUpn).then(|| format!("{local}@{domain}")),
        mail: (shape != UserShape::NoMail).then(|| format!("{local}@{domain}")),
    };
    // Normal account, password not required (none is set); 2 disables it.
    let control = if shape == UserShape::Disabled { 512 | 32 | 2 } else { 512 | 32 };
    let mut record = attribute_line("dn", &user.dn);
    let _ = write!(record, "\nobjectClass: user\nuserAccountControl: {control}\n");
    let attributes = [
        ("cn", Some(cn.as_str())),
        ("givenName", Some(given)),
        ("sn", Some(surname)),
        ("displayName", Some(cn.as_str())),
        ("sAMAccountName", Some(&user.sam_account_name)),
        ("userPrincipalName", user.user_principal_name.as_deref()),
        ("mail", user.mail.as_deref()),
    ];
    for (name, value) in attributes {
        if let Some(value) = value {
            record.push_str(&attribute_line(name, value));
            record.push('\n');
        }
    }
    if let (UserShape::Mailbox, Some(mail)) = (shape, &user.mail) {
        for address in [format!("SMTP:{mail}"), format!("smtp:{}@{domain}", user.sam_account_name)] {
            record.push_str(&attribute_line("proxyAddresses", &address));
            record.push('\n');
        }
    }
    record.push('\n');
    (user, record)
}
