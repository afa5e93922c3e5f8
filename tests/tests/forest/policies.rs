//! Fine-grained password policies as `samba-tool` makes them, read by an administrator and by an ordinary user.

use std::sync::Arc;
use std::time::Duration;

use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{FineGrainedPolicy, Lockout, PasswordSettings};
use onramp_core::{DistinguishedName, SystemClock};
use onramp_samba::Rights;

use crate::crowd::added;
use crate::shared::{client, client_of, forest, run};

#[test]
#[ignore = "needs root and Samba AD"]
fn policies_of_users_and_groups_bind_and_are_hidden_from_others() {
    let forest = forest();
    let [(own, own_guid), (member, member_guid), (_, free)] = added(&forest, 3).try_into().unwrap();
    let tool = |arguments: &[&str]| forest.samba_tool(0, arguments).unwrap();
    let create = |name: &str, precedence: &str, length: &str| {
        let length = format!("--min-pwd-length={length}");
        let pso =
            ["domain", "passwordsettings", "pso", "create", name, precedence, &length, "--complexity=on"];
        let lockout = ["--account-lockout-threshold=3", "--account-lockout-duration=0"];
        let rest = ["--max-pwd-age=0", "--min-pwd-age=1", "--history-length=12", "--store-plaintext=off"];
        tool(&[&pso[..], &lockout[..], &["--reset-account-lockout-after=10"], &rest[..]].concat());
    };
    create("onramp-narrow", "10", "20");
    create("onramp-wide", "2", "14");
    tool(&["group", "add", "onramp-bound"]);
    let names = format!("{},{}", own.sam_account_name, member.sam_account_name);
    tool(&["group", "addmembers", "onramp-bound", &names]);
    let apply = |policy: &str, to: &str| tool(&["domain", "passwordsettings", "pso", "apply", policy, to]);
    apply("onramp-narrow", &own.sam_account_name);
    apply("onramp-wide", "onramp-bound");

    let container = format!("CN=Password Settings Container,CN=System,{}", forest.base_dn());
    let container = DistinguishedName::parse(&container).unwrap();
    let policy = |name: &str, precedence, min_length, link: &str| {
        let mut rules = PasswordSettings::windows_default();
        (rules.min_length, rules.history_length, rules.max_age) = (min_length, 12, None);
        let window = Some(Duration::from_secs(600));
        rules.lockout = Some(Lockout { threshold: 3, window, duration: None });
        FineGrainedPolicy::new(container.child("CN", name), precedence, rules)
            .with_applies_to(vec![DistinguishedName::parse(link).unwrap()])
    };
    let group = format!("CN=onramp-bound,CN=Users,{}", forest.base_dn());
    let bound = vec![
        (own_guid, policy("onramp-narrow", 10, 20, &own.dn)),
        (member_guid, policy("onramp-wide", 2, 14, &group)),
    ];
    let ordinary = forest.add_login("policy-ordinary", Rights::Ordinary).unwrap();
    let ordinary = client_of(&forest, 0, &ordinary).build().unwrap().forest().password_policies;
    let ports = client(&forest, 0).build().unwrap().forest();
    let fixture = ForestFixture::new("policies", vec![free], PollTimeout::new(Arc::new(SystemClock::new())));
    let fixture = fixture.with_bound(bound).with_ordinary(ordinary);
    run(conformance::forest::password_policies::run(&*ports.password_policies, &*ports.suffixes, &fixture));
}
