//! The suite of [`Suffixes`].

use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, SuffixesExt, UpnChange};
use crate::{DomainName, ErrorKind, Forest, Upn, UpnSuffix};

/// Everything that [`Suffixes`] promises.
pub async fn run(port: &dyn Suffixes, fixture: &ForestFixture) {
    let before = done(port.list().await, "listing suffixes");
    existing_suffixes(port, &before).await;
    let (first, second) = (fixture.new_domain("first"), fixture.new_domain("second"));
    addition(port, fixture, &first).await;
    addition(port, fixture, &second).await;
    removal(port, fixture, &first).await;

    let list = async || port.list().await;
    let kept =
        |all: &Vec<ForestSuffix>| explicit(all, &second) && before.iter().all(|suffix| all.contains(suffix));
    fixture.poll.until("adding and removing leaves the other suffixes alone", list, kept).await;
    // Two spellings, of which the one is written that a tenant knows.
    let unicode = format!("Bücher-{}.onramp-conformance.example", fixture.tag);
    let unicode = DomainName::parse(&unicode).expect("a domain name");
    addition(port, fixture, &unicode).await;
    removal(port, fixture, &unicode).await;
    removal(port, fixture, &second).await;
    let same = |all: &Vec<ForestSuffix>| {
        all.len() == before.len() && before.iter().all(|suffix| all.contains(suffix))
    };
    fixture.poll.until("all is as it was", list, same).await;
}

/// A suffix that somebody has is not removed, except by force. Uses the fixture's first user.
pub async fn run_in_use(forest: &Forest, fixture: &ForestFixture) {
    let (port, users) = (&*forest.suffixes, &*forest.users);
    let domain = fixture.new_domain("used");
    let suffix = UpnSuffix::from(&domain);
    let shouted = UpnSuffix::parse(&domain.as_str().to_ascii_uppercase()).expect("a suffix");
    let guid = *fixture.users.first().expect("a fixture has users");
    let user = done(users.get(&guid).await, "reading a user");
    let before = Upn::parse(user.upn.as_deref().expect("a fixture's users have UPNs")).expect("a UPN");
    let after = Upn::new(&format!("conformance-{}", fixture.tag), &domain).expect("a UPN");

    done(port.add(&domain).await, "adding a suffix");
    let usage = async || port.usage(&shouted).await;
    fixture.poll.until("a new suffix is not in use", usage, SuffixUsage::is_unused).await;
    let change = UpnChange { guid, dn: user.dn.clone(), before: user.upn.clone(), after: after.clone() };
    done(forest.object_writer.change(&change.into()).await, "giving a user the suffix");
    let has_one = |usage: &SuffixUsage| usage.principals == 1;
    fixture.poll.until("a user's suffix is in use, in any spelling", usage, has_one).await;
    let usage = done(port.usage(&suffix).await, "looking who uses a suffix");
    let named = usage.examples.iter().any(|holder| {
        holder.guid == guid
            && holder.upn.as_deref().is_some_and(|upn| Upn::parse(upn).is_ok_and(|upn| upn == after))
    });
    assert!(named, "who uses a suffix is named: {usage:?}");
    for spelling in [&suffix, &shouted] {
        expect_kind(port.remove(spelling).await, ErrorKind::InUse, "removing a suffix that is in use");
    }
    let all = done(port.list().await, "listing suffixes");
    assert!(explicit(&all, &domain), "a suffix that is in use stays: {all:?}");

    done(port.force_remove(&shouted).await, "removing a suffix that is in use by force");
    let list = async || port.list().await;
    fixture.poll.until("a suffix removed by force is gone", list, |all| !explicit(all, &domain)).await;
    expect_kind(port.remove(&suffix).await, ErrorKind::NotFound, "removing a suffix that is gone but in use");
    let back = UpnChange { guid, dn: user.dn.clone(), before: Some(after.to_string()), after: before };
    done(forest.object_writer.change(&back.into()).await, "giving the user its UPN back");
}

async fn existing_suffixes(port: &dyn Suffixes, suffixes: &[ForestSuffix]) {
    let domains: Vec<_> = suffixes.iter().filter(|suffix| suffix.origin == SuffixOrigin::Domain).collect();
    assert!(!domains.is_empty(), "the name of every domain is a suffix: {suffixes:?}");
    for suffix in domains {
        // Not every domain of a directory has a host name's name.
        let named = |text: &str| DomainName::parse_directory(text).expect("the DNS name of a domain is one");
        let domain = named(suffix.suffix.as_str());
        expect_kind(
            port.add(&domain).await,
            ErrorKind::AlreadyExists,
            "adding the name of a domain of the forest",
        );
        let shouted = named(&domain.as_str().to_ascii_uppercase());
        expect_kind(port.add(&shouted).await, ErrorKind::AlreadyExists, "adding it in capitals");
        expect_kind(port.remove(&suffix.suffix).await, ErrorKind::NotFound, "removing the name of a domain");
        expect_kind(port.force_remove(&suffix.suffix).await, ErrorKind::NotFound, "removing it by force");
    }
}

async fn addition(port: &dyn Suffixes, fixture: &ForestFixture, domain: &DomainName) {
    done(port.add(domain).await, "adding a suffix");
    let list = async || port.list().await;
    fixture.poll.until("a new suffix is listed", list, |all| explicit(all, domain)).await;
    let shouted = DomainName::parse(&domain.as_str().to_ascii_uppercase()).expect("still a domain name");
    for spelling in [domain, &shouted] {
        expect_kind(port.add(spelling).await, ErrorKind::AlreadyExists, "adding a suffix again");
    }
    let all = done(port.list().await, "listing suffixes");
    let wanted = UpnSuffix::from(domain);
    let held: Vec<&str> = all
        .iter()
        .filter(|listed| listed.suffix.is_same_as(&wanted))
        .map(|listed| listed.suffix.as_str())
        .collect();
    assert_eq!(
        held,
        [domain.ascii()],
        "adding again adds nothing, and what is added is written in ASCII: {all:?}"
    );
}

async fn removal(port: &dyn Suffixes, fixture: &ForestFixture, domain: &DomainName) {
    let shouted = UpnSuffix::parse(&domain.as_str().to_ascii_uppercase()).expect("a suffix");
    done(port.remove(&shouted).await, "removing a suffix in another spelling");
    let list = async || port.list().await;
    fixture.poll.until("a removed suffix is gone", list, |all| !explicit(all, domain)).await;
    expect_kind(port.remove(&shouted).await, ErrorKind::NotFound, "removing a suffix twice");
}

fn explicit(suffixes: &[ForestSuffix], domain: &DomainName) -> bool {
    let wanted = UpnSuffix::from(domain);
    suffixes.iter().any(|listed| listed.suffix.is_same_as(&wanted) && listed.origin == SuffixOrigin::Explicit)
}
