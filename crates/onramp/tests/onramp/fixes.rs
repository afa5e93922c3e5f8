//! Fixes of findings as a plan: made, refused, interrupted, repeated and undone.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryStreamExt;
use futures_util::task::noop_waker;
use onramp::fixes::{self, ChosenFix};
use onramp::{
    BlockerKind, Change, CheckStatus, JournalEntry, Outcome, Plan, PolicyRules, RecordedRun, Step,
    UndoSelection,
};
use onramp_core::forest::ObjectQuery;
use onramp_core::{AttributeName, DistinguishedName, ObjectGuid};
use onramp_readiness::combine_fixes;
use onramp_readiness::{
    Confidence, DirectoryObject, EntraRules, Finding, FixChange, Profile, Scan, attributes,
};

use crate::odd::{Brittle, Way, with_writer};
use crate::world::{World, approve_all, spec};

const SPEC: &str = "domain = \"contoso.com\"\n";

/// The attributes that are compared before and after.
const ATTRIBUTES: [AttributeName; 6] = [
    attributes::USER_PRINCIPAL_NAME,
    attributes::MAIL,
    attributes::PROXY_ADDRESSES,
    attributes::DISPLAY_NAME,
    attributes::MAIL_NICKNAME,
    attributes::SAM_ACCOUNT_NAME,
];

/// Objects by GUID, each attribute with its values in order.
type Dump = BTreeMap<ObjectGuid, Vec<(String, Vec<String>)>>;

async fn dump(world: &World) -> Dump {
    let mut objects = world.forest.forest().objects.search(ObjectQuery::all(ATTRIBUTES));
    let mut dump = Dump::new();
    while let Some(object) = objects.try_next().await.unwrap() {
        let values = object.attributes.iter().map(|(name, values)| {
            let mut values: Vec<String> = values.iter().map(ToString::to_string).collect();
            values.sort();
            (name.to_string(), values)
        });
        dump.insert(object.guid, values.collect());
    }
    dump
}

fn change(attribute: &str, remove: &[&str], add: &[&str]) -> FixChange {
    let values = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    FixChange { attribute: attribute.parse().unwrap(), remove: values(remove), add: values(add) }
}

/// The place of the users of the tests.
fn staff(world: &World) -> DistinguishedName {
    format!("CN=Users,{}", world.forest.base()).parse().unwrap()
}

fn set(world: &World, guid: &ObjectGuid, attribute: &str, values: &[&str]) {
    for host in world.forest.controllers() {
        world.forest.set_on(&host, guid, attribute, values).unwrap();
    }
}

fn values(world: &World, guid: &ObjectGuid, attribute: &str) -> Vec<String> {
    world.forest.values_on(&world.forest.controllers()[0], guid, attribute).unwrap()
}

/// A user with values of attributes, each written as another administrator does.
fn user(world: &World, account: &str, upn: &str, rest: &[(&str, &[&str])]) -> ObjectGuid {
    let guid = world.forest.create_user(&staff(world), account, Some(upn)).unwrap();
    for (attribute, values) in rest {
        set(world, &guid, attribute, values);
    }
    guid
}

/// A forest with bad objects, and their GUIDs.
fn with_bad_objects() -> (World, Vec<ObjectGuid>) {
    let world = World::new(8);
    let bad = vec![
        user(
            &world,
            "dorothea",
            "dorothea b@contoso.com",
            &[
                ("mail", &["dorothea b@contoso.com"]),
                ("proxyAddresses", &["SMTP:dorothea b@contoso.com", "smtp:dorothea@contoso.com"]),
            ],
        ),
        user(
            &world,
            "egon",
            "egon@contoso.com",
            &[
                ("mail", &["egon.@contoso.com"]),
                ("proxyAddresses", &["SMTP:egon@contoso.com", "smtp:e gon@contoso.com"]),
                ("displayName", &[" Egon "]),
            ],
        ),
        user(&world, "frieda", "frieda..x@contoso.com", &[("displayName", &["Frieda"])]),
    ];
    (world, bad)
}

async fn scan(world: &World) -> Vec<Finding> {
    let mut scan = Scan::new(Arc::new(EntraRules::new(&Profile::entra()).unwrap())).with_threads(1);
    let mut objects = world.forest.forest().objects.search(ObjectQuery::all(scan.attributes()));
    while let Some(object) = objects.try_next().await.unwrap() {
        scan.add(DirectoryObject::from(object));
    }
    scan.finish().findings
}

async fn planned(world: &World, fixes: Vec<ChosenFix>) -> Plan {
    fixes::plan(&world.onramp().survey_fixes(&spec(SPEC), fixes).await.unwrap())
}

/// The plan of every fix that a scan suggests.
async fn plan_of_findings(world: &World) -> Plan {
    let findings = scan(world).await;
    let fixes = combine_fixes(&findings, Confidence::Low);
    planned(world, fixes.iter().map(ChosenFix::from).collect()).await
}

fn recorded<'a>(plan: &Plan, records: impl IntoIterator<Item = &'a onramp::JournalRecord>) -> RecordedRun {
    let mut run = RecordedRun::new(plan.clone());
    records.into_iter().for_each(|record| run.add(record));
    run
}

fn ids(plan: &Plan) -> Vec<String> {
    let name = |id: String| id.rsplit_once(':').map(|(name, _)| name.to_owned()).unwrap_or(id);
    plan.consequences().iter().map(|consequence| name(consequence.id())).collect()
}

/// The only blocker of a plan.
fn blocked(plan: &Plan) -> &BlockerKind {
    let [blocker] = plan.blockers() else { panic!("{:?}", plan.blockers()) };
    assert!(!plan.is_blocked() && plan.is_empty());
    assert_eq!(ids(plan), ["objects-left-behind:1"]);
    &blocker.problem
}

