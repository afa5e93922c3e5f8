//! Attributes by a map, and the canary of such changes: the same kind of change as a fix of readiness.

use onramp::fixes::{self, FixSurvey, map_problems};
use onramp::readiness::source::attribute_map::{AttributeMap, MapFormat};
use onramp::{
    ApprovedPlan, BlockerKind, Change, History, MemoryJournal, Plan, PolicyRules, RecordedRun, UndoSelection,
};
use onramp_core::{ErrorKind, ObjectGuid};

use crate::small::{add, plain, set};
use crate::world::{World, approve_all, spec};

const SPEC: &str = "domain = \"contoso.com\"\n";

fn csv(text: &str) -> AttributeMap {
    AttributeMap::read(text.as_bytes(), MapFormat::Csv).unwrap()
}

fn values(world: &World, guid: &ObjectGuid, attribute: &str) -> Vec<String> {
    let mut values = world.forest.values_on(&world.forest.controllers()[0], guid, attribute).unwrap();
    values.sort();
    values
}

async fn surveyed(world: &World, map: &AttributeMap) -> FixSurvey {
    world.onramp().survey_map(&spec(SPEC), map).await.unwrap()
}

async fn planned(world: &World, text: &str) -> Plan {
    fixes::plan(&surveyed(world, &csv(text)).await)
}

async fn apply(world: &mut World, plan: Plan) -> ApprovedPlan {
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    approved
}

#[tokio::test]
async fn objects_get_the_values_of_a_map_and_lose_them_by_its_undo() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let ben = add(&world, "ben", Some("ben@corp.local"));
    let group = world.forest.find_account("Domain Guests").unwrap();
    set(&world, &anna, "department", &["Old"]);
    set(&world, &anna, "proxyAddresses", &["SMTP:anna@contoso.com", "smtp:old@contoso.com", "X500:/o=x"]);
    set(&world, &ben, "info", &["a note"]);
    set(&world, &ben, "title", &["Engineer"]);
    let text = format!(
        "object,department,+proxyAddresses,-proxyAddresses,-info,title\n\
         anna@corp.local,Sales,smtp:a@contoso.com,SMTP:OLD@contoso.com,,\n\
         anna@corp.local,,smtp:ANNA@contoso.com,,,\n\
         {ben},,,,*,Engineer\n\
         \"CN=Domain Guests,CN=Users,DC=corp,DC=local\",,,,,\n"
    );
    let plan = planned(&world, &text).await;
    assert!(plan.blockers().is_empty(), "{:?}", plan.blockers());
    assert_eq!(plan.objects_changed(), 2);
    assert_eq!(plan.header().users_skipped.values().sum::<u64>(), 1, "the group has nothing to change");
    assert_eq!(plan.changes()[0].reason, "line 2 of the map");
    let approved = apply(&mut world, plan).await;
    assert_eq!(values(&world, &anna, "department"), ["Sales"]);
    assert_eq!(
        values(&world, &anna, "proxyAddresses"),
        ["SMTP:anna@contoso.com", "X500:/o=x", "smtp:a@contoso.com"]
    );
    assert!(values(&world, &ben, "info").is_empty() && values(&world, &group, "department").is_empty());
    assert!(world.onramp().verify_fixes(&approved).await.unwrap().is_green());
    assert!(planned(&world, &text).await.is_empty(), "once more changes nothing");

    let run = RecordedRun::read(approved.plan().clone(), &world.journal).await.unwrap();
    let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    apply(&mut world, undo).await;
    assert_eq!(values(&world, &anna, "department"), ["Old"]);
    assert_eq!(
        values(&world, &anna, "proxyAddresses"),
        ["SMTP:anna@contoso.com", "X500:/o=x", "smtp:old@contoso.com"]
    );
    assert_eq!(values(&world, &ben, "info"), ["a note"]);
}

#[tokio::test]
async fn all_values_of_an_attribute_are_set_in_one_change() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "proxyAddresses", &["SMTP:old@contoso.com", "smtp:b@contoso.com"]);
    let text =
        "object,proxyAddresses\nanna@corp.local,smtp:old@contoso.com\nanna@corp.local,SMTP:new@contoso.com\n";
    let plan = planned(&world, text).await;
    apply(&mut world, plan).await;
    assert_eq!(values(&world, &anna, "proxyAddresses"), ["SMTP:new@contoso.com", "smtp:old@contoso.com"]);
}

