//! Mail addresses that follow a new UPN: an alias first, the primary address later, and back.

use std::collections::BTreeMap;

use onramp::{
    BlockerKind, Change, Consequence, Outcome, Plan, RecordedRun, SkipReason, Spec, UndoSelection,
    Verification,
};
use onramp_core::forest::ObjectQuery;
use onramp_core::{AttributeName, ObjectGuid};
use onramp_readiness::attributes::{
    MAIL, MAIL_NICKNAME, PROXY_ADDRESSES, TARGET_ADDRESS, USER_PRINCIPAL_NAME,
};

use crate::small::{add, blocked, id, ids, plain, plan_users, set, users};
use crate::world::{World, approve_all, spec};
use onramp::TryStreamExt;

const ALIAS: &str = "addresses = 'add-alias'";
const PRIMARY: &str = "addresses = 'make-primary'";

fn values(world: &World, guid: &ObjectGuid, attribute: &str) -> Vec<String> {
    let mut values = world.forest.values_on(&world.forest.controllers()[0], guid, attribute).unwrap();
    values.sort();
    values
}

/// Every object with its names and addresses, octet by octet.
async fn dump(world: &World) -> BTreeMap<ObjectGuid, Vec<(AttributeName, Vec<Vec<u8>>)>> {
    let names = [USER_PRINCIPAL_NAME, MAIL, PROXY_ADDRESSES, MAIL_NICKNAME, TARGET_ADDRESS];
    let mut objects = world.forest.forest().objects.search(ObjectQuery::all(names));
    let mut dump = BTreeMap::new();
    while let Some(object) = objects.try_next().await.unwrap() {
        let values = object.attributes.iter().map(|(name, values)| {
            let mut octets: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            octets.sort();
            (name.clone(), octets)
        });
        dump.insert(object.guid, values.collect());
    }
    dump
}

/// A user with `mail` and `proxyAddresses`.
fn user(world: &World, account: &str, upn: &str, mail: &str, proxies: &[&str]) -> ObjectGuid {
    let guid = add(world, account, Some(upn));
    if !mail.is_empty() {
        set(world, &guid, "mail", &[mail]);
    }
    if !proxies.is_empty() {
        set(world, &guid, "proxyAddresses", proxies);
    }
    guid
}

/// The run that the journal has of a plan.
fn recorded(world: &World, plan: &Plan) -> RecordedRun {
    let mut run = RecordedRun::new(plan.clone());
    world.journal.records().iter().for_each(|record| run.add(record));
    run
}

async fn apply(world: &mut World, spec: &Spec) -> Plan {
    let approved = world.approved(spec).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.verified(spec, &approved).await;
    assert!(verification.is_green(), "{verification:#?}");
    approved.plan().clone()
}

async fn undo(world: &mut World, plan: &Plan, selection: &UndoSelection) -> (Plan, Verification) {
    let undo = world.onramp().undo(&recorded(world, plan), selection).await.unwrap();
    let approved = approve_all(undo);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify_undo(&approved).await.unwrap();
    (approved.plan().clone(), verification)
}

fn user_changes(plan: &Plan) -> Vec<String> {
    let changes = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::ChangeUser { object } => {
            Some(object.attributes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        _ => None,
    });
    changes.collect()
}

/// Three people: with a mailbox, with `mail` alone, and without an address.
fn people(world: &World) -> [ObjectGuid; 3] {
    [
        user(
            world,
            "anna",
            "anna@corp.local",
            "a.reed@old.example",
            &["SMTP:a.reed@old.example", "smtp:reed@old.example", "X500:/o=Corp/cn=anna"],
        ),
        user(world, "ben", "ben@corp.local", "ben@old.example", &[]),
        add(world, "carla", Some("carla@corp.local")),
    ]
}

