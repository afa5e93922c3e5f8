//! Names as Windows compares them, strangers who change the forest in mid-run, and objects that cannot be read.

use std::collections::HashSet;

use futures_util::StreamExt as _;
use ldap3::{Mod, Scope};
use onramp_core::forest::{UpnChange, UserQuery};
use onramp_core::{ErrorKind, ObjectGuid, Upn};
use onramp_lab::forest::{Fault, LabForest, LabForestBuilder, Operation, Vendor};

use super::clients::{change_upn, serving};

const DC: &str = "dc1.corp.local";

/// A forest with José in the way, and two others.
fn forest(builder: LabForestBuilder) -> (LabForest, ObjectGuid, ObjectGuid) {
    let lab = builder.users(20).seed(7).build().expect("a forest");
    let container = "CN=Users,DC=corp,DC=local".parse().expect("a name");
    lab.create_user(&container, "José", Some("josé@contoso.com")).expect("a user");
    let jose = lab.create_user(&container, "j.ose", Some("old@corp.local")).expect("a user");
    let muller = lab.create_user(&container, "Müller", Some("müller@corp.local")).expect("a user");
    (lab, jose, muller)
}

fn upn_change(lab: &LabForest, guid: ObjectGuid, before: &str, after: &str) -> UpnChange {
    let dn = lab.dn_of(&guid).expect("it is there");
    UpnChange { guid, dn, before: Some(before.to_owned()), after: Upn::parse(after).expect("a UPN") }
}

#[tokio::test]
async fn on_windows_a_name_that_differs_in_marks_alone_is_taken() {
    let windows = LabForest::builder().vendor(Vendor::Windows);
    for (builder, strict) in [
        (windows.clone(), true),
        (LabForest::builder().windows_comparison(true), true),
        (windows.windows_comparison(false), false),
        (LabForest::builder(), false),
    ] {
        let (lab, jose, _) = forest(builder);
        let change = upn_change(&lab, jose, "old@corp.local", "jose@contoso.com");
        let result = lab.forest().object_writer.change(&(&change).into()).await;
        if strict {
            let error = result.expect_err("José has it");
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            let reply = error.reply();
            assert_eq!(reply.ldap_code, Some(19));
            assert!(
                reply.diagnostic.as_ref().is_some_and(|text| text.starts_with("000021C8: ")),
                "{reply:?}"
            );
            assert_eq!(lab.values_on(DC, &jose, "userPrincipalName").expect("values"), ["old@corp.local"]);
        } else {
            result.expect("Samba sees two names");
        }
    }
}

#[tokio::test]
async fn over_ldap_windows_compares_without_marks_width_and_kana() {
    let (lab, jose, muller) = forest(LabForest::builder().windows_comparison(true));
    let served = serving(lab.clone()).await;
    let mut ldap = served.administrator().await;
    let target = |guid: &ObjectGuid| format!("<GUID={guid}>");
    for taken in ["jose@contoso.com", "JOSE\u{301}@contoso.com", "ｊｏｓé@contoso.com"] {
        let result = change_upn(&mut ldap, &target(&jose), "old@corp.local", taken).await;
        assert_eq!(result.rc, 19, "{taken}: {result:?}");
        assert!(result.text.starts_with("000021C8"), "{result:?}");
    }
    let rename = vec![Mod::Replace("sAMAccountName", HashSet::from(["muller"]))];
    let result = ldap.modify(&target(&jose), rename).await.expect("an answer");
    assert_eq!(result.rc, 68, "{result:?}");
    assert!(result.text.starts_with("00000524"), "{result:?}");

    // The old value is named without its mark, and replaced all the same; the spelling that is written is kept.
    let result = change_upn(&mut ldap, &target(&muller), "MULLER@corp.local", "møller@contoso.com").await;
    assert_eq!(result.rc, 0, "{result:?}");
    let found = async |ldap: &mut ldap3::Ldap, filter: &str| {
        let answer = ldap.search("DC=corp,DC=local", Scope::Subtree, filter, ["cn"]).await;
        answer
            .expect("an answer")
            .success()
            .expect(filter)
            .0
            .into_iter()
            .filter(|entry| !entry.is_ref())
            .count()
    };
    assert_eq!(found(&mut ldap, "(userPrincipalName=moller@contoso.com)").await, 1);
    assert_eq!(found(&mut ldap, "(userPrincipalName=miller@contoso.com)").await, 0);
    assert_eq!(lab.values_on(DC, &muller, "userPrincipalName").expect("values"), ["møller@contoso.com"]);
    let respelt = change_upn(&mut ldap, &target(&muller), "møller@contoso.com", "moller@contoso.com").await;
    assert_eq!(respelt.rc, 0, "its own name is not in its way: {respelt:?}");
}

