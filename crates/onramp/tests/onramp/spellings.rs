//! Spellings of domains and names: written in one form, compared as directories and tenants compare.

use onramp::{BlockerKind, Change};
use onramp_core::{DomainName, UpnViolation};
use onramp_lab::forest::Vendor;

use crate::small::{add, blocked, build, plain, plan_users, renamed, run, set, verified};
use crate::world::spec;

#[tokio::test]
async fn a_change_of_case_alone_is_no_change() {
    let world = plain();
    add(&world, "anna", Some("anna@contoso.com"));
    add(&world, "bob", Some("Bob@CONTOSO.com"));
    add(&world, "carl", Some("carl@corp.local"));
    let plan = world.plan(&spec("domain = 'Contoso.COM'\n[users]\n")).await;
    assert_eq!(renamed(&plan), ["carl@contoso.com"]);
    assert_eq!(plan.header().users_skipped.get("has the new UPN already"), Some(&2));
    assert!(!plan.changes().iter().any(|c| matches!(c.change, Change::AddDomain { .. })));
}

#[tokio::test]
async fn an_internationalized_domain_is_written_in_ascii_and_found_in_either_form() {
    let domain: DomainName = "bücher-contoso.com".parse().unwrap();
    let mut world = build(|forest| forest, |tenant| tenant.verified_domain(domain.clone()));
    add(&world, "anna", Some("anna@corp.local"));
    let wrong = add(&world, "bob", Some("bob@bücher-contoso.com"));
    let plan = world.plan(&spec("domain = 'bücher-contoso.com'\n[users]\n")).await;
    let wanted = [format!("anna@{}", domain.ascii()), format!("bob@{}", domain.ascii())];
    assert_eq!(renamed(&plan), wanted, "a suffix in Unicode is none that a tenant verified: {wrong}");
    // Once the forest offers one form, the other is not added.
    run(&mut world, "domain = 'bücher-contoso.com'\n").await;
    for spelling in ["bücher-contoso.com", "BÜCHER-contoso.com", domain.ascii()] {
        let plan = world.plan(&spec(&format!("domain = '{spelling}'\n"))).await;
        assert!(plan.is_empty(), "{spelling}: {:?}", plan.changes());
    }
}

#[tokio::test]
async fn a_forest_that_offers_the_unicode_form_gets_no_second_suffix() {
    let domain: DomainName = "bücher-contoso.com".parse().unwrap();
    let world = build(|forest| forest, |tenant| tenant.verified_domain(domain.clone()));
    let partitions = "CN=Partitions,CN=Configuration,DC=corp,DC=local".parse().unwrap();
    let partitions = world.forest.find(&partitions).unwrap();
    set(&world, &partitions, "uPNSuffixes", &["Bücher-Contoso.com"]);
    let plan = world.plan(&spec(&format!("domain = '{}'\n", domain.ascii()))).await;
    assert!(plan.is_empty(), "{:?}", plan.changes());
}

#[tokio::test]
async fn blanks_at_the_ends_are_not_part_of_a_name() {
    let world = plain();
    let anna = add(&world, "anna", Some("old@corp.local"));
    set(&world, &anna, "mail", &["anna.smith@contoso.com "]);
    let plan = plan_users(&world, "new_upn = 'from-mail'\nonly = ['anna']").await;
    assert_eq!(renamed(&plan), ["anna.smith@contoso.com"], "{:?}", plan.blockers());
    set(&world, &anna, "userPrincipalName", &["bob@corp.local "]);
    let reason = |plan: &onramp::Plan| {
        let change = plan.changes().iter().find(|planned| matches!(planned.change, Change::ChangeUpn { .. }));
        change.unwrap().reason.clone()
    };
    for lines in ["from_suffixes = ['corp.local']", ""] {
        let plan = plan_users(&world, lines).await;
        assert_eq!(renamed(&plan), ["bob@contoso.com"], "{lines}");
        assert_eq!(reason(&plan), "suffix replaced and blanks at the end removed");
    }
    set(&world, &anna, "userPrincipalName", &["bob@corp.local"]);
    assert_eq!(reason(&plan_users(&world, "").await), "suffix corp.local replaced");
}

#[tokio::test]
async fn mail_on_another_domain_or_none_is_told() {
    let world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let lines = "new_upn = 'from-mail'\nonly = ['anna']";
    assert_eq!(blocked(&plan_users(&world, lines).await)[0].problem, BlockerKind::NoMail);
    set(&world, &anna, "mail", &["anna@fabrikam.com"]);
    let plan = plan_users(&world, lines).await;
    assert!(
        matches!(&blocked(&plan)[0].problem, BlockerKind::MailElsewhere { mail } if mail == "anna@fabrikam.com")
    );
    set(&world, &anna, "mail", &["no address"]);
    assert!(matches!(&blocked(&plan_users(&world, lines).await)[0].problem, BlockerKind::NotAUpn { .. }));
    set(&world, &anna, "mail", &["Anna@CONTOSO.com"]);
    assert_eq!(renamed(&plan_users(&world, lines).await), ["Anna@contoso.com"]);
}