#[tokio::test]
async fn findings_are_fixed_by_a_plan_clean_on_the_second_scan_and_back_after_the_undo() {
    let (mut world, bad) = with_bad_objects();
    let (before, found) = (dump(&world).await, scan(&world).await);
    for guid in &bad {
        assert!(found.iter().any(|finding| finding.object.guid == Some(*guid)), "{guid}");
    }
    let plan = plan_of_findings(&world).await;
    assert!(plan.blockers().is_empty(), "{:?}", plan.blockers());
    let changed = plan.objects_changed();
    assert!(changed >= 3, "{changed}");
    let ours = |plan: &Plan| ids(plan)[1].clone();
    assert_eq!(ids(&plan)[0], format!("attributes-changed:{changed}"));
    let renamed = ours(&plan).strip_prefix("users-renamed:").unwrap().to_owned();

    let approved = approve_all(plan);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!(outcome.done, approved.plan().changes().len() as u64);
    let verification = world.onramp().verify_fixes(&approved).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(values(&world, &bad[1], "proxyAddresses").len(), 2, "the address that was right stays");
    let second = scan(&world).await;
    let is_fixable = |finding: &&Finding| !finding.fixes.is_empty() && finding.object.guid == Some(bad[1]);
    assert!(!second.iter().any(|finding| is_fixable(&finding)), "{second:#?}");
    assert!(plan_of_findings(&world).await.is_empty(), "the second plan has nothing to do");

    // Once more changes nothing.
    let again = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!((again.done > 1, again.unchanged), (false, changed), "{again:?}");

    let run = recorded(approved.plan(), &world.journal.records());
    let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert_eq!(ids(&undo)[0], format!("attributes-restored:{changed}"));
    assert_eq!(ours(&undo), format!("users-restored:{renamed}"));
    let undo = approve_all(undo);
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify_undo(&undo).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(dump(&world).await, before);
    assert_eq!(scan(&world).await, found);

    // The undo is a run that can be undone in turn.
    let run = recorded(undo.plan(), &world.journal.records());
    let redo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert_eq!(redo.objects_changed(), changed);
}

#[tokio::test]
async fn the_journal_has_the_values_before_as_lines_of_ldif() {
    let mut world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("displayName", &["J\u{f6} "]), ("title", &["A b"])]);
    let fix = ChosenFix::new(
        "",
        vec![change("displayName", &["J\u{f6} "], &["J\u{f6}"]), change("title", &["A b"], &[])],
    );
    let approved = approve_all(planned(&world, vec![fix.with_guid(guid)]).await);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let records = world.journal.records();
    let started = records.iter().find_map(|record| match &record.entry {
        JournalEntry::ChangeStarted { title, object, before, after, .. } => {
            Some((title, object, before, after))
        }
        _ => None,
    });
    let (title, object, before, after) = started.unwrap();
    assert_eq!(*title, format!("change displayName, title of CN=jo,{}", staff(&world)));
    assert_eq!(object.as_deref(), Some(guid.to_string().as_str()));
    assert_eq!(before.as_deref(), Some("displayName:: SsO2IA==\ntitle: A b"));
    assert_eq!(after.as_deref(), Some("displayName:: SsO2"));
    assert_eq!(values(&world, &guid, "title"), [""; 0]);
}

#[tokio::test]
async fn a_value_that_changed_since_the_scan_is_left_and_the_plan_says_so() {
    let world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("mail", &["j o@contoso.com"])]);
    let fix =
        ChosenFix::new("", vec![change("mail", &["j o@contoso.com"], &["jo@contoso.com"])]).with_guid(guid);
    set(&world, &guid, "mail", &["other@contoso.com"]);
    let plan = planned(&world, vec![fix]).await;
    let BlockerKind::ValuesChanged { detail } = blocked(&plan) else { panic!("{plan:?}") };
    assert_eq!(detail, "its mail is other@contoso.com now, where j o@contoso.com was expected");
}

#[tokio::test]
async fn an_object_that_changed_since_the_plan_keeps_all_of_its_values_and_the_others_get_theirs() {
    let mut world = World::new(3);
    let bad = |account: &str| {
        let mail = format!("{account} x@contoso.com");
        let proxy = format!("smtp:{mail}");
        user(
            &world,
            account,
            &format!("{account}@contoso.com"),
            &[("mail", &[&mail]), ("proxyAddresses", &[&proxy])],
        )
    };
    let (jo, al) = (bad("jo"), bad("al"));
    let fix = |account: &str, guid| {
        let (mail, new) = (format!("{account} x@contoso.com"), format!("{account}x@contoso.com"));
        let proxies = change("proxyAddresses", &[&format!("smtp:{mail}")], &[&format!("smtp:{new}")]);
        ChosenFix::new("", vec![change("mail", &[&mail], &[&new]), proxies]).with_guid(guid)
    };
    let plan = planned(&world, vec![fix("jo", jo), fix("al", al)]).await;
    assert_eq!(plan.objects_changed(), 2, "{:?}", plan.blockers());
    let approved = approve_all(plan);
    set(&world, &jo, "proxyAddresses", &["smtp:mine@contoso.com"]);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!((outcome.done, outcome.stale, outcome.failed), (1, 1, 0), "{outcome:?}");
    assert!(outcome.require_complete().is_err());
    assert!(outcome.failures[0].error.contains("smtp:mine@contoso.com"), "{outcome:?}");
    assert_eq!(values(&world, &jo, "mail"), ["jo x@contoso.com"]);
    assert_eq!(values(&world, &jo, "proxyAddresses"), ["smtp:mine@contoso.com"]);
    assert_eq!(values(&world, &al, "mail"), ["alx@contoso.com"]);
    let verification = world.onramp().verify_fixes(&approved).await.unwrap();
    assert_eq!(verification.checks[0].status, CheckStatus::False);
    assert!(verification.checks[0].detail.contains("CN=jo"), "{verification:?}");

    // The undo restores what was changed, and that alone.
    let run = recorded(approved.plan(), &world.journal.records());
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    assert_eq!((undo.plan().objects_changed(), undo.plan().changes().len()), (1, 1));
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    assert_eq!(values(&world, &al, "mail"), ["al x@contoso.com"]);
    assert_eq!(values(&world, &jo, "proxyAddresses"), ["smtp:mine@contoso.com"]);
}

