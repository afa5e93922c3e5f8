//! The suite of [`Domains`].

use futures_util::TryStreamExt;

use crate::conformance::done;
use crate::conformance::{TenantFixture, expect_kind};
use crate::tenant::{
    DomainReference, DomainVerification, Domains, NewUser, ReferenceKind, TenantUsers, VerificationRecord,
};
use crate::{DomainName, ErrorKind, Upn};

/// Everything that [`Domains`] promises, but what takes users: see [`in_use`].
pub async fn run(port: &dyn Domains, fixture: &TenantFixture) {
    existing_domains(port, fixture).await;
    unknown_domains(port, fixture).await;
    let domain = addition(port, fixture).await;
    verification(port, fixture, &domain).await;
    removal(port, fixture, &domain).await;
}

/// A domain that a user has cannot be removed. Needs [`TenantFixture::records`].
pub async fn in_use(port: &dyn Domains, users: &dyn TenantUsers, fixture: &TenantFixture) {
    if fixture.records.is_none() {
        return;
    }
    let domain = fixture.new_domain("used");
    done(port.add(&domain).await, "adding a domain");
    verification(port, fixture, &domain).await;
    let upn = Upn::new("conformance", &domain).expect("a UPN");
    let new = NewUser::new(upn, "Contract Resident", fixture.password());
    let created = async || match users.find(&new.upn).await? {
        Some(user) => Ok(user),
        None => users.create(&new).await,
    };
    let user = fixture.poll.until("users can be created on a verified domain", created, |_| true).await;
    let references = async || port.references(&domain).try_collect::<Vec<_>>().await;
    let found = fixture
        .poll
        .until("a user on a domain is among its references", references, |found| !found.is_empty())
        .await;
    let expected = DomainReference::new(user.id, ReferenceKind::User, Some(new.upn.to_string()));
    assert_eq!(found, [expected], "nobody but that user refers to the domain");
    expect_kind(port.remove(&domain).await, ErrorKind::Invalid, "removing a domain that a user has");
    done(port.get(&domain).await, "reading a domain that was not removed");

    done(users.delete(&user.id).await, "deleting a user");
    let remove = async || port.remove(&domain).await;
    fixture.poll.until("a domain that nobody has any longer can be removed", remove, |()| true).await;
}

async fn existing_domains(port: &dyn Domains, fixture: &TenantFixture) {
    let domains = done(port.list().await, "listing domains");
    assert_eq!(
        domains.iter().filter(|domain| domain.is_default).count(),
        1,
        "one domain is the default: {domains:?}"
    );
    assert_eq!(
        domains.iter().filter(|domain| domain.is_initial).count(),
        1,
        "one domain is the first: {domains:?}"
    );
    for domain in &domains {
        assert!(domain.is_verified || !(domain.is_default || domain.is_initial), "{domain:?} is verified");
        let same = domains.iter().filter(|other| other.name == domain.name).count();
        assert_eq!(same, 1, "{} is listed once", domain.name);
    }
    let name = &fixture.verified_domain;
    let verified = done(port.get(name).await, "reading a domain");
    assert!(verified.is_verified, "{name} is verified");
    let listed = domains.iter().find(|domain| domain.name == *name);
    assert_eq!(listed, Some(&verified), "the list and the single read agree");
    let shouted = DomainName::parse(&name.as_str().to_ascii_uppercase()).expect("still a domain name");
    assert_eq!(done(port.get(&shouted).await, "reading a domain in capitals"), verified);
    let root = done(port.root_domain(name).await, "reading the root domain of a verified domain");
    assert!(root.is_root && root.is_verified, "a root is a root: {root:?}");
    assert!(
        root.name == *name || name.ascii().ends_with(&format!(".{}", root.name.ascii())),
        "{name} is at or below its root {root:?}"
    );
    assert_eq!(verified.is_root, root.name == *name, "a root domain is its own root");
    let again = done(port.verify(name).await, "verifying a verified domain");
    assert_eq!(again, DomainVerification::Verified);
}

