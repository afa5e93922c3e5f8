//! The service account: its name in forest and tenant, and what Graph would refuse, told before anything is done.

use onramp::{BlockerKind, Consequence};
use onramp_core::DomainName;
use onramp_core::tenant::{DomainAuthentication, MfaState};
use onramp_lab::tenant::ConditionalAccess;

use crate::small::{add, build, cloud, fatal, id, ids, plain, set, verified, with_cloud};
use crate::world::{World, spec};

fn account(lines: &str) -> String {
    format!("domain = \"contoso.com\"\n{lines}\n[service_account]\nupn = \"onramp@contoso.com\"\n")
}

async fn in_the_way(world: &World, lines: &str) -> bool {
    let plan = world.plan(&spec(&account(lines))).await;
    plan.blockers()
        .iter()
        .any(|b| b.is_fatal() && matches!(b.problem, BlockerKind::ServiceAccountInForest { .. }))
}

#[tokio::test]
async fn an_object_of_the_forest_with_the_name_blocks_the_plan() {
    // It will have it.
    let world = plain();
    let user = add(&world, "onramp", Some("onramp@corp.local"));
    assert!(in_the_way(&world, "[users]").await);
    assert!(in_the_way(&world, "[users]\nonly = ['onramp']").await);
    assert!(!in_the_way(&world, "").await, "nobody gives it that name");
    assert!(!in_the_way(&world, "[users]\nexclude = ['onramp']").await);
    // It has it.
    set(&world, &user, "userPrincipalName", &["Onramp@contoso.com"]);
    assert!(in_the_way(&world, "").await);
    // It has it as primary address.
    set(&world, &user, "userPrincipalName", &["x@corp.local"]);
    for (attribute, value) in [("mail", "onramp@contoso.com"), ("proxyAddresses", "SMTP:onramp@contoso.com")]
    {
        set(&world, &user, attribute, &[value]);
        assert!(in_the_way(&world, "").await, "{attribute}");
        set(&world, &user, attribute, &[]);
    }
    assert!(!in_the_way(&world, "").await);
    // It implies it.
    let world = build(|forest| forest.domain("contoso.com"), verified);
    add(&world, "onramp", None);
    assert!(in_the_way(&world, "").await);
    // Somebody is mapped to it.
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    assert!(in_the_way(&world, "[users.map]\nanna = 'onramp@contoso.com'").await);
}

#[tokio::test]
async fn what_graph_refuses_blocks_the_plan() {
    let world = plain();
    for (lines, count) in [
        ("upn = \"sync+onramp@contoso.com\"", 1),
        ("upn = \"sync svc@contoso.com\"", 1),
        ("upn = \".sync@contoso.com\"", 1),
        ("upn = \"sync..svc@contoso.com\"", 1),
        ("upn = \"#!@contoso.com\"", 1),
        ("upn = \"jürgen@contoso.com\"", 1),
        ("upn = \"sync@contoso.com\"\nalternate_email = \"it-operations\"", 1),
        ("upn = \"sync@contoso.com\"\nalternate_email = \"jürgen@contoso.com\"", 1),
        ("upn = \"sync@contoso.com\"\nalternate_email = \"\"", 1),
        ("upn = \"sync@contoso.com\"\ndisplay_name = \"\"", 1),
        ("upn = \"sync@contoso.com\"\ndisplay_name = \"  \"", 1),
        ("upn = \"s ync@contoso.com\"\ndisplay_name = \"\"\nalternate_email = \"x\"", 3),
        ("upn = \"sync@contoso.com\"\nalternate_email = \"it+ops@contoso.com\"", 0),
    ] {
        let plan =
            world.plan(&spec(&format!("domain = \"contoso.com\"\n[service_account]\n{lines}\n"))).await;
        assert_eq!(fatal(&plan).len(), count, "{lines}: {:?}", fatal(&plan));
    }
    for (length, count) in [(256, 0), (257, 1)] {
        let name = "ä".repeat(length);
        let text = format!(
            "domain = \"contoso.com\"\n[service_account]\nupn = \"s@contoso.com\"\ndisplay_name = \"{name}\"\n"
        );
        assert_eq!(fatal(&world.plan(&spec(&text)).await).len(), count, "{length}");
    }
}