#[tokio::test]
async fn an_alias_now_and_the_primary_address_later_are_two_runs_that_are_undone_one_after_the_other() {
    let mut world = plain();
    let [anna, ben, carla] = people(&world);
    let before = dump(&world).await;

    let alias = apply(&mut world, &spec(&users(ALIAS))).await;
    assert_eq!(
        values(&world, &anna, "proxyAddresses"),
        ["SMTP:a.reed@old.example", "X500:/o=Corp/cn=anna", "smtp:anna@contoso.com", "smtp:reed@old.example"]
    );
    assert_eq!(values(&world, &anna, "mail"), ["a.reed@old.example"]);
    assert_eq!(values(&world, &anna, "userPrincipalName"), ["anna@contoso.com"]);
    assert_eq!(values(&world, &ben, "proxyAddresses"), ["SMTP:ben@old.example", "smtp:ben@contoso.com"]);
    assert_eq!(values(&world, &carla, "userPrincipalName"), ["carla@contoso.com"]);
    assert!(values(&world, &carla, "proxyAddresses").is_empty() && values(&world, &carla, "mail").is_empty());
    assert!(alias.warnings().iter().any(|text| text.contains("no mail address")), "{:?}", alias.warnings());
    let middle = dump(&world).await;
    assert!(world.plan(&spec(&users(ALIAS))).await.is_empty(), "once more changes nothing");

    // The UPNs are done: the addresses alone change.
    let primary = apply(&mut world, &spec(&users(PRIMARY))).await;
    assert_eq!(primary.users_changed(), 2);
    assert!(user_changes(&primary).iter().all(|change| !change.contains("userPrincipalName")));
    assert!(!ids(&primary).iter().any(|id| id.starts_with("users-renamed")), "{:?}", ids(&primary));
    id(&primary, "primary-addresses-changed:2:");
    assert_eq!(
        values(&world, &anna, "proxyAddresses"),
        ["SMTP:anna@contoso.com", "X500:/o=Corp/cn=anna", "smtp:a.reed@old.example", "smtp:reed@old.example"]
    );
    assert_eq!(values(&world, &anna, "mail"), ["anna@contoso.com"]);
    assert!(world.plan(&spec(&users(PRIMARY))).await.is_empty(), "once more changes nothing");

    // The later run first: what it wrote is not that of the earlier one.
    let nothing = world.onramp().undo(&recorded(&world, &alias), &UndoSelection::default()).await.unwrap();
    assert_eq!((nothing.users_changed(), nothing.skipped().len()), (1, 2), "{:?}", nothing.skipped());
    let (_, verification) = undo(&mut world, &primary, &UndoSelection::default()).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(dump(&world).await, middle);
    let (restored, verification) = undo(&mut world, &alias, &UndoSelection::default()).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(dump(&world).await, before);
    id(&restored, "users-restored:3:");
    id(&restored, "attributes-restored:2:");
}