#[tokio::test]
async fn an_attribute_that_no_map_may_change_is_refused_with_line_and_reason() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    for (attribute, value, why) in [
        ("unicodePwd", "secret", "holds a secret"),
        ("member", "CN=x", "gives rights"),
        ("userAccountControl", "512", "sign in"),
        ("servicePrincipalName", "HTTP/x", "credential"),
        ("objectSid", "S-1-5-21-1-2-3-500", "identity"),
        ("mS-DS-ConsistencyGuid", "x", "source anchor"),
        ("scriptPath", "\\\\x\\y.cmd", "sign-in"),
        ("cn", "Anna", "rename the object"),
        ("deparment", "x", "did you mean department?"),
        ("userPrincipalName", "anna b@contoso.com", "Entra does not accept"),
        ("userPrincipalName", "anna", "not a valid UPN"),
    ] {
        let map = csv(&format!("object,title,{attribute}\nben@corp.local,x,\nanna@corp.local,,{value}\n"));
        let problems = map_problems(&map);
        assert_eq!(problems.len(), 1, "{attribute}");
        assert!(problems[0].line == 3 && problems[0].reason.contains(why), "{problems:?}");
        let error = world.onramp().survey_map(&spec(SPEC), &map).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("line 3: "), "{error}");
        assert!(!error.to_string().contains("secret\""), "{error}");
    }
    let two = csv("object,title\nanna@corp.local,a\nanna@corp.local,b\n");
    assert!(map_problems(&two)[0].reason.contains("has one value, and the map names several"));
    let added = csv("object,+title\nanna@corp.local,a\n");
    assert!(map_problems(&added)[0].reason.contains("set it instead"));
}

#[tokio::test]
async fn an_entry_without_object_with_a_taken_value_or_with_a_second_primary_address_is_named() {
    let world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let ben = add(&world, "ben", Some("ben@corp.local"));
    set(&world, &ben, "proxyAddresses", &["smtp:boss@contoso.com"]);
    set(&world, &anna, "proxyAddresses", &["SMTP:anna@contoso.com"]);
    let blocker = async |text: &str| {
        let plan = planned(&world, text).await;
        let [blocker] = plan.blockers() else { panic!("{:?}", plan.blockers()) };
        assert!(plan.is_empty() && !plan.is_blocked());
        blocker.problem.clone()
    };
    let missing = blocker("object,title\nnobody@corp.local,x\n").await;
    assert_eq!(missing, BlockerKind::NoSuchObject { name: "nobody@corp.local".to_owned() });
    let taken = blocker("object,mail\nanna@corp.local,Boss@contoso.com\n").await;
    assert!(matches!(taken, BlockerKind::ValueTaken { holder, .. } if holder.guid == ben));
    let second = blocker("object,+proxyAddresses\nanna@corp.local,SMTP:a@contoso.com\n").await;
    assert!(
        matches!(&second, BlockerKind::FixRefused { reason } if reason.contains("2 primary addresses")),
        "{second}"
    );
    let twice = format!("object,title\nanna@corp.local,x\n{anna},y\n");
    let plan = planned(&world, &twice).await;
    assert_eq!((plan.objects_changed(), plan.blockers().len()), (1, 1), "{:?}", plan.blockers());
}

#[tokio::test]
async fn protected_objects_and_the_maximum_of_changes_hold_for_a_map() {
    let mut world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "ben", Some("ben@corp.local"));
    let text = "object,title\nanna@corp.local,x\nben@corp.local,y\n";
    for rules in ["protected_accounts = ['anna']", "max_changes = 1"] {
        let rules: PolicyRules = onramp::SpecError::read_toml(rules).unwrap();
        let onramp = world.onramp().with_policy(std::sync::Arc::new(rules));
        let approved = approve_all(planned(&world, text).await);
        let error = world.apply(&onramp, &approved).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    }
}

/// A world with forty people, and a map that gives each a title.
fn forty() -> (World, AttributeMap) {
    let world = plain();
    let mut text = "object,title\n".to_owned();
    for number in 0..40 {
        add(&world, &format!("user{number}"), Some(&format!("user{number}@corp.local")));
        text.push_str(&format!("user{number}@corp.local,Title {number}\n"));
    }
    (world, csv(&text))
}

fn history(world: &World) -> History {
    let mut history = History::default();
    history.add(&world.journal.records());
    history
}

#[tokio::test]
async fn a_canary_of_fixes_is_changed_and_verified_before_the_rest() {
    let (mut world, map) = forty();
    let rules = PolicyRules::default().with_canary(5, 0);
    let onramp = world.onramp().with_policy(std::sync::Arc::new(rules.clone()));
    let survey = surveyed(&world, &map).await;
    let whole = approve_all(fixes::plan(&survey));
    let error = world.apply(&onramp, &whole).await.unwrap_err().to_string();
    assert!(error.contains("changes 40 objects, and no canary of 5 objects"), "{error}");

    let canary = rules.next_canary_of_fixes(whole.plan(), &history(&world)).unwrap();
    let canary = approve_all(fixes::plan(&survey.with_canary(canary)));
    assert_eq!(canary.plan().objects_changed(), 5);
    assert_eq!(canary.plan().header().users_skipped["left for after the canary"], 35);
    world.apply(&onramp, &canary).await.unwrap().require_complete().unwrap();

    // The run alone proves nothing, and the same objects come again until it is verified.
    let rest = surveyed(&world, &map).await;
    let again = rules.next_canary_of_fixes(&fixes::plan(&rest), &history(&world)).unwrap();
    assert_eq!(Some(&again), canary.plan().header().canary.as_ref());
    assert!(fixes::plan(&rest.clone().with_canary(again)).is_empty());
    let verification = onramp.verify_fixes(&canary).await.unwrap();
    assert!(verification.is_green());
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();
    assert!(rules.next_canary_of_fixes(&fixes::plan(&rest), &history(&world)).is_none());
    let onramp = onramp.with_history(history(&world));
    let rest = approve_all(fixes::plan(&rest));
    assert_eq!(rest.plan().objects_changed(), 35);
    world.apply(&onramp, &rest).await.unwrap().require_complete().unwrap();
}