#[tokio::test]
async fn names_that_entra_refuses_are_told_and_so_are_those_that_are_there_already() {
    let world = plain();
    let anna = add(&world, "anna", None);
    for (prefix, violation) in [
        ("a..b", UpnViolation::ConsecutiveDots),
        (".ab", UpnViolation::LeadingDot),
        ("ab.", UpnViolation::TrailingDot),
        ("a b", UpnViolation::Character { character: ' ', position: 1 }),
        (" ab", UpnViolation::Character { character: ' ', position: 0 }),
        ("müller", UpnViolation::Character { character: 'ü', position: 1 }),
    ] {
        for suffix in ["corp.local", "contoso.com"] {
            set(&world, &anna, "userPrincipalName", &[&format!("{prefix}@{suffix}")]);
            let plan = plan_users(&world, "only = ['anna']").await;
            let BlockerKind::BreaksEntraRules { violations, .. } = &blocked(&plan)[0].problem else {
                panic!("{prefix}@{suffix}: {:?}", plan.blockers())
            };
            assert_eq!(violations.as_slice(), std::slice::from_ref(&violation), "{prefix}@{suffix}");
            assert!(!plan.consequences().is_empty(), "a user is left behind, and somebody accepts that");
        }
    }
    // An apostrophe is allowed.
    set(&world, &anna, "userPrincipalName", &["d.o'donnell@corp.local"]);
    assert_eq!(renamed(&plan_users(&world, "only = ['anna']").await), ["d.o'donnell@contoso.com"]);
    // Without a UPN the account name becomes the prefix.
    set(&world, &anna, "userPrincipalName", &[]);
    assert_eq!(renamed(&plan_users(&world, "only = ['anna']").await), ["anna@contoso.com"]);
    for value in ["anna", "a@b@corp.local", "@corp.local"] {
        set(&world, &anna, "userPrincipalName", &[value]);
        let plan = plan_users(&world, "only = ['anna']").await;
        assert!(matches!(&blocked(&plan)[0].problem, BlockerKind::NotAUpn { .. }), "{value}");
        assert_eq!(blocked(&plan)[0].present_upn.as_deref(), Some(value));
    }
}

#[tokio::test]
async fn letters_with_marks_are_in_the_way_of_those_without() {
    for vendor in [Vendor::Windows, Vendor::Samba] {
        let world = build(|forest| forest.vendor(vendor), verified);
        add(&world, "jose1", Some("jose@corp.local"));
        let marked = add(&world, "jose2", Some("josé@contoso.com"));
        let plan = plan_users(&world, "only = ['jose1']").await;
        assert!(
            matches!(&blocked(&plan)[0].problem, BlockerKind::Taken { holder, .. } if holder.guid == marked),
            "{:?}",
            plan.blockers()
        );
    }
    // Of two that nobody has yet, none is given.
    let world = plain();
    add(&world, "m1", Some("muller@corp.local"));
    add(&world, "m2", Some("ｍuller@corp.local"));
    let plan = plan_users(&world, "").await;
    assert!(!renamed(&plan).iter().any(|upn| upn != "muller@contoso.com"), "{:?}", renamed(&plan));
}

#[tokio::test]
async fn names_with_control_characters_are_shown_escaped() {
    let world = plain();
    let anna = add(&world, "anna", None);
    set(&world, &anna, "userPrincipalName", &["x\u{1b}[2K\u{1b}[1Aok"]);
    let plan = plan_users(&world, "only = ['anna']").await;
    let text = blocked(&plan)[0].to_string();
    assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text:?}");
}

#[tokio::test]
async fn a_forest_with_an_underscore_in_its_name_is_planned_for() {
    let world = build(|forest| forest.domain("corp_ad.local"), verified);
    let anna = add(&world, "anna", Some("anna@corp_ad.local"));
    let other = add(&world, "other", Some("o@contoso.com"));
    for lines in
        ["from_suffixes = ['corp_ad.local']", r"only = ['corp_ad\anna']", "only = ['anna@corp_ad.local']"]
    {
        let plan = plan_users(&world, lines).await;
        assert_eq!(renamed(&plan), ["anna@contoso.com"], "{lines}: {:?}", plan.blockers());
        assert!(
            plan.changes().iter().any(|c| matches!(c.change, Change::AwaitReplication { .. })),
            "{anna} {other}"
        );
    }
}
