//! The suite of [`Suffixes`].

use crate::contract::{ForestFixture, done, expect_kind};
use crate::forest::{ForestSuffix, SuffixOrigin, Suffixes};
use crate::{DomainName, ErrorKind, UpnSuffix};

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
    fixture.patience.until("adding and removing leaves the other suffixes alone", list, kept).await;
    removal(port, fixture, &second).await;
    let same = |all: &Vec<ForestSuffix>| {
        all.len() == before.len() && before.iter().all(|suffix| all.contains(suffix))
    };
    fixture.patience.until("all is as it was", list, same).await;
}

async fn existing_suffixes(port: &dyn Suffixes, suffixes: &[ForestSuffix]) {
    let domains: Vec<_> = suffixes.iter().filter(|suffix| suffix.origin == SuffixOrigin::Domain).collect();
    assert!(!domains.is_empty(), "the name of every domain is a suffix: {suffixes:?}");
    for suffix in domains {
        let domain = suffix.suffix.domain().expect("the DNS name of a domain is one");
        expect_kind(
            port.add(&domain).await,
            &ErrorKind::AlreadyExists,
            "adding the name of a domain of the forest",
        );
        let shouted = DomainName::parse(&domain.as_str().to_uppercase()).expect("still a domain name");
        expect_kind(port.add(&shouted).await, &ErrorKind::AlreadyExists, "adding it in capitals");
        expect_kind(port.remove(&suffix.suffix).await, &ErrorKind::NotFound, "removing the name of a domain");
    }
}

async fn addition(port: &dyn Suffixes, fixture: &ForestFixture, domain: &DomainName) {
    done(port.add(domain).await, "adding a suffix");
    let list = async || port.list().await;
    fixture.patience.until("a new suffix is listed", list, |all| explicit(all, domain)).await;
    let shouted = DomainName::parse(&domain.as_str().to_uppercase()).expect("still a domain name");
    for spelling in [domain, &shouted] {
        expect_kind(port.add(spelling).await, &ErrorKind::AlreadyExists, "adding a suffix again");
    }
    let all = done(port.list().await, "listing suffixes");
    let count = all.iter().filter(|listed| listed.suffix == UpnSuffix::from(domain)).count();
    assert_eq!(count, 1, "adding again adds nothing: {all:?}");
}

async fn removal(port: &dyn Suffixes, fixture: &ForestFixture, domain: &DomainName) {
    let shouted = UpnSuffix::parse(&domain.as_str().to_uppercase()).expect("a suffix");
    done(port.remove(&shouted).await, "removing a suffix in another spelling");
    let list = async || port.list().await;
    fixture.patience.until("a removed suffix is gone", list, |all| !explicit(all, domain)).await;
    expect_kind(port.remove(&shouted).await, &ErrorKind::NotFound, "removing a suffix twice");
}

fn explicit(suffixes: &[ForestSuffix], domain: &DomainName) -> bool {
    let wanted = UpnSuffix::from(domain);
    suffixes.iter().any(|listed| listed.suffix == wanted && listed.origin == SuffixOrigin::Explicit)
}