#[tokio::test]
async fn other_addresses_that_came_meanwhile_stay_in_fix_and_undo() {
    let mut world = World::new(3);
    let guid = user(
        &world,
        "jo",
        "jo@contoso.com",
        &[("proxyAddresses", &["SMTP:jo@contoso.com", "smtp:j o@contoso.com"])],
    );
    let fix = ChosenFix::new(
        "",
        vec![change("proxyAddresses", &["smtp:j o@contoso.com"], &["smtp:j.o@contoso.com"])],
    );
    let approved = approve_all(planned(&world, vec![fix.with_guid(guid)]).await);
    let sorted = |world: &World| {
        let mut values = values(world, &guid, "proxyAddresses");
        values.sort();
        values
    };
    set(
        &world,
        &guid,
        "proxyAddresses",
        &["SMTP:jo@contoso.com", "smtp:j o@contoso.com", "smtp:new@contoso.com"],
    );
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert_eq!(sorted(&world), ["SMTP:jo@contoso.com", "smtp:j.o@contoso.com", "smtp:new@contoso.com"]);
    let run = recorded(approved.plan(), &world.journal.records());
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    assert_eq!(sorted(&world), ["SMTP:jo@contoso.com", "smtp:j o@contoso.com", "smtp:new@contoso.com"]);
}

#[tokio::test]
async fn a_value_that_somebody_changed_after_the_run_is_not_undone() {
    let mut world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("displayName", &["Jo "])]);
    let fix = ChosenFix::new("", vec![change("displayName", &["Jo "], &["Jo"])]).with_guid(guid);
    let approved = approve_all(planned(&world, vec![fix]).await);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    set(&world, &guid, "displayName", &["Johanna"]);
    let run = recorded(approved.plan(), &world.journal.records());
    let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert!(undo.is_empty());
    let [consequence] = undo.consequences() else { panic!("{:?}", undo.consequences()) };
    let told = consequence.members().join("; ");
    assert!(
        told.contains("changed again since the run: its displayName is Johanna now, where Jo was expected"),
        "{told}"
    );
}

#[tokio::test]
async fn a_former_upn_that_another_object_took_is_not_given_back() {
    let mut world = World::new(3);
    let guid = user(&world, "jo", "jo x@contoso.com", &[]);
    let fix =
        ChosenFix::new("", vec![change("userPrincipalName", &["jo x@contoso.com"], &["jo@contoso.com"])]);
    let approved = approve_all(planned(&world, vec![fix.with_guid(guid)]).await);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    user(&world, "thief", "jo x@contoso.com", &[]);
    let run = recorded(approved.plan(), &world.journal.records());
    let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert!(undo.is_empty(), "{undo:?}");
    let told = undo.consequences()[0].members().join("; ");
    assert!(told.contains("its UPN from before the run belongs to thief (CN=thief"), "{told}");
    assert_eq!(values(&world, &guid, "userPrincipalName"), ["jo@contoso.com"]);
}

#[tokio::test]
async fn a_former_address_that_another_object_took_is_not_given_back() {
    for (attribute, old, new, taken_as) in [
        ("mail", "j o@contoso.com", "jo@contoso.com", ("proxyAddresses", "smtp:J O@contoso.com")),
        ("proxyAddresses", "smtp:j o@contoso.com", "smtp:jo@contoso.com", ("mail", "j o@contoso.com")),
        (
            "proxyAddresses",
            "SMTP:j o@contoso.com",
            "SMTP:jo@contoso.com",
            ("userPrincipalName", "j o@contoso.com"),
        ),
    ] {
        let mut world = World::new(3);
        let jo = user(&world, "jo", "jo@contoso.com", &[(attribute, &[old])]);
        let other = user(&world, "kim", "kim@contoso.com", &[("displayName", &["Kim "])]);
        let fixes = vec![
            ChosenFix::new("", vec![change(attribute, &[old], &[new])]).with_guid(jo),
            ChosenFix::new("", vec![change("displayName", &["Kim "], &["Kim"])]).with_guid(other),
        ];
        let approved = approve_all(planned(&world, fixes).await);
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        let thief = user(&world, "thief", "thief@contoso.com", &[(taken_as.0, &[taken_as.1])]);
        let run = recorded(approved.plan(), &world.journal.records());
        let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
        assert_eq!(undo.objects_changed(), 1, "the other object is restored: {undo:?}");
        let told: Vec<String> = undo.consequences().iter().flat_map(onramp::Consequence::members).collect();
        assert!(told.iter().any(|line| line.contains(old) && line.contains("belongs to thief")), "{told:?}");
        // Once it is free again, it is given back.
        set(&world, &thief, taken_as.0, &[]);
        let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
        assert_eq!(undo.objects_changed(), 2);
    }
}