#[tokio::test]
async fn a_stranger_takes_the_name_before_the_second_change() {
    let (lab, jose, muller) = forest(LabForest::builder());
    lab.before_write(1, move |forest| {
        forest.set_on(DC, &jose, "userPrincipalName", &["theirs@corp.local"]).expect("it is there");
    });
    let forest = lab.forest();
    let first = upn_change(&lab, muller, "müller@corp.local", "muller@contoso.com");
    forest.object_writer.change(&(&first).into()).await.expect("nobody came between");
    let second = upn_change(&lab, jose, "old@corp.local", "new@contoso.com");
    let error = forest.object_writer.change(&(&second).into()).await.expect_err("somebody came between");
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert_eq!(lab.values_on(DC, &jose, "userPrincipalName").expect("values"), ["theirs@corp.local"]);

    let served = serving(lab.clone()).await;
    let mut ldap = served.administrator().await;
    lab.before_write(0, move |forest| forest.delete(&muller).expect("it is there"));
    let target = format!("<GUID={muller}>");
    let result = change_upn(&mut ldap, &target, "muller@contoso.com", "x@contoso.com").await;
    assert_eq!(result.rc, 32, "{result:?}");
    lab.before_write(0, |_| panic!("forgotten before it was due"));
    lab.clear_faults();
    let result = change_upn(&mut ldap, &format!("<GUID={jose}>"), "theirs@corp.local", "x@contoso.com").await;
    assert_eq!(result.rc, 0, "{result:?}");
}

#[tokio::test]
async fn an_object_that_cannot_be_read_does_not_end_a_list() {
    let (lab, jose, _) = forest(LabForest::builder());
    let forest = lab.forest();
    let all = forest.users.search(UserQuery::all()).collect::<Vec<_>>().await.len();
    lab.set_bytes_on(DC, &jose, "userPrincipalName", &[b"j\xff@corp.local"]).expect("it is there");
    for kinds in [
        forest
            .users
            .search(UserQuery::all())
            .map(|item| item.err().map(|e| e.kind()))
            .collect::<Vec<_>>()
            .await,
        forest.users.upn_owners().map(|item| item.err().map(|e| e.kind())).collect::<Vec<_>>().await,
    ] {
        let failed: Vec<_> = kinds.iter().copied().flatten().collect();
        assert_eq!(failed, [ErrorKind::Unreadable]);
        assert!(kinds.len() >= all && kinds.last().is_some_and(Option::is_none), "others follow");
    }
    assert_eq!(forest.users.get(&jose).await.expect_err("it is no text").kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_fault_speaks_in_the_words_it_was_given() {
    let (lab, jose, _) = forest(LabForest::builder());
    let full = Fault::Refused { code: 53, message: "00002082: the disk is full" };
    lab.inject(Operation::Modify, full, 2);
    let change = upn_change(&lab, jose, "old@corp.local", "new@contoso.com");
    let error = lab.forest().object_writer.change(&(&change).into()).await.expect_err("it is full");
    let reply = error.reply();
    assert_eq!(
        (reply.ldap_code, reply.diagnostic.as_deref()),
        (Some(53), Some("00002082: the disk is full"))
    );
    let served = serving(lab.clone()).await;
    let mut ldap = served.administrator().await;
    let target = format!("<GUID={jose}>");
    let result = change_upn(&mut ldap, &target, "old@corp.local", "new@contoso.com").await;
    assert_eq!((result.rc, result.text.as_str()), (53, "00002082: the disk is full"));
    let result = change_upn(&mut ldap, &target, "old@corp.local", "new@contoso.com").await;
    assert_eq!(result.rc, 0, "{result:?}");
}
