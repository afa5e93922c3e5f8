//! New UPNs for single users: written once, whatever the key is, and only to a domain that both sides know.

use onramp::{BlockerKind, History};
use onramp_core::DomainName;

use crate::small::{
    add, blocked, build, fatal, plain, plan_users, renamed, run, set, upn_of, users, verified,
};
use crate::world::{World, spec};

async fn assert_done(world: &World, text: &str) {
    let plan = world.plan(&spec(text)).await;
    assert!(plan.is_empty(), "{text}: {:?}", plan.changes());
    assert!(plan.blockers().is_empty(), "{text}: {:?}", plan.blockers());
    let verification = world.onramp().verify(&spec(text), None, None).await.unwrap();
    assert!(verification.is_green(), "{text}: {:?}", verification.checks);
}

#[tokio::test]
async fn a_second_run_changes_nothing_whatever_the_key_is() {
    for rule in [
        "new_upn = 'from-mail'",
        "",
        "from_suffixes = ['corp.local']",
        "filter = '(userPrincipalName=*@corp.local)'",
    ] {
        for key in ["anna", r"CORP\anna", "anna.reed@corp.local", "anna@corp.local", "guid", "dn"] {
            let mut world = plain();
            let anna = add(&world, "anna", Some("anna.reed@corp.local"));
            set(&world, &anna, "mail", &["from.mail@contoso.com"]);
            let name = match key {
                "guid" => anna.to_string(),
                "dn" => world.forest.dn_of(&anna).unwrap().to_string(),
                key => key.to_owned(),
            };
            let text =
                users(&format!("only = ['anna']\n{rule}\n[users.map]\n'{name}' = 'mapped.name@contoso.com'"));
            run(&mut world, &text).await;
            assert_eq!(upn_of(&world, &anna).as_deref(), Some("mapped.name@contoso.com"), "{key} {rule}");
            Box::pin(assert_done(&world, &text)).await;
        }
    }
}

#[tokio::test]
async fn a_name_mapped_to_another_domain_stays_there() {
    for rule in ["", "filter = '(userPrincipalName=*@corp.local)'", "from_suffixes = ['corp.local']"] {
        for key in ["anna", "anna@corp.local"] {
            let mut world = build(|forest| forest, verified);
            run(&mut world, "domain = 'fabrikam.com'\n").await;
            let anna = add(&world, "anna", Some("anna@corp.local"));
            let text = users(&format!("{rule}\n[users.map]\n'{key}' = 'anna.reed@fabrikam.com'"));
            run(&mut world, &text).await;
            assert_eq!(upn_of(&world, &anna).as_deref(), Some("anna.reed@fabrikam.com"), "{key} {rule}");
            Box::pin(assert_done(&world, &text)).await;
        }
    }
}

#[tokio::test]
async fn a_chain_of_names_is_walked_once() {
    let mut world = plain();
    let one = add(&world, "one", Some("a@contoso.com"));
    let two = add(&world, "two", Some("b@contoso.com"));
    let text = users(
        "only = ['one', 'two']\n[users.map]\n'a@contoso.com' = 'b@contoso.com'\n'b@contoso.com' = 'c@contoso.com'",
    );
    let plan = world.plan(&spec(&text)).await;
    assert_eq!(renamed(&plan), ["c@contoso.com"]);
    assert!(matches!(&blocked(&plan)[0].problem, BlockerKind::Taken { holder, .. } if holder.guid == two));
    run(&mut world, &text).await;
    run(&mut world, &text).await;
    for _ in 0..2 {
        assert_eq!(upn_of(&world, &one).as_deref(), Some("b@contoso.com"));
        assert_eq!(upn_of(&world, &two).as_deref(), Some("c@contoso.com"));
        Box::pin(assert_done(&world, &text)).await;
        run(&mut world, &text).await;
    }
}

#[tokio::test]
async fn a_mistyped_beginning_of_a_chain_is_told() {
    let world = plain();
    add(&world, "one", Some("a@contoso.com"));
    add(&world, "two", Some("b@contoso.com"));
    let plan = plan_users(
        &world,
        "[users.map]\n'aa@contoso.com' = 'b@contoso.com'\n'b@contoso.com' = 'c@contoso.com'",
    )
    .await;
    assert!(fatal(&plan).iter().any(|problem| problem.contains("aa@contoso.com")), "{:?}", plan.blockers());
}