#[tokio::test]
async fn only_the_selected_objects_of_a_run_of_fixes_are_restored() {
    let (mut world, bad) = with_bad_objects();
    let group = world.forest.find_account("Domain Guests").unwrap();
    set(&world, &group, "displayName", &[" Guests "]);
    let approved = approve_all(plan_of_findings(&world).await);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let run = recorded(approved.plan(), &world.journal.records());
    let undo = async |selection: UndoSelection| world.onramp().undo(&run, &selection).await.unwrap();
    let restored = |plan: &Plan| -> Vec<ObjectGuid> {
        let objects = plan.changes().iter().filter_map(|planned| match &planned.change {
            Change::ChangeAttributes { object } => Some(object.guid),
            _ => None,
        });
        objects.collect()
    };
    for name in ["egon", r"CORP\egon", "egon@contoso.com", &bad[1].to_string()] {
        let plan = undo(UndoSelection::default().with_users([name])).await;
        assert!(plan.blockers().is_empty(), "{name}: {:?}", plan.blockers());
        assert_eq!(restored(&plan), [bad[1]], "{name}");
    }
    // By the UPN from before the run, and the step by name.
    let plan =
        undo(UndoSelection::default().with_steps([Step::Attributes]).with_users(["frieda..x@contoso.com"]))
            .await;
    assert_eq!(restored(&plan), [bad[2]]);
    let below = undo(UndoSelection::default().with_ous([staff(&world)])).await;
    let is_below = |dn: &DistinguishedName| dn.is_within(&staff(&world));
    let all = approved.plan().changes().iter().filter_map(|planned| match &planned.change {
        Change::ChangeAttributes { object } => Some((object.guid, is_below(&object.dn))),
        _ => None,
    });
    let (inside, outside): (Vec<_>, Vec<_>) = all.partition(|(_, is_inside)| *is_inside);
    assert!(inside.len() >= 3 && !outside.is_empty(), "{inside:?} {outside:?}");
    assert_eq!(
        restored(&below).into_iter().collect::<std::collections::BTreeSet<_>>(),
        inside.into_iter().map(|(guid, _)| guid).collect()
    );
    let elsewhere: DistinguishedName = "OU=None,DC=corp,DC=local".parse().unwrap();
    for selection in [
        UndoSelection::default().with_ous([elsewhere]),
        UndoSelection::default().with_users(["nobody.at.all"]),
    ] {
        let plan = undo(selection).await;
        assert!(plan.is_empty() && plan.is_blocked(), "{:?}", plan.blockers());
    }
}

#[tokio::test]
async fn what_changed_before_a_crash_is_in_the_journal_and_the_next_run_goes_on() {
    let mut seen_between = false;
    for steps in 0.. {
        let (mut world, _) = with_bad_objects();
        let before = dump(&world).await;
        let approved = approve_all(plan_of_findings(&world).await);
        let (forest, _) = with_writer(world.forest.forest(), Way::Pausing);
        let mut journal = Brittle::default();
        let onramp = world.onramp_over(forest);
        let ended = {
            let waker = noop_waker();
            let mut run = pin!(onramp.apply_to_end(&approved, &mut journal, &world.secrets));
            (0..steps).any(|_| matches!(run.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(_)))
        };
        let after = dump(&world).await;
        let changed: Vec<_> = before.iter().filter(|(guid, values)| after[*guid] != **values).collect();
        for (guid, _) in &changed {
            let is_it = |entry: &JournalEntry| matches!(entry, JournalEntry::ChangeStarted { object: Some(object), .. } if *object == guid.to_string());
            assert!(journal.durable.iter().any(|record| is_it(&record.entry)), "{steps} steps: {guid}");
        }
        let all = approved.plan().objects_changed() as usize;
        seen_between |= !changed.is_empty() && changed.len() < all;
        // What is known of the interrupted run is enough to undo it.
        let run = recorded(approved.plan(), &journal.durable);
        let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
        assert_eq!(undo.objects_changed() as usize, changed.len(), "{steps} steps");
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        assert!(world.onramp().verify_fixes(&approved).await.unwrap().is_green());
        if ended {
            assert_eq!(changed.len(), all);
            break;
        }
    }
    assert!(seen_between, "some crash came among the objects");
}

#[tokio::test]
async fn a_fix_that_no_directory_should_get_is_refused_with_the_reason() {
    let world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("mail", &["jo@contoso.com"])]);
    for (change, why) in [
        (change("cn", &["jo"], &["joe"]), "rename the object"),
        (change("member", &[], &["CN=x,DC=corp,DC=local"]), "gives rights"),
        (change("unicodePwd", &[], &["x"]), "holds a secret"),
        (change("mail", &["jo@contoso.com"], &["a@contoso.com", "b@contoso.com"]), "has one value"),
        (change("mail", &[], &[]), "names no value"),
        (change("mail", &["jo@contoso.com"], &[""]), "is empty"),
    ] {
        let plan = planned(&world, vec![ChosenFix::new("", vec![change]).with_guid(guid)]).await;
        let BlockerKind::FixRefused { reason } = blocked(&plan) else { panic!("{plan:?}") };
        assert!(reason.contains(why), "{reason}");
    }
}

#[tokio::test]
async fn an_object_without_a_guid_is_found_by_its_name_and_the_plan_says_so() {
    let world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("displayName", &["Jo "])]);
    let changes = || vec![change("displayName", &["Jo "], &["Jo"])];
    let dn = format!("cn=jo, {}", staff(&world));
    let plan = planned(&world, vec![ChosenFix::new(dn.clone(), changes())]).await;
    let Change::ChangeAttributes { object } = &plan.changes()[0].change else { panic!("{plan:?}") };
    assert_eq!(object.guid, guid);
    assert!(
        plan.warnings()[0].contains("1 object was found by the distinguished name"),
        "{:?}",
        plan.warnings()
    );
    for name in ["CN=nobody,DC=corp,DC=local", "no name at all"] {
        let plan = planned(&world, vec![ChosenFix::new(name, changes())]).await;
        assert_eq!(*blocked(&plan), BlockerKind::NoSuchObject { name: name.to_owned() });
    }
    // Two fixes of one object would be two operations.
    let plan =
        planned(&world, vec![ChosenFix::new(dn, changes()), ChosenFix::new("", changes()).with_guid(guid)])
            .await;
    assert_eq!((plan.objects_changed(), plan.blockers().len()), (1, 1));
}