#[tokio::test]
async fn a_canary_of_another_map_or_one_that_was_undone_does_not_count() {
    let (mut world, map) = forty();
    let rules = PolicyRules::default().with_canary(5, 0);
    let onramp = world.onramp().with_policy(std::sync::Arc::new(rules.clone()));
    let survey = surveyed(&world, &map).await;
    let canary = rules.next_canary_of_fixes(&fixes::plan(&survey), &history(&world)).unwrap();
    let canary = approve_all(fixes::plan(&survey.with_canary(canary)));
    world.apply(&onramp, &canary).await.unwrap();
    let verification = onramp.verify_fixes(&canary).await.unwrap();
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();

    let mut other = "object,department\n".to_owned();
    (0..40).for_each(|number| other.push_str(&format!("user{number}@corp.local,Sales\n")));
    let other = surveyed(&world, &csv(&other)).await;
    assert!(rules.needs_canary(&fixes::plan(&other), &history(&world)), "another map");

    world.clock.advance(std::time::Duration::from_secs(60));
    let run = RecordedRun::read(canary.plan().clone(), &world.journal).await.unwrap();
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    world.apply(&onramp, &undo).await.unwrap().require_complete().unwrap();
    let survey = surveyed(&world, &map).await;
    assert!(rules.needs_canary(&fixes::plan(&survey), &history(&world)), "undone");
}

#[tokio::test]
async fn a_plan_of_a_few_fixes_needs_no_canary_and_one_that_calls_all_a_canary_is_refused() {
    let (mut world, map) = forty();
    let rules = PolicyRules::default().with_canary(40, 0);
    let survey = surveyed(&world, &map).await;
    assert!(!rules.needs_canary(&fixes::plan(&survey), &History::default()));
    let rules = PolicyRules::default().with_canary(5, 0);
    let all: Vec<ObjectGuid> = fixes::plan(&survey)
        .changes()
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::ChangeAttributes { object } => Some(object.guid),
            _ => None,
        })
        .collect();
    let large = survey.clone().with_canary(onramp::Canary::new(all, 40));
    let onramp = world.onramp().with_policy(std::sync::Arc::new(rules));
    let error = world.apply(&onramp, &approve_all(fixes::plan(&large))).await.unwrap_err().to_string();
    assert!(error.contains("the canary changes 40 objects, and 5 are allowed"), "{error}");
}

#[tokio::test]
async fn users_with_addresses_are_a_canary_like_those_with_a_upn_alone() {
    let mut world = plain();
    for number in 0..20 {
        let guid = add(&world, &format!("user{number}"), Some(&format!("user{number}@corp.local")));
        set(&world, &guid, "mail", &[&format!("u{number}@old.example")]);
    }
    let wanted = spec("domain = \"contoso.com\"\n[users]\naddresses = 'make-primary'\n");
    let rules = PolicyRules::default().with_canary(4, 0);
    let onramp = world.onramp().with_policy(std::sync::Arc::new(rules.clone()));
    let whole = world.plan(&wanted).await;
    let canary_spec = rules.next_canary(&wanted, &whole, &History::default()).unwrap();
    let canary = world.approved(&canary_spec).await;
    assert_eq!(canary.plan().users_changed(), 4);
    world.apply(&onramp, &canary).await.unwrap().require_complete().unwrap();
    let verification = world.verified(&canary_spec, &canary).await;
    assert!(verification.is_green(), "{verification:#?}");
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();
    let rest = world.plan(&wanted).await;
    assert!(!rules.needs_canary(&rest, &history(&world)));
    // A user of the canary gets other addresses: the canary says no more what it said.
    let changed = canary.plan().changes().iter().find_map(|planned| match &planned.change {
        Change::ChangeUser { object } => Some(object.guid),
        _ => None,
    });
    set(&world, &changed.unwrap(), "mail", &["third@contoso.com"]);
    let rest = approve_all(world.plan(&wanted).await);
    let onramp = onramp.with_history(history(&world));
    let mut journal = MemoryJournal::default();
    let error = onramp.apply_to_end(&rest, &mut journal, &world.secrets).await.unwrap_err().to_string();
    assert!(error.contains("has other addresses"), "{error}");
}
