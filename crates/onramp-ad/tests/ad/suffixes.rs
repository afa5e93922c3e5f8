//! UPN suffixes.

use onramp_ad::LdapSecurity;
use onramp_core::forest::{ReplicatedValue, SuffixOrigin, SuffixesExt, UpnChange};
use onramp_core::{DistinguishedName, DomainName, ErrorKind, ObjectGuid, Upn, UpnSuffix};
use onramp_lab::forest::{Fault, Operation};

use crate::lab::{Lab, people};

fn domain(name: &str) -> DomainName {
    name.parse().unwrap()
}

#[tokio::test]
async fn both_origins_are_listed() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    suffixes.add(&domain("Contoso.com")).await.unwrap();
    let listed: Vec<_> = suffixes
        .list()
        .await
        .unwrap()
        .into_iter()
        .map(|s| (s.suffix.as_str().to_owned(), s.origin))
        .collect();
    assert_eq!(
        listed,
        [
            (lab.model.domain().as_str().to_owned(), SuffixOrigin::Domain),
            ("contoso.com".to_owned(), SuffixOrigin::Explicit)
        ]
    );
}

#[tokio::test]
async fn an_international_name_is_one_suffix_in_both_spellings() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    suffixes.add(&domain("bücher.example")).await.unwrap();
    let again = suffixes.add(&domain("xn--bcher-kva.example")).await.unwrap_err();
    assert!(again.is_already_exists(), "{again}");
    suffixes.force_remove(&UpnSuffix::parse("xn--bcher-kva.example").unwrap()).await.unwrap();
    assert_eq!(suffixes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_looked_up() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    suffixes.add(&domain("contoso.com")).await.unwrap();
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    suffixes.force_remove(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap();
    lab.model.inject(Operation::Modify, Fault::LostRequest, 1);
    let error = suffixes.add(&domain("contoso.com")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(suffixes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_without_the_right_is_told_which_it_needs() {
    let lab = Lab::small().await;
    let login = lab.model.plain_user().unwrap();
    let client = lab.builder_as(&login, LdapSecurity::Ldaps).connect().await.unwrap();
    let error = client.forest().suffixes.add(&domain("contoso.com")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.reply().ldap_code, Some(50));
    assert!(error.to_string().contains("Enterprise Admins"), "{error}");
}

#[tokio::test]
async fn two_spellings_added_at_the_same_moment_leave_one() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    let (lower, upper) = (domain("contoso.com"), domain("CONTOSO.com"));
    // Both read before either has added, and both write the same.
    let added = tokio::join!(suffixes.add(&lower), suffixes.add(&upper));
    let kinds = [added.0, added.1].map(|added| added.map_err(|error| error.kind()));
    assert!(kinds.contains(&Ok(())), "{kinds:?}");
    assert!(kinds.iter().all(|kind| matches!(kind, Ok(()) | Err(ErrorKind::AlreadyExists))), "{kinds:?}");
    let held = lab.model.values_on(lab.host(0), &partitions(&lab), "uPNSuffixes").unwrap();
    assert_eq!(held, ["contoso.com"]);
}

#[tokio::test]
async fn a_suffix_is_written_in_ascii_and_found_in_any_spelling() {
    let lab = Lab::small().await;
    let ascii = "xn--bcher-contoso-wob.com";
    let forest = lab.connect().await.forest();
    forest.suffixes.add(&domain("Bücher-Contoso.com")).await.unwrap();
    let held = lab.model.values_on(lab.host(0), &partitions(&lab), "uPNSuffixes").unwrap();
    assert_eq!(held, [ascii]);
    // Any spelling counts on any domain controller.
    let controller = forest.replication.controllers().await.unwrap().remove(0);
    for held in [ascii, "bücher-contoso.com", "BÜCHER-Contoso.com"] {
        lab.model.set_on(lab.host(0), &partitions(&lab), "uPNSuffixes", &[held]).unwrap();
        for wanted in [ascii, "bücher-contoso.com"] {
            let value = ReplicatedValue::Suffix { suffix: UpnSuffix::parse(wanted).unwrap() };
            assert!(forest.replication.holds(&controller, &value).await.unwrap(), "{wanted} as {held}");
        }
        let error = forest.suffixes.add(&domain("bücher-contoso.com")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{held}");
    }
    // The same is true for its usage.
    let user = people(&*forest.users, 1).await.remove(0);
    lab.model.set_on(lab.host(0), &user.guid, "userPrincipalName", &["anna@bücher-contoso.com"]).unwrap();
    let error = forest.suffixes.remove(&UpnSuffix::parse(ascii).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
}

#[tokio::test]
async fn two_spellings_that_are_there_are_listed_once_and_removed_together() {
    let lab = Lab::small().await;
    lab.model.set_on(lab.host(0), &partitions(&lab), "uPNSuffixes", &["Contoso.com", "contoso.COM"]).unwrap();
    let suffixes = lab.connect().await.forest().suffixes;
    assert_eq!(suffixes.list().await.unwrap().len(), 2, "the domain's and one that was added");
    suffixes.remove(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap();
    assert!(lab.model.values_on(lab.host(0), &partitions(&lab), "uPNSuffixes").unwrap().is_empty());
}

#[tokio::test]
async fn a_suffix_in_use_is_removed_by_force_only() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    forest.suffixes.add(&domain("contoso.com")).await.unwrap();
    let users = people(&*forest.users, 7).await;
    for user in &users {
        let after = Upn::parse(user.upn.as_deref().unwrap()).unwrap().with_suffix(&domain("Contoso.COM"));
        let change = UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after };
        forest.object_writer.change(&(&change).into()).await.unwrap();
    }
    let unit = DistinguishedName::parse("OU=Staff,DC=corp,DC=local").unwrap();
    let guid = lab.model.find(&unit).unwrap();
    lab.model.set_on(lab.host(0), &guid, "uPNSuffixes", &["CONTOSO.com", "other.example"]).unwrap();

    let suffix = UpnSuffix::parse("contoso.com").unwrap();
    let usage = forest.suffixes.usage(&suffix).await.unwrap();
    assert_eq!((usage.principals, usage.examples.len(), usage.units.as_slice()), (7, 5, [unit].as_slice()));
    let error = forest.suffixes.remove(&suffix).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    let said = error.to_string();
    assert!(said.contains("7 principals have a UPN with it (CN="), "{said}");
    assert!(said.contains("OU=Staff,DC=corp,DC=local"), "{said}");
    forest.suffixes.force_remove(&suffix).await.unwrap();
    assert_eq!(forest.suffixes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_suffixes_of_a_unit_are_its_own() {
    let lab = Lab::small().await;
    let unit = DistinguishedName::parse("OU=Staff,DC=corp,DC=local").unwrap();
    let guid = lab.model.find(&unit).unwrap();
    lab.model.set_on(lab.host(0), &guid, "uPNSuffixes", &["staff.example", ""]).unwrap();
    let suffixes = lab.connect().await.forest().suffixes;
    let of_units = suffixes.unit_suffixes().await.unwrap();
    assert_eq!(of_units.len(), 1);
    assert_eq!((&of_units[0].unit, of_units[0].suffix.as_str()), (&unit, "staff.example"));
    assert_eq!(suffixes.list().await.unwrap().len(), 1, "they are none of the forest's");
}

fn partitions(lab: &Lab) -> ObjectGuid {
    let dn = DistinguishedName::parse("CN=Partitions,CN=Configuration,DC=corp,DC=local").unwrap();
    lab.model.find(&dn).unwrap()
}