#[tokio::test]
async fn two_users_who_swap_names_are_both_named() {
    let world = plain();
    let one = add(&world, "one", Some("a@contoso.com"));
    let two = add(&world, "two", Some("b@contoso.com"));
    let plan = plan_users(&world, "[users.map]\none = 'b@contoso.com'\ntwo = 'a@contoso.com'").await;
    assert!(renamed(&plan).is_empty());
    let parties: Vec<_> = blocked(&plan).iter().map(|b| b.user.as_ref().unwrap().guid).collect();
    assert!(parties.contains(&one) && parties.contains(&two), "{parties:?}");
}

#[tokio::test]
async fn a_name_mapped_to_itself_is_no_change() {
    let world = plain();
    add(&world, "anna", Some("anna@contoso.com"));
    for target in ["anna@contoso.com", "Anna@Contoso.com"] {
        let plan = plan_users(&world, &format!("[users.map]\n'anna@contoso.com' = '{target}'")).await;
        assert!(renamed(&plan).is_empty() && plan.blockers().is_empty(), "{:?}", plan.blockers());
    }
}

#[tokio::test]
async fn a_target_must_be_on_a_domain_that_both_sides_know() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    for (target, word) in [
        ("anna@contso.com", "has not verified"),
        ("anna@corp.local", "has not verified"),
        ("anna@fabrikam.com", "does not offer"),
    ] {
        let plan = plan_users(&world, &format!("[users.map]\nanna = '{target}'")).await;
        assert!(fatal(&plan).iter().any(|problem| problem.contains(word)), "{target}: {:?}", fatal(&plan));
    }
}

#[tokio::test]
async fn a_target_on_an_internationalized_domain_is_written_as_the_tenant_holds_it() {
    let domain: DomainName = "bücher-contoso.com".parse().unwrap();
    let world = build(|forest| forest, |tenant| tenant.verified_domain(domain.clone()));
    add(&world, "anna", Some("anna@corp.local"));
    let text = "domain = 'bücher-contoso.com'\n[users.map]\nanna = 'anna.reed@BÜCHER-contoso.com'\n";
    let plan = world.plan(&spec(text)).await;
    assert_eq!(renamed(&plan), [format!("anna.reed@{}", domain.ascii())], "{:?}", plan.blockers());
}

#[tokio::test]
async fn two_spellings_of_one_name_with_two_targets_are_told() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    for other in ["ANNA", r"CORP\anna", "anna@corp.local"] {
        let plan =
            plan_users(&world, &format!("[users.map]\nanna = 'a@contoso.com'\n'{other}' = 'b@contoso.com'"))
                .await;
        assert!(renamed(&plan).is_empty(), "{other}");
        assert!(matches!(&blocked(&plan)[0].problem, BlockerKind::MappedTwice { .. }), "{other}");
        let plan =
            plan_users(&world, &format!("[users.map]\nanna = 'a@contoso.com'\n'{other}' = 'A@contoso.com'"))
                .await;
        assert_eq!(renamed(&plan).len(), 1, "{other}: {:?}", plan.blockers());
    }
}

