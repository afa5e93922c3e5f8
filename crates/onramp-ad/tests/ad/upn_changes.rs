//! Changes of UPNs: one, many, and lost answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp_ad::{LdapSecurity, LdapTimeouts};
use onramp_core::forest::{ForestUser, ObjectChange, ObjectChanged, ObjectOutcome, UpnChange};
use onramp_core::{Clock, DomainName, ErrorKind, ObjectGuid, Upn};
use onramp_lab::forest::{Fault, LabForest, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{Lab, people};
use crate::scripted::{GOOD, Script, entry};

fn change(user: &ForestUser, prefix: &str) -> UpnChange {
    let domain: DomainName = "contoso.com".parse().unwrap();
    let after = Upn::new(prefix, &domain).unwrap();
    UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after }
}

/// The UPN that a change of it writes.
fn written(change: &ObjectChange) -> &str {
    change.attributes[0].add[0].as_text().unwrap()
}

#[tokio::test]
async fn an_object_is_found_wherever_it_was_moved() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    lab.model.move_to(&user.guid, &lab.model.base().child("CN", "Users")).unwrap();
    assert_eq!(
        forest.object_writer.change(&change(&user, "moved").into()).await.unwrap(),
        ObjectChanged::Changed
    );
    let moved = forest.users.get(&user.guid).await.unwrap();
    assert_eq!(moved.upn.as_deref(), Some("moved@contoso.com"));
    assert_ne!(moved.dn, user.dn);
    lab.model.delete(&user.guid).unwrap();
    let error = forest.object_writer.change(&change(&moved, "gone").into()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_stale_change_says_what_is_there_now() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    lab.model.set_on(lab.host(0), &user.guid, "userPrincipalName", &["else@corp.local"]).unwrap();
    let error = forest.object_writer.change(&change(&user, "new").into()).await.unwrap_err();
    assert!(error.is_stale(), "{error}");
    assert!(error.to_string().contains("else@corp.local"), "{error}");
    lab.model.set_on(lab.host(0), &user.guid, "userPrincipalName", &[]).unwrap();
    let error = forest.object_writer.change(&change(&user, "new").into()).await.unwrap_err();
    assert!(error.is_stale() && error.to_string().contains("userPrincipalName has no value now"), "{error}");
    let from_none = UpnChange { before: None, ..change(&user, "new") };
    assert_eq!(forest.object_writer.change(&(&from_none).into()).await.unwrap(), ObjectChanged::Changed);
    assert_eq!(forest.object_writer.change(&(&from_none).into()).await.unwrap(), ObjectChanged::Unchanged);
}

#[tokio::test]
async fn a_change_to_what_is_there_writes_nothing() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let upn: Upn = user.upn.as_deref().unwrap().parse().unwrap();
    // A write would meet this fault.
    lab.model.inject(Operation::Modify, Fault::Busy, u64::MAX);
    let same = UpnChange { after: upn, ..change(&user, "unused") };
    assert_eq!(forest.object_writer.change(&(&same).into()).await.unwrap(), ObjectChanged::Unchanged);
    let third = UpnChange { before: user.upn.as_ref().map(|upn| upn.to_uppercase()), ..same };
    assert_eq!(forest.object_writer.change(&(&third).into()).await.unwrap(), ObjectChanged::Unchanged);
}

#[tokio::test]
async fn a_lost_answer_is_decided_by_looking() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let mut user = people(forest.users.as_ref(), 1).await.remove(0);
    for (at, fault) in
        [Fault::LostReply, Fault::LostRequest, Fault::Busy, Fault::Unavailable, Fault::AdminLimit]
            .into_iter()
            .enumerate()
    {
        lab.model.inject(Operation::Modify, fault, 1);
        let change = change(&user, &format!("try{at}"));
        let found = fault == Fault::LostReply;
        let expected = if found { ObjectChanged::FoundChanged } else { ObjectChanged::Changed };
        assert_eq!(forest.object_writer.change(&(&change).into()).await.unwrap(), expected, "{fault:?}");
        user = forest.users.get(&user.guid).await.unwrap();
        assert_eq!(user.upn.as_deref(), Some(change.after.as_str()), "{fault:?}");
    }
    // If the object cannot be read either, the outcome is unknown.
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    lab.model.inject(Operation::Search, Fault::Unavailable, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "unknown").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    lab.model.clear_faults();
    assert_eq!(
        forest.object_writer.change(&change(&user, "unknown").into()).await.unwrap(),
        ObjectChanged::Unchanged
    );
}

