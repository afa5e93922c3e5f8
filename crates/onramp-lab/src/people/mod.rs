//! People as real directories have them: generated from a seed, one after the other, so that a million of them never have to
//! be in memory at once.
//!
//! The same [`PeopleOptions`] give the same people on every machine. Most of them are ordinary; the awkward ones
//! ([`Quirk`]) come in fixed shares, so that a directory of a hundred or more has each kind.
//!
//! ```
//! use onramp_lab::people::{People, PeopleOptions, Quirk};
//!
//! let people: Vec<_> = People::new(PeopleOptions::new("corp.local").with_seed(7)).take(500).collect();
//! assert!(people.iter().any(|person| person.quirk == Quirk::AccentInUpn));
//! assert!(people.iter().all(|person| person.sam_account_name.len() <= 20));
//! ```

mod names;

use std::collections::HashMap;

pub use names::DEPARTMENTS;

use crate::random::SeededNumbers;

/// The options of the generated people.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeopleOptions {
    /// The DNS name of their domain, which is the suffix of most UPNs: `corp.local`.
    pub domain: String,
    /// The suffix that a few people still carry from an earlier merger: `old.corp.local`.
    pub old_suffix: String,
    /// The domain of their e-mail addresses: `example.com`.
    pub mail_domain: String,
    /// The seed: the same seed gives the same people.
    pub seed: u64,
}

impl PeopleOptions {
    /// People of `domain`, with the old suffix `old.` and that domain, mail at `example.com`, and seed 0.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            old_suffix: format!("old.{domain}"),
            mail_domain: "example.com".to_owned(),
            seed: 0,
        }
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the domain of the mail addresses.
    #[must_use]
    pub fn with_mail_domain(mut self, mail_domain: &str) -> Self {
        self.mail_domain = mail_domain.to_owned();
        self
    }

    /// Sets the suffix of those who were merged in.
    #[must_use]
    pub fn with_old_suffix(mut self, old_suffix: &str) -> Self {
        self.old_suffix = old_suffix.to_owned();
        self
    }
}

/// A property of a person that makes a migration difficult. The number is their share in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quirk {
    /// No such property (56).
    None,
    /// No mail address and no proxy address (8).
    NoMail,
    /// The account is disabled (6).
    Disabled,
    /// The mail address begins differently from the UPN (8).
    MailDiffers,
    /// No UPN at all, as accounts made by old tools have it (3).
    NoUpn,
    /// Letters with accents before the `@` of the UPN (3).
    AccentInUpn,
    /// A space before the `@` of the UPN (1).
    SpaceInUpn,
    /// More than 64 characters before the `@` of the UPN (1).
    LongUpn,
    /// A full stop right before the `@` of the UPN (1).
    TrailingDotUpn,
    /// Has the same UPN prefix as the [`CollisionSecond`](Self::CollisionSecond) right after, under another suffix (1).
    CollisionFirst,
    /// Has the same UPN prefix as the [`CollisionFirst`](Self::CollisionFirst) right before, under another suffix (1).
    CollisionSecond,
    /// The UPN still has the suffix from before the merger (4).
    OldSuffix,
    /// The UPN already has the mail domain as its suffix (2).
    AlreadyRoutable,
    /// Has the mail address of the person right before as a proxy address (1).
    DuplicateProxy,
    /// An apostrophe before the `@` of the UPN, which is allowed (2).
    ApostropheInUpn,
    /// A service account, without mail or surname (2).
    Service,
}

/// The properties of a hundred consecutive people: spread out, so that a small directory has all of them.
const QUIRKS: [(u64, Quirk); 44] = [
    (2, Quirk::NoMail),
    (3, Quirk::MailDiffers),
    (4, Quirk::Disabled),
    (6, Quirk::AccentInUpn),
    (7, Quirk::NoUpn),
    (9, Quirk::CollisionFirst),
    (10, Quirk::CollisionSecond),
    (12, Quirk::Service),
    (14, Quirk::OldSuffix),
    (16, Quirk::ApostropheInUpn),
    (17, Quirk::NoMail),
    (19, Quirk::SpaceInUpn),
    (21, Quirk::LongUpn),
    (23, Quirk::TrailingDotUpn),
    (25, Quirk::DuplicateProxy),
    (27, Quirk::AlreadyRoutable),
    (28, Quirk::MailDiffers),
    (29, Quirk::NoMail),
    (31, Quirk::Disabled),
    (33, Quirk::MailDiffers),
    (36, Quirk::OldSuffix),
    (38, Quirk::NoMail),
    (41, Quirk::AccentInUpn),
    (43, Quirk::Disabled),
    (45, Quirk::MailDiffers),
    (47, Quirk::NoUpn),
    (50, Quirk::NoMail),
    (53, Quirk::MailDiffers),
    (55, Quirk::Disabled),
    (58, Quirk::OldSuffix),
    (61, Quirk::NoMail),
    (63, Quirk::Service),
    (66, Quirk::MailDiffers),
    (69, Quirk::Disabled),
    (71, Quirk::AccentInUpn),
    (74, Quirk::NoMail),
    (76, Quirk::ApostropheInUpn),
    (78, Quirk::AlreadyRoutable),
    (81, Quirk::MailDiffers),
    (84, Quirk::NoUpn),
    (87, Quirk::OldSuffix),
    (90, Quirk::NoMail),
    (94, Quirk::Disabled),
    (97, Quirk::MailDiffers),
];