#[tokio::test]
async fn a_value_that_another_object_has_or_gets_is_not_given_twice() {
    let world = World::new(3);
    let holder = user(
        &world,
        "anna",
        "anna@contoso.com",
        &[("mail", &["a.n@contoso.com"]), ("proxyAddresses", &["smtp:AN@contoso.com", "X400:C=DE;"])],
    );
    let guid = user(&world, "jo", "j o@contoso.com", &[("mail", &["j o@contoso.com"])]);
    let taken = [
        (change("userPrincipalName", &["j o@contoso.com"], &["Anna@contoso.com"]), "userPrincipalName"),
        (change("userPrincipalName", &["j o@contoso.com"], &["an@contoso.com"]), "proxyAddresses"),
        (change("userPrincipalName", &["j o@contoso.com"], &["anna@corp.local"]), "sAMAccountName"),
        (change("mail", &["j o@contoso.com"], &["A.N@contoso.com"]), "mail"),
        (change("proxyAddresses", &[], &["SMTP:anna@contoso.com"]), "userPrincipalName"),
        (change("proxyAddresses", &[], &["x400:c=de;"]), "proxyAddresses"),
    ];
    for (change, expected) in taken {
        let plan = planned(&world, vec![ChosenFix::new("", vec![change]).with_guid(guid)]).await;
        let BlockerKind::ValueTaken { holder: found, held_in, .. } = blocked(&plan) else {
            panic!("{plan:?}")
        };
        assert_eq!((found.guid, held_in.as_str()), (holder, expected));
    }
    // Mail to an implied UPN is not mail to the account.
    let mail = change("mail", &["j o@contoso.com"], &["anna@corp.local"]);
    assert_eq!(
        planned(&world, vec![ChosenFix::new("", vec![mail]).with_guid(guid)]).await.objects_changed(),
        1
    );

    let other = user(&world, "al", "a l@contoso.com", &[]);
    let wants = |guid, old: &str| {
        ChosenFix::new("", vec![change("userPrincipalName", &[old], &["same@contoso.com"])]).with_guid(guid)
    };
    let plan = planned(&world, vec![wants(guid, "j o@contoso.com"), wants(other, "a l@contoso.com")]).await;
    assert!(plan.is_empty());
    let is_rival = |kind: &BlockerKind| matches!(kind, BlockerKind::ValueWantedTwice { .. });
    assert!(plan.blockers().iter().filter(|blocker| is_rival(&blocker.problem)).count() == 2, "{plan:?}");
}

#[tokio::test]
async fn a_upn_that_is_none_or_that_entra_refuses_is_not_written() {
    let world = World::new(3);
    for (number, (old, new, expected)) in [
        ("jo@contoso.com", "no domain here", Some("cannot be converted to a UPN")),
        ("jo@contoso.com", "@contoso.com", Some("cannot be converted to a UPN")),
        ("jo@contoso.com", "j o@contoso.com", Some("white space")),
        ("jo@contoso.com", "jo.@contoso.com", Some("a dot right before")),
        ("jo@contoso.com", "jo@con toso", Some("not a domain name")),
        // One problem less is better than none less.
        ("j \u{f6}..x@contoso.com", "j\u{f6}..x@contoso.com", None),
        ("j \u{f6}@contoso.com", "j \u{e4}@contoso.com", Some("character 4")),
        ("not one", "jo@contoso.com", None),
    ]
    .into_iter()
    .enumerate()
    {
        let (old, new) = (
            format!("{number}{old}"),
            if new.starts_with('@') { new.to_owned() } else { format!("{number}{new}") },
        );
        let guid = user(&world, &format!("jo{number}"), &old, &[]);
        let fix = ChosenFix::new("", vec![change("userPrincipalName", &[&old], &[&new])]).with_guid(guid);
        let plan = planned(&world, vec![fix]).await;
        match expected {
            Some(expected) => {
                let problem = blocked(&plan);
                let is_known =
                    matches!(problem, BlockerKind::NotAUpn { .. } | BlockerKind::BreaksEntraRules { .. });
                assert!(is_known && problem.to_string().contains(expected), "{new}: {problem}");
            }
            None => assert_eq!(plan.objects_changed(), 1, "{new}: {:?}", plan.blockers()),
        }
    }
    // To take a UPN away is no new one.
    let guid = user(&world, "al", "al@contoso.com", &[]);
    let fix = ChosenFix::new("", vec![change("userPrincipalName", &["al@contoso.com"], &[])]);
    assert_eq!(planned(&world, vec![fix.with_guid(guid)]).await.objects_changed(), 1);
}

#[tokio::test]
async fn a_fix_of_an_object_that_synchronization_leaves_out_is_a_consequence_of_its_own() {
    let mut world = World::new(3);
    let dn = |name: &str| format!("CN={name},{}", staff(&world));
    let guid = user(&world, "jo", "jo@contoso.com", &[("displayName", &["Jo "])]);
    let critical = user(&world, "svc", "svc@contoso.com", &[("isCriticalSystemObject", &["TRUE"])]);
    let sync = user(&world, "MSOL_1234", "msol@contoso.com", &[]);
    let mut fixes = vec![
        ChosenFix::new(dn("krbtgt"), vec![change("displayName", &[], &["K"])]),
        ChosenFix::new(dn("Guest"), vec![change("displayName", &[], &["G"])]),
        ChosenFix::new("", vec![change("displayName", &[], &["S"])]).with_guid(critical),
        ChosenFix::new("", vec![change("displayName", &[], &["M"])]).with_guid(sync),
        ChosenFix::new("", vec![change("displayName", &["Jo "], &["Jo"])]).with_guid(guid),
    ];
    let plan = planned(&world, fixes.clone()).await;
    assert!(plan.objects_changed() >= 4, "{:?}", plan.blockers());
    let left_out = plan.objects_changed() - 1;
    assert_eq!(ids(&plan)[1], format!("excluded-objects-changed:{left_out}"), "{:?}", plan.consequences());
    let consequence = &plan.consequences()[1];
    let told = consequence.members().join("\n");
    for expected in ["krbtgt", "CN=svc", "isCriticalSystemObject", "MSOL_1234"] {
        assert!(told.contains(expected), "{told}");
    }
    assert!(!told.contains("CN=jo") && consequence.names_members(), "{told}");
    let others = plan.consequences().iter().filter(|other| *other != consequence).map(|other| other.id());
    let others: Vec<String> = others.collect();
    assert!(plan.clone().approve(others).is_err(), "the others alone approve nothing");

    // Accepted for all of them, it is for the rest of them, and for no other one.
    let accepted: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    fixes.remove(0);
    let rest = planned(&world, fixes).await;
    assert_eq!(rest.covered_by(&plan, &accepted).len(), rest.consequences().len());
    let own: Vec<String> = rest.consequences().iter().map(|consequence| consequence.id()).collect();
    assert!(!plan.covered_by(&rest, &own).iter().any(|id| id.starts_with("excluded")));
    let mut file = Vec::new();
    plan.write(&mut file).unwrap();
    assert_eq!(Plan::read(file.as_slice()).unwrap(), plan);
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
}

