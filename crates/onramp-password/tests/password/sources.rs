//! Policies from what directories and tenants say.

use onramp_password::{
    AdPolicy, PasswordSettings, PasswordSettingsError, TenantPasswordSettings, TenantSettingsError, resultant,
};

const DAY: i64 = 864_000_000_000;

fn attributes(changes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("cn", "Service accounts".to_owned()),
        ("objectGUID", "{A9D1CA15-7686-4E2F-9B3A-0A4F6D8C1B2E}".to_owned()),
        ("msDS-PasswordSettingsPrecedence", "10".to_owned()),
        ("msDS-PasswordReversibleEncryptionEnabled", "FALSE".to_owned()),
        ("msDS-PasswordHistoryLength", "24".to_owned()),
        ("msDS-PasswordComplexityEnabled", "TRUE".to_owned()),
        ("msDS-MinimumPasswordLength", "20".to_owned()),
        ("msDS-MinimumPasswordAge", (-DAY).to_string()),
        ("msDS-MaximumPasswordAge", i64::MIN.to_string()),
        ("msDS-LockoutThreshold", "5".to_owned()),
        ("msDS-LockoutObservationWindow", "-18000000000".to_owned()),
        ("msDS-LockoutDuration", "-18000000000".to_owned()),
        ("msDS-PSOAppliesTo", "CN=svc,CN=Users,DC=corp,DC=local".to_owned()),
        ("msDS-PSOAppliesTo", "CN=Services,CN=Users,DC=corp,DC=local".to_owned()),
        ("whenCreated", "20261122200000.0Z".to_owned()),
    ];
    for &(name, value) in changes {
        all.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            all.push((name, value.to_owned()));
        }
    }
    all
}