/// One generated account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// The place in the sequence, from 0.
    pub index: u64,
    /// The property that makes the person difficult.
    pub quirk: Quirk,
    /// The common name, unique among all of the same seed.
    pub common_name: String,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `sn`.
    pub surname: Option<String>,
    /// `displayName`: not unique, as two people can have the same name.
    pub display_name: String,
    /// `sAMAccountName`: unique, at most 20 characters.
    pub sam_account_name: String,
    /// `userPrincipalName`: unique, if there is one.
    pub user_principal_name: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `proxyAddresses`: the primary one begins with `SMTP:`.
    pub proxy_addresses: Vec<String>,
    /// `department`, one of [`DEPARTMENTS`]; a service account has none.
    pub department: Option<&'static str>,
    /// `title`.
    pub title: Option<&'static str>,
    /// True if the account is enabled.
    pub enabled: bool,
}

impl Person {
    /// Returns true if this is a service account.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.quirk == Quirk::Service
    }
}

/// The endless sequence of people of one seed. What it remembers is bounded by the number of different names.
#[derive(Debug, Clone)]
pub struct People {
    options: PeopleOptions,
    rng: SeededNumbers,
    index: u64,
    sam_names: HashMap<String, u32>,
    prefixes: HashMap<String, u32>,
    common_names: HashMap<String, u32>,
    previous: Previous,
}

/// The values that the second of a pair shares with the first.
#[derive(Debug, Clone, Default)]
struct Previous {
    prefix: String,
    mail: Option<String>,
}

/// The parts of a person's name.
struct Name {
    given: &'static str,
    surname: &'static str,
}

impl People {
    /// Creates the sequence of people that `options` describe.
    #[must_use]
    pub fn new(options: PeopleOptions) -> Self {
        let rng = SeededNumbers::new(options.seed);
        Self {
            options,
            rng,
            index: 0,
            sam_names: HashMap::new(),
            prefixes: HashMap::new(),
            common_names: HashMap::new(),
            previous: Previous::default(),
        }
    }

    fn employee(&mut self, quirk: Quirk) -> Person {
        let name = self.name(quirk);
        let (given, surname) = (names::plain(name.given), names::plain(name.surname));
        let display_name = format!("{} {}", name.given, name.surname);
        // Some administrators write the surname first: a comma, which every DN then has to escape.
        let wanted = match self.index % 13 {
            5 => format!("{}, {}", name.surname, name.given),
            _ => display_name.clone(),
        };
        let common_name = numbered(&mut self.common_names, &wanted, " ");
        let initial: String = given.chars().take(1).collect();
        let sam_account_name = self.sam_account_name(&format!("{initial}{surname}"));
        let plain_prefix = numbered(&mut self.prefixes, &format!("{given}.{surname}"), "");
        let prefix = self.upn_prefix(quirk, &name, &plain_prefix);
        let suffix = match quirk {
            Quirk::OldSuffix | Quirk::CollisionSecond => &self.options.old_suffix,
            Quirk::AlreadyRoutable => &self.options.mail_domain,
            _ => &self.options.domain,
        };
        let user_principal_name = (quirk != Quirk::NoUpn).then(|| format!("{prefix}@{suffix}"));
        let mail_local = match quirk {
            Quirk::NoMail => None,
            Quirk::MailDiffers => Some(numbered(&mut self.prefixes, &format!("{surname}.{given}"), "")),
            _ => Some(plain_prefix),
        };
        let mail = mail_local.map(|local| format!("{local}@{}", self.options.mail_domain));
        let proxy_addresses = self.proxy_addresses(quirk, mail.as_deref(), &sam_account_name);
        let department = pick(&mut self.rng, DEPARTMENTS);
        let title = pick(&mut self.rng, names::TITLES);
        self.previous = Previous { prefix, mail: mail.clone() };
        Person {
            index: self.index,
            quirk,
            common_name,
            given_name: Some(name.given.to_owned()),
            surname: Some(name.surname.to_owned()),
            display_name,
            sam_account_name,
            user_principal_name,
            mail,
            proxy_addresses,
            department: Some(department),
            title: Some(title),
            enabled: quirk != Quirk::Disabled,
        }
    }