#[tokio::test]
async fn new_values_that_break_a_rule_are_warnings_and_those_that_end_a_finding_are_not() {
    let world = World::new(3);
    let proxies: &[&str] = &["SMTP:jo@contoso.com"];
    let guid = user(
        &world,
        "jo",
        "jo@contoso.com",
        &[("displayName", &["Jo "]), ("mail", &["jo@contoso.com"]), ("proxyAddresses", proxies)],
    );
    let warnings = async |changes: Vec<FixChange>| {
        let plan = planned(&world, vec![ChosenFix::new("", changes).with_guid(guid)]).await;
        assert_eq!(plan.objects_changed(), 1, "{:?}", plan.blockers());
        plan.warnings().join("\n")
    };
    let second = warnings(vec![change("proxyAddresses", &[], &["smtp:se cond@contoso.com"])]).await;
    assert!(second.contains("address-character") && second.contains("CN=jo"), "{second}");
    let mail = warnings(vec![change("mail", &["jo@contoso.com"], &["smtp:not an address"])]).await;
    assert!(mail.contains("mail-format"), "{mail}");
    assert_eq!(warnings(vec![change("displayName", &["Jo "], &["Jo"])]).await, "");
}

#[tokio::test]
async fn upns_of_a_run_that_ended_in_its_wait_for_replication_are_awaited_by_the_next_one() {
    use onramp::{ApplyStatus, History, Limits, WaitReason};
    let world = World::new(3);
    let (plan, _) = plan_of_new_values(&world, "userPrincipalName", 3).await;
    let approved = approve_all(plan);
    let (onramp, mut journal) = (world.onramp(), onramp::MemoryJournal::default());
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default()).await.unwrap();
    let is_waiting =
        |status: &ApplyStatus| matches!(status, ApplyStatus::Waiting { reason: WaitReason::Replication, .. });
    assert!(is_waiting(&outcome.status), "{outcome:?}");
    drop(run);
    assert!(!onramp.verify_fixes(&approved).await.unwrap().is_green(), "one controller lacks the UPNs");

    // A scan finds nothing to fix; the edits of a file are as they should be.
    let mut history = History::default();
    history.add(&journal.records());
    let survey = |history: History, fixes| {
        let onramp = world.onramp().with_history(history);
        async move { fixes::plan(&onramp.survey_fixes(&spec(SPEC), fixes).await.unwrap()) }
    };
    let again: Vec<ChosenFix> = (approved.plan().changes().iter())
        .filter_map(|planned| match &planned.change {
            Change::ChangeAttributes { object } => Some(object),
            _ => None,
        })
        .map(|object| {
            let upn = object.attributes[0].add[0].to_string();
            let old = object.attributes[0].remove[0].to_string();
            let changes = vec![change("userPrincipalName", &[&old], &[&upn])];
            ChosenFix::new("", changes).with_guid(object.guid)
        })
        .collect();
    assert_eq!(again.len(), 3);
    for (history, fixes) in [(history.clone(), Vec::new()), (History::default(), again)] {
        let next = survey(history, fixes).await;
        let [wait] = next.changes() else { panic!("{next:?}") };
        let Change::AwaitReplication { values, .. } = &wait.change else { panic!("{next:?}") };
        assert_eq!(values.len(), 3);
    }
    let next = approve_all(survey(history.clone(), Vec::new()).await);
    let mut second = onramp::MemoryJournal::default();
    onramp.apply_to_end(&next, &mut second, &world.secrets).await.unwrap().require_complete().unwrap();
    let verification = onramp.verify_fixes(&next).await.unwrap();
    assert!(verification.is_green(), "{verification:?}");
    assert!(verification.checks[0].detail.contains("a sample of 3 UPNs is on every"), "{verification:?}");
    assert!(survey(history, Vec::new()).await.is_empty(), "all of them are everywhere now");

    // A run that completed leaves nothing to look for.
    onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap().require_complete().unwrap();
    let mut history = History::default();
    history.add(&journal.records());
    for host in &world.forest.controllers()[1..] {
        let Change::ChangeAttributes { object } = &approved.plan().changes()[0].change else { panic!() };
        world.forest.set_on(host, &object.guid, "userPrincipalName", &["old@contoso.com"]).unwrap();
    }
    assert!(survey(history, Vec::new()).await.is_empty());
}