#[tokio::test]
async fn changes_under_way_when_the_server_gives_notice_are_looked_up() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let forest = client.forest();
    let people = people(forest.users.as_ref(), 20).await;
    // All of them are sent on one connection; the fifth meets the notice, and the server never reads those
    // behind it.
    lab.model.inject_after(4, Operation::Modify, Fault::Disconnection, 1);
    let changes: Vec<_> = (0..).zip(&people).map(|(at, user)| change(user, &format!("n{at}"))).collect();
    let outcomes: Vec<_> = forest
        .object_writer
        .change_all(stream::iter(changes).map(ObjectChange::from).boxed())
        .collect()
        .await;
    assert_eq!(outcomes.len(), people.len());
    let found = |outcome: &&ObjectOutcome| *outcome.result.as_ref().unwrap() == ObjectChanged::FoundChanged;
    assert!(outcomes.iter().filter(found).count() >= 1, "the one that met the notice was made");
    for outcome in &outcomes {
        let upn = forest.users.get(&outcome.change.guid).await.unwrap().upn;
        assert_eq!(upn.as_deref(), Some(written(&outcome.change)));
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_only_so_often() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let before = lab.clock.elapsed();
    lab.model.inject(Operation::Modify, Fault::Busy, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "new").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after: None });
    assert_eq!(error.reply().ldap_code, Some(51));
    let waited = lab.clock.elapsed() - before;
    assert!(waited > Duration::from_secs(1) && waited < Duration::from_secs(60), "{waited:?}");
}

#[tokio::test]
async fn an_administrative_limit_that_stays_is_told_as_a_busy_server() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    lab.model.inject(Operation::Modify, Fault::AdminLimit, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "new").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after: None }, "{error}");
    assert_eq!(error.reply().ldap_code, Some(11));
    assert!(error.hint().is_some_and(|hint| hint.contains("more slowly")), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_looked_up() {
    let lab = Lab::small().await;
    let fast = lab.connect().await.forest();
    let user = people(fast.users.as_ref(), 1).await.remove(0);
    let limits =
        LdapTimeouts::default().with_operation(Duration::from_secs(1)).with_connect(Duration::from_secs(1));
    let (address, silent) = muted(lab.servers.controllers()[0].ldaps).await;
    let slow = lab.builder().timeouts(limits).address(lab.host(0), address).connect().await.unwrap();
    let slow_forest = slow.forest();
    assert_eq!(slow_forest.users.get(&user.guid).await.unwrap(), user);
    // After this the client knows all it needs, so that the next change is the first request without an
    // answer.
    slow_forest.object_writer.change(&change(&user, "early").into()).await.unwrap();
    let user = fast.users.get(&user.guid).await.unwrap();
    silent.store(true, Ordering::SeqCst);
    let error = slow_forest.object_writer.change(&change(&user, "late").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(fast.users.get(&user.guid).await.unwrap().upn.as_deref(), Some("late@contoso.com"));
}

/// A proxy to a server that, once `silent`, forwards requests and no answers.
async fn muted(server: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let silent = Arc::new(AtomicBool::new(false));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = silent.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut requests, mut to_client) = client.into_split();
            let (mut answers, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut requests, &mut to_server).await });
            let told = told.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = answers.read(&mut buffer).await {
                    if !told.load(Ordering::SeqCst) && to_client.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, silent)
}

#[tokio::test]
async fn an_account_without_the_right_is_told() {
    let lab = Lab::start(LabForest::builder().users(60)).await;
    let admin = lab.connect().await.forest();
    let user = people(admin.users.as_ref(), 1).await.remove(0);
    let login = lab.model.plain_user().unwrap();
    let client = lab.builder_as(&login, LdapSecurity::Ldaps).connect().await.unwrap();
    let error = client.forest().object_writer.change(&change(&user, "new").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.object(), Some(user.dn.as_str()));
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("Delegate writing userPrincipalName on its OU"), "{hint}");
}

#[tokio::test]
async fn many_changes_are_under_way_but_no_more_than_allowed() {
    let lab = Lab::start(LabForest::builder().users(300)).await;
    let forest = lab.builder().max_in_flight(8).connect().await.unwrap().forest();
    let people = people(forest.users.as_ref(), 200).await;
    // Connections break now and then; every change still has exactly one outcome, and it is right.
    for fault in [Fault::LostReply, Fault::LostRequest, Fault::Busy] {
        lab.model.inject_after(40, Operation::Modify, fault, 2);
    }
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let changes: Vec<UpnChange> =
        people.iter().enumerate().map(|(at, user)| change(user, &format!("user{at}"))).collect();
    let source = stream::iter(changes).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let mut outcomes = forest.object_writer.change_all(source.map(ObjectChange::from).boxed());
    let mut done = 0;
    while let Some(outcome) = outcomes.next().await {
        assert!(outcome.result.unwrap().is_written());
        done += 1;
        assert!(taken.load(Ordering::SeqCst) <= done + 8, "changes are taken no faster than they are made");
        let now = lab.model.values_on(lab.host(0), &outcome.change.guid, "userPrincipalName").unwrap();
        assert_eq!(now, [written(&outcome.change)]);
    }
    assert_eq!(done, 200);
}