    fn service_account(&mut self) -> Person {
        let purpose = pick(&mut self.rng, names::SERVICES);
        let sam_account_name = self.sam_account_name(&format!("svc-{purpose}"));
        let user_principal_name = Some(format!("{sam_account_name}@{}", self.options.domain));
        Person {
            index: self.index,
            quirk: Quirk::Service,
            common_name: sam_account_name.clone(),
            given_name: None,
            surname: None,
            display_name: format!("Service account for {purpose}"),
            sam_account_name,
            user_principal_name,
            mail: None,
            proxy_addresses: Vec::new(),
            department: None,
            title: None,
            enabled: true,
        }
    }

    fn name(&mut self, quirk: Quirk) -> Name {
        let given = match quirk {
            Quirk::AccentInUpn => pick(&mut self.rng, names::GIVEN_ACCENTED),
            _ => pick(&mut self.rng, names::GIVEN),
        };
        let surname = match quirk {
            Quirk::ApostropheInUpn => pick(&mut self.rng, &["O'Brien", "O'Neill", "D'Angelo"]),
            _ => pick(&mut self.rng, names::SURNAMES),
        };
        Name { given, surname }
    }

    fn upn_prefix(&self, quirk: Quirk, name: &Name, plain: &str) -> String {
        // The number that made the plain prefix unique makes every variant of it unique too.
        let number = plain.trim_start_matches(|c: char| !c.is_ascii_digit());
        let (given, surname) = (names::accented(name.given), names::accented(name.surname));
        match quirk {
            Quirk::AccentInUpn => format!("{given}.{surname}{number}"),
            Quirk::SpaceInUpn => plain.replacen('.', " ", 1),
            Quirk::ApostropheInUpn => {
                format!("{}.{surname}{number}", names::plain(name.given))
            }
            Quirk::LongUpn => {
                let mut long = plain.to_owned();
                while long.chars().count() <= 64 {
                    long.push_str(".external-contractor");
                }
                long
            }
            Quirk::TrailingDotUpn => format!("{plain}."),
            Quirk::CollisionSecond => self.previous.prefix.clone(),
            _ => plain.to_owned(),
        }
    }

    fn proxy_addresses(&self, quirk: Quirk, mail: Option<&str>, sam: &str) -> Vec<String> {
        let Some(mail) = mail else { return Vec::new() };
        let mut addresses = vec![format!("SMTP:{mail}")];
        // Most people have the address of before as a second one; some have what a telephone system or an old mail system left.
        if !self.index.is_multiple_of(3) {
            addresses.push(format!("smtp:{sam}@{}", self.options.mail_domain));
        }
        if self.index.is_multiple_of(5) {
            addresses.push(format!("sip:{mail}"));
        }
        if self.index.is_multiple_of(11) {
            addresses.push(format!("x500:/o=Corp/ou=Exchange Administrative Group/cn=Recipients/cn={sam}"));
        }
        if let (Quirk::DuplicateProxy, Some(other)) = (quirk, &self.previous.mail) {
            addresses.push(format!("smtp:{other}"));
        }
        addresses
    }

    /// A name of at most 20 characters that nobody had yet. What is numbered has no digits of its own and is cut to 13
    /// characters, so neither the number nor the cut can make two names equal.
    fn sam_account_name(&mut self, wanted: &str) -> String {
        let letters: String = wanted.chars().filter(|c| !c.is_ascii_digit()).take(13).collect();
        numbered(&mut self.sam_names, &letters, "")
    }
}

impl Iterator for People {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        let place = self.index % 100;
        let quirk = QUIRKS.iter().find(|(at, _)| *at == place).map_or(Quirk::None, |(_, quirk)| *quirk);
        let person = if quirk == Quirk::Service { self.service_account() } else { self.employee(quirk) };
        self.index += 1;
        Some(person)
    }
}

/// `name` the first time, `name`, `separator` and 2, 3, … afterwards.
fn numbered(seen: &mut HashMap<String, u32>, name: &str, separator: &str) -> String {
    match seen.get_mut(name) {
        Some(count) => {
            *count += 1;
            format!("{name}{separator}{count}")
        }
        None => {
            seen.insert(name.to_owned(), 1);
            name.to_owned()
        }
    }
}

/// One of `choices`, by the generator's next number. (The choice must stay the same for ever, so it is made here and not by a
/// library whose sampling may change.)
fn pick(rng: &mut SeededNumbers, choices: &[&'static str]) -> &'static str {
    let place = (u64::from(rng.next_u32()) * choices.len() as u64) >> 32;
    usize::try_from(place).ok().and_then(|place| choices.get(place)).copied().unwrap_or_default()
}
