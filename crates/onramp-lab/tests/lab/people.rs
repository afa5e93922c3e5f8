//! Generated people: the same for the same seed, unique where directories want it, awkward in the promised shares.

use std::collections::{BTreeMap, HashSet};

use onramp_lab::people::{People, PeopleOptions, Person, Quirk};

fn people(seed: u64, count: usize) -> Vec<Person> {
    People::new(PeopleOptions::new("corp.local").with_seed(seed)).take(count).collect()
}

#[test]
fn the_same_seed_gives_the_same_people() {
    assert_eq!(people(7, 300), people(7, 300));
    assert_ne!(people(7, 300), people(8, 300));
}

#[test]
fn people_of_a_seed_never_change() {
    // Whoever relies on a seed relies on it for ever. This breaks when the generator is changed.
    let names: Vec<_> = people(7, 8).into_iter().map(|person| person.sam_account_name).collect();
    assert_eq!(
        names,
        ["ajohnson", "mgarcia", "oweiss", "pgeorgiou", "vosuilleabhai", "dmartin", "rfernandez", "bweiss"]
    );
}

#[test]
fn names_are_unique_where_directories_want_it() {
    let people = people(1, 20_000);
    let lower = |text: &str| text.to_lowercase();
    let unique = |names: Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    assert!(unique(people.iter().map(|person| lower(&person.sam_account_name)).collect()));
    assert!(unique(people.iter().map(|person| lower(&person.common_name)).collect()));
    assert!(unique(
        people.iter().filter_map(|person| person.user_principal_name.as_deref().map(lower)).collect()
    ));
    assert!(unique(people.iter().filter_map(|person| person.mail.as_deref().map(lower)).collect()));
    let account_name_fits = |person: &Person| {
        let name = &person.sam_account_name;
        (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    assert!(people.iter().all(account_name_fits));
}

#[test]
fn every_quirk_comes_in_its_share() {
    let mut shares: BTreeMap<Quirk, usize> = BTreeMap::new();
    people(3, 1000).iter().for_each(|person| *shares.entry(person.quirk).or_default() += 1);
    assert_eq!(shares.len(), 16, "{shares:?}");
    assert_eq!(shares[&Quirk::None], 560);
    assert_eq!(shares[&Quirk::NoMail], 80);
    assert_eq!(shares[&Quirk::CollisionFirst], shares[&Quirk::CollisionSecond]);
}

#[test]
fn quirks_are_what_they_are_called() {
    let people = people(11, 400);
    let upn = |person: &Person| person.user_principal_name.clone().unwrap_or_default();
    let prefix = |person: &Person| upn(person).split('@').next().unwrap_or_default().to_owned();
    let suffix = |person: &Person| upn(person).split('@').nth(1).unwrap_or_default().to_owned();
    for pair in people.windows(2) {
        let (person, next) = (&pair[0], &pair[1]);
        match person.quirk {
            Quirk::NoMail => assert!(person.mail.is_none() && person.proxy_addresses.is_empty()),
            Quirk::Disabled => assert!(!person.enabled),
            Quirk::NoUpn => assert!(person.user_principal_name.is_none()),
            Quirk::AccentInUpn => assert!(!prefix(person).is_ascii(), "{person:?}"),
            Quirk::SpaceInUpn => assert!(prefix(person).contains(' '), "{person:?}"),
            Quirk::LongUpn => assert!(prefix(person).chars().count() > 64, "{person:?}"),
            Quirk::TrailingDotUpn => assert!(prefix(person).ends_with('.'), "{person:?}"),
            Quirk::ApostropheInUpn => assert!(prefix(person).contains('\''), "{person:?}"),
            Quirk::OldSuffix => assert_eq!(suffix(person), "old.corp.local"),
            Quirk::AlreadyRoutable => assert_eq!(suffix(person), "example.com"),
            Quirk::CollisionFirst => {
                assert_eq!(next.quirk, Quirk::CollisionSecond);
                assert_eq!(prefix(person), prefix(next));
                assert_ne!(suffix(person), suffix(next));
            }
            Quirk::MailDiffers => {
                let mail = person.mail.clone().expect("they have mail");
                assert!(!mail.starts_with(&format!("{}@", prefix(person))), "{person:?}");
            }
            Quirk::Service => assert!(person.is_service() && person.surname.is_none()),
            _ => {}
        }
    }
}

#[test]
fn mail_is_the_primary_proxy_address() {
    for person in people(5, 300) {
        let primary = person.proxy_addresses.iter().find_map(|address| address.strip_prefix("SMTP:"));
        assert_eq!(primary, person.mail.as_deref(), "{person:?}");
    }
}
