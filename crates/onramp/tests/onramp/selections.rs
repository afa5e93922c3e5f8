//! Selections that hang on what the plan changes: a later run recognizes its own result.

use onramp::History;

use crate::small::{add, fatal, plain, plan_users, renamed, run, set, upn_of, users};
use crate::world::spec;

#[tokio::test]
async fn a_selection_by_the_old_upn_is_recognized_afterwards() {
    for lines in [
        "filter = '(userPrincipalName=*@corp.local)'",
        "filter = '(&(sAMAccountName=anna)(userPrincipalName=*@corp.local))'",
        "filter = '(!(userPrincipalName=*@contoso.com))'\nexclude = ['Administrator', 'Guest', 'krbtgt']",
        "from_suffixes = ['corp.local']",
        "from_suffixes = ['CORP.LOCAL']",
        "only = ['anna@corp.local']",
        "only = ['Anna@corp.local']\nfilter = '(userPrincipalName=anna@corp.local)'",
    ] {
        let mut world = plain();
        let anna = add(&world, "anna", Some("anna@corp.local"));
        let text = users(lines);
        run(&mut world, &text).await;
        assert_eq!(upn_of(&world, &anna).as_deref(), Some("anna@contoso.com"), "{lines}");
        let plan = world.plan(&spec(&text)).await;
        assert!(
            plan.is_empty() && fatal(&plan).is_empty(),
            "{lines}: {:?} {:?}",
            plan.changes(),
            fatal(&plan)
        );
        let verification = world.onramp().verify(&spec(&text), None, None).await.unwrap();
        assert!(verification.is_green(), "{lines}: {:?}", verification.checks);
        // What one domain controller has not is seen, and waited for again.
        world.forest.hold_replication("dc2.corp.local").unwrap();
        world.forest.set_on("dc2.corp.local", &anna, "userPrincipalName", &["anna@corp.local"]).unwrap();
        let verification = world.onramp().verify(&spec(&text), None, None).await.unwrap();
        assert!(!verification.is_green(), "{lines}");
    }
}

#[tokio::test]
async fn a_name_that_an_earlier_run_took_is_known_from_its_journal() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("old.name@corp.local"));
    set(&world, &anna, "mail", &["anna.reed@contoso.com"]);
    add(&world, "other", Some("other@corp.local"));
    let text = users("new_upn = 'from-mail'\nonly = ['old.name@corp.local']");
    run(&mut world, &text).await;
    assert_eq!(upn_of(&world, &anna).as_deref(), Some("anna.reed@contoso.com"));
    let mut history = History::default();
    history.add(&world.journal.records());
    let survey = world.onramp().with_history(history.clone()).survey(&spec(&text)).await.unwrap();
    let plan = onramp::plan(&spec(&text), &survey);
    assert!(plan.is_empty() && plan.blockers().is_empty(), "{:?} {:?}", plan.changes(), plan.blockers());
    // Who got the old name meanwhile is the one whom it names.
    let heir = add(&world, "heir", Some("old.name@corp.local"));
    set(&world, &heir, "mail", &["heir@contoso.com"]);
    let survey = world.onramp().with_history(history).survey(&spec(&text)).await.unwrap();
    let plan = onramp::plan(&spec(&text), &survey);
    assert_eq!(renamed(&plan), ["heir@contoso.com"], "{:?}", plan.blockers());
    assert!(fatal(&plan).is_empty(), "{:?}", fatal(&plan));
}

#[tokio::test]
async fn a_name_that_is_there_goes_before_one_that_was() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "namesake", Some("anna@contoso.com"));
    let plan = plan_users(&world, "only = ['anna@corp.local']").await;
    assert!(fatal(&plan).is_empty(), "{:?}", fatal(&plan));
    assert_eq!(plan.blockers().len(), 1, "Anna is blocked by her namesake, and nobody else is touched");
}

#[tokio::test]
async fn disabled_users_are_left_out_only_if_asked() {
    let world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    add(&world, "bob", Some("bob@corp.local"));
    set(&world, &anna, "userAccountControl", &["514"]);
    assert_eq!(renamed(&plan_users(&world, "").await), ["anna@contoso.com", "bob@contoso.com"]);
    let plan = plan_users(&world, "skip_disabled = true").await;
    assert_eq!(renamed(&plan), ["bob@contoso.com"]);
    assert!(plan.skipped().iter().any(|s| s.user.guid == anna && s.reason.to_string() == "disabled account"));
    let plan = plan_users(&world, "only = ['anna']\nskip_disabled = true").await;
    assert!(plan.skipped().iter().any(|s| s.user.guid == anna));
}