async fn unknown_domains(port: &dyn Domains, fixture: &TenantFixture) {
    let unknown = fixture.new_domain("unknown");
    expect_kind(port.get(&unknown).await, ErrorKind::NotFound, "reading an unknown domain");
    expect_kind(
        port.verification_records(&unknown).await,
        ErrorKind::NotFound,
        "the records of an unknown domain",
    );
    expect_kind(port.verify(&unknown).await, ErrorKind::NotFound, "verifying an unknown domain");
    expect_kind(port.root_domain(&unknown).await, ErrorKind::NotFound, "the root of an unknown domain");
    let references = port.references(&unknown).try_collect::<Vec<_>>().await;
    expect_kind(references, ErrorKind::NotFound, "the references to an unknown domain");
    expect_kind(port.remove(&unknown).await, ErrorKind::NotFound, "removing an unknown domain");
}

async fn addition(port: &dyn Domains, fixture: &TenantFixture) -> DomainName {
    let name = fixture.new_domain("added");
    let added = done(port.add(&name).await, "adding a domain");
    assert_eq!(added.name, name);
    assert!(
        !added.is_verified && !added.is_default && !added.is_initial,
        "a new domain is none of it: {added:?}"
    );
    let read = fixture.poll.until("a new domain can be read", async || port.get(&name).await, |_| true).await;
    assert_eq!(read, added);
    let list = async || port.list().await;
    fixture
        .poll
        .until("a new domain is listed", list, |all| all.iter().any(|domain| domain.name == name))
        .await;

    let shouted = DomainName::parse(&name.as_str().to_ascii_uppercase()).expect("still a domain name");
    for spelling in [&name, &shouted] {
        expect_kind(port.add(spelling).await, ErrorKind::AlreadyExists, "adding a domain again");
    }
    let existing = port.add(&fixture.verified_domain).await;
    expect_kind(existing, ErrorKind::AlreadyExists, "adding a domain that was there before");
    name
}

async fn verification(port: &dyn Domains, fixture: &TenantFixture, domain: &DomainName) {
    let read = async || port.verification_records(domain).await;
    let records =
        fixture.poll.until("a new domain has records to publish", read, |all| !all.is_empty()).await;
    assert!(
        records.iter().any(|record| matches!(record, VerificationRecord::Txt { .. })),
        "one is TXT: {records:?}"
    );
    assert_eq!(done(read().await, "reading the records again"), records, "the records stay the same");

    let verify = async || port.verify(domain).await;
    let early = fixture.poll.until("a new domain can be asked to be verified", verify, |_| true).await;
    assert!(
        matches!(early, DomainVerification::RecordNotFound { .. }),
        "nothing is published yet: {early:?}"
    );
    let unverified = done(port.get(domain).await, "reading an unverified domain");
    assert!(!unverified.is_verified, "asking alone verifies nothing");
    assert!(!unverified.is_root, "an unverified domain is no root");

    let Some(publisher) = &fixture.records else { return };
    done(publisher.publish(domain, &records).await, "publishing a record");
    fixture
        .poll
        .until("a published record verifies", verify, |answer| *answer == DomainVerification::Verified)
        .await;
    let get = async || port.get(domain).await;
    fixture.poll.until("reads show that it is verified", get, |domain| domain.is_verified).await;
    assert_eq!(done(verify().await, "verifying again"), DomainVerification::Verified);

    let below = DomainName::parse(&format!("below.{domain}")).expect("a domain name");
    done(port.add(&below).await, "adding a domain below a verified one");
    let get = async || port.get(&below).await;
    fixture.poll.until("a domain below a verified one is verified", get, |domain| domain.is_verified).await;
    let root = done(port.root_domain(&below).await, "reading the root of a domain below another");
    assert_eq!(root.name, *domain, "the root of a domain below another is that one");
    done(port.remove(&below).await, "removing a domain below another");
}

async fn removal(port: &dyn Domains, fixture: &TenantFixture, domain: &DomainName) {
    done(port.remove(domain).await, "removing a domain");
    fixture.poll.until_gone("a removed domain", async || port.get(domain).await).await;
    let list = async || port.list().await;
    let absent = |all: &Vec<crate::tenant::TenantDomain>| all.iter().all(|listed| listed.name != *domain);
    fixture.poll.until("a removed domain is not listed", list, absent).await;
    fixture.poll.until_gone("removing a domain twice", async || port.remove(domain).await).await;
}