fn read(changes: &[(&'static str, &str)]) -> Result<PasswordSettings, PasswordSettingsError> {
    let all = attributes(changes);
    PasswordSettings::from_attributes(all.iter().map(|(name, value)| (*name, value.as_str())))
}

#[test]
fn the_attributes_of_an_object() {
    let settings = read(&[]).expect("all of them are there");
    assert_eq!(settings.name, "Service accounts");
    assert_eq!(settings.guid, "a9d1ca15-7686-4e2f-9b3a-0a4f6d8c1b2e");
    assert_eq!((settings.precedence, settings.lockout_threshold), (10, 5));
    assert_eq!((settings.lockout_window_seconds, settings.lockout_duration_seconds), (1800, Some(1800)));
    assert_eq!(settings.applies_to.len(), 2);
    let expected = AdPolicy::default().with_min_length(20).with_ages(86_400, None);
    assert_eq!(AdPolicy::from(&settings), expected);
    let json = serde_json::to_string(&settings).expect("plain data");
    assert_eq!(serde_json::from_str::<PasswordSettings>(&json).expect("what was written"), settings);
}

#[test]
fn what_is_absent_or_wrong_is_named() {
    for (name, _) in attributes(&[]) {
        if !["cn", "msDS-PSOAppliesTo", "whenCreated"].contains(&name) {
            let error = read(&[(name, "")]).expect_err(name);
            assert_eq!(error, PasswordSettingsError::Missing { attribute: name });
            let error = read(&[(name, "x")]).expect_err(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
    for (name, value) in [
        ("msDS-PasswordSettingsPrecedence", "0"),
        ("msDS-MinimumPasswordLength", "256"),
        ("msDS-PasswordHistoryLength", "1025"),
        ("msDS-MinimumPasswordAge", "864000000000"),
        ("msDS-LockoutThreshold", "65536"),
    ] {
        assert!(
            matches!(read(&[(name, value)]), Err(PasswordSettingsError::Invalid { .. })),
            "{name} {value}"
        );
    }
    let error =
        read(&[("msDS-MaximumPasswordAge", "-1")]).expect_err("shorter than the minimum age").to_string();
    assert_eq!(error, "msDS-MinimumPasswordAge is longer than msDS-MaximumPasswordAge");
    let error =
        read(&[("msDS-LockoutDuration", "-10000000")]).expect_err("shorter than the window").to_string();
    assert_eq!(error, "msDS-LockoutObservationWindow is longer than msDS-LockoutDuration");
}

#[test]
fn never_is_never() {
    let settings = read(&[("msDS-LockoutDuration", "-9223372036854775808")]).expect("until unlocked");
    assert_eq!(settings.lockout_duration_seconds, None);
    let settings = read(&[("msDS-LockoutDuration", "0")]).expect("until unlocked, too");
    assert_eq!(settings.lockout_duration_seconds, None);
    let settings = read(&[("msDS-MaximumPasswordAge", "0")]).expect("no maximum");
    assert_eq!(settings.rules.max_age_seconds, None);
}

#[test]
fn which_object_binds_a_user() {
    let settings = |precedence: &str, guid: &str, link: &str| {
        let changes = [
            ("msDS-PasswordSettingsPrecedence", precedence),
            ("objectGUID", guid),
            ("msDS-PSOAppliesTo", link),
        ];
        read(&changes).expect("well-formed")
    };
    let (a, b) = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000B");
    let (user, group) = ("CN=svc,DC=corp,DC=local", "CN=Services,DC=corp,DC=local");
    let all = [settings("10", a, user), settings("2", a, group), settings("5", a, group)];
    let bound = |groups: &[&str], all| resultant(user, groups, all).map(|one| one.precedence);
    assert_eq!(bound(&[group], &all), Some(10), "what is linked to the user wins");
    assert_eq!(bound(&[group], all.get(1..).expect("two")), Some(2), "then the lowest precedence");
    assert_eq!(bound(&[], all.get(1..).expect("two")), None, "no member, no policy");
    let upper = group.to_uppercase().replace(',', " , ");
    assert_eq!(bound(&[&upper], all.get(1..).expect("two")), Some(2), "names are compared as names");

    let tie = [settings("5", b, group), settings("5", a, group)];
    assert_eq!(
        resultant(user, &[group], &tie).map(|one| one.guid.as_str()),
        Some(a),
        "then the smallest GUID"
    );
}

#[test]
fn a_tenants_setting() {
    let settings = TenantPasswordSettings::from_values([
        ("BannedPasswordCheckOnPremisesMode", "Enforce"),
        ("EnableBannedPasswordCheckOnPremises", "True"),
        ("EnableBannedPasswordCheck", "true"),
        ("LockoutDurationInSeconds", "120"),
        ("LockoutThreshold", "7"),
        ("BannedPasswordList", "contoso\tblank\t\tFabrikam"),
        ("SomethingNew", "1"),
    ])
    .expect("well-formed");
    assert_eq!((settings.lockout_threshold, settings.lockout_seconds), (7, 120));
    let protection = settings.protection(["password"]);
    assert_eq!(protection.banned, ["password", "contoso", "blank", "Fabrikam"]);
    assert!(protection.on_premises && protection.in_cloud);

    let audit = TenantPasswordSettings::from_values([("BannedPasswordCheckOnPremisesMode", "Audit")]);
    let audit = audit.expect("well-formed").protection(Vec::<String>::new());
    assert!(!audit.on_premises, "an agent that only logs refuses nothing");
    let off = TenantPasswordSettings::from_values([("BannedPasswordList", "contoso")]).expect("well-formed");
    assert!(off.protection(Vec::<String>::new()).banned.is_empty(), "the list is not switched on");

    for (name, value) in [
        ("EnableBannedPasswordCheck", "ja"),
        ("LockoutThreshold", "-1"),
        ("BannedPasswordCheckOnPremisesMode", ""),
    ] {
        let error: TenantSettingsError =
            TenantPasswordSettings::from_values([(name, value)]).expect_err("not a value");
        assert_eq!(error.name, name);
    }
}

#[test]
fn what_the_forest_port_reads() {
    use std::time::Duration;

    use onramp_core::forest::{DomainPasswordPolicy, EffectivePasswordPolicy, PasswordRules};

    let mut rules = PasswordRules::windows_default();
    rules.min_length = 12;
    rules.max_age = None;
    rules.min_age = Duration::ZERO;
    let policy = DomainPasswordPolicy::new("corp.local".parse().expect("a name"), rules);
    let expected = AdPolicy::default().with_min_length(12).with_ages(0, None);
    assert_eq!(AdPolicy::from(&policy), expected);
    assert_eq!(AdPolicy::effective(&EffectivePasswordPolicy::Domain(policy)), Some(expected.clone()));
    let both = expected.strictest(&AdPolicy::default().with_complexity(false));
    assert_eq!(both, AdPolicy::default().with_min_length(12));
}