#[tokio::test]
async fn accounts_of_systems_are_left_out_each_with_its_reason() {
    let world = plain();
    for account in [
        "MSOL_12ab",
        "AAD_34cd",
        "IUSR_WEB",
        "IWAM_WEB",
        "HealthMailbox01",
        "krbtgt_123",
        "machine$",
        "SUPPORT_388945a0",
    ] {
        add(&world, account, Some(&format!("{account}@corp.local")));
    }
    add(&world, "msolange", Some("msolange@corp.local"));
    // By account name alone, and by common name alone.
    let by_account = add(&world, "Synchronization", Some("s1@corp.local"));
    set(&world, &by_account, "sAMAccountName", &["MSOL_99"]);
    let by_name = add(&world, "SystemMailbox{1f05a927}", Some("s2@corp.local"));
    set(&world, &by_name, "sAMAccountName", &["SM_77"]);
    let plan = plan_users(&world, "").await;
    assert_eq!(renamed(&plan), ["msolange@contoso.com"]);
    let systems = plan.skipped().iter().filter(|s| s.reason.to_string() == "system account").count();
    assert_eq!(systems, 10, "{:?}", plan.skipped());
}

#[tokio::test]
async fn the_reasons_are_counted() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "bob", Some("bob@contoso.com"));
    add(&world, "carl", Some("carl@elsewhere.com"));
    let plan = plan_users(&world, "from_suffixes = ['corp.local']").await;
    let counts = &plan.header().users_skipped;
    assert_eq!(counts.get("has the new UPN already"), Some(&1), "{counts:?}");
    assert_eq!(counts.get("its suffix is not in `from_suffixes`"), Some(&1), "{counts:?}");
    assert_eq!(plan.header().users_read, 6, "three of them built-in");
    let plan = plan_users(&world, "only = ['anna']").await;
    assert_eq!(plan.header().users_skipped.get("not listed in `only`"), Some(&5));
    assert!(plan.skipped().is_empty());
}

#[tokio::test]
async fn verification_knows_the_names_that_the_approved_plan_took() {
    for lines in [
        "new_upn = 'from-mail'\nonly = ['old.name@corp.local']",
        "only = ['old.name@corp.local']\n[users.map]\nanna = 'a.reed@contoso.com'",
        "new_upn = 'from-mail'\nfilter = '(userPrincipalName=old.name@corp.local)'",
        "new_upn = 'from-mail'\nfrom_suffixes = ['corp.local']",
    ] {
        let mut world = plain();
        let anna = add(&world, "anna", Some("old.name@corp.local"));
        set(&world, &anna, "mail", &["a.reed@contoso.com"]);
        let spec = spec(&users(lines));
        let approved = world.approved(&spec).await;
        let onramp = world.onramp();
        world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
        assert_eq!(upn_of(&world, &anna).as_deref(), Some("a.reed@contoso.com"), "{lines}");
        let verification = onramp.verify(&spec, Some(&approved), None).await.unwrap();
        assert!(verification.is_green(), "{lines}: {:?}", verification.checks);
    }
}

#[tokio::test]
async fn relative_identifiers_below_a_thousand_are_of_built_in_accounts() {
    let world = plain();
    for (account, rid) in [("a999", 999_u32), ("b1000", 1000), ("c1001", 1001)] {
        let guid = add(&world, account, Some(&format!("{account}@corp.local")));
        let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 5];
        for part in [21, 1, 2, 3, rid] {
            sid.extend(part.to_le_bytes());
        }
        for host in world.forest.controllers() {
            world.forest.set_bytes_on(&host, &guid, "objectSid", &[&sid]).unwrap();
        }
    }
    let plan = plan_users(&world, "").await;
    assert_eq!(renamed(&plan), ["b1000@contoso.com", "c1001@contoso.com"]);
    let skipped = plan.skipped().iter().find(|s| s.user.sam_account_name == "a999").unwrap();
    assert_eq!(skipped.reason.to_string(), "built-in account");
}