#[tokio::test]
async fn dropping_the_outcomes_stops_taking_changes() {
    let lab = Lab::small().await;
    let forest = lab.builder().max_in_flight(4).connect().await.unwrap().forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let endless = stream::repeat(change(&user, "again")).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let first =
        forest.object_writer.change_all(endless.map(ObjectChange::from).boxed()).next().await.unwrap();
    assert!(first.result.is_ok());
    assert!(taken.load(Ordering::SeqCst) <= 5);
}

#[tokio::test]
async fn a_server_that_is_busy_after_a_lost_answer_leaves_the_outcome_unknown() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    for (prefix, fault) in [("one", Fault::Busy), ("two", Fault::Unavailable), ("three", Fault::AdminLimit)] {
        lab.model.inject(Operation::Modify, Fault::LostRequest, 1);
        lab.model.inject(Operation::Modify, fault, u64::MAX);
        let error = forest.object_writer.change(&change(&user, prefix).into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{fault:?}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.starts_with("Run again")), "{error}");
        lab.model.clear_faults();
        assert_eq!(forest.users.get(&user.guid).await.unwrap().upn, user.upn);
    }
}

#[tokio::test]
async fn a_constraint_is_told_as_a_taken_name_only_where_it_is_one() {
    // No account has the name, whether the server says so or not.
    let nobody =
        |code: u8, text: &str| Script { modify: [(code, text.to_owned())].into(), ..Script::default() };
    for (code, text, kind) in [
        (19, "", ErrorKind::Invalid),
        (19, "0000202F: objectclass_attrs: attribute can only be modified as system", ErrorKind::Invalid),
        (19, "0000200B: AtrErr: DSID-03190F80, #1: problem 1005 (CONSTRAINT_ATT_TYPE)", ErrorKind::Invalid),
        (19, "0000202F: samldb: userPrincipalName 'x' is already in use", ErrorKind::AlreadyExists),
        (19, "000021C8: AtrErr: DSID-03200BBA", ErrorKind::AlreadyExists),
        (19, "000021C7: AtrErr: DSID-03200BBA", ErrorKind::AlreadyExists),
        (68, "00002071: samldb: in use (implied by userPrincipalName)", ErrorKind::AlreadyExists),
    ] {
        let forest = nobody(code, text).client().await.forest();
        let error = forest.object_writer.change(&scripted_change().into()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert_eq!(error.reply().ldap_code, Some(u32::from(code)), "{error}");
        let claims = error.to_string().contains("another account has");
        assert_eq!(claims, kind == ErrorKind::AlreadyExists, "{error}");
    }
    // An account has it, and is named whatever the server says.
    for text in ["", "000021C8: AtrErr: DSID-03200BBA"] {
        let holder = vec![("objectGUID", vec![&b"fedcba9876543210"[..]])];
        let script =
            Script { entries: vec![entry(b"CN=Holder,DC=corp,DC=example", &holder)], ..nobody(19, text) };
        let error =
            script.client().await.forest().object_writer.change(&scripted_change().into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{text}: {error}");
        assert!(
            error.to_string().contains("CN=Holder,DC=corp,DC=example has the userPrincipalName"),
            "{error}"
        );
    }
    // The found object is the changed one itself.
    let own = vec![("objectGUID", vec![GOOD])];
    let script = Script { entries: vec![entry(b"CN=Anna,DC=corp,DC=example", &own)], ..nobody(19, "") };
    let error =
        script.client().await.forest().object_writer.change(&scripted_change().into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

fn scripted_change() -> UpnChange {
    UpnChange {
        guid: ObjectGuid::from_slice(GOOD).unwrap(),
        dn: "CN=Anna,DC=corp,DC=example".parse().unwrap(),
        before: Some("anna@corp.example".to_owned()),
        after: "anna@contoso.com".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_name_is_given_up_before_one_that_windows_takes_for_the_same_is_taken() {
    let lab = Lab::start(LabForest::builder().users(60)).await;
    let forest = lab.connect().await.forest();
    let people = people(forest.users.as_ref(), 2).await;
    let [giver, taker] = people.as_slice() else { panic!("two") };
    lab.model.set_on(lab.host(0), &giver.guid, "userPrincipalName", &["José@contoso.com"]).unwrap();
    let giver = forest.users.get(&giver.guid).await.unwrap();
    // The one that gives it up meets a busy server: a change that did not wait would be done first.
    lab.model.inject(Operation::Modify, Fault::Busy, 1);
    let batch = vec![change(&giver, "else"), change(taker, "jose")];
    let outcomes: Vec<_> =
        forest.object_writer.change_all(stream::iter(batch).map(ObjectChange::from).boxed()).collect().await;
    let order: Vec<_> = outcomes.iter().map(|outcome| outcome.change.guid).collect();
    assert_eq!(order, [giver.guid, taker.guid]);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
}