#[tokio::test]
async fn upn_mail_and_addresses_change_in_one_operation_and_come_back_in_one() {
    let mut world = plain();
    let [anna, ..] = people(&world);
    let before = dump(&world).await;
    let plan = apply(&mut world, &spec(&users(PRIMARY))).await;
    assert_eq!(
        user_changes(&plan)[0],
        r#"userPrincipalName "anna@corp.local" to "anna@contoso.com"; mail "a.reed@old.example" to "anna@contoso.com"; "#
            .to_owned()
            + r#"proxyAddresses "SMTP:a.reed@old.example" to "smtp:a.reed@old.example", "SMTP:anna@contoso.com""#
    );
    id(&plan, "users-renamed:3:");
    id(&plan, "attributes-changed:2:");
    id(&plan, "primary-addresses-changed:2:");
    assert_eq!(values(&world, &anna, "mail"), ["anna@contoso.com"]);

    // A second look at the same users.
    let approved = approve_all(plan.clone());
    let again = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!(again.unchanged, 4, "three users and the suffix: {again:?}");
    set(&world, &anna, "mail", &["other@contoso.com"]);
    let verification = world.verified(&spec(&users(PRIMARY)), &approved).await;
    let wrong: Vec<&str> = (verification.checks.iter())
        .filter(|check| check.status == onramp::CheckStatus::False)
        .map(|check| check.name.as_str())
        .collect();
    assert!(wrong.contains(&"the changed users have their new addresses"), "{verification:#?}");
    set(&world, &anna, "mail", &["anna@contoso.com"]);

    let (_, verification) = undo(&mut world, &plan, &UndoSelection::default()).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn a_value_that_somebody_else_changed_leaves_the_whole_user_alone() {
    for (attribute, value) in [
        ("mail", "other@old.example"),
        ("proxyAddresses", "SMTP:other@old.example"),
        ("userPrincipalName", "other@corp.local"),
    ] {
        let mut world = plain();
        let [anna, ben, _] = people(&world);
        let approved = world.approved(&spec(&users(PRIMARY))).await;
        set(&world, &anna, attribute, &[value]);
        let before = dump(&world).await;
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!(outcome.stale, 1, "{attribute}: {outcome:?}");
        assert_eq!(dump(&world).await[&anna], before[&anna], "{attribute}");
        assert_eq!(values(&world, &ben, "userPrincipalName"), ["ben@contoso.com"]);
        // Undone is what was done; the other user was not changed by the run.
        let (plan, _) = undo(&mut world, approved.plan(), &UndoSelection::default()).await;
        assert_eq!(plan.users_changed(), 2);
        assert_eq!(dump(&world).await, before);
    }
}

#[tokio::test]
async fn what_was_changed_again_since_the_run_is_left_as_it_is() {
    let mut world = plain();
    let [anna, ben, _] = people(&world);
    let plan = apply(&mut world, &spec(&users(PRIMARY))).await;
    set(&world, &anna, "mail", &["third@contoso.com"]);
    // An alias that somebody added stays, and is no obstacle.
    set(
        &world,
        &ben,
        "proxyAddresses",
        &["SMTP:ben@contoso.com", "smtp:ben@old.example", "smtp:b@contoso.com"],
    );
    let now = dump(&world).await[&anna].clone();
    let (undone, verification) = undo(&mut world, &plan, &UndoSelection::default()).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert_eq!(dump(&world).await[&anna], now);
    let [skipped] = undone.skipped() else { panic!("{:?}", undone.skipped()) };
    assert!(
        matches!(&skipped.reason, SkipReason::ValuesChangedSince { detail, .. } if detail.contains("third@contoso.com")),
        "{skipped:?}"
    );
    assert_eq!(values(&world, &ben, "proxyAddresses"), ["smtp:b@contoso.com"]);
    assert_eq!(values(&world, &ben, "mail"), ["ben@old.example"]);
}

#[tokio::test]
async fn an_undo_does_not_take_an_address_that_another_object_has_now() {
    for attribute in ["mail", "proxyAddresses", "userPrincipalName"] {
        let mut world = plain();
        let [_, ben, _] = people(&world);
        let plan = apply(&mut world, &spec(&users(&format!("{PRIMARY}\nonly = ['ben']")))).await;
        // The former address is given up, and somebody else gets it.
        let proxies = ["SMTP:ben@contoso.com"];
        set(&world, &ben, "proxyAddresses", &proxies);
        let other = add(&world, "other", Some("other@corp.local"));
        let value = if attribute == "proxyAddresses" { "smtp:BEN@old.example" } else { "ben@old.example" };
        set(&world, &other, attribute, &[value]);
        let undo = world.onramp().undo(&recorded(&world, &plan), &UndoSelection::default()).await.unwrap();
        // `proxyAddresses` is no longer as the run wrote it.
        assert!(matches!(undo.skipped()[0].reason, SkipReason::ValuesChangedSince { .. }));

        let mut world = plain();
        let ben =
            user(&world, "ben", "ben@corp.local", "", &["smtp:ben@contoso.com", "SMTP:ben@old.example"]);
        let plan = apply(&mut world, &spec(&users(PRIMARY))).await;
        set(&world, &ben, "proxyAddresses", &["SMTP:ben@contoso.com", "smtp:ben@old.example"]);
        let other = add(&world, "other", Some("other@corp.local"));
        let value = match attribute {
            "userPrincipalName" => "ben@corp.local",
            "mail" => "ben@corp.local",
            _ => "smtp:BEN@corp.local",
        };
        set(&world, &other, attribute, &[value]);
        let undo = world.onramp().undo(&recorded(&world, &plan), &UndoSelection::default()).await.unwrap();
        assert_eq!(undo.users_changed(), 0, "{attribute}");
        assert!(
            matches!(&undo.skipped()[0].reason, SkipReason::FormerAddressTaken { holder, .. } if holder.guid == other),
            "{attribute}: {:?}",
            undo.skipped()
        );
    }
}

#[tokio::test]
async fn only_the_selected_users_get_their_addresses_back() {
    let mut world = plain();
    let [anna, ben, _] = people(&world);
    let before = dump(&world).await;
    let plan = apply(&mut world, &spec(&users(PRIMARY))).await;
    let (undone, _) =
        undo(&mut world, &plan, &UndoSelection::default().with_users(["anna@corp.local"])).await;
    assert_eq!(undone.users_changed(), 1);
    let after = dump(&world).await;
    assert!(after[&anna] == before[&anna] && after[&ben] != before[&ben]);
}

#[tokio::test]
async fn a_new_address_that_another_object_has_in_any_attribute_is_named_with_it() {
    for (attribute, value, is_contact) in [
        ("mail", "Anna@Contoso.com", true),
        ("proxyAddresses", "smtp:ANNA@contoso.com", false),
        ("targetAddress", "SMTP:anna@contoso.com", true),
        ("targetAddress", "anna@contoso.com", false),
        ("userPrincipalName", "anna@contoso.com", false),
    ] {
        for mode in [ALIAS, PRIMARY] {
            let world = plain();
            let [anna, ..] = people(&world);
            let other = if is_contact && attribute != "userPrincipalName" {
                world.forest.find_account("Domain Guests").unwrap()
            } else {
                add(&world, "other", Some("other@elsewhere.example"))
            };
            set(&world, &other, attribute, &[value]);
            let plan = plan_users(&world, &format!("{mode}\nonly = ['anna', 'ben']")).await;
            let [blocker] = blocked(&plan)[..] else { panic!("{attribute}: {:?}", plan.blockers()) };
            assert_eq!(blocker.user.as_ref().unwrap().guid, anna);
            let holder = match &blocker.problem {
                BlockerKind::Taken { holder, .. } | BlockerKind::AddressTaken { holder, .. } => holder,
                BlockerKind::ValueTaken { holder, held_in, .. } => {
                    assert_eq!(held_in.as_str(), attribute);
                    holder
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(holder.guid, other, "{attribute}");
            assert_eq!(plan.users_changed(), 1, "the other user is changed");
            // Her own values are not in the way.
            set(&world, &other, attribute, &[]);
            if attribute != "userPrincipalName" {
                let mut own = values(&world, &anna, attribute);
                own.retain(|_| attribute == "proxyAddresses");
                own.push(value.to_owned());
                set(&world, &anna, attribute, &own.iter().map(String::as_str).collect::<Vec<_>>());
            }
            let plan = plan_users(&world, &format!("{mode}\nonly = ['anna', 'ben']")).await;
            assert!(blocked(&plan).is_empty(), "{attribute}: {:?}", plan.blockers());
        }
    }
}

#[tokio::test]
async fn a_user_with_the_upn_already_is_blocked_if_another_object_has_the_address() {
    let world = plain();
    let anna = user(&world, "anna", "anna@contoso.com", "a@old.example", &["SMTP:a@old.example"]);
    let ben = user(&world, "ben", "ben@contoso.com", "b@old.example", &["smtp:ANNA@contoso.com"]);
    let plan = plan_users(&world, ALIAS).await;
    assert_eq!(plan.users_changed(), 1, "{:?}", plan.changes());
    let [blocker] = blocked(&plan)[..] else { panic!("{:?}", plan.blockers()) };
    assert_eq!(blocker.user.as_ref().unwrap().guid, anna);
    assert!(matches!(&blocker.problem, BlockerKind::AddressTaken { holder, .. } if holder.guid == ben));
}

#[tokio::test]
async fn many_users_are_read_at_once_and_get_what_few_would_get() {
    let mut world = plain();
    let mut people = Vec::new();
    for number in 0..70 {
        let (account, old) = (format!("user{number}"), format!("u{number}@old.example"));
        let proxies = [format!("SMTP:{old}"), format!("smtp:other{number}@old.example")];
        let proxies: Vec<&str> = proxies.iter().map(String::as_str).collect();
        people.push(user(&world, &account, &format!("{account}@corp.local"), &old, &proxies));
        set(&world, &people[number], "mailNickname", &[&format!("u{number}")]);
    }
    let before = dump(&world).await;
    let spec = spec(&users(&format!("{PRIMARY}\naddresses_also = ['mailNickname']")));
    let plan = apply(&mut world, &spec).await;
    assert_eq!(plan.users_changed(), 70);
    for (number, guid) in people.iter().enumerate() {
        let upn = format!("user{number}@contoso.com");
        assert_eq!(values(&world, guid, "mail"), std::slice::from_ref(&upn));
        assert_eq!(values(&world, guid, "proxyAddresses")[0], format!("SMTP:{upn}"));
        assert_eq!(values(&world, guid, "proxyAddresses").len(), 3);
        assert_eq!(values(&world, guid, "mailNickname"), [format!("user{number}")]);
    }
    assert!(world.plan(&spec).await.is_empty());
    undo(&mut world, &plan, &UndoSelection::default()).await;
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn an_alias_of_exchange_that_another_object_has_is_in_the_way() {
    let world = plain();
    let anna = user(&world, "areed", "areed@corp.local", "a@old.example", &["SMTP:a@old.example"]);
    set(&world, &anna, "mailNickname", &["areed"]);
    let group = world.forest.find_account("Domain Guests").unwrap();
    set(&world, &group, "mailNickname", &["Anna.Reed"]);
    let lines =
        format!("{PRIMARY}\naddresses_also = ['mailNickname']\n[users.map]\nareed = 'anna.reed@contoso.com'");
    let plan = plan_users(&world, &lines).await;
    let [blocker] = blocked(&plan)[..] else { panic!("{:?}", plan.blockers()) };
    assert!(
        matches!(&blocker.problem, BlockerKind::ValueTaken { holder, attribute, held_in, .. }
            if holder.guid == group && *attribute == MAIL_NICKNAME && *held_in == MAIL_NICKNAME),
        "{blocker}"
    );
    // Without being asked for, the alias stays.
    let plan = plan_users(&world, &lines.replace("addresses_also = ['mailNickname']", "")).await;
    assert!(blocked(&plan).is_empty() && !user_changes(&plan)[0].contains("mailNickname"));
}

#[tokio::test]
async fn a_target_address_changes_only_where_asked_for_and_with_a_consequence() {
    let mut world = plain();
    let own = user(&world, "anna", "anna@corp.local", "a@old.example", &["SMTP:a@old.example"]);
    let foreign = user(&world, "ben", "ben@corp.local", "b@old.example", &["SMTP:b@old.example"]);
    set(&world, &own, "targetAddress", &["SMTP:a@old.example"]);
    set(&world, &foreign, "targetAddress", &["SMTP:ben@partner.example"]);
    let silent = plan_users(&world, PRIMARY).await;
    assert!(user_changes(&silent).iter().all(|change| !change.contains("targetAddress")));
    assert!(!ids(&silent).iter().any(|id| id.starts_with("target-addresses")));
    let plan =
        apply(&mut world, &spec(&users(&format!("{PRIMARY}\naddresses_also = ['targetAddress']")))).await;
    id(&plan, "target-addresses-changed:1:");
    assert!(plan.warnings().iter().any(|text| text.contains("another mailbox")), "{:?}", plan.warnings());
    assert_eq!(values(&world, &own, "targetAddress"), ["SMTP:anna@contoso.com"]);
    assert_eq!(values(&world, &foreign, "targetAddress"), ["SMTP:ben@partner.example"]);
}

#[tokio::test]
async fn an_operator_learns_of_exchange_of_shared_mailboxes_and_of_addresses_on_the_same_domain() {
    let world = plain();
    let person =
        user(&world, "anna", "anna@corp.local", "anna.reed@contoso.com", &["SMTP:anna.reed@contoso.com"]);
    let shared = user(&world, "info", "svc-info@corp.local", "info@old.example", &["SMTP:info@old.example"]);
    set(&world, &person, "msExchRecipientTypeDetails", &["1"]);
    set(&world, &shared, "msExchRecipientTypeDetails", &["4"]);
    set(&world, &shared, "msExchPoliciesExcluded", &["{26491CFC-9E50-4857-861B-0CB8DF22B5D7}"]);
    let plan = plan_users(&world, PRIMARY).await;
    id(&plan, "shared-mailboxes-changed:1:");
    id(&plan, "address-policies-apply:1:");
    assert!(plan.warnings().iter().any(|text| text.contains("2 users are managed by Exchange")));
    let changed = plan.consequences().iter().find_map(|consequence| match consequence {
        Consequence::PrimaryAddressesChanged { count, same_domain, .. } => Some((*count, *same_domain)),
        _ => None,
    });
    assert_eq!(changed, Some((2, 1)));
    // An alias is no new primary address.
    let plan = plan_users(&world, ALIAS).await;
    for name in ["shared-mailboxes", "address-policies", "primary-addresses"] {
        assert!(!ids(&plan).iter().any(|id| id.starts_with(name)), "{name}");
    }
    // With the mail address as UPN, nothing moves.
    let plan = plan_users(&world, &format!("{PRIMARY}\nnew_upn = 'from-mail'\nonly = ['anna']")).await;
    assert!(user_changes(&plan).is_empty() && plan.users_changed() == 1, "{:?}", plan.changes());
    // A system mailbox keeps what it has.
    set(&world, &shared, "msExchRecipientTypeDetails", &["536870912"]);
    let plan = plan_users(&world, PRIMARY).await;
    assert!(
        matches!(blocked(&plan)[0].problem, BlockerKind::AddressesRefused { .. }),
        "{:?}",
        plan.blockers()
    );
}

#[tokio::test]
async fn addresses_that_follow_without_a_new_primary_address_are_told_to_have_no_effect() {
    let world = plain();
    people(&world);
    let plan = plan_users(&world, &format!("{ALIAS}\naddresses_also = ['mailNickname']")).await;
    assert!(plan.warnings().iter().any(|text| text.contains("`addresses_also` has no effect")));
    let error = Spec::from_toml(&users("addresses = 'add_alias'")).unwrap_err();
    assert!(error.line() == 3 && error.to_string().contains("add-alias"), "{error}");
}

#[tokio::test]
async fn a_run_that_was_killed_is_finished_by_the_same_plan() {
    let mut world = plain();
    people(&world);
    let before = dump(&world).await;
    let approved = world.approved(&spec(&users(PRIMARY))).await;
    let token = world.token.clone();
    let onramp = world.watched(move |event| {
        if matches!(event, onramp::Event::Users { done: 1, .. }) {
            token.cancel();
        }
    });
    world.apply(&onramp, &approved).await.unwrap();
    world.token = onramp::CancellationToken::new();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    let records = world.journal.records();
    let made = records.iter().filter(|record| {
        matches!(
            &record.entry,
            onramp::JournalEntry::ChangeEnded { outcome: Outcome::Done, object: Some(_), .. }
        )
    });
    assert_eq!(made.count(), 3, "each user once");
    undo(&mut world, approved.plan(), &UndoSelection::default()).await;
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn a_plan_with_addresses_is_the_same_after_writing_and_reading() {
    let world = plain();
    people(&world);
    let plan = plan_users(&world, PRIMARY).await;
    let mut written = Vec::new();
    plan.write(&mut written).unwrap();
    assert_eq!(Plan::read(written.as_slice()).unwrap(), plan);
}

#[tokio::test]
async fn a_user_is_found_by_the_upn_from_before_a_run_with_addresses() {
    let mut world = plain();
    people(&world);
    apply(&mut world, &spec(&users(ALIAS))).await;
    let mut history = onramp::History::default();
    history.add(&world.journal.records());
    let onramp = world.onramp().with_history(history);
    let spec = spec(&users(&format!("{PRIMARY}\nonly = ['anna@corp.local']")));
    let plan = onramp::plan(&spec, &onramp.survey(&spec).await.unwrap());
    assert!(plan.blockers().is_empty(), "{:?}", plan.blockers());
    assert_eq!(plan.users_changed(), 1);
}
