//! The UPN that is suggested for a blocked user: accepted by every rule, free, and the right one once it is in `map`.

use onramp::Plan;

use crate::small::{add, blocked, plain, plan_users, renamed, set};
use crate::world::spec;

/// The suggestion for each account name, with the account.
fn suggestions(plan: &Plan) -> Vec<(String, Option<String>)> {
    let mut all: Vec<_> = blocked(plan)
        .iter()
        .map(|blocker| {
            let name = blocker.user.as_ref().unwrap().sam_account_name.clone();
            (name, blocker.suggestion.as_ref().map(ToString::to_string))
        })
        .collect();
    all.sort();
    all
}

/// The suggestion for the only blocked user.
fn suggested(plan: &Plan) -> String {
    let all = suggestions(plan);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].1.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_blocked_user_gets_a_suggestion_that_the_next_plan_takes() {
    for (present, suggestion) in [
        ("jürgen.müller@corp.local", "juergen.mueller@contoso.com"),
        ("anna reed@corp.local", "anna.reed@contoso.com"),
        (".anna.@corp.local", "anna@contoso.com"),
        ("anna..reed@corp.local", "anna.reed@contoso.com"),
        ("anna", "anna@contoso.com"),
    ] {
        let world = plain();
        add(&world, "anna", Some(present));
        let plan = plan_users(&world, "").await;
        assert_eq!(suggested(&plan), suggestion, "{present}");
        let line = plan.blockers()[0].to_string();
        assert!(line.ends_with(&format!("; suggested: {suggestion}")), "{line}");
        let plan = plan_users(&world, &format!("[users.map]\nanna = '{suggestion}'")).await;
        assert_eq!(renamed(&plan), [suggestion]);
    }
}

#[tokio::test]
async fn the_suggestion_for_a_user_without_a_usable_mail_is_the_name_it_signs_in_with() {
    for mail in [None, Some("anna@fabrikam.com"), Some("anna reed@contoso.com")] {
        let world = plain();
        let anna = add(&world, "anna", Some("anna.reed@corp.local"));
        if let Some(mail) = mail {
            set(&world, &anna, "mail", &[mail]);
        }
        let plan = plan_users(&world, "new_upn = 'from-mail'").await;
        assert_eq!(suggested(&plan), "anna.reed@contoso.com", "{mail:?}");
    }
}

#[tokio::test]
async fn a_upn_that_somebody_has_gets_or_is_suggested_too_is_not_suggested() {
    // Somebody has it.
    let world = plain();
    add(&world, "anna", Some("anna reed@corp.local"));
    add(&world, "other", Some("anna.reed@contoso.com"));
    let none = [("anna".to_owned(), None)];
    assert_eq!(suggestions(&plan_users(&world, "").await), none);
    // Somebody gets it.
    let world = plain();
    add(&world, "anna", Some("anna reed@corp.local"));
    add(&world, "other", Some("anna.reed@corp.local"));
    assert_eq!(suggestions(&plan_users(&world, "").await), none);
    // It is a mail address of another object.
    let world = plain();
    add(&world, "anna", Some("anna reed@corp.local"));
    let other = add(&world, "other", Some("other@corp.local"));
    set(&world, &other, "proxyAddresses", &["smtp:Anna.Reed@contoso.com"]);
    assert_eq!(suggestions(&plan_users(&world, "").await), none);
    // Two users would be suggested the same.
    let world = plain();
    add(&world, "anna", Some("anna reed@corp.local"));
    add(&world, "other", Some("anna..reed@corp.local"));
    let both = [("anna".to_owned(), None), ("other".to_owned(), None)];
    assert_eq!(suggestions(&plan_users(&world, "").await), both);
}

#[tokio::test]
async fn the_upn_of_the_service_account_is_not_suggested() {
    let world = plain();
    add(&world, "anna", Some("anna reed@corp.local"));
    let account = "[service_account]\nupn = 'anna.reed@contoso.com'\n";
    let plan = world.plan(&spec(&format!("domain = 'contoso.com'\n[users]\n{account}"))).await;
    assert_eq!(suggestions(&plan), [("anna".to_owned(), None)]);
}

#[tokio::test]
async fn no_name_is_cut_and_no_letter_left_out() {
    for present in [&*format!("{}@corp.local", "a".repeat(70)), "Анна@corp.local", "@corp.local"] {
        let world = plain();
        add(&world, "anna", Some(present));
        let plan = plan_users(&world, "").await;
        assert_eq!(suggestions(&plan), [("anna".to_owned(), None)], "{present}");
        assert!(!plan.blockers()[0].to_string().contains("suggested"));
    }
}