/// A plan of one new value for each of so many users, with the user that gets `x1@contoso.com`.
async fn plan_of_new_values(world: &World, attribute: &str, users: usize) -> (Plan, ObjectGuid) {
    let mut guids = Vec::new();
    let fixes = (0..users).map(|number| {
        let old = format!("u{number}@contoso.com");
        let guid = user(world, &format!("u{number}"), &old, &[]);
        guids.push(guid);
        let new = format!("x{number}@contoso.com");
        let changes = match attribute {
            "userPrincipalName" => change(attribute, &[&old], &[&new]),
            "mail" => change(attribute, &[], &[&new]),
            _ => change(attribute, &[], &[&format!("smtp:{new}")]),
        };
        ChosenFix::new("", vec![changes]).with_guid(guid)
    });
    let plan = planned(world, fixes.collect()).await;
    assert_eq!(plan.objects_changed() as usize, users, "{:?}", plan.blockers());
    (plan, guids[1])
}

#[tokio::test]
async fn a_value_that_another_object_got_after_the_survey_is_not_given_twice() {
    // More values than one filter has, and fewer.
    for users in [3, 60] {
        for (attribute, held_in, held) in [
            ("proxyAddresses", "proxyAddresses", "SMTP:X1@contoso.com"),
            ("proxyAddresses", "mail", "x1@contoso.com"),
            ("mail", "userPrincipalName", "x1@contoso.com"),
            ("userPrincipalName", "userPrincipalName", "X1@contoso.com"),
            ("userPrincipalName", "proxyAddresses", "smtp:x1@contoso.com"),
        ] {
            let mut world = World::new(3);
            let (plan, guid) = plan_of_new_values(&world, attribute, users).await;
            let approved = approve_all(plan);
            let anna = user(&world, "anna", "anna@contoso.com", &[]);
            set(&world, &anna, held_in, &[held]);
            let before = values(&world, &guid, attribute);
            let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
            let what = format!("{attribute} of {users}: {outcome:?}");
            assert_eq!((outcome.done as usize, outcome.stale, outcome.failed), (users - 1, 1, 0), "{what}");
            assert_eq!(values(&world, &guid, attribute), before, "{what}");
            let error = &outcome.failures[0].error;
            assert!(error.contains("anna") && error.contains(&format!("as {held_in} now")), "{error}");
            let run = recorded(approved.plan(), &world.journal.records());
            assert_eq!(run.changes_made() as usize, users - 1);
        }
    }
}

#[tokio::test]
async fn an_account_that_can_sign_in_with_a_new_upn_since_the_survey_keeps_it() {
    for users in [3, 60] {
        let mut world = World::new(3);
        let mut fixes = Vec::new();
        for number in 0..users {
            let (old, new) = (format!("u{number}@contoso.com"), format!("x{number}@corp.local"));
            let guid = user(&world, &format!("u{number}"), &old, &[]);
            let changes = vec![change("userPrincipalName", &[&old], &[&new])];
            fixes.push(ChosenFix::new("", changes).with_guid(guid));
        }
        let approved = approve_all(planned(&world, fixes).await);
        user(&world, "x1", "other@contoso.com", &[]);
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!((outcome.done, outcome.stale), (users - 1, 1), "{outcome:?}");
        assert!(outcome.failures[0].error.contains("as sAMAccountName now"), "{outcome:?}");
    }
}

#[tokio::test]
async fn new_values_are_looked_for_again_after_a_wait_and_a_long_pause() {
    use std::time::Duration;

    use onramp::{ApplyStatus, Limits};
    let limits = Limits::default().with_max_changes(1);
    for (pause, is_taken) in [(Duration::from_secs(3600), true), (Duration::ZERO, false)] {
        let world = World::new(3);
        let (plan, guid) = plan_of_new_values(&world, "mail", 3).await;
        let approved = approve_all(plan);
        let place = approved.plan().changes().iter().position(|planned| match &planned.change {
            Change::ChangeAttributes { object } => object.guid == guid,
            _ => false,
        });
        assert!(place > Some(0), "another change comes first");
        let (onramp, mut journal) = (world.onramp(), onramp::MemoryJournal::default());
        let mut run = onramp.start(&approved, &mut journal, &world.secrets);
        assert_eq!(run.apply(&limits).await.unwrap().status, ApplyStatus::More);
        user(&world, "anna", "anna@contoso.com", &[("mail", &["x1@contoso.com"])]);
        world.clock.advance(pause);
        let outcome = run.apply(&Limits::default()).await.unwrap();
        assert_eq!(outcome.stale == 1, is_taken, "{outcome:?}");
        assert_eq!(values(&world, &guid, "mail").is_empty(), is_taken);
        // Whoever took it in the meantime: the verification tells.
        drop(run);
        let verification = onramp.verify_fixes(&approved).await.unwrap();
        assert_eq!(verification.checks[0].status, CheckStatus::False, "{verification:?}");
        assert!(verification.checks[0].detail.contains("anna") || is_taken, "{verification:?}");
    }
}

#[tokio::test]
async fn a_duplicate_that_came_after_the_change_is_no_green_verification() {
    for (attribute, held_in, held) in [
        ("mail", "proxyAddresses", "smtp:x1@contoso.com"),
        ("userPrincipalName", "userPrincipalName", "x1@contoso.com"),
    ] {
        let mut world = World::new(3);
        let (plan, guid) = plan_of_new_values(&world, attribute, 3).await;
        let approved = approve_all(plan);
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        assert!(world.onramp().verify_fixes(&approved).await.unwrap().is_green());
        let anna = user(&world, "anna", "anna@contoso.com", &[]);
        set(&world, &anna, held_in, &[held]);
        let verification = world.onramp().verify_fixes(&approved).await.unwrap();
        assert_eq!(verification.checks[0].status, CheckStatus::False, "{verification:?}");
        assert!(verification.checks[0].detail.contains("anna"), "{verification:?}");
        // Applied once more, what was made already is not called skipped.
        let again = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!((again.unchanged, again.stale), (3, 0), "{again:?}");
        assert_eq!(values(&world, &guid, attribute), ["x1@contoso.com"]);
    }
}