#[tokio::test]
async fn the_domain_of_the_account_must_be_managed_and_verified() {
    let federated: DomainName = "federated.com".parse().unwrap();
    let world = build(|forest| forest, |tenant| verified(tenant).federated_domain(federated.clone()));
    let plan = async |text: &str| world.plan(&spec(text)).await;
    let on = plan("domain = 'contoso.com'\n[service_account]\nupn = 'sync@federated.com'\n").await;
    assert!(matches!(on.blockers()[0].problem, BlockerKind::FederatedDomain { .. }), "{:?}", on.blockers());
    let same = plan("domain = 'federated.com'\n[service_account]\nupn = 'sync@federated.com'\n").await;
    assert!(same.is_blocked(), "{:?}", same.blockers());
    let users = plan("domain = 'federated.com'\n[users]\n").await;
    assert!(fatal(&users).is_empty(), "users of a federated domain get their UPN: {:?}", fatal(&users));
    let unknown = plan("domain = 'contoso.com'\n[service_account]\nupn = 'sync@elsewhere.com'\n").await;
    assert!(matches!(unknown.blockers()[0].problem, BlockerKind::ServiceAccountDomain { .. }));
    let odd = plan("domain = 'contoso.com'\n[service_account]\nupn = 'sync@con_toso.com'\n").await;
    assert!(odd.is_blocked());
    let initial =
        plan("domain = 'contoso.com'\n[service_account]\nupn = 'sync@contoso.onmicrosoft.com'\n").await;
    assert!(fatal(&initial).is_empty(), "{:?}", fatal(&initial));
    // The custom domain may have been added as a federated one, and is not verified yet.
    let world = build(|forest| forest, |tenant| tenant);
    world.tenant.tenant().domains.add(&"contoso.com".parse().unwrap()).await.unwrap();
    for (upn, problems) in [
        ("sync@contoso.com", &["federated"][..]),
        ("sync@contoso.onmicrosoft.com", &[]),
        ("sync@elsewhere.com", &["not verified"]),
    ] {
        let text = spec(&format!("domain = 'contoso.com'\n[service_account]\nupn = '{upn}'\n"));
        let mut survey = world.onramp().survey(&text).await.unwrap();
        survey.domain.custom.as_mut().unwrap().authentication = DomainAuthentication::Federated;
        let found = fatal(&onramp::plan(&text, &survey));
        assert_eq!(found.len(), problems.len(), "{upn}: {found:?}");
        assert!(found.iter().zip(problems).all(|(found, problem)| found.contains(problem)), "{found:?}");
    }
}

#[tokio::test]
async fn an_account_on_an_internationalized_domain_is_made_as_the_tenant_holds_it() {
    let domain: DomainName = "bücher-contoso.com".parse().unwrap();
    let world = build(|forest| forest, |tenant| tenant.verified_domain(domain.clone()));
    let text = "domain = 'bücher-contoso.com'\n[service_account]\nupn = 'sync@bücher-contoso.com'\n";
    let plan = world.plan(&spec(text)).await;
    assert!(fatal(&plan).is_empty(), "{:?}", fatal(&plan));
    assert!(
        ids(&plan).contains(&format!("service-account-created:sync@{}", domain.ascii())),
        "{:?}",
        ids(&plan)
    );
}

#[tokio::test]
async fn a_policy_that_would_stop_the_account_is_told() {
    let policies = |tenant: onramp_lab::tenant::LabTenantBuilder| {
        verified(tenant).conditional_access(ConditionalAccess::require_mfa("MFA for all"))
    };
    let world = build(|forest| forest, policies);
    let plan = world.plan(&spec(&account(""))).await;
    let named = id(&plan, "sign-in-hindered:onramp@contoso.com:");
    let members = plan.consequences().iter().find(|c| c.id() == named).unwrap().members();
    assert!(members[0].contains("MFA for all") && members[0].contains("second factor"), "{members:?}");
    let world = build(|forest| forest, |tenant| verified(tenant).security_defaults(true));
    let plan = world.plan(&spec(&account(""))).await;
    assert_ne!(id(&plan, "sign-in-hindered:"), named);
    let none = plain().plan(&spec(&account(""))).await;
    assert!(!ids(&none).iter().any(|id| id.starts_with("sign-in-hindered")));
}