#[tokio::test]
async fn who_has_the_target_of_another_is_not_done() {
    let mut world = build(|forest| forest, verified);
    run(&mut world, "domain = 'fabrikam.com'\n").await;
    let anna = add(&world, "anna", Some("anna@corp.local"));
    add(&world, "xaver", Some("x@fabrikam.com"));
    // Xaver has what Anna is to get, and is to move himself.
    for key in ["anna", "anna@corp.local"] {
        let plan = plan_users(&world, &format!("[users.map]\n'{key}' = 'x@fabrikam.com'")).await;
        assert_eq!(renamed(&plan), ["x@contoso.com"], "{key}");
        assert!(matches!(&blocked(&plan)[0].user, Some(user) if user.guid == anna));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_an_old_name_is_told_although_somebody_has_its_target() {
    let world = plain();
    add(&world, "boss", Some("boss@contoso.com"));
    add(&world, "anna", Some("anna@corp.local"));
    for key in ["anan", r"CORP\anan", "00000000-0000-0000-0000-000000000009"] {
        let plan = plan_users(&world, &format!("[users.map]\n'{key}' = 'boss@contoso.com'")).await;
        assert_eq!(fatal(&plan).len(), 1, "{key}");
    }
}

#[tokio::test]
async fn a_target_that_breaks_the_rules_is_told_before_and_after() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let lines = "[users.map]\n'anna@corp.local' = 'anna reed@contoso.com'";
    let plan = plan_users(&world, lines).await;
    assert!(matches!(&blocked(&plan)[0].problem, BlockerKind::BreaksEntraRules { .. }));
    set(&world, &anna, "userPrincipalName", &["anna reed@contoso.com"]);
    let plan = plan_users(&world, lines).await;
    assert!(
        matches!(&blocked(&plan)[0].problem, BlockerKind::BreaksEntraRules { .. }),
        "{:?}",
        plan.blockers()
    );
    assert_eq!(blocked(&plan)[0].present_upn.as_deref(), Some("anna reed@contoso.com"));
    run(&mut world, &users("only = ['anna']\n[users.map]\nanna = 'anna.reed@contoso.com'")).await;
    assert_eq!(upn_of(&world, &anna).as_deref(), Some("anna.reed@contoso.com"));
}

#[tokio::test]
async fn with_the_history_of_the_first_run_a_chain_needs_no_guess() {
    let mut world = plain();
    let one = add(&world, "one", Some("a@contoso.com"));
    let two = add(&world, "two", Some("b@contoso.com"));
    let text = users("[users.map]\n'a@contoso.com' = 'b@contoso.com'\n'b@contoso.com' = 'c@contoso.com'");
    run(&mut world, &text).await;
    run(&mut world, &text).await;
    assert_eq!(upn_of(&world, &one).as_deref(), Some("b@contoso.com"));
    // Who went on is gone, so that only the journal tells that `one` came from another name.
    world.forest.delete(&two).unwrap();
    let without = world.plan(&spec(&text)).await;
    assert!(without.is_blocked() && renamed(&without).is_empty(), "{:?}", without.changes());
    let mut history = History::default();
    history.add(&world.journal.records());
    let survey = world.onramp().with_history(history).survey(&spec(&text)).await.unwrap();
    let plan = onramp::plan(&spec(&text), &survey);
    assert!(renamed(&plan).is_empty() && plan.blockers().is_empty(), "{:?}", plan.blockers());
}

#[tokio::test]
async fn a_mapped_user_need_not_have_a_suffix_that_is_moved() {
    let world = plain();
    add(&world, "anna", Some("anna@fabrikam.com"));
    add(&world, "bob", Some("bob@fabrikam.com"));
    let plan =
        plan_users(&world, "from_suffixes = ['corp.local']\n[users.map]\nanna = 'a@contoso.com'").await;
    assert_eq!(renamed(&plan), ["a@contoso.com"]);
}

#[tokio::test]
async fn a_target_on_another_domain_that_breaks_the_rules_is_told_where_it_was_reached() {
    let mut world = build(|forest| forest, verified);
    run(&mut world, "domain = 'fabrikam.com'\n").await;
    let anna = add(&world, "anna", Some("anna reed@fabrikam.com"));
    let plan = plan_users(&world, "[users.map]\n'former@corp.local' = 'anna reed@fabrikam.com'").await;
    let BlockerKind::BreaksEntraRules { upn, .. } = &blocked(&plan)[0].problem else {
        panic!("{:?}", plan.blockers())
    };
    assert_eq!(upn.as_str(), "anna reed@fabrikam.com", "{anna}");
}

#[tokio::test]
async fn two_targets_of_one_user_are_told_although_it_has_one_of_them() {
    let world = plain();
    add(&world, "anna", Some("a@contoso.com"));
    let lines = "[users.map]\nanna = 'a@contoso.com'\n'CORP\\anna' = 'b@contoso.com'";
    let plan = plan_users(&world, lines).await;
    assert!(matches!(&blocked(&plan)[0].problem, BlockerKind::MappedTwice { .. }), "{:?}", plan.blockers());
    assert!(renamed(&plan).is_empty());
}

#[tokio::test]
async fn the_target_of_a_name_that_is_not_selected_selects_nobody() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "boss", Some("boss@contoso.com"));
    let lines = "only = ['anna']\n[users.map]\n'former@corp.local' = 'boss@contoso.com'";
    let plan = plan_users(&world, lines).await;
    assert_eq!(renamed(&plan), ["anna@contoso.com"]);
    let skipped = &plan.header().users_skipped;
    assert_eq!(skipped.get("has the new UPN already"), None, "{skipped:?}");
    // A name that is in both lists selects whoever got its target.
    let lines = "only = ['anna', 'former@corp.local']\n[users.map]\n'former@corp.local' = 'boss@contoso.com'";
    let plan = plan_users(&world, lines).await;
    assert_eq!(plan.header().users_skipped.get("has the new UPN already"), Some(&1), "{:?}", fatal(&plan));
}