#[tokio::test]
async fn one_object_may_have_a_value_in_several_attributes() {
    let world = World::new(3);
    let guid = user(&world, "jo", "j o@contoso.com", &[("mail", &["j o@contoso.com"])]);
    let fix = ChosenFix::new(
        "",
        vec![
            change("userPrincipalName", &["j o@contoso.com"], &["jo@contoso.com"]),
            change("mail", &["j o@contoso.com"], &["jo@contoso.com"]),
            change("proxyAddresses", &[], &["SMTP:jo@contoso.com"]),
        ],
    );
    let plan = planned(&world, vec![fix.with_guid(guid)]).await;
    assert_eq!(plan.objects_changed(), 1, "{:?}", plan.blockers());
    let Change::ChangeAttributes { object } = &plan.changes()[0].change else { panic!("{plan:?}") };
    let kinds: Vec<bool> = object.attributes.iter().map(|edit| edit.replaces_all_values).collect();
    assert_eq!(kinds, [true, true, false]);
    assert_eq!(ids(&plan), ["attributes-changed:1", "users-renamed:1"]);
}

#[tokio::test]
async fn many_new_values_are_compared_with_every_object() {
    let world = World::new(3);
    user(&world, "anna", "anna@contoso.com", &[("proxyAddresses", &["smtp:x7@contoso.com"])]);
    let fixes = (0..60).map(|number| {
        let guid = user(&world, &format!("u{number}"), &format!("u{number}@contoso.com"), &[]);
        let new = format!("x{number}@contoso.com");
        ChosenFix::new("", vec![change("mail", &[], &[&new])]).with_guid(guid)
    });
    let plan = planned(&world, fixes.collect()).await;
    assert_eq!((plan.objects_changed(), plan.blockers().len()), (59, 1));
}

#[tokio::test]
async fn an_object_below_a_protected_ou_is_not_fixed() {
    let (mut world, _) = with_bad_objects();
    let approved = approve_all(plan_of_findings(&world).await);
    let rules = PolicyRules::default().with_protected_ou(staff(&world));
    let onramp = world.onramp().with_policy(Arc::new(rules));
    let before = dump(&world).await;
    let error = world.apply(&onramp, &approved).await.unwrap_err().to_string();
    assert!(error.contains("is protected"), "{error}");
    let rules = PolicyRules::default().with_protected_account("egon");
    let error =
        world.apply(&world.onramp().with_policy(Arc::new(rules)), &approved).await.unwrap_err().to_string();
    assert!(error.contains("\"egon\" is protected"), "{error}");
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn a_plan_of_fixes_is_read_back_as_it_was_written() {
    let (world, _) = with_bad_objects();
    let plan = plan_of_findings(&world).await;
    let mut file = Vec::new();
    plan.write(&mut file).unwrap();
    let read = Plan::read(file.as_slice()).unwrap();
    assert_eq!(read, plan);
    assert!(read.header().scope.attributes);
    let text = String::from_utf8(file).unwrap();
    assert!(text.contains(r#""change":"change-attributes""#), "{text}");
    // What is accepted of a plan is accepted for the rest of it, and for nothing else.
    let accepted: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    let findings = scan(&world).await;
    let fixes = combine_fixes(&findings, Confidence::Low);
    let rest = planned(&world, fixes.iter().skip(1).map(ChosenFix::from).collect()).await;
    assert!(rest.consequences().len() == rest.covered_by(&plan, &accepted).len() && !rest.is_empty());
    let own: Vec<String> = rest.consequences().iter().map(|consequence| consequence.id()).collect();
    assert!(!plan.covered_by(&rest, &own).iter().any(|id| id.starts_with("attributes-changed")));
}

#[tokio::test]
async fn a_value_that_a_later_run_wrote_again_is_left_to_it() {
    let mut world = World::new(3);
    let guid = user(&world, "jo", "jo@contoso.com", &[("displayName", &["Jo "]), ("title", &["x "])]);
    let fix = || ChosenFix::new("", vec![change("displayName", &["Jo "], &["Jo"])]).with_guid(guid);
    let first = approve_all(planned(&world, vec![fix()]).await);
    world.apply(&world.onramp(), &first).await.unwrap().require_complete().unwrap();
    let records = world.journal.records();
    set(&world, &guid, "displayName", &["Jo "]);
    world.journal = onramp::MemoryJournal::default();
    world.clock.advance(std::time::Duration::from_secs(60));
    let again =
        ChosenFix::new("", vec![change("displayName", &["Jo "], &["Jo"]), change("title", &["x "], &["x"])]);
    let second = approve_all(planned(&world, vec![again.with_guid(guid)]).await);
    world.apply(&world.onramp(), &second).await.unwrap().require_complete().unwrap();
    let later = recorded(second.plan(), &world.journal.records());
    let run = recorded(first.plan(), &records);
    let mut others = onramp::OtherRuns::of(&run);
    others.add("second", &later);
    let undo = world.onramp().undo(&run.with_others(others), &UndoSelection::default()).await.unwrap();
    assert!(undo.is_empty(), "{undo:?}");
    let told = undo.consequences()[0].members().join("; ");
    assert!(told.contains("written by the run second"), "{told}");
    assert!(later.changes_made() == 1 && second.plan().objects_changed() == 1);
}

#[tokio::test]
async fn a_report_names_every_object_that_was_fixed() {
    let (mut world, _) = with_bad_objects();
    let approved = approve_all(plan_of_findings(&world).await);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let html = onramp::Report::new(approved.plan()).with_outcome(&outcome).to_html().unwrap();
    let row = format!("change attributes of {} objects", approved.plan().objects_changed());
    assert_eq!(html.matches(&row).count(), 1, "the objects are one row");
    assert!(!html.contains("<td>not attempted</td>") && !html.contains(">not attempted<"), "{html}");
    assert!(html.contains("frieda..x@contoso.com"), "each is named with its values");
    assert_eq!(
        outcome.steps.iter().filter(|step| step.outcome == Outcome::Done).count(),
        outcome.steps.len()
    );
}