#[tokio::test]
async fn what_is_known_of_a_second_factor_is_told_and_so_is_what_is_not() {
    let mut world = plain();
    let text = spec(&account(""));
    let policy = |name: &str, demand: &str, conditional: bool| serde_json::json!({ "id": name, "name": name, "demand": demand, "conditional": conditional });
    let policies =
        [policy("A", "second-factor", false), policy("B", "block", true), policy("C", "other", false)];
    let named = [
        "security defaults",
        "the conditional access policy \"A\", which asks for a second factor",
        "the conditional access policy \"B\", which blocks the sign-in under some conditions",
        "the conditional access policy \"C\", which asks for what a program does not have",
    ];
    let told = |survey: &onramp::Survey| {
        let plan = onramp::plan(&text, survey);
        let blocked = plan.consequences().iter().filter(|c| matches!(c, Consequence::SignInBlocked { .. }));
        (blocked.flat_map(Consequence::members).collect::<Vec<_>>(), plan.warnings().join("; "))
    };
    let (all, some, nothing) =
        ("may not be read: whether onramp@contoso.com", "not everything that decides", "");
    let survey = world.onramp().survey(&text).await.unwrap();
    for (defaults, policies, members, warning) in [
        (Some(false), Some(&policies[..0]), &named[..0], nothing),
        (Some(true), Some(&policies[..0]), &named[..1], nothing),
        (Some(false), Some(&policies[..]), &named[1..], nothing),
        (Some(true), Some(&policies[..]), &named[..], nothing),
        (None, Some(&policies[..1]), &named[1..2], some),
        (Some(true), None, &named[..1], some),
        (None, None, &named[..0], some),
    ] {
        let mut survey = survey.clone();
        let factor =
            serde_json::json!({ "per_user": null, "security_defaults": defaults, "policies": policies });
        survey.service_account.as_mut().unwrap().second_factor = serde_json::from_value(factor).unwrap();
        let (found, warnings) = told(&survey);
        assert_eq!(found, members, "{defaults:?} {policies:?}");
        assert!(warnings.contains(warning) && warnings.is_empty() == warning.is_empty(), "{warnings}");
    }
    let mut hidden = survey;
    hidden.service_account.as_mut().unwrap().second_factor = None;
    let (found, warnings) = told(&hidden);
    assert!(found.is_empty() && warnings.contains(all), "{found:?} {warnings}");
    // Nothing is to be done for an account that is complete, and nothing is to be accepted.
    crate::small::run(&mut world, &account("")).await;
    let mut done = world.onramp().survey(&text).await.unwrap();
    done.service_account.as_mut().unwrap().second_factor = None;
    let plan = onramp::plan(&text, &done);
    assert!(plan.is_empty() && plan.warnings().is_empty(), "{:?} {:?}", plan.changes(), plan.warnings());
}

#[tokio::test]
async fn taking_an_account_over_shows_what_it_is_and_binds_to_it() {
    let admin = onramp_core::tenant::RoleTemplateId::by_name("Global Administrator").unwrap();
    let plain_one = with_cloud([cloud("onramp@contoso.com")]);
    let with_role = with_cloud([cloud("onramp@contoso.com").with_role(admin)]);
    let disabled = with_cloud([cloud("onramp@contoso.com").disabled()]);
    let mut seen = std::collections::HashSet::new();
    for world in [&plain_one, &with_role, &disabled] {
        let plan = world.plan(&spec(&account(""))).await;
        assert!(seen.insert(id(&plan, "account-taken-over:onramp@contoso.com:")), "{seen:?}");
    }
    let plan = with_role.plan(&spec(&account(""))).await;
    let taken =
        plan.consequences().iter().find(|c| matches!(c, Consequence::AccountTakenOver { .. })).unwrap();
    assert!(taken.to_string().contains("Global Administrator today"), "{taken}");
    let plan = disabled.plan(&spec(&account(""))).await;
    let taken =
        plan.consequences().iter().find(|c| matches!(c, Consequence::AccountTakenOver { .. })).unwrap();
    assert!(taken.to_string().contains("disabled now"), "{taken}");
    // The order in which it is opened: password, second factor, mail, then enabled, proven and given roles.
    let tenant = disabled.tenant.tenant();
    let user = tenant.users.find(&"onramp@contoso.com".parse().unwrap()).await.unwrap().unwrap();
    tenant.sign_in.set_mfa_state(&user.id, MfaState::Enforced).await.unwrap();
    let plan = disabled.plan(&spec(&format!("{}alternate_email = 'it@contoso.com'\n", account("")))).await;
    let steps: Vec<String> = plan.changes().iter().map(|planned| planned.change.to_string()).collect();
    let words = ["strong password", "MFA", "alternate e-mail", "enable", "test the sign-in", "the role"];
    let places: Vec<usize> =
        words.iter().map(|word| steps.iter().position(|step| step.contains(word)).unwrap()).collect();
    assert!(places.is_sorted(), "{steps:?}");
    assert!(ids(&plan).contains(&"mfa-switched-off:onramp@contoso.com".to_owned()));
}
